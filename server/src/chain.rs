//! The chain of an installation's signed batches: what came is kept as it was signed, gaps are seen and asked for, forks raise an
//! alarm and lose nothing.

use doorstep_domain::{BatchHash, InstallId, UnixMs};
use doorstep_protocol::{Ack, Link, Spoken};
use rusqlite::{OptionalExtension, params};

use crate::{
    enrol::Device,
    error::ApiError,
    ingest::Taken,
    keys::Keys,
    link::{self, Entry},
    store::tx::Tx,
    verify::Verified,
};

/// How many missing batches an answer asks for at most.
const MOST_RESENT: usize = 64;

/// One installation, two stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// Another batch came under this number.
    SameNumber,
    /// It follows another batch than the one that came before it.
    OtherPredecessor,
    /// The device knows less of its own chain than the server: a backup was restored.
    Behind,
}

impl Alarm {
    fn as_str(self) -> &'static str {
        match self {
            Self::SameNumber => "same_number",
            Self::OtherPredecessor => "other_predecessor",
            Self::Behind => "behind",
        }
    }
}

/// The verdicts on a batch that came before, byte for byte the same.
pub(crate) fn verdicts_of(db: &Tx<'_>, install: &InstallId, number: u64, hash: &BatchHash) -> Result<Option<Ack>, ApiError> {
    let ack: Option<Vec<u8>> = db
        .prepare_cached("SELECT ack FROM envelope WHERE install = ?1 AND number = ?2 AND hash = ?3")?
        .query_row(params![install.as_bytes(), number, hash.as_bytes()], |row| row.get(0))
        .optional()?;
    ack.map(|ack| doorstep_protocol::decode(&ack).map_err(|_| ApiError::Internal("stored verdicts"))).transpose()
}

/// Whether a batch that came before broke its chain: its device asks again because an answer was lost, and is told again.
pub(crate) fn is_forked_batch(db: &Tx<'_>, batch: &Verified) -> Result<bool, ApiError> {
    Ok(db
        .prepare_cached("SELECT forks FROM envelope WHERE install = ?1 AND number = ?2 AND hash = ?3")?
        .query_row(params![batch.install.as_bytes(), batch.number, batch.hash.as_bytes()], |row| row.get(0))?)
}

/// Whether a new batch continues the chain.
pub(crate) fn examine(db: &Tx<'_>, batch: &Verified) -> Result<Option<Alarm>, ApiError> {
    if !hashes(db, &batch.install, batch.number)?.is_empty() {
        return Ok(Some(Alarm::SameNumber));
    }
    let before = if batch.number == 1 { vec![BatchHash::NONE] } else { hashes(db, &batch.install, batch.number - 1)? };
    if !before.is_empty() && !before.contains(&batch.prev) {
        return Ok(Some(Alarm::OtherPredecessor));
    }
    // A batch that fills a gap must be the one that its successor names.
    let after: Option<Vec<u8>> = db
        .prepare_cached("SELECT prev FROM envelope WHERE install = ?1 AND number = ?2")?
        .query_row(params![batch.install.as_bytes(), batch.number + 1], |row| row.get(0))
        .optional()?;
    Ok(after.filter(|prev| prev != batch.hash.as_bytes()).map(|_| Alarm::OtherPredecessor))
}

/// What a request that pushes nothing says of its chain: whether its store is behind what this server has of it.
pub(crate) fn examine_end(db: &Tx<'_>, install: &InstallId, end: Option<Link>) -> Result<Option<Alarm>, ApiError> {
    let newest: u64 = newest(db, install)?;
    let Some(end) = end else { return Ok((newest > 0).then_some(Alarm::Behind)) };
    let known = hashes(db, install, end.batch)?;
    if !known.is_empty() && !known.contains(&end.hash) {
        return Ok(Some(Alarm::SameNumber));
    }
    Ok((newest > end.batch).then_some(Alarm::Behind))
}

