//! The audit of one batch: its signature, its columns, its verdicts, and the changes that it brought.

use doorstep_document::Change;
use doorstep_domain::{CaseId, ChangeHash, DeviceId, FactsCheck, InstallId, Receipt, ReceiptParts, Reckoning, UnixMs};
use doorstep_protocol::{
    Ack, AckCase, RefusalCode, Sending, Verdict, decode,
    signing::{is_signed, receipt_hash},
    unpack_verdicts,
};

use super::{
    fault::{Fault, Wrong},
    look::{self, Look, Place, entry, row_name},
    opened::{Doc, Opened, open},
};
use crate::{
    case_log::mono_of,
    devices::signed_message,
    error::ApiError,
    link::{self, Entry, Kept},
    store::{
        log_batches::{self, BatchRow},
        log_rows::{self, Stored, readable},
        tx::Tx,
    },
};

/// How many batches a page holds.
const BATCHES: usize = 16;

impl BatchRow {
    /// Whether the device signed the batch, and the columns repeat the signed values.
    fn is_signed(&self, opened: &Opened) -> bool {
        let Some(key) = &self.key else { return false };
        let header = &opened.header;
        let is_complete = match self.version {
            2 => false,
            _ => decode::<Sending>(&self.sending).is_ok_and(|sending| sending.rest.is_empty()),
        };
        is_signed(key, &signed_message(self.version, &opened.body, self.sending.clone(), &self.clock), &self.sig)
            && DeviceId::of(key).as_bytes() == self.device.as_slice()
            && header.batch == self.number
            && header.prev.as_bytes() == self.prev.as_slice()
            && header.user == self.person
            && header.install.as_bytes() == self.install.as_slice()
            && opened.hash.as_bytes() == self.hash.as_slice()
            && self.complete == is_complete
    }

    fn fault(&self, wrong: Wrong) -> Fault {
        let install = InstallId::try_from(self.install.as_slice()).ok();
        Fault { install, batch: Some(self.number), link: self.link, ..Fault::of(wrong) }
    }
}

impl Look {
    /// Checks batches against their signatures and their changes. Returns where the next page begins, `None` at the end.
    pub(super) fn some_batches(&mut self, tx: &Tx<'_>, mut after: log_batches::Key) -> Result<Option<Place>, ApiError> {
        for _ in 0..BATCHES {
            let Some((key, row)) = log_batches::next(tx, &after)? else { return Ok(None) };
            match row {
                Some(row) => self.batch(tx, &row)?,
                None => {
                    let (install, number, hash) = &key;
                    self.wrong(Fault {
                        install: InstallId::try_from(install.as_slice()).ok(),
                        batch: u64::try_from(*number).ok(),
                        row: Some(row_name("envelope", &[install, hash], Some(*number))),
                        ..Fault::of(Wrong::Unreadable)
                    });
                }
            }
            after = key;
        }
        Ok(Some(Place::Batches(after)))
    }

    fn batch(&mut self, tx: &Tx<'_>, row: &BatchRow) -> Result<(), ApiError> {
        if row.link.is_none() {
            self.batches.batch(&row.install, row.number, &row.hash, &row.ack);
        }
        let opened = open(row.version, &row.body);
        if let (Some(only), Some(opened)) = (&self.only, &opened)
            && opened.docs.iter().all(|doc| doc.case != *only)
        {
            return Ok(());
        }
        self.looked.batches += 1;
        let Some(opened) = opened.filter(|opened| row.is_signed(opened)) else {
            // The changes of an altered batch are not checked here: the audit of changes finds that they stand in no batch.
            self.wrong(row.fault(Wrong::BatchAltered));
            return Ok(());
        };
        self.follows(tx, row)?;
        let Ok(ack) = decode::<Ack>(&row.ack) else {
            self.wrong(row.fault(Wrong::VerdictsAltered));
            return Ok(());
        };
        let mut kept = Kept::default();
        let mut says = ack.batch == row.number
            && ack.install.as_bytes() == row.install.as_slice()
            && ack.hash.as_bytes() == row.hash.as_slice()
            && ack.received_ms == row.received_at
            && ack.cases.len() == opened.docs.len();
        for (doc, answer) in opened.docs.iter().zip(&ack.cases) {
            says &= answer.case.is_none_or(|case| case.0 == doc.case);
            self.doc(tx, row, (doc, answer), &mut kept)?;
        }
        match row.link {
            None => {
                self.looked.batches_before += 1;
                if self.batches.count > self.before.batches {
                    self.wrong(row.fault(Wrong::BatchUnvouched));
                }
            }
            Some(number) => match entry(tx, number)? {
                Some(Entry::Verdicts { install, number, hash, ack, kept: signed })
                    if install == row.install.as_slice() && number == row.number && hash == row.hash.as_slice() =>
                {
                    says &= ack == link::sha(&row.ack) && signed == kept.digest();
                }
                _ => self.wrong(row.fault(Wrong::BatchUnvouched)),
            },
        }
        if !says {
            self.wrong(row.fault(Wrong::VerdictsAltered));
        }
        Ok(())
    }

