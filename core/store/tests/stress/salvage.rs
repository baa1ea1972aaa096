//! What a salvage takes along, how work goes on after it, and the files that are never salvaged.

use doorstep_store::Act;

use super::*;

#[test]
fn changes_of_cases_that_have_left_do_not_rise_from_free_pages() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = listed_in(folder.path());
    for n in 0..CASES {
        record(&mut store, n, "已送").unwrap();
    }
    accept(&mut store);
    let gone = FeedPage { out: (0..CASES).map(|n| CaseRef(case(n))).collect(), ..page(9, vec![]) };
    store.apply(&response(None, vec![gone]), clocks(), NOW, FRESH).unwrap();
    assert!(store.case_ids().unwrap().is_empty());
    drop(store);
    drop(layout(folder.path()));
    let mut bytes = fs::read(folder.path().join("doorstep.db")).unwrap();
    bytes[..PAGE].fill(0); // and with it where the list of free pages begins
    fs::write(folder.path().join("doorstep.db"), bytes).unwrap();
    let (store, report) = Store::open_or_salvage(folder.path(), FRESH).unwrap();
    drop(store);
    assert_eq!((report.unwrap().taken["outbox"], unsent(folder.path()).len()), (0, 0));
}

#[test]
fn what_the_feed_brings_again_after_a_salvage_fits_what_was_left() {
    let (home, bytes) = pristine();
    let mut logs: BTreeMap<CaseId, Vec<Vec<u8>>> = BTreeMap::new();
    let db = database(home.path());
    let mut query = db.prepare("SELECT case_id, bytes FROM change ORDER BY case_id, n").unwrap();
    let rows = query.query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))).unwrap();
    for (case, bytes) in rows.map(Result::unwrap) {
        logs.entry(CaseId::try_from(case.as_slice()).unwrap()).or_default().push(bytes);
    }
    let feed: Vec<FeedCase> = logs
        .iter()
        .map(|(case, chunks)| {
            let slices: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
            let receipts = pack_receipts(&vec![(Receipt::of(NOW, None), 5_000); chunks.len()], Spoken::Version3);
            FeedCase { case: *case, pack: pack::elide(&slices).unwrap(), receipts, leaf: None, kind: None }
        })
        .collect();
    let pages = layout(home.path()).into_iter().filter(|(_, (name, _))| name == "change").map(|(number, _)| number);
    for number in pages {
        let mut damaged = bytes.clone();
        damaged[(number - 1) * PAGE..number * PAGE].fill(0);
        damaged[..PAGE].fill(0);
        let folder = with_file(home.path(), &damaged);
        let (mut store, report) = Store::open_or_salvage(folder.path(), FRESH).unwrap();
        assert!(report.unwrap().taken["change"] < logs.values().map(|chunks| chunks.len() as u64).sum());
        store.apply(&response(None, vec![page(9, feed.clone())]), clocks(), NOW, FRESH).unwrap();
        let db = database(folder.path());
        let read = |sql: &str, case: &CaseId| -> Vec<Change> {
            let mut query = db.prepare(sql).unwrap();
            let rows = query.query_map([case.as_bytes().as_slice()], |row| row.get::<_, Vec<u8>>(0)).unwrap();
            rows.map(|bytes| Change::read_stored(case, &bytes.unwrap()).unwrap()).collect()
        };
        for (case, chunks) in &logs {
            let accepted = read("SELECT bytes FROM change WHERE case_id = ?1 AND parked IS NULL", case);
            assert_eq!(accepted.len(), chunks.len(), "all of them are back");
            let all = [accepted, read("SELECT bytes FROM outbox WHERE case_id = ?1", case)].concat();
            let heads = store.heads(case).unwrap();
            assert!(!heads.is_empty());
            assert!(all.iter().all(|change| change.deps().iter().all(|dep| !heads.contains(dep))), "a head has nothing after it");
        }
    }
}

