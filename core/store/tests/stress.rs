//! What the store promises when its disk fails it: damage, loss, strangers' files, no room.
#![allow(missing_docs, reason = "tests are named for what they show")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail loudly and write files to damage them"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use doorstep_document::{Change, NewEntry, Position, pack};
use doorstep_domain::*;
use doorstep_protocol::*;
use doorstep_store::{Action, ActionCase, Clocks, Enrolment, Filter, OpenError, Salvage, Session, Store, StoreError};
use rusqlite::Connection;
use tempfile::TempDir;

const NOW: UnixMs = UnixMs(1_772_413_200_000);
const FRESH: InstallId = InstallId::new([0xf0; 16]);
const OLD: InstallId = InstallId::new([9; 16]);
const PAGE: usize = 4096;
const CASES: u32 = 50;

fn clocks() -> Clocks {
    Clocks { wall: NOW, mono_ms: 5_000, boot: BootId([1; 4]) }
}

fn author() -> Author {
    Author { user: "c1".parse().unwrap(), role: Role::Courier, outlet: "0412".parse().unwrap() }
}

fn waybill(n: u32) -> Waybill {
    Waybill::parse(&format!("QH{n:012}")).unwrap()
}

fn case(n: u32) -> CaseId {
    CaseId::of(&"QH".parse().unwrap(), &waybill(n))
}

fn time() -> TimeEvidence {
    TimeEvidence { wall: NOW, zone_quarters: 32, mono_ms: 5_000, boot: BootId([1; 4]), anchor: None }
}

fn enrolment() -> Enrolment {
    let token = Token { secret: "00".into(), expires_ms: NOW.0 + 3_600_000 };
    let session = Session { server: "http://127.0.0.1:1".into(), server_key: vec![4; 65], token };
    Enrolment { device: DeviceId::new([9; 16]), install: OLD, author: author(), name: "李明".into(), session }
}

fn refs(pack: &[u8]) -> Refs {
    let parcels = (0..CASES).map(|n| ParcelRow {
        waybill: waybill(n).to_string(),
        network: "QH".into(),
        origin_outlet: "0571".into(),
        delivering_outlet: "0412".into(),
        courier: Some("c1".into()),
        recipient_name: Personal::plain("王小花").unwrap().as_bytes().to_vec(),
        recipient_phone: vec![],
        recipient_address: Personal::plain("青禾路1号").unwrap().as_bytes().to_vec(),
        cod_fen: 0,
        theoretical_arrival_ms: None,
        hub: None,
    });
    Refs { version: 1, parcels: if pack.is_empty() { parcels.collect() } else { vec![] }, outlets: vec![], pack: pack.to_vec() }
}

fn ready_in(folder: &Path) -> Store {
    let mut store = Store::open(folder).unwrap();
    store.enrol(&enrolment(), NOW).unwrap();
    store.take_refs(RefKind::Pack, &refs(doorstep_rules::FIRST_PACK), NOW).unwrap();
    store.take_refs(RefKind::Parcels, &refs(&[]), NOW).unwrap();
    store
}

fn ready() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = ready_in(folder.path());
    (folder, store)
}

fn attempt(words: &str) -> Body {
    let words = Some(Personal::plain(words).unwrap());
    Body::Attempt(Attempt { reason: "DF-NOBODY".parse().unwrap(), sub: None, words })
}

fn record_with(store: &mut Store, n: u32, bodies: Vec<Body>, photos: Vec<doorstep_store::SavedPhoto>) -> Result<(), StoreError> {
    let command = format!("{{\"do\":\"fail\",\"waybill\":\"{}\"}}", waybill(n));
    let cases = vec![ActionCase { waybill: waybill(n), bodies, photos }];
    store.record(&Action { id: ActionId::new([1; 16]), command, time: time(), now: NOW, cases }).map(|_| ())
}

fn record(store: &mut Store, n: u32, words: &str) -> Result<(), StoreError> {
    record_with(store, n, vec![attempt(words)], vec![])
}

fn answer(ack: Option<Ack>, feed: Vec<FeedPage>) -> Answer {
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
    }
}

fn push_of(store: &mut Store) -> Push {
    decode(&store.prepare(1 << 20, clocks(), "test").unwrap().push.unwrap().body).unwrap()
}

fn accept(store: &mut Store) {
    let push = push_of(store);
    let cases = push.cases.iter().map(|pushed| {
        let n = pack::restore(&pushed.pack).unwrap().len();
        let (rows, quarantined) = pack_verdicts(NOW, &vec![(Verdict::Ok(Receipt::of(NOW, Some(NOW))), 5_000); n]);
        AckCase { case: pushed.case, rows, quarantined, fault: None }
    });
    let ack = Ack { batch: push.batch, replayed: false, received_ms: NOW.0, cases: cases.collect() };
    store.apply(&answer(Some(ack), vec![]), clocks(), NOW, FRESH).unwrap();
}

