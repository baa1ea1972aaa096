//! The document crate held against Automerge itself: same bytes, same heads, and every fence doing its work.
#![allow(missing_docs, reason = "tests are named for what they show")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail loudly and read golden files"
)]

mod dense;
mod fences;
mod made;
mod merging;
mod oracle;
mod reading;
mod sheets;

use doorstep_document::{Admission, Change, History, NewEntry, Position, Refusal, merge, pack};
use doorstep_domain::*;

fn case() -> (NetworkCode, Waybill, CaseId) {
    let (network, waybill) = ("QH".parse().unwrap(), Waybill::parse("QH310000000017").unwrap());
    let id = CaseId::of(&network, &waybill);
    (network, waybill, id)
}

fn entry(body: Body, first: bool) -> NewEntry {
    let (network, waybill, _) = case();
    let author = Author { user: "c1029".parse().unwrap(), role: Role::Courier, outlet: "0412".parse().unwrap() };
    let boot = BootId([1, 2, 3, 4]);
    let time = TimeEvidence { wall: UnixMs(1_772_413_200_000), zone_quarters: 32, mono_ms: 86_400_000, boot, anchor: None };
    let facts = first.then(|| Facts {
        origin_outlet: Some("0571".parse().unwrap()),
        delivering_outlet: Some("0412".parse().unwrap()),
        cod: Fen(12_800),
        mobile: Some([9; 8]),
        reference: 3,
        ..Facts::unlisted(network, waybill)
    });
    NewEntry { facts, ..NewEntry::of(author, 1, time, body) }
}

fn note(text: &str) -> Body {
    Body::Note { words: Personal::plain(text).unwrap() }
}

fn attempt() -> Body {
    let words = Some(Personal::plain("敲门无人应答").unwrap());
    Body::Attempt(Attempt { words, ..Attempt::of("DF-NOBODY".parse().unwrap()) })
}

/// What one writer does to its replica.
struct Writer {
    install: InstallId,
    position: Position,
    changes: Vec<Change>,
}

impl Writer {
    fn new(n: u8) -> Self {
        Self { install: InstallId::new([n; 16]), position: Position::default(), changes: vec![] }
    }
    fn write(&mut self, bodies: Vec<Body>) -> Change {
        let first = self.position.seq == 0;
        let entries: Vec<_> = bodies.into_iter().enumerate().map(|(i, b)| entry(b, first && i == 0)).collect();
        let change = Change::write(&case().2, &self.install, &self.position, &entries).unwrap();
        self.position.advance(&change, true);
        self.changes.push(change.clone());
        change
    }
    fn receive(&mut self, change: &Change) {
        self.position.advance(change, false);
        self.changes.push(change.clone());
    }
}

fn heads_by_automerge(changes: &[Change]) -> Vec<ChangeHash> {
    merge(changes.iter().map(Change::bytes)).unwrap().heads
}

/// A chunk with a checksum that is right again.
fn reseal(chunk: &mut [u8]) {
    use sha2::Digest;
    let hash = sha2::Sha256::digest(&chunk[8..]);
    chunk[4..8].copy_from_slice(&hash[..4]);
}