#[test]
fn what_is_salvaged_goes_on_under_a_new_installation_and_is_sent() {
    let (home, mut bytes) = pristine();
    bytes[..PAGE].fill(0);
    let folder = with_file(home.path(), &bytes);
    let (mut store, report) = Store::open_or_salvage(folder.path(), FRESH).unwrap();
    let report = report.unwrap();
    assert!(!report.enrol_again && report.lost.is_empty() && report.again.is_empty(), "{report:?}");
    assert_eq!((report.taken["member"], report.taken["photo"], report.taken["outbox"]), (1, 1, u64::from(CASES) + 1));
    let who = store.identity().unwrap().unwrap();
    assert_eq!((who.device, who.install, who.author), (DeviceId::new([9; 16]), FRESH, author()));
    assert!(store.cursors().unwrap().is_empty(), "feeds come from the start");
    assert_eq!(store.parcels().unwrap().len(), CASES as usize);
    assert!(store.ref_version(RefKind::Parcels).unwrap() == 0, "and so do lists");
    let rows = store.cases(&Filter { limit: 1_000, ..Filter::default() }, NOW).unwrap();
    assert_eq!((rows.len(), rows[0].attempts, rows[0].unsent > 0), (CASES as usize, 2, true));
    let push = push_of(&mut store, 1 << 20);
    assert_eq!((push.batch, push.install, push.cases.len()), (1, FRESH, CASES as usize));
    for pushed in &push.cases {
        for (i, (_, bytes)) in pack::restore(&pushed.pack).unwrap().iter().enumerate() {
            let change = Change::read(&pushed.case, bytes).unwrap();
            assert_eq!((change.install(), change.seq()), (FRESH, i as u64 + 1), "numbered without a hole");
        }
    }
    accept(&mut store);
    assert!(store.status().unwrap().unsent.is_empty());
    store.apply(&response(None, vec![page(9, (0..CASES).map(foreign).collect())]), clocks(), NOW, FRESH).unwrap();
    record(&mut store, 1, "再来").unwrap();
    assert_eq!(store.heads(&case(1)).unwrap().len(), 1, "what is written next follows everything that is here");
}

#[test]
fn an_unsent_row_whose_bytes_are_damaged_is_kept_with_its_command() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = listed_in(folder.path());
    record(&mut store, 1, "坏掉的").unwrap();
    record(&mut store, 1, "完好的").unwrap();
    drop(store);
    let damage = "UPDATE outbox SET bytes = CAST(substr(bytes, 1, 80) || x'00' || substr(bytes, 82) AS BLOB) WHERE id = 1";
    database(folder.path()).execute(damage, []).unwrap();
    let mut bytes = fs::read(folder.path().join("doorstep.db")).unwrap();
    bytes[..PAGE].fill(0);
    fs::write(folder.path().join("doorstep.db"), bytes).unwrap();
    let (mut store, _) = Store::open_or_salvage(folder.path(), FRESH).unwrap();
    let status = store.status().unwrap();
    assert_eq!((status.unsent.len(), status.refused.len()), (1, 1));
    let refused = &status.refused[0];
    assert_eq!((refused.what.as_str(), refused.reason.word(), refused.waybill.as_str()), ("fail", "damaged", "QH000000000001"));
    let kept = refused.recording.as_ref().expect("all that was said");
    let Act::Fail(attempt) = &kept.act else { panic!("{kept:?}") };
    assert_eq!((attempt.reason.as_str(), attempt.words.as_ref().unwrap().text()), ("DF-NOBODY", Some("坏掉的")));
    assert_eq!(kept.waybills, [waybill(1)]);
    // The first change had the parcel's facts; the list of the day has them too.
    let view = store.case(&waybill(1), NOW).unwrap().unwrap();
    assert_eq!((view.case.timeline.len(), view.case.facts.origin_outlet.unwrap().as_str()), (1, "0571"));
}

#[test]
fn a_stranger_in_the_stores_place_is_refused_and_left_as_it_is() {
    let other = tempfile::tempdir().unwrap();
    let db = Connection::open(other.path().join("other.db")).unwrap();
    db.execute_batch("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT); INSERT INTO notes (text) VALUES ('x');").unwrap();
    db.pragma_update(None, "user_version", 1).unwrap();
    drop(db);
    let database = fs::read(other.path().join("other.db")).unwrap();
    let text = "这不是数据库 / not a database\n".repeat(500).into_bytes();
    for stranger in [database, text, b"x".to_vec()] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("doorstep.db");
        fs::write(&file, &stranger).unwrap();
        match Store::open(folder.path()) {
            Err(OpenError::WrongFile { path }) => assert_eq!(path, file),
            other => panic!("{:?}", other.err()),
        }
        assert!(matches!(Store::open_or_salvage(folder.path(), FRESH), Err(OpenError::WrongFile { .. })));
        assert!(fs::read(&file).unwrap() == stranger);
    }
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("doorstep.db")).unwrap();
    assert!(matches!(Store::open_or_salvage(folder.path(), FRESH), Err(OpenError::WrongFile { .. })));
}

