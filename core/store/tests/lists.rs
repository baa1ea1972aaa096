//! Each person's list: whose turn it is, in which order, after midnight too, and without reading a document.
#![allow(missing_docs, reason = "tests are named for what they show")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::disallowed_methods, reason = "tests fail loudly")]

mod common;

use std::fs;

use common::*;
use doorstep_document::{Change, NewEntry, Position};
use doorstep_domain::*;
use doorstep_protocol::*;
use doorstep_rules::{DutyKind, Reader, Turn};
use doorstep_store::{Action, ActionCase, CaseRow, Filter, Store, Which};
use tempfile::TempDir;

const PACK_2: &[u8] = include_bytes!("../../rules/packs/qinghe-2.toml");
const HOUR: i64 = 3_600_000;
/// The last millisecond of the first day.
const MIDNIGHT: UnixMs = UnixMs(1_772_467_200_000 - 1);

fn published(version: u64, valid_from: UnixMs, toml: &[u8]) -> (Publication, Signed) {
    let (network, valid_from_ms) = ("QH".into(), valid_from.0);
    let publication = Publication { network, version: version as u32, published_ms: 0, valid_from_ms, toml: toml.to_vec() };
    let signed = Signed { body: encode(&publication).unwrap(), sig: vec![] };
    (publication, signed)
}

/// A courier's store with the parcels 0 to 8 and the second pack.
fn ready() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.enrol(&enrolment(author()), NOW).unwrap();
    let packs = Reference { version: 1, packs: vec![published(2, UnixMs(0), PACK_2)], ..Reference::default() };
    store.take_refs(RefKind::Pack, &packs, NOW).unwrap();
    let parcels = Reference { version: 1, parcels: (0..9).map(parcel).collect(), ..Reference::default() };
    store.take_refs(RefKind::Parcels, &parcels, NOW).unwrap();
    (folder, store)
}

/// Records something at a moment, and has head office accept it then. It need not be in this person's rights: a store does not look at them.
fn say(store: &mut Store, n: u32, at: UnixMs, body: Body) {
    let time = TimeEvidence { wall: at, mono_ms: 5_000 + at.since(NOW) as u64, ..time() };
    let recording = recording(n, std::slice::from_ref(&body));
    let cases = vec![ActionCase { waybill: waybill(n), bodies: vec![body], photos: vec![] }];
    store.record(&Action { id: ActionId::new([1; 16]), recording, time, now: at, cases, step: None }).unwrap();
    let push = push_of(store, 1 << 20);
    let answer = response(Some(ack(&push, &Verdict::Ok(Receipt::of(at, Some(at))))), vec![]);
    store.apply(&answer, clocks(), at, FRESH).unwrap();
}

fn notice() -> Body {
    Body::Notice(Notice { to: "0571".parse().unwrap(), source: TargetSource::WaybillData, request: None })
}

/// A reply of the origin outlet comes with a feed.
fn replied(store: &mut Store, n: u32, at: UnixMs) {
    let facts = Facts {
        origin_outlet: Some("0571".parse().unwrap()),
        delivering_outlet: Some("0412".parse().unwrap()),
        reference: 1,
        ..Facts::unlisted("QH".parse().unwrap(), waybill(n))
    };
    let author = Author { user: "o1".parse().unwrap(), role: Role::Outlet, outlet: "0571".parse().unwrap() };
    let time = TimeEvidence { wall: at, ..time() };
    let reply = Body::Reply(Reply { same: true, ..Reply::of("REDELIVER".parse().unwrap()) });
    let entry = NewEntry { facts: Some(facts), ..NewEntry::of(author, 1, time, reply) };
    let change = Change::write(&case(n), &InstallId::new([7; 16]), &Position::default(), &[entry]).unwrap();
    let receipts = pack_receipts(&[(Receipt::of(at, Some(at)), 5_000)], Spoken::Version3);
    let come = FeedCase { receipts, ..feed_of(n, &[change.bytes()]) };
    store.apply(&response(None, vec![page(u64::from(n) + 1, vec![come])]), clocks(), at, FRESH).unwrap();
}