/// Another device's three changes of a case, as a feed brings them.
fn foreign(n: u32) -> FeedCase {
    let facts = Facts {
        network: "QH".parse().unwrap(),
        waybill: waybill(n),
        origin_outlet: None,
        delivering_outlet: None,
        cod: Fen(0),
        mobile: None,
        reference: 0,
    };
    let mut position = Position::default();
    let mut chunks = vec![];
    for i in 0..3 {
        let facts = (i == 0).then(|| facts.clone());
        let body = Body::Note { words: Personal::plain(&format!("别处{n}-{i}")).unwrap() };
        let entry = NewEntry { author: author(), pack_version: 1, time: time(), action: None, facts, release: None, body };
        let change = Change::write(&case(n), &InstallId::new([7; 16]), &position, &[entry]).unwrap();
        position.advance(&change, true);
        chunks.push(change.bytes().to_vec());
    }
    let slices: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
    let receipts = pack_receipts(&vec![(Receipt::of(NOW, None), 5_000); chunks.len()]);
    FeedCase { case: case(n), pack: pack::elide(&slices).unwrap(), receipts }
}

fn page(to: u64, cases: Vec<FeedCase>) -> FeedPage {
    FeedPage { scope: "courier/c1".into(), to, more: false, cases, out: vec![] }
}

/// A worked-in store: accepted changes of this device and of others, unsent ones behind them, a photo, and pages that were
/// freed meanwhile.
fn worked_in(folder: &Path) -> Store {
    let mut store = ready_in(folder);
    for n in 0..CASES {
        record(&mut store, n, &format!("已送{n}")).unwrap();
    }
    accept(&mut store);
    store.apply(&answer(None, vec![page(9, (0..CASES).map(foreign).collect())]), clocks(), NOW, FRESH).unwrap();
    for n in 0..CASES {
        record(&mut store, n, &format!("未送{n}")).unwrap();
    }
    let id = PhotoId::new([0xab; 32]);
    let photo = store.save_photo(id, "jpg", b"bytes").unwrap();
    let shows = Body::Photo(Photo { id, len: 5, purpose: PhotoPurpose::Door });
    record_with(&mut store, 0, vec![shows], vec![photo]).unwrap();
    store
}

fn database(folder: &Path) -> Connection {
    Connection::open(folder.join("doorstep.db")).unwrap()
}

/// The words of all unsent changes that can be read, and how often.
fn unsent(folder: &Path) -> BTreeMap<String, u32> {
    let db = database(folder);
    let mut query = db.prepare("SELECT case_id, bytes FROM outbox WHERE state < 2").unwrap();
    let rows = query.query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))).unwrap();
    let mut words = BTreeMap::new();
    for (case, bytes) in rows.map(Result::unwrap) {
        let Ok(change) = Change::read_stored(&CaseId::try_from(case.as_slice()).unwrap(), &bytes) else { continue };
        for entry in change.entries() {
            let said = match &entry.body {
                Body::Attempt(attempt) => attempt.words.as_ref().and_then(|w| w.text().map(str::to_owned)).unwrap(),
                other => other.kind().to_owned(),
            };
            *words.entry(said).or_insert(0) += 1;
        }
    }
    words
}

/// Everything a day does with a store, reading all of it.
fn use_all(store: &mut Store) -> Result<(), StoreError> {
    store.status()?;
    store.parcels()?;
    store.members()?;
    store.policy()?;
    for row in store.cases(&Filter { closed: true, limit: 1_000, ..Filter::default() }, NOW.plus(400_000_000))? {
        match store.case(&Waybill::parse(&row.waybill).unwrap(), NOW) {
            // A row that its checksum gives away is a row's matter, not the file's.
            Ok(_) | Err(StoreError::Damaged(_)) => {}
            Err(error) => return Err(error),
        }
    }
    if store.identity()?.is_some() {
        store.session()?;
        store.prepare(1 << 20, clocks(), "test")?;
        store.apply(&answer(None, vec![page(9, (0..CASES).map(foreign).collect())]), clocks(), NOW, FRESH)?;
    }
    Ok(())
}

/// A store's file and its log.
type Both = [Option<Vec<u8>>; 2];

fn both(folder: &Path) -> Both {
    ["doorstep.db", "doorstep.db-wal"].map(|name| fs::read(folder.join(name)).ok())
}

