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

#[path = "../common/mod.rs"]
mod common;
mod damage;
mod disk;
mod salvage;

use std::{collections::BTreeMap, fs, path::Path};

use common::*;
use doorstep_document::{Change, Position, pack};
use doorstep_domain::*;
use doorstep_protocol::*;
use doorstep_store::{Filter, OpenError, Salvage, Store, StoreError};
use rusqlite::Connection;
use tempfile::TempDir;

const PAGE: usize = 4096;

const CASES: u32 = 50;

/// Cases of which another device has written too.
const ELSEWHERE: u32 = 10;

fn refs() -> Reference {
    Reference { version: 1, parcels: (0..CASES).map(parcel).collect(), ..Reference::default() }
}

/// A store with the first rule pack and every parcel on its list.
fn listed_in(folder: &Path) -> Store {
    let mut store = ready_in(folder);
    store.take_refs(RefKind::Parcels, &refs(), NOW).unwrap();
    store
}

fn accept(store: &mut Store) {
    let push = push_of(store, 1 << 20);
    store.apply(&response(Some(ack(&push, &ok())), vec![]), clocks(), NOW, FRESH).unwrap();
}

/// Another device's three changes of a case, as a feed brings them.
fn foreign(n: u32) -> FeedCase {
    let facts = Facts::unlisted("QH".parse().unwrap(), waybill(n));
    let mut position = Position::default();
    let mut chunks = vec![];
    for i in 0..3 {
        let facts = (i == 0).then(|| facts.clone());
        let body = Body::Note { words: Personal::plain(&format!("别处{n}-{i}")).unwrap() };
        let entry = entry(facts, body);
        let change = Change::write(&case(n), &InstallId::new([7; 16]), &position, &[entry]).unwrap();
        position.advance(&change, true);
        chunks.push(change.bytes().to_vec());
    }
    let slices: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
    feed_of(n, &slices)
}

/// A worked-in store: accepted changes of this device and of others, unsent ones behind them, a photo, and pages that were
/// freed meanwhile.
fn worked_in(folder: &Path) -> Store {
    let mut store = listed_in(folder);
    for n in 0..CASES {
        record(&mut store, n, &format!("已送{n}")).unwrap();
    }
    accept(&mut store);
    store.apply(&response(None, vec![page(9, (0..ELSEWHERE).map(foreign).collect())]), clocks(), NOW, FRESH).unwrap();
    for n in 0..CASES {
        record(&mut store, n, &format!("未送{n}")).unwrap();
    }
    let id = PhotoId::new([0xab; 32]);
    let photo = store.save_photo(id, "jpg", b"bytes", false).unwrap();
    store.take_refs(RefKind::Parcels, &refs(), NOW).unwrap();
    let shows = Body::Photo(Photo::of(id, 5, PhotoPurpose::Door));
    record_with(&mut store, 0, vec![shows], vec![photo]).unwrap();
    store
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
        store.prepare(1 << 20, false, clocks(), "test")?;
        store.apply(&response(None, vec![page(9, (0..ELSEWHERE).map(foreign).collect())]), clocks(), NOW, FRESH)?;
    }
    Ok(())
}

/// A store's file and its log; an empty log is none.
type Both = [Option<Vec<u8>>; 2];

fn both(folder: &Path) -> Both {
    ["doorstep.db", "doorstep.db-wal"].map(|name| fs::read(folder.join(name)).ok().filter(|bytes| !bytes.is_empty()))
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
    // The last one to close writes the log back; damage in another test of this process may have kept the store from it.
    drop(layout(folder.path()));
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