fn close() -> Body {
    Body::Close(Close::of("SIGNED".parse().unwrap()))
}

fn called() -> Body {
    Body::Call(Call::of(CallResult::NoAnswer))
}

fn reader(user: &str, role: Role, outlet: &str) -> Reader {
    Reader { role, user: user.parse().unwrap(), outlet: outlet.parse().unwrap() }
}

fn all() -> Filter {
    Filter { closed: true, ..Filter::default() }
}

fn part(which: Which) -> Filter {
    Filter { which, ..Filter::default() }
}

/// The numbers of the listed parcels.
fn numbers(rows: &[CaseRow]) -> Vec<u32> {
    rows.iter().map(|row| row.waybill[2..].parse().unwrap()).collect()
}

/// The records can not be read any more, so a list that is right was read from the rows.
fn lose_all_records(folder: &TempDir) {
    database(folder.path()).execute_batch("DELETE FROM change; DELETE FROM outbox").unwrap();
}

/// Four cases: 1 is not notified, 2 waits for a reply, 3 is to be carried out, 4 has ended.
fn four(store: &mut Store) {
    for n in 1..=4 {
        say(store, n, NOW, attempt("敲门无人"));
    }
    for n in 2..=4 {
        say(store, n, NOW.plus(60_000), called());
        say(store, n, NOW.plus(120_000), notice());
    }
    for n in 3..=4 {
        replied(store, n, NOW.plus(180_000));
    }
    say(store, 4, NOW.plus(240_000), close());
}

#[test]
fn a_case_that_missed_a_clock_and_has_no_running_one_is_at_the_top() {
    let (_folder, mut store) = ready();
    four(&mut store);
    say(&mut store, 5, NOW, attempt("敲门无人"));
    let next_day = MIDNIGHT.plus(10 * HOUR);
    say(&mut store, 0, next_day, attempt("敲门无人"));
    let rows = store.cases(&all(), next_day.plus(60_000)).unwrap();
    let missed = rows.iter().find(|row| row.waybill == waybill(5).as_str()).unwrap();
    assert_eq!((missed.due_at, missed.turn, missed.mine), (None, Turn::Overdue(MIDNIGHT), true), "{missed:?}");
    assert_eq!(rows[0].turn, Turn::Overdue(MIDNIGHT));
    let place = |n: u32| numbers(&rows).iter().position(|row| *row == n).unwrap();
    assert!(place(1) < 2 && place(5) < 2, "both that were never notified: {:?}", numbers(&rows));
    assert!(place(0) > 1 && place(2) > place(0), "then what has time, then what waits for others: {:?}", numbers(&rows));
    assert_eq!((place(4), rows[5].turn, rows[5].due.as_ref()), (5, Turn::Ended, None), "what ended is last");
}

#[test]
fn the_origin_outlet_sees_as_its_turn_what_waits_for_others_to_the_courier() {
    let (_folder, mut store) = ready();
    four(&mut store);
    let now = NOW.plus(5 * 60_000);
    let (courier, origin) = (reader("c1", Role::Courier, "0412"), reader("o1", Role::Outlet, "0571"));
    let turns = |store: &mut Store, reader: &Reader, n: u32| {
        let row =
            store.cases_of(&all(), reader, now).unwrap().into_iter().find(|row| row.waybill == waybill(n).as_str()).unwrap();
        (row.mine, row.turn.class(), row.due.map(|duty| duty.kind))
    };
    assert_eq!(turns(&mut store, &courier, 1), (true, 1, Some(DutyKind::Notify)));
    assert_eq!(turns(&mut store, &origin, 1), (false, 2, Some(DutyKind::Notify)), "of others the most urgent is shown");
    assert_eq!(turns(&mut store, &courier, 2), (false, 2, Some(DutyKind::Look)));
    assert_eq!(turns(&mut store, &origin, 2), (true, 1, Some(DutyKind::Look)));
    assert_eq!(turns(&mut store, &courier, 3), (true, 1, Some(DutyKind::Follow)));
    assert_eq!(turns(&mut store, &origin, 4), (false, 3, None));
    // Another outlet has nothing to do with any of them.
    let stranger = reader("x1", Role::Outlet, "0999");
    assert!(store.cases_of(&part(Which::ToDo), &stranger, now).unwrap().is_empty());
    assert_eq!(store.cases_of(&part(Which::Waiting), &stranger, now).unwrap().len(), 3);
}