/// Opens as the app does: again after an error that asks for it. With what was damaged, as it was before the repair.
fn open_until_sound(folder: &Path) -> (Store, Option<(Salvage, Both)>) {
    let before = both(folder);
    let (mut store, report) = Store::open_or_salvage(folder, FRESH).unwrap();
    match use_all(&mut store) {
        Ok(()) => return (store, report.map(|report| (report, before))),
        Err(StoreError::Corrupt) => assert!(report.is_none(), "what was salvaged is sound"),
        Err(error) => panic!("{error}"),
    }
    let in_use = both(folder);
    drop(store);
    let before = both(folder);
    assert!(in_use == before, "once damage is seen, nothing more is written");
    let (mut store, report) = Store::open_or_salvage(folder, FRESH).unwrap();
    use_all(&mut store).unwrap();
    (store, Some((report.expect("opened again, it is repaired"), before)))
}

/// The database file alone, with the log checkpointed, to be damaged.
fn pristine() -> (TempDir, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let store = worked_in(folder.path());
    drop(store);
    assert!(!folder.path().join("doorstep.db-wal").exists());
    let bytes = fs::read(folder.path().join("doorstep.db")).unwrap();
    (folder, bytes)
}

/// A copy of a store with another database file.
fn with_file(from: &Path, bytes: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for shelf in fs::read_dir(from.join("photos")).unwrap().map(Result::unwrap) {
        let to = folder.path().join("photos").join(shelf.file_name());
        fs::create_dir_all(&to).unwrap();
        for file in fs::read_dir(shelf.path()).unwrap().map(Result::unwrap) {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    fs::write(folder.path().join("doorstep.db"), bytes).unwrap();
    folder
}

/// What lies on each page: the table or index, and the rows that are on no other page.
fn layout(folder: &Path) -> BTreeMap<usize, (String, usize)> {
    let db = database(folder);
    let mut query = db.prepare("SELECT pageno, name, CASE pagetype WHEN 'leaf' THEN ncell ELSE 0 END FROM dbstat").unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn assert_kept_aside(folder: &Path, n: u32, damaged: &Both) {
    let aside = folder.join(format!("doorstep-damaged-{n}"));
    assert!(both(&aside) == *damaged, "the damaged files are there byte for byte");
    assert!(aside.join("salvage.json").exists());
}

#[test]
fn a_page_of_zeros_costs_only_the_rows_that_were_on_it() {
    let (home, bytes) = pristine();
    let (before, layout) = (unsent(home.path()), layout(home.path()));
    assert_eq!(before.len(), CASES as usize + 1);
    let mut salvaged = BTreeSet::new();
    for number in 1..=bytes.len() / PAGE {
        let mut damaged = bytes.clone();
        damaged[(number - 1) * PAGE..number * PAGE].fill(0);
        let folder = with_file(home.path(), &damaged);
        let (store, report) = open_until_sound(folder.path());
        drop(store);
        let (name, rows) = layout.get(&number).cloned().unwrap_or_default();
        let after = unsent(folder.path());
        let lost = before.keys().filter(|words| !after.contains_key(*words)).count();
        let most = if name == "outbox" { rows } else { 0 };
        assert_eq!(lost, most, "page {number} of {name}");
        assert!(after.values().all(|times| *times == 1), "nothing twice, page {number} of {name}");
        assert!(after.keys().all(|words| before.contains_key(words)), "nothing from the dead, page {number} of {name}");
        if let Some((report, files)) = report {
            salvaged.insert(name.clone());
            assert_kept_aside(folder.path(), 1, &files);
            let known = report.lost.get("outbox").copied().unwrap_or(0);
            assert_eq!((known, report.again.len()), (lost as u64, lost), "the index knows what is lost, page {number} of {name}");
        }
    }
    for name in ["sqlite_schema", "meta", "member", "outbox", "outbox_by_case", "photo", "change", "case_row", "reference"] {
        assert!(salvaged.contains(name), "a page of {name} was zeroed and noticed: {salvaged:?}");
    }
}

#[test]
fn a_flipped_bit_costs_at_most_the_row_it_is_in() {
    let (home, bytes) = pristine();
    let (before, layout) = (unsent(home.path()), layout(home.path()));
    for number in 1..=bytes.len() / PAGE {
        let begin = (number - 1) * PAGE;
        let header = if number == 1 { 100 } else { 0 };
        // The page's type, the count of its cells, where its first cell is, and the middle of what it holds.
        for at in [header, header + 4, header + 9, PAGE / 2, PAGE - 20] {
            let mut damaged = bytes.clone();
            damaged[begin + at] ^= 0x04;
            let folder = with_file(home.path(), &damaged);
            let (store, report) = open_until_sound(folder.path());
            drop(store);
            let name = layout.get(&number).map(|(name, _)| name.as_str()).unwrap_or_default();
            let after = unsent(folder.path());
            let lost = before.keys().filter(|words| !after.contains_key(*words)).count();
            let most = usize::from(name == "outbox" && at > header + 4);
            assert!(lost <= most, "{lost} lost, byte {at} of page {number} of {name}");
            if let Some((_, files)) = report {
                assert_kept_aside(folder.path(), 1, &files);
            }
        }
    }
}