#[test]
fn a_file_of_nothing_but_zeros_is_what_a_crash_leaves_and_is_moved_aside() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("doorstep.db"), vec![0; 4 * PAGE]).unwrap();
    let (store, report) = Store::open_or_salvage(folder.path(), FRESH).unwrap();
    assert!(report.unwrap().enrol_again && store.identity().unwrap().is_none());
    assert!(folder.path().join("doorstep-damaged-1/doorstep.db").exists());
}

#[test]
fn a_store_of_a_newer_version_is_never_salvaged() {
    let (home, bytes) = pristine();
    let folder = with_file(home.path(), &bytes);
    database(folder.path()).pragma_update(None, "user_version", 999).unwrap();
    let newer = both(folder.path());
    assert!(matches!(Store::open_or_salvage(folder.path(), FRESH), Err(OpenError::TooNew { found: 999, .. })));
    assert!(both(folder.path()) == newer, "left byte for byte as it is");
}

#[test]
fn a_second_salvage_numbers_on() {
    let (home, mut bytes) = pristine();
    bytes[..PAGE].fill(0);
    let folder = with_file(home.path(), &bytes);
    for n in 1..=2 {
        let damaged = both(folder.path());
        let (store, report) = Store::open_or_salvage(folder.path(), InstallId::new([n; 16])).unwrap();
        drop(store);
        assert_eq!(report.unwrap().taken["outbox"], u64::from(CASES) + 1);
        assert_kept_aside(folder.path(), u32::from(n), &damaged);
        let mut bytes = fs::read(folder.path().join("doorstep.db")).unwrap();
        bytes[..PAGE].fill(0);
        fs::write(folder.path().join("doorstep.db"), bytes).unwrap();
    }
}

#[test]
fn a_salvage_cut_short_at_any_step_is_finished_by_the_next_opening() {
    let (home, mut bytes) = pristine();
    bytes[..PAGE].fill(0);
    for step in 0..5 {
        let folder = with_file(home.path(), &bytes);
        let (file, aside) = (folder.path().join("doorstep.db"), folder.path().join("doorstep-damaged-1"));
        match step {
            // The folder is made, nothing is moved.
            0 => fs::create_dir(&aside).unwrap(),
            // The file is moved, its log is not yet.
            1 => {
                fs::create_dir(&aside).unwrap();
                fs::rename(&file, aside.join("doorstep.db")).unwrap();
                fs::write(folder.path().join("doorstep.db-wal"), b"the rest of a log").unwrap();
            }
            // All is moved; the new file is half made.
            2 | 3 => {
                fs::create_dir(&aside).unwrap();
                fs::rename(&file, aside.join("doorstep.db")).unwrap();
                fs::write(folder.path().join("doorstep-new.db"), &bytes[..2 * PAGE + 100]).unwrap();
                fs::write(folder.path().join("doorstep-new.db-journal"), b"half").unwrap();
            }
            // The new file is in place; the report is missing.
            _ => {
                drop(Store::open_or_salvage(folder.path(), FRESH).unwrap());
                fs::remove_file(aside.join("salvage.json")).unwrap();
            }
        }
        assert!(matches!(Store::open(folder.path()), Err(OpenError::Corrupt)), "never an empty store, step {step}");
        let (store, report) = Store::open_or_salvage(folder.path(), FRESH).unwrap();
        drop(store);
        assert_eq!(report.unwrap().folder, aside);
        assert_eq!(unsent(folder.path()).len(), CASES as usize + 1, "step {step}");
        assert!(fs::read(aside.join("doorstep.db")).unwrap() == bytes);
        assert!(!folder.path().join("doorstep-new.db").exists() && !folder.path().join("doorstep.db-wal").exists());
        assert!(!folder.path().join("doorstep-damaged-2").exists());
        let (_, report) = Store::open_or_salvage(folder.path(), FRESH).unwrap();
        assert!(report.is_none(), "finished is finished");
    }
}

#[test]
fn a_damaged_store_that_is_open_elsewhere_is_not_moved_away_under_it() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = listed_in(folder.path());
    elsewhere.tidy().unwrap();
    let mut bytes = fs::read(folder.path().join("doorstep.db")).unwrap();
    bytes[..16].fill(0);
    fs::write(folder.path().join("doorstep.db"), &bytes).unwrap();
    fs::remove_file(folder.path().join("doorstep.db-wal")).unwrap();
    assert!(matches!(Store::open_or_salvage(folder.path(), FRESH), Err(OpenError::InUse)));
    assert!(!folder.path().join("doorstep-damaged-1").exists());
    drop(elsewhere);
    Store::open_or_salvage(folder.path(), FRESH).unwrap();
}