#[test]
fn what_is_assigned_to_one_courier_is_on_that_couriers_list_and_their_outlets_and_not_on_anothers() {
    let (_folder, mut store) = ready();
    four(&mut store);
    let assign = Assign { to: "c2".parse().unwrap(), planned_at: None, replaces: None, words: None };
    say(&mut store, 3, NOW.plus(300_000), Body::Assign(assign));
    let now = NOW.plus(360_000);
    let to_do = |store: &mut Store, user: &str, role: Role| {
        numbers(&store.cases_of(&part(Which::ToDo), &reader(user, role, "0412"), now).unwrap())
    };
    assert!(!to_do(&mut store, "c1", Role::Courier).contains(&3));
    assert!(to_do(&mut store, "c2", Role::Courier).contains(&3));
    assert!(to_do(&mut store, "s1", Role::Outlet).contains(&3));
    assert!(to_do(&mut store, "m1", Role::OutletManager).contains(&3));
    let row = |store: &mut Store, user: &str| {
        let filter = Filter { waybill: Some("0003".into()), ..Filter::default() };
        store.cases_of(&filter, &reader(user, Role::Courier, "0412"), now).unwrap().remove(0)
    };
    let row = (row(&mut store, "c1"), row(&mut store, "c2"));
    assert_eq!((row.0.mine, row.1.mine), (false, true));
    assert_eq!(row.1.due.unwrap().person.unwrap().as_str(), "c2");
    // Two people of one role share a list.
    assert_eq!(to_do(&mut store, "s2", Role::Outlet), to_do(&mut store, "s1", Role::Outlet));
}

#[test]
fn mine_to_do_mine_to_answer_and_waiting_are_parts_of_one_list() {
    let (_folder, mut store) = ready();
    four(&mut store);
    let now = NOW.plus(5 * 60_000);
    let part = |store: &mut Store, which: Which, reader: &Reader| numbers(&store.cases_of(&part(which), reader, now).unwrap());
    let origin = reader("o1", Role::Outlet, "0571");
    assert_eq!(part(&mut store, Which::ToAnswer, &origin), [2]);
    assert!(part(&mut store, Which::ToDo, &origin).contains(&2));
    assert!(part(&mut store, Which::Waiting, &origin).contains(&1));
    for reader in [origin, reader("c1", Role::Courier, "0412"), reader("q1", Role::HqReviewer, "HQ")] {
        let mut parts = [part(&mut store, Which::ToDo, &reader), part(&mut store, Which::Waiting, &reader)].concat();
        let mut whole = part(&mut store, Which::All, &reader);
        parts.sort();
        whole.sort();
        assert_eq!((&parts, whole.as_slice()), (&whole, &[1, 2, 3][..]), "{reader:?}");
    }
    assert_eq!(part(&mut store, Which::ToAnswer, &reader("c1", Role::Courier, "0412")), [0; 0]);
    // Whoever watches all has everything in the order of its time, though nothing of it is theirs to do.
    let watcher = reader("q2", Role::HqCs, "HQ");
    assert_eq!(part(&mut store, Which::ToDo, &watcher), [0; 0]);
    let rows = store.cases_of(&all(), &watcher, now).unwrap();
    assert!(rows[..3].iter().all(|row| row.turn.class() < 2 && !row.mine) && rows.is_sorted_by_key(CaseRow::place), "{rows:?}");
}

