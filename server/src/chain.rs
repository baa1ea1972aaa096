//! The chain of an installation's signed batches. Batches are stored as they were signed, missing ones are asked for, and a fork
//! raises an alarm and loses nothing.

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

/// The result of admitting a batch.
pub(crate) struct Taken {
    pub ack: Ack,
    /// The leaves of the batch's receipts, one for each document. Version 3 signs them.
    pub leaves: Vec<Digest>,
    /// The chain is forked: the device's store is a clone or was restored.
    pub forked: bool,
}

/// Why one installation seems to have two stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// A different batch with this number came before.
    SameNumber,
    /// The batch names another predecessor than the stored one.
    OtherPredecessor,
    /// The device knows less of its own chain than the server, so a backup was restored.
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

/// The verdicts on a batch that came before, byte for byte as they were first answered.
pub(crate) fn verdicts_of(tx: &Tx<'_>, install: &InstallId, number: u64, hash: &BatchHash) -> Result<Option<Ack>, ApiError> {
    let ack = chains::verdicts(tx, install, number, hash)?;
    ack.map(|ack| doorstep_protocol::decode(&ack).map_err(|_| ApiError::Internal("stored verdicts"))).transpose()
}

/// Whether a batch that came before forked its chain. The device sends it again when an answer was lost, and needs the fork in
/// the new answer too.
pub(crate) fn is_forked_batch(tx: &Tx<'_>, batch: &Verified) -> Result<bool, ApiError> {
    Ok(chains::forks(tx, &batch.install, batch.number, &batch.hash)?)
}

/// Checks that a new batch continues its chain.
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

/// Checks the chain's end as a request without a batch names it: a device whose store is behind the server raises an alarm.
pub(crate) fn examine_end(tx: &Tx<'_>, install: &InstallId, end: Option<Link>) -> Result<Option<Alarm>, ApiError> {
    let newest = chains::newest(tx, install)?;
    let Some(end) = end else { return Ok((newest > 0).then_some(Alarm::Behind)) };
    let known = chains::hashes(tx, install, end.batch)?;
    if !known.is_empty() && !known.contains(&end.hash) {
        return Ok(Some(Alarm::SameNumber));
    }
    Ok((newest > end.batch).then_some(Alarm::Behind))
}

/// The batches of an installation that never arrived, oldest first.
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

/// Raises a fork alarm for head office. The installation's feeds then include its own changes again.
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

/// Stores a batch as it was signed, with its verdicts and a link that vouches for them. `kept`: see [`link::Kept`].
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
