//! The chain of an installation's signed batches: what came is kept as it was signed, gaps are seen and asked for, forks raise an
//! alarm and lose nothing.

use doorstep_domain::{BatchHash, Digest, InstallId, UnixMs};
use doorstep_protocol::{Ack, Link, Spoken};

use crate::{
    enrol::Device,
    error::ApiError,
    keys::Keys,
    link::{self, Entry},
    store::{
        chains::{self, Envelope},
        tx::Tx,
    },
    verify::Verified,
};

/// How many missing batches an answer asks for at most.
const MOST_RESENT: usize = 64;

/// What taking a batch gave.
pub(crate) struct Taken {
    pub ack: Ack,
    /// The leaves of its receipts, a document each: what version 3 signs.
    pub leaves: Vec<Digest>,
    /// The chain is broken: the store is a clone or was restored.
    pub forked: bool,
}

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
pub(crate) fn verdicts_of(tx: &Tx<'_>, install: &InstallId, number: u64, hash: &BatchHash) -> Result<Option<Ack>, ApiError> {
    let ack = chains::verdicts(tx, install, number, hash)?;
    ack.map(|ack| doorstep_protocol::decode(&ack).map_err(|_| ApiError::Internal("stored verdicts"))).transpose()
}

/// Whether a batch that came before broke its chain: its device asks again because an answer was lost, and is told again.
pub(crate) fn is_forked_batch(tx: &Tx<'_>, batch: &Verified) -> Result<bool, ApiError> {
    Ok(chains::forks(tx, &batch.install, batch.number, &batch.hash)?)
}

/// Whether a new batch continues the chain.
pub(crate) fn examine(tx: &Tx<'_>, batch: &Verified) -> Result<Option<Alarm>, ApiError> {
    if !chains::hashes(tx, &batch.install, batch.number)?.is_empty() {
        return Ok(Some(Alarm::SameNumber));
    }
    let before = if batch.number == 1 { vec![BatchHash::NONE] } else { chains::hashes(tx, &batch.install, batch.number - 1)? };
    if !before.is_empty() && !before.contains(&batch.prev) {
        return Ok(Some(Alarm::OtherPredecessor));
    }
    // A batch that fills a gap must be the one that its successor names.
    let after = chains::prev(tx, &batch.install, batch.number + 1)?;
    Ok(after.filter(|prev| prev != batch.hash.as_bytes()).map(|_| Alarm::OtherPredecessor))
}

/// What a request that pushes nothing says of its chain: whether its store is behind what this server has of it.
pub(crate) fn examine_end(tx: &Tx<'_>, install: &InstallId, end: Option<Link>) -> Result<Option<Alarm>, ApiError> {
    let newest = chains::newest(tx, install)?;
    let Some(end) = end else { return Ok((newest > 0).then_some(Alarm::Behind)) };
    let known = chains::hashes(tx, install, end.batch)?;
    if !known.is_empty() && !known.contains(&end.hash) {
        return Ok(Some(Alarm::SameNumber));
    }
    Ok((newest > end.batch).then_some(Alarm::Behind))
}

/// Batches of an installation that never arrived, the oldest first.
pub(crate) fn missing(tx: &Tx<'_>, install: &InstallId, end: Option<Link>) -> Result<Vec<u64>, ApiError> {
    let newest = chains::newest(tx, install)?.max(end.map_or(0, |end| end.batch));
    let mut missing = Vec::new();
    let mut expected = 1;
    chains::each_number(tx, install, |number| {
        missing.extend((expected..number).take(MOST_RESENT.saturating_sub(missing.len())));
        expected = number + 1;
    })?;
    missing.extend((expected..=newest).take(MOST_RESENT.saturating_sub(missing.len())));
    Ok(missing)
}

/// Raises the alarm: for head office to see, and so that the installation's feeds leave nothing out any more.
pub(crate) fn raise(
    tx: &Tx<'_>,
    device: &Device,
    install: &InstallId,
    number: u64,
    alarm: Alarm,
    now: UnixMs,
) -> Result<(), ApiError> {
    chains::raise_fork(tx, &device.id, (install, number), alarm.as_str(), now)?;
    chains::mark_forked(tx, install, now)?;
    Ok(())
}

/// Keeps a batch as it was signed, with its verdicts, which the server vouches for. `kept`: see [`link::Kept`].
pub(crate) fn insert(
    tx: &Tx<'_>,
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
    let link = link::append(tx, keys, &verdicts, now)?;
    let envelope = Envelope {
        install: batch.install,
        number: batch.number,
        hash: batch.hash,
        prev: batch.prev,
        device: device.id,
        person: &batch.user,
        clock: batch.clock,
        sig: &batch.signed.sig,
        received_at: now,
        body: &doorstep_protocol::seal(&batch.signed.body)?,
        ack: &ack,
        forks: taken.forked,
        version: if batch.signed.version == Spoken::Version3 { 3 } else { 2 },
        sending: &batch.signed.sending,
        complete: batch.signed.is_complete(),
        link,
    };
    chains::insert(tx, &envelope)?;
    for number in &batch.again {
        chains::note_sent_again(tx, &batch.install, *number)?;
    }
    Ok(())
}
