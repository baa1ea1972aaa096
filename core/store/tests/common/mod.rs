//! What tests of the store share: a person, a clock, parcels, answers, and batches taken apart.
#![allow(dead_code, reason = "each test binary uses its part")]

use doorstep_domain::*;
use doorstep_protocol::*;
use doorstep_store::{Act, Clocks, Recording, Store};

pub const NOW: UnixMs = UnixMs(1_772_413_200_000);

/// The installation that a store moves on to when it must.
pub const FRESH: InstallId = InstallId::new([0xf0; 16]);

pub fn clocks() -> Clocks {
    Clocks { wall: NOW, mono_ms: 5_000, boot: BootId([1; 4]) }
}

pub fn author() -> Author {
    Author { user: "c1".parse().unwrap(), role: Role::Courier, outlet: "0412".parse().unwrap() }
}

pub fn waybill(n: u32) -> Waybill {
    Waybill::parse(&format!("QH{n:012}")).unwrap()
}

pub fn case(n: u32) -> CaseId {
    CaseId::of(&"QH".parse().unwrap(), &waybill(n))
}

pub fn time() -> TimeEvidence {
    TimeEvidence { wall: NOW, zone_quarters: 32, mono_ms: 5_000, boot: BootId([1; 4]), anchor: None }
}

/// A rule pack as reference rows, unsigned.
pub fn rules(toml: &[u8]) -> Reference {
    let publication = Publication { network: "QH".into(), version: 1, published_ms: 0, valid_from_ms: 0, toml: toml.to_vec() };
    let signed = Signed { body: encode(&publication).unwrap(), sig: vec![] };
    Reference { version: 1, packs: vec![(publication, signed)], ..Reference::default() }
}

pub fn attempt(words: &str) -> Body {
    let words = Some(Personal::plain(words).unwrap());
    Body::Attempt(Attempt { words, ..Attempt::of("DF-NOBODY".parse().unwrap()) })
}

/// What a person did, as the outbox keeps it.
pub fn recording(n: u32, bodies: &[Body]) -> Recording {
    let said = bodies.iter().find_map(|body| match body {
        Body::Attempt(attempt) => Some(attempt.clone()),
        _ => None,
    });
    Recording::on(waybill(n), said.map_or(Act::Photos, Act::Fail))
}

/// A batch as the store makes it, taken apart.
pub struct Sent {
    pub batch: u64,
    pub install: InstallId,
    pub cases: Vec<PushCase>,
    pub hash: BatchHash,
}

pub fn sent(batch: &Batch) -> Sent {
    let header: Header = decode(&batch.header).unwrap();
    let cases = batch.docs.iter().map(|doc| PushCase { case: doc.doc, pack: doc.pack.clone() });
    Sent { batch: header.batch, install: header.install, cases: cases.collect(), hash: batch.hash() }
}

pub fn push_of(store: &mut Store, max_bytes: usize) -> Sent {
    sent(&store.prepare(max_bytes, max_bytes < 1 << 20, clocks(), "test").unwrap().batch.unwrap())
}

pub fn response(ack: Option<Ack>, feed: Vec<FeedPage>) -> Answer {
    Answer {
        now_ms: NOW.0,
        history: HistoryId::new([5; 16]),
        ack: ack.map(|ack| (ack, Signed { body: vec![], sig: vec![] })),
        feed,
        refs: vec![],
        token: None,
        demand: None,
        resend: vec![],
        decisions: vec![],
        scopes: vec!["courier/c1".into()],
        wanted: vec![],
        gateway: false,
        wipe: None,
        told: vec![],
        asked: None,
        witness: None,
        received_ms: None,
    }
}

pub fn page(to: u64, cases: Vec<FeedCase>) -> FeedPage {
    FeedPage { scope: "courier/c1".into(), to, more: false, cases, out: vec![] }
}