/// Batches of an installation that never arrived, the oldest first.
pub(crate) fn missing(db: &Tx<'_>, install: &InstallId, end: Option<Link>) -> Result<Vec<u64>, ApiError> {
    let newest = newest(db, install)?.max(end.map_or(0, |end| end.batch));
    let mut query = db.prepare_cached(
        "SELECT number FROM envelope INDEXED BY envelope_numbers WHERE install = ?1 UNION SELECT number FROM sent_again WHERE install = ?1 ORDER BY number",
    )?;
    let known = query.query_map(params![install.as_bytes()], |row| row.get::<_, u64>(0))?;
    let mut missing = Vec::new();
    let mut expected = 1;
    for number in known {
        let number = number?;
        missing.extend((expected..number).take(MOST_RESENT.saturating_sub(missing.len())));
        expected = number + 1;
    }
    missing.extend((expected..=newest).take(MOST_RESENT.saturating_sub(missing.len())));
    Ok(missing)
}

fn newest(db: &Tx<'_>, install: &InstallId) -> Result<u64, ApiError> {
    Ok(db
        .prepare_cached("SELECT coalesce(max(number), 0) FROM envelope WHERE install = ?1")?
        .query_row(params![install.as_bytes()], |row| row.get(0))?)
}

fn hashes(db: &Tx<'_>, install: &InstallId, number: u64) -> Result<Vec<BatchHash>, ApiError> {
    let mut query = db.prepare_cached("SELECT hash FROM envelope WHERE install = ?1 AND number = ?2")?;
    let rows = query.query_map(params![install.as_bytes(), number], |row| row.get::<_, Vec<u8>>(0))?;
    rows.map(|row| BatchHash::try_from(row?.as_slice()).map_err(|_| ApiError::Internal("envelope row"))).collect()
}

/// Raises the alarm: for head office to see, and so that the installation's feeds leave nothing out any more.
pub(crate) fn raise(
    db: &Tx<'_>,
    device: &Device,
    install: &InstallId,
    number: u64,
    alarm: Alarm,
    now: UnixMs,
) -> Result<(), ApiError> {
    let known = db
        .prepare_cached("SELECT 1 FROM fork WHERE install = ?1 AND number = ?2 AND what = ?3 AND seen_at IS NULL")?
        .exists(params![install.as_bytes(), number, alarm.as_str()])?;
    if !known {
        db.prepare_cached("INSERT INTO fork (install, device, number, what, at) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![install.as_bytes(), device.id.as_bytes(), number, alarm.as_str(), now.0])?;
    }
    db.prepare_cached("UPDATE install SET forked_at = coalesce(forked_at, ?2) WHERE install = ?1")?
        .execute(params![install.as_bytes(), now.0])?;
    Ok(())
}

/// Keeps a batch as it was signed, with its verdicts, which the server vouches for. `kept`: see [`link::Kept`].
pub(crate) fn keep(
    db: &Tx<'_>,
    batch: &Verified,
    device: &Device,
    taken: &Taken,
    (keys, kept, now): (&Keys, [u8; 32], UnixMs),
) -> Result<(), ApiError> {
    let ack = doorstep_protocol::encode(&taken.ack)?;
    let verdicts = Entry::Verdicts {
        install: *batch.install.as_bytes(),
        number: batch.number,
        hash: *batch.hash.as_bytes(),
        ack: link::sha(&ack),
        kept,
    };
    let link = link::append(db, keys, &verdicts, now)?;
    db.prepare_cached(
        "INSERT INTO envelope (install, number, hash, prev, device, person, wall_ms, mono_ms, boot, sig, received_at, body, ack, forks,
           version, sending, complete, link)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
    )?
    .execute(params![
        batch.install.as_bytes(),
        batch.number,
        batch.hash.as_bytes(),
        batch.prev.as_bytes(),
        device.id.as_bytes(),
        batch.user,
        batch.clock.wall.0,
        batch.clock.mono_ms,
        batch.clock.boot.0.as_slice(),
        batch.signed.sig,
        now.0,
        doorstep_protocol::seal(&batch.signed.body)?,
        ack,
        taken.forked,
        if batch.signed.version == Spoken::Version3 { 3 } else { 2 },
        batch.signed.sending,
        batch.signed.is_complete(),
        link
    ])?;
    for number in &batch.again {
        db.prepare_cached("INSERT OR IGNORE INTO sent_again (install, number) VALUES (?1, ?2)")?
            .execute(params![batch.install.as_bytes(), number])?;
    }
    Ok(())
}