#[test]
fn waybills_in_no_list_are_a_list_of_their_own() {
    let (_folder, mut store) = ready();
    for n in [1, 2, 30] {
        say(&mut store, n, NOW, attempt("敲门无人"));
    }
    let listed = |store: &mut Store, listed| numbers(&store.cases(&Filter { listed, ..Filter::default() }, NOW).unwrap());
    assert_eq!(listed(&mut store, Some(false)), [30]);
    let (mut known, mut both) = (listed(&mut store, Some(true)), listed(&mut store, None));
    known.sort();
    both.sort();
    assert_eq!((known, both), (vec![1, 2], vec![1, 2, 30]));
    let row = store.cases(&Filter { listed: Some(false), ..Filter::default() }, NOW).unwrap().remove(0);
    assert!(row.unlisted && row.flags.contains(&"unlisted".to_owned()));
}

#[test]
fn at_midnight_a_row_moves_to_the_top_of_each_list_with_its_missed_duty_though_no_record_can_be_read() {
    let (folder, mut store) = ready();
    say(&mut store, 1, NOW, attempt("敲门无人"));
    say(&mut store, 2, NOW, attempt("敲门无人"));
    say(&mut store, 2, NOW.plus(60_000), called());
    say(&mut store, 2, NOW.plus(120_000), notice());
    let (courier, origin) = (reader("c1", Role::Courier, "0412"), reader("o1", Role::Outlet, "0571"));
    let first = |store: &mut Store, reader: &Reader, now: UnixMs| store.cases_of(&all(), reader, now).unwrap().remove(0);
    for reader in [&courier, &origin] {
        first(&mut store, reader, NOW.plus(180_000));
    }
    lose_all_records(&folder);
    let row = first(&mut store, &courier, MIDNIGHT);
    assert_eq!((row.turn, row.due.unwrap().missed), (Turn::Mine(MIDNIGHT), None));
    let row = first(&mut store, &courier, MIDNIGHT.plus(1));
    let due = row.due.unwrap();
    assert_eq!((row.turn, due.kind, due.missed), (Turn::Overdue(MIDNIGHT), DutyKind::Notify, Some(MIDNIGHT)));
    assert_eq!(row.waybill, waybill(1).as_str());
    assert!(row.duties.contains(&due));
    // The other reader's places move with it. The notice was to be looked at within half an hour.
    let row = first(&mut store, &origin, MIDNIGHT.plus(1));
    assert_eq!((row.waybill.as_str(), row.mine, row.turn.class()), (waybill(2).as_str(), true, 0));
    assert_eq!(store.cases_of(&part(Which::Waiting), &origin, MIDNIGHT.plus(1)).unwrap()[0].turn, Turn::Waiting(MIDNIGHT));
    // Another person who signs in later gets a list from the rows alone.
    let other = reader("c2", Role::Courier, "0412");
    assert_eq!(first(&mut store, &other, MIDNIGHT.plus(1)).turn, Turn::Overdue(MIDNIGHT));
}