    /// Checks that a batch follows the one before it. A fork that was found on arrival has left two batches.
    fn follows(&mut self, tx: &Tx<'_>, row: &BatchRow) -> Result<(), ApiError> {
        let before = log_batches::of_number(tx, &row.install, row.number.saturating_sub(1), &row.prev)?;
        let is_first = row.number == 1 && row.prev == [0; 32];
        if before.count == 0 && row.number > 1 {
            self.looked.gaps += 1;
        } else if !(before.has_hash || is_first || before.forks || row.forks) {
            self.wrong(row.fault(Wrong::BatchMisplaced));
        }
        Ok(())
    }

    /// Checks a batch's changes of one document against the stored ones.
    fn doc(&mut self, tx: &Tx<'_>, row: &BatchRow, (doc, answer): (&Doc, &AckCase), kept: &mut Kept) -> Result<(), ApiError> {
        let Some(changes) = doc.changes() else { return Ok(()) };
        let read = |bytes: &Vec<u8>| Change::read(doc.document(), bytes).ok();
        let changes: Vec<_> = changes.into_iter().map(|(hash, bytes)| (hash, read(&bytes), bytes)).collect();
        let monos: Vec<u64> = changes.iter().map(|(_, read, _)| read.as_ref().map_or(0, mono_of)).collect();
        let base = decode::<Ack>(&row.ack).map_or(UnixMs(row.received_at), |ack| UnixMs(ack.received_ms));
        let verdicts = unpack_verdicts(base, &answer.rows, &answer.quarantined, &monos);
        let stored = log_rows::stored(tx, &doc.case, &changes.iter().map(|(hash, ..)| *hash).collect::<Vec<_>>())?;
        for ((at, (hash, read, bytes)), verdict) in changes.iter().enumerate().zip(verdicts) {
            let wrong = match &verdict {
                Verdict::Ok(receipt) | Verdict::Dup(receipt) => {
                    let is_first = matches!(verdict, Verdict::Ok(_));
                    let found = stored.get(hash);
                    if let Some(Some(found)) = found.filter(|_| is_first) {
                        kept.taken(&doc.case, hash, found.n);
                    }
                    let is_of_version_2 = row.link.is_none() && answer.rows.get(at).is_some_and(|row| *row == row.in_version_2());
                    let receipt = if is_of_version_2 { completed(receipt) } else { *receipt };
                    match found {
                        None => Some(Wrong::ChangeMissing),
                        // The stored change can not be read.
                        Some(None) => Some(Wrong::ChangeAltered),
                        Some(Some(found)) if is_first && !found.is(row, bytes, read.as_ref()) => Some(Wrong::ChangeAltered),
                        Some(Some(found)) if receipt != found.receipt => Some(Wrong::ReceiptAltered),
                        Some(Some(_)) => None,
                    }
                }
                Verdict::Quarantined(why) => {
                    let of = (row.install.as_slice().try_into().unwrap_or([0; 16]), row.number);
                    // A refused change that can not be read has been altered.
                    readable(kept.quarantined(tx, (&doc.case, hash), (&of.0, of.1)))?;
                    refused(tx, (&doc.case, hash, bytes), why, row)?
                }
                Verdict::Pend => None,
            };
            if let Some(wrong) = wrong {
                let waybill = match look::waybill(tx, &doc.case)? {
                    Some(waybill) => Some(waybill),
                    // The case's row is gone, but the signed change may name the waybill.
                    None => read
                        .as_ref()
                        .and_then(|change| change.entries().iter().find_map(|entry| entry.facts.as_ref()))
                        .map(|facts| facts.waybill.to_string()),
                };
                self.wrong(Fault { case: Some(doc.case), waybill, change: Some(*hash), ..row.fault(wrong) });
            }
        }
        Ok(())
    }
}

