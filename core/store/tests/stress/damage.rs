//! Damage to the file or to its log: it costs what lay where it is, and nothing else.

use std::collections::BTreeSet;

use doorstep_rules::Sheet;
use doorstep_store::SheetAction;

use super::*;

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
fn a_sheet_is_salvaged_with_whose_day_it_is_and_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let mut store = worked_in(home.path());
    let (day, outlet) = ("2026-03-02".parse().unwrap(), "0412".parse().unwrap());
    let note = |words: &str| {
        let body = Body::SheetNote(SheetNote { words: Personal::plain(words).unwrap() });
        SheetAction { id: ActionId::new([2; 16]), command: "{\"do\":\"s_note\"}".into(), time: time(), now: NOW, day, body }
    };
    store.record_in_sheet(&note("一")).unwrap();
    store.record_in_sheet(&note("二")).unwrap();
    let whole = store.sheet(&outlet, day).unwrap().unwrap();
    drop(store);
    let pages = layout(home.path());
    let bytes = fs::read(home.path().join("doorstep.db")).unwrap();
    for table in ["sheet", "sheet_row", "case_row", "meta"] {
        let (number, _) = pages.iter().find(|(_, (name, _))| name == table).unwrap();
        let mut damaged = bytes.clone();
        damaged[(number - 1) * PAGE..number * PAGE].fill(0);
        let folder = with_file(home.path(), &damaged);
        let (mut store, _) = open_until_sound(folder.path());
        let said = |sheet: &Sheet| sheet.timeline.iter().map(|r| r.entry.body.clone()).collect::<Vec<_>>();
        let sheet = store.sheet(&outlet, day).unwrap().unwrap_or_else(|| panic!("{table}"));
        assert_eq!((said(&sheet), &sheet.facts), (said(&whole), &whole.facts), "{table}");
        store.record_in_sheet(&note("三")).ok();
        if table != "meta" {
            let batch = store.prepare(1 << 20, false, clocks(), "test").unwrap().batch.unwrap();
            let sent = batch.docs.iter().find(|doc| doc.doc == whole.facts.doc().id).unwrap();
            assert_eq!(sent.document(), Some(whole.facts.doc()), "{table}: sent as a sheet");
        }
    }
}

#[test]
fn a_flipped_bit_costs_at_most_the_row_it_is_in() {
    let (home, bytes) = pristine();
    let (before, layout) = (unsent(home.path()), layout(home.path()));
    for number in 1..=bytes.len() / PAGE {
        let begin = (number - 1) * PAGE;
        let header = if number == 1 { 100 } else { 0 };
        // The page's type, the count of its cells, where its first cell is, and what it holds.
        for at in [header, header + 4, header + 9, PAGE - 20] {
            let mut damaged = bytes.clone();
            // The count loses its highest bit: fewer cells than there are.
            let count = damaged[begin + at].checked_ilog2().map_or(0x04, |bit| 1 << bit);
            damaged[begin + at] ^= if at == header + 4 { count } else { 0x04 };
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

#[test]
fn a_file_cut_short_gives_what_is_left_of_it() {
    let (home, bytes) = pristine();
    let (before, layout) = (unsent(home.path()), layout(home.path()));
    let cut = bytes.len() / 2 + 1_000;
    let behind =
        |(number, (name, rows)): (&usize, &(String, usize))| if *number * PAGE > cut && name == "outbox" { *rows } else { 0 };
    let most: usize = layout.iter().map(behind).sum();
    let folder = with_file(home.path(), &bytes[..cut]);
    assert!(matches!(Store::open(folder.path()), Err(OpenError::Corrupt)));
    let (store, report) = open_until_sound(folder.path());
    drop(store);
    let (_, files) = report.unwrap();
    assert_kept_aside(folder.path(), 1, &files);
    assert!(files[0].as_deref() == Some(&bytes[..cut]), "and it is the one that was cut");
    assert!(before.len() - unsent(folder.path()).len() <= most, "of {} at most {most}", before.len());
}

/// A store as a kill leaves it: nearly everything only in the log.
fn killed() -> (TempDir, Both) {
    let home = tempfile::tempdir().unwrap();
    let mut store = listed_in(home.path());
    store.tidy().unwrap();
    for n in 0..CASES {
        record(&mut store, n, &format!("未送{n}")).unwrap();
    }
    let files = both(home.path());
    drop(store);
    (home, files)
}

#[test]
fn a_log_whose_database_is_gone_is_not_deleted_but_salvaged() {
    let (home, [_, log]) = killed();
    for is_there in [true, false] {
        let folder = with_file(home.path(), &[]);
        if !is_there {
            fs::remove_file(folder.path().join("doorstep.db")).unwrap();
        }
        fs::write(folder.path().join("doorstep.db-wal"), log.as_deref().unwrap()).unwrap();
        assert!(matches!(Store::open(folder.path()), Err(OpenError::Corrupt)));
        assert!(both(folder.path())[1] == log, "SQLite itself would have deleted it");
        let (store, report) = Store::open_or_salvage(folder.path(), FRESH).unwrap();
        drop(store);
        assert_eq!(report.unwrap().taken["outbox"], u64::from(CASES));
        assert_eq!(unsent(folder.path()).len(), CASES as usize);
    }
}

#[test]
fn a_lost_log_costs_what_was_only_in_it_and_nothing_else() {
    let (home, [file, _]) = killed();
    let folder = with_file(home.path(), file.as_deref().unwrap());
    let (mut store, report) = open_until_sound(folder.path());
    assert!(report.is_none() && store.identity().unwrap().is_some());
    record(&mut store, 1, "还能登记").unwrap();
}

#[test]
fn a_damaged_database_is_salvaged_together_with_its_log() {
    let (home, [file, log]) = killed();
    let mut damaged = file.unwrap();
    damaged[PAGE..].fill(0);
    let folder = with_file(home.path(), &damaged);
    fs::write(folder.path().join("doorstep.db-wal"), log.unwrap()).unwrap();
    let (store, report) = Store::open_or_salvage(folder.path(), FRESH).unwrap();
    drop(store);
    assert!(report.is_some());
    assert_eq!(unsent(folder.path()).len(), CASES as usize);
}