#[test]
fn a_version_of_the_rules_that_takes_effect_moves_the_rows_though_no_record_can_be_read() {
    let (folder, mut store) = ready();
    // Another version, from eleven on, in which a card of the problem has nobody ask the recipient.
    let text = String::from_utf8(PACK_2.to_vec()).unwrap();
    let (version, step) = (text.replacen("version = 2", "version = 3", 1), "ask_recipient");
    assert!(text.contains(step));
    let other = version.replace("ask_recipient", "ask_the_recipient");
    let switch = NOW.plus(2 * HOUR);
    let packs = vec![published(2, UnixMs(0), PACK_2), published(3, switch, other.as_bytes())];
    store.take_refs(RefKind::Pack, &Reference { version: 2, packs, ..Reference::default() }, NOW).unwrap();
    say(&mut store, 1, NOW, attempt("敲门无人"));
    let steps = |store: &mut Store, now: UnixMs| {
        let row = store.cases(&Filter::default(), now).unwrap().remove(0);
        row.duties.into_iter().filter_map(|duty| duty.step).collect::<Vec<_>>()
    };
    let before = steps(&mut store, NOW);
    lose_all_records(&folder);
    assert_eq!(steps(&mut store, switch.plus(-1)), before);
    let after = store.cases(&Filter::default(), switch).unwrap();
    assert_eq!((after.len(), after[0].turn.class(), after[0].mine), (1, 1, true), "{after:?}");
}

#[test]
fn page_by_page_a_list_is_the_same_for_each_reader_and_each_part_and_while_rows_move() {
    let (_folder, mut store) = ready();
    four(&mut store);
    for n in 5..30 {
        say(&mut store, n, NOW.plus(i64::from(n % 5)), attempt("敲门无人"));
    }
    let now = MIDNIGHT.plus(1);
    let readers = [("c1", Role::Courier, "0412"), ("o1", Role::Outlet, "0571"), ("q1", Role::HqReviewer, "HQ")];
    for (user, role, outlet) in readers {
        let reader = reader(user, role, outlet);
        for which in [Which::All, Which::ToDo, Which::ToAnswer, Which::Waiting] {
            let whole = store.cases_of(&Filter { which, ..all() }, &reader, now).unwrap();
            assert!(whole.is_sorted_by_key(CaseRow::place));
            let mut filter = Filter { limit: 3, which, ..all() };
            let mut paged = Vec::new();
            loop {
                let page = store.cases_of(&filter, &reader, now).unwrap();
                let Some(last) = page.last() else { break };
                filter.after = Some(last.place());
                paged.extend(page);
            }
            assert_eq!(paged, whole, "{user} {which:?}");
        }
    }
    // A row that ends while pages are read leaves the others where they are.
    let first = store.cases(&Filter { limit: 3, ..all() }, now).unwrap();
    let after = first.last().map(CaseRow::place);
    let rest = store.cases(&Filter { after, ..all() }, now).unwrap();
    say(&mut store, first[0].waybill[2..].parse().unwrap(), now, close());
    let then = store.cases(&Filter { after, ..all() }, now.plus(1)).unwrap();
    assert_eq!(numbers(&then)[..rest.len() - 1], numbers(&rest)[..rest.len() - 1]);
}

