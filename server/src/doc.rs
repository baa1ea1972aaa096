//! Updates a document's row with each accepted change.

use doorstep_document::{Change, HARD_CASE_BYTES, HARD_CASE_CHANGES};
use doorstep_domain::{Body, DocKind, OutletCode};
use doorstep_rules::PROVISIONAL;

use crate::store::{
    docs::Doc,
    parcels,
    tx::{StoreError, Tx},
};

/// The outlet that sent the parcel of a change, by head office's list. `None` for a parcel in no list, and if that outlet reads the
/// case already, because nobody asks then.
pub(crate) fn origin_to_tell(tx: &Tx<'_>, doc: &Doc, change: &Change) -> Result<Option<OutletCode>, StoreError> {
    if doc.notified {
        return Ok(None);
    }
    let stated = || change.entries().iter().find_map(|entry| entry.facts.as_ref()).map(|facts| facts.waybill.as_str());
    let waybill = if doc.waybill.is_empty() { stated().unwrap_or_default() } else { &doc.waybill };
    Ok(parcels::named(tx, waybill)?.map(|named| named.origin))
}

impl Doc {
    /// The number of heads of the case after this change.
    pub(crate) fn heads_after(&self, change: &Change) -> usize {
        self.position.heads.iter().filter(|head| !change.deps().contains(head)).count() + 1
    }

    /// Whether the case can take no further change.
    pub(crate) fn is_full(&self, change: &Change) -> bool {
        self.n >= HARD_CASE_CHANGES as u64 || self.bytes + change.bytes().len() > HARD_CASE_BYTES
    }

    /// Whether a change is of another kind of document than the stored one.
    pub(crate) fn is_of_another_kind(&self, kind: DocKind) -> bool {
        self.n > 0 && self.kind != kind
    }

    /// Adds an accepted change, but for who has the parcel (see [`crate::holder`]). `review`: the policy admitted it with a mark for
    /// review by head office. `origin`: the outlet that sent the parcel, by head office's list.
    pub(crate) fn add(&mut self, change: &Change, person: &str, review: bool, origin: Option<&OutletCode>) {
        self.n += 1;
        self.bytes += change.bytes().len();
        self.position.advance(change, false);
        if self.first_person.is_empty() {
            person.clone_into(&mut self.first_person);
            self.first_outlet = change.entries().first().map(|entry| entry.author.outlet.to_string()).unwrap_or_default();
        }
        self.kind = change.kind();
        for entry in change.entries() {
            if let Some(sheet) = entry.sheet.as_ref().filter(|_| self.outlet.is_empty()) {
                (self.outlet, self.day) = (sheet.outlet.to_string(), sheet.day.to_string());
            }
            if let Some(facts) = entry.facts.as_ref().filter(|_| self.waybill.is_empty()) {
                self.waybill = facts.waybill.to_string();
            }
            match &entry.body {
                Body::Notice(notice) => {
                    self.notified = true;
                    // For a waybill in no list the target decides who reads. Only the outlet that recorded it first may name the
                    // target, or anybody could name themselves.
                    if entry.author.outlet.as_str() == self.first_outlet {
                        self.notice_to = Some(notice.to.to_string());
                    }
                }
                // A registration is online, like a notice: the origin outlet reads the fault that it is charged with, and can
                // contest it. Money that was collected at the door is paid to the sender by the outlet that sent the parcel,
                // and head office's reply is that outlet's to enter. Its own reply and its own line give it no right to read.
                Body::Outage(_) => self.notified = true,
                Body::Ledger(_) | Body::Reply(_) => self.notified |= origin != Some(&entry.author.outlet),
                Body::Problem(_) => (self.notified, self.closed) = (true, false),
                // An author whom the policy only tolerates can not close another outlet's case.
                Body::Close(_) | Body::Alias(_) if review && entry.author.outlet.as_str() != self.first_outlet => {}
                Body::Close(close) => self.closed |= close.piece.is_none(),
                // The parcel's own number is known, and the case goes on there.
                Body::Alias(_) if self.waybill.starts_with(PROVISIONAL) => self.closed = true,
                // A failed delivery after the close opens the case again, for its courier.
                Body::Attempt(_) => self.closed = false,
                Body::Handover(handover) => {
                    self.offered_to = Some(handover.to.to_string());
                    self.offer = Some(entry.key.to_string());
                }
                _ => {}
            }
        }
    }
}