/// A receipt that version 2 gave, completed as the migration to version 3 completed its stored copy (`0002_version_3.sql`).
fn completed(answered: &Receipt) -> Receipt {
    let parts = answered.parts();
    let gap = parts.acted_at.filter(|_| !answered.acted.foreign_anchor).map(|at| {
        let slack = i64::from(parts.slack_ms);
        (at.plus(-slack), at.plus(slack).min(parts.received_at))
    });
    let parts = ReceiptParts { from: gap.map(|(from, _)| from), until: gap.map(|(_, until)| until), ..parts };
    let receipt = Receipt::from_parts(parts);
    let acted = Reckoning { anchored: gap.is_some(), ..receipt.acted };
    Receipt { acted, facts: FactsCheck::Equal, ..receipt }
}

impl Stored {
    /// Whether the columns repeat the change. `is_before`: the change is older than version 3, when the columns held no person
    /// and no boot.
    fn repeats(&self, change: &Change, is_before: bool) -> bool {
        let first = change.entries().first();
        let says_who = self.person == first.map_or("", |entry| entry.author.user.as_str())
            && self.boot == first.map_or(&[] as &[u8], |entry| &entry.time.boot.0);
        self.install == change.install().as_bytes()
            && (self.seq, self.max_op, self.mono_ms) == (change.seq(), change.max_op(), mono_of(change))
            && (says_who || (is_before && self.person.is_empty()))
    }

    /// Whether the row is the server's own change that its link names: at that place of the case, under that link.
    pub(super) fn is_own(
        &self,
        (case, hash): (&CaseId, &ChangeHash),
        (n, link): (u64, u64),
        device: &[u8],
        receipt: &[u8; 32],
    ) -> bool {
        let repeats =
            Change::read_stored(case, &self.bytes).is_ok_and(|change| change.hash() == *hash && self.repeats(&change, false));
        repeats
            && (self.n, self.link) == (n, Some(link))
            && self.device == device
            && self.batch == 0
            && receipt_hash(hash, &self.receipt) == *receipt
    }

    /// Whether the row is the change that the batch brought, and its columns repeat the change.
    fn is(&self, of: &BatchRow, bytes: &[u8], read: Option<&Change>) -> bool {
        let columns = read.is_none_or(|change| self.repeats(change, of.link.is_none()));
        columns && self.bytes == bytes && self.device == of.device && self.pushed_by == of.install && self.batch == of.number
    }
}

/// Finds the fault of a refused change in quarantine.
fn refused(
    tx: &Tx<'_>,
    (case, hash, bytes): (&CaseId, &ChangeHash, &[u8]),
    why: &RefusalCode,
    of: &BatchRow,
) -> Result<Option<Wrong>, ApiError> {
    let kept = match readable(log_rows::refused(tx, case, hash))? {
        Some(Some(kept)) => kept,
        Some(None) => return Ok(Some(Wrong::RefusedMissing)),
        // The refused change can not be read.
        None => return Ok(Some(Wrong::RefusedAltered)),
    };
    // The change may have been refused again in a later batch, or in a second batch of one number. The first row then stays, with
    // its reason.
    let twins = log_batches::count(tx, &of.install, of.number)?;
    let is_its = kept.pushed_by == of.install && kept.batch == of.number && twins == 1;
    let is_same = kept.bytes == bytes && (!is_its || (kept.why == *why && kept.device == of.device && kept.person == of.person));
    Ok((!is_same).then_some(Wrong::RefusedAltered))
}
