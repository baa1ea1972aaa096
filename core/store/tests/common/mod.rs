//! What tests and benchmarks of the store share: a person, a clock, parcels, entries, answers, and batches taken apart.
//!
//! It is a module of the tests and no crate: `doorstep-tests` stands above the store, so that the arrows of `.ci/arrows` keep the
//! store's own tests from naming it.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::Path;

use doorstep_document::{NewEntry, pack};
use doorstep_domain::*;
use doorstep_protocol::*;
use doorstep_store::{Act, Action, ActionCase, Clocks, Enrolment, Recording, SavedPhoto, Session, Store, StoreError, Written};
use rusqlite::Connection;

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

/// The enrolment of a person on device 9, whose installation is 9 as well.
pub fn enrolment(author: Author) -> Enrolment {
    let token = Token { secret: "00".into(), expires_ms: NOW.0 + 3_600_000 };
    let session = Session { server: "http://127.0.0.1:1".into(), server_key: vec![4; 65], token };
    Enrolment { device: DeviceId::new([9; 16]), install: InstallId::new([9; 16]), author, name: "李明".into(), session }
}

/// A store of an enrolled person with the first rule pack.
pub fn ready_in(folder: &Path) -> Store {
    let mut store = Store::open(folder).unwrap();
    store.enrol(&enrolment(author()), NOW).unwrap();
    store.take_refs(RefKind::Pack, &rules(doorstep_rules::FIRST_PACK), NOW).unwrap();
    store
}

/// The store's database, past the store.
pub fn database(folder: &Path) -> Connection {
    Connection::open(folder.join("doorstep.db")).unwrap()
}

/// A parcel of head office's list that the person [`author`] delivers.
pub fn parcel(n: u32) -> ParcelRow {
    ParcelRow {
        waybill: waybill(n).to_string(),
        network: "QH".into(),
        origin_outlet: "0571".into(),
        delivering_outlet: "0412".into(),
        courier: Some("c1".into()),
        recipient_name: Personal::plain("王小花").unwrap().as_bytes().to_vec(),
        recipient_phone: vec![],
        virtual_phone: vec![],
        virtual_until_ms: None,
        recipient_address: Personal::plain("青禾路1号").unwrap().as_bytes().to_vec(),
        cod_fen: 0,
        theoretical_arrival_ms: None,
        hub: None,
        entered_ms: None,
        children: None,
        details: None,
    }
}

/// An entry of the person [`author`] at the moment [`time`].
pub fn entry(facts: Option<Facts>, body: Body) -> NewEntry {
    NewEntry { facts, ..NewEntry::of(author(), 1, time(), body) }
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

/// Records an action on one case.
pub fn record_with(store: &mut Store, n: u32, bodies: Vec<Body>, photos: Vec<SavedPhoto>) -> Result<Vec<Written>, StoreError> {
    let recording = recording(n, &bodies);
    let cases = vec![ActionCase { waybill: waybill(n), bodies, photos }];
    store.record(&Action { id: ActionId::new([1; 16]), recording, time: time(), now: NOW, cases, step: None })
}

/// Records a failed delivery.
pub fn record(store: &mut Store, n: u32, words: &str) -> Result<Vec<Written>, StoreError> {
    record_with(store, n, vec![attempt(words)], vec![])
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

/// The server's account of a batch.
pub fn answer(push: &Sent, cases: Vec<AckCase>) -> Ack {
    Ack { batch: push.batch, replayed: false, received_ms: NOW.0, cases, install: push.install, hash: push.hash }
}

/// An answer with one verdict for every change of a batch.
pub fn ack(push: &Sent, verdict: &Verdict) -> Ack {
    let cases = push.cases.iter().map(|pushed| {
        let n = pack::restore(&pushed.pack).unwrap().len();
        let (rows, quarantined) = pack_verdicts(NOW, &vec![(verdict.clone(), 5_000); n], Spoken::Version3);
        AckCase { case: Some(CaseRef(pushed.case)), rows, quarantined, fault: None }
    });
    answer(push, cases.collect())
}

/// The verdict that takes a change.
pub fn ok() -> Verdict {
    Verdict::Ok(Receipt::of(NOW, Some(NOW)))
}

/// A case as a feed brings it.
pub fn feed_of(n: u32, chunks: &[&[u8]]) -> FeedCase {
    let receipts = pack_receipts(&vec![(Receipt::of(NOW, None), 5_000); chunks.len()], Spoken::Version3);
    FeedCase { case: case(n), pack: pack::elide(chunks).unwrap(), receipts, leaf: None, kind: None }
}

pub fn response(ack: Option<Ack>, feed: Vec<FeedPage>) -> Answer {
    Answer {
        packs: None,
        dense: None,
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