#[test]
fn a_page_is_one_walk_along_an_index_and_sorts_nothing() {
    let (folder, mut store) = ready();
    four(&mut store);
    store.cases(&all(), NOW).unwrap();
    let db = database(folder.path());
    let plan = "EXPLAIN QUERY PLAN SELECT case_row.* FROM place CROSS JOIN case_row ON case_row.case_id = place.case_id
        WHERE place.reader = 1 AND (place.class, place.at, place.case_id) > (1, 2, x'03') ORDER BY place.class, place.at, place.case_id";
    let mut query = db.prepare(plan).unwrap();
    let steps: Vec<String> = query.query_map([], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
    assert_eq!(steps.len(), 2, "{steps:?}");
    assert!(steps[0].starts_with("SEARCH place USING PRIMARY KEY (reader=? AND (class,at,case_id)>"), "{steps:?}");
    assert!(steps[1].starts_with("SEARCH case_row USING PRIMARY KEY"), "{steps:?}");
}

#[test]
fn an_ended_case_in_which_the_reader_still_has_something_to_do_is_listed_with_the_open_ones() {
    let (_folder, mut store) = ready();
    four(&mut store);
    say(&mut store, 4, NOW.plus(300_000), Body::Close(Close::of("RETURNED".parse().unwrap())));
    let now = NOW.plus(360_000);
    let listed = |store: &mut Store, role: Role| {
        numbers(&store.cases_of(&Filter::default(), &reader("q1", role, "HQ"), now).unwrap()).contains(&4)
    };
    assert!(listed(&mut store, Role::HqReviewer), "two ends contradict each other");
    assert!(!listed(&mut store, Role::HqCs));
    let todo = store.cases_of(&part(Which::ToDo), &reader("q1", Role::HqReviewer, "HQ"), now).unwrap();
    assert_eq!((numbers(&todo), todo[0].due.as_ref().unwrap().kind), (vec![4], DutyKind::Decide));
}

#[test]
fn a_store_of_the_former_schema_keeps_its_rows_and_gets_its_duties() {
    let (folder, mut store) = ready();
    four(&mut store);
    let now = NOW.plus(5 * 60_000);
    let today = store.cases(&all(), now).unwrap();
    drop(store);
    // As the former version left it: without the tables of the eighth migration and those after it, and with the phases and the index of before.
    let migration = |name: &str| {
        fs::read_to_string(format!("{}/migrations/{name}.sql", env!("CARGO_MANIFEST_DIR"))).unwrap().replace('\r', "")
    };
    let first = migration("0001_initial");
    let of = |begin: &str| {
        let from = &first[first.find(begin).unwrap()..];
        from[..from.find(";\n").unwrap() + 1].to_owned()
    };
    database(folder.path())
        .execute_batch(&format!(
            "DROP INDEX outbox_moved; DROP INDEX change_parked; DROP INDEX named_brought; DROP TABLE ledger_case; DROP TABLE assignment; ALTER TABLE parcel DROP COLUMN courier_ms;
             DROP TABLE case_duty; DROP TABLE place; DROP TABLE reader; DROP TABLE turn; DROP INDEX case_open; {} {}
             PRAGMA user_version = 7; PRAGMA wal_checkpoint(TRUNCATE);",
            of("CREATE TABLE turn "),
            of("CREATE INDEX case_by_due ")
        ))
        .unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    assert_eq!(store.cases(&all(), now).unwrap(), today);
    let mut store = {
        drop(store);
        Store::open(folder.path()).unwrap()
    };
    lose_all_records(&folder);
    assert_eq!(store.cases(&all(), now).unwrap(), today, "once they are worked out they are kept");
}

#[test]
fn a_former_row_that_can_not_be_judged_waits_and_does_not_count_as_ended() {
    let (folder, mut store) = ready();
    four(&mut store);
    let before = store.cases(&all(), NOW).unwrap();
    database(folder.path())
        .execute_batch(
            "UPDATE change SET bytes = CAST(substr(bytes, 1, 80) || x'00' || substr(bytes, 82) AS BLOB);
             DELETE FROM case_duty; DELETE FROM place; DELETE FROM reader;
             INSERT OR IGNORE INTO stale (case_id) SELECT case_id FROM case_row",
        )
        .unwrap();
    let rows = store.cases(&Filter::default(), NOW).unwrap();
    assert_eq!((rows.len(), before.len()), (3, 4));
    assert!(rows.iter().all(|row| row.turn.class() == 2 && row.due.is_none() && row.duties.is_empty()), "{rows:?}");
}

#[test]
fn a_person_who_comes_back_with_another_outlet_gets_another_list_and_the_former_one_goes() {
    let (folder, mut store) = ready();
    four(&mut store);
    let now = NOW.plus(5 * 60_000);
    assert!(!store.cases(&part(Which::ToDo), now).unwrap().is_empty());
    let moved = Author { outlet: "0999".parse().unwrap(), ..author() };
    store.enrol(&enrolment(moved), now).unwrap();
    assert!(store.cases(&part(Which::ToDo), now).unwrap().is_empty());
    let count = |sql: &str| database(folder.path()).query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((count("SELECT count(*) FROM reader"), count("SELECT count(DISTINCT reader) FROM place")), (1, 1));
}
