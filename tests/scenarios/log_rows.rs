//! Somebody moves, adds or spoils rows of head office's log with a plain SQL shell: looking over it names them, and each row is looked
//! at whatever stands in the others.

use doorstep_document::{Change, Position, pack};
use doorstep_domain::*;
use doorstep_protocol::{Ack, PushCase, decode, encode};
use doorstep_server::admin::{Looked, Wrong};
use doorstep_tests::{World, ended, waybill};
use rusqlite::params;

use crate::{
    log::{looked, some_work, wrong},
    version2::{Old, as_version_2, attempt},
};

fn named(looked: &Looked) -> Vec<(Wrong, Option<ChangeHash>)> {
    looked.faults.iter().map(|fault| (fault.wrong, fault.change)).collect()
}

/// Adds a change at the end of a case as one that a batch brought, with the case's row, and the first change's receipt.
fn insert(world: &World, case: &CaseId, change: &Change, (pushed_by, batch, device): (&[u8], u64, &[u8])) {
    let first = change.entries().first().unwrap();
    let db = world.database();
    db.execute(
        "INSERT INTO change (case_id, n, hash, install, seq, max_op, mono_ms, device, pushed_by, batch, received_at, acted_at,
           slack_ms, marks, bytes, from_ms, until_ms, unproven, person, boot)
         SELECT case_id, (SELECT max(n) + 1 FROM change WHERE case_id = ?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, received_at, acted_at,
           slack_ms, marks, ?10, from_ms, until_ms, unproven, ?11, ?12 FROM change WHERE case_id = ?1 AND n = 1",
        params![
            case.as_bytes(),
            change.hash().as_bytes(),
            change.install().as_bytes(),
            change.seq(),
            change.max_op(),
            first.time.mono_ms,
            device,
            pushed_by,
            batch,
            change.bytes(),
            first.author.user.as_str(),
            first.time.boot.0
        ],
    )
    .unwrap();
    db.execute(
        "UPDATE doc SET n = n + 1, heads = ?2, max_op = ?3 WHERE case_id = ?1",
        params![case.as_bytes(), change.hash().as_bytes(), change.max_op()],
    )
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_close_that_is_moved_into_the_log_is_named() {
    let mut world = World::new().await;
    let (_phone, _outlet) = some_work(&mut world).await;
    let courier = world.device("second", "c2").await;
    courier.fail(3, "DF-NOBODY").unwrap();
    courier.sync().await.unwrap();
    let close = ended(waybill(3), "SIGNED", None);
    courier.client.record(&close, &[]).unwrap();
    world.admin().left("c2", world.hands.now()).unwrap();
    courier.sync().await.unwrap();
    let case = courier.id(3);
    let (bytes, pushed_by, batch, device): (Vec<u8>, Vec<u8>, u64, Vec<u8>) = world
        .database()
        .query_row("SELECT bytes, pushed_by, batch, device FROM quarantine WHERE case_id = ?1", [case.as_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap();
    assert_eq!(named(&looked(&world)), []);
    let close = Change::read(&case, &bytes).unwrap();
    insert(&world, &case, &close, (&pushed_by, batch, &device));
    let unfounded = [(Wrong::ChangeUnfounded, Some(close.hash()))];
    assert_eq!(named(&looked(&world)), unfounded);
    assert_eq!(named(&world.admin().verify_log(Some(case)).unwrap()), unfounded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_waits_for_another_one_is_named_when_it_is_moved_into_the_log() {
    let mut world = World::new().await;
    let (phone, _outlet) = some_work(&mut world).await;
    let case = phone.id(4);
    phone.note(4, "一").unwrap();
    phone.note(4, "二").unwrap();
    let request = phone.request();
    let chunks = pack::restore(&request.batch.as_ref().unwrap().docs[0].pack).unwrap();
    let late = vec![PushCase { case, pack: pack::elide(&[&chunks[1].1]).unwrap() }];
    let waits = phone.push_packs(&world, late).await.unwrap();
    assert_eq!(waits.cases[0].rows[0].code, 2, "pend");
    assert_eq!(named(&looked(&world)), []);
    let second = Change::read(&case, &chunks[1].1).unwrap();
    let device = phone.client.identity().unwrap().unwrap().device;
    insert(&world, &case, &second, (waits.install.as_bytes(), waits.batch, device.as_bytes()));
    let unmerged = (Wrong::CaseUnmerged, None);
    assert_eq!(
        named(&looked(&world)),
        [unmerged, (Wrong::ChangeUnfounded, Some(second.hash()))],
        "automerge waits for the first"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_was_taken_is_named_when_it_is_put_into_quarantine() {
    let mut world = World::new().await;
    let (phone, _outlet) = some_work(&mut world).await;
    let case = phone.id(4);
    world.database()
        .execute(
            "INSERT INTO quarantine (case_id, hash, reason, policy_version, device, pushed_by, batch, person, received_at, slack_ms,
               marks, bytes) SELECT case_id, hash, 'rights', 1, device, pushed_by, batch, person, received_at, slack_ms, marks, bytes
             FROM change WHERE case_id = ?1 AND n = 1",
            [case.as_bytes()],
        )
        .unwrap();
    assert_eq!(wrong(&looked(&world)), [(Wrong::RefusedUnfounded, Some(case))]);
}

/// Spoils one row of each table of the log, beside a receipt that is a day earlier. Returns the case of that one.
fn spoil(world: &World, (edited, other): (CaseId, CaseId)) {
    let db = world.database();
    let done =
        db.execute("UPDATE change SET received_at = received_at - 86400000 WHERE case_id = ?1 AND n = 1", [edited.as_bytes()]);
    assert_eq!(done.unwrap(), 1);
    db.execute(
        "INSERT INTO quarantine (case_id, hash, reason, policy_version, device, pushed_by, batch, person, received_at, slack_ms, marks,
           bytes) SELECT x'00', x'07', 'rights', 1, device, pushed_by, batch, person, received_at, slack_ms, marks, bytes
         FROM change WHERE batch > 0 LIMIT 1",
        [],
    )
    .unwrap();
    assert_eq!(db.execute("UPDATE change SET slack_ms = -1 WHERE case_id = ?1 AND n = 1", [other.as_bytes()]).unwrap(), 1);
    let newest = "UPDATE envelope SET version = -1 WHERE (install, number) = (SELECT install, number FROM envelope
                    WHERE install = (SELECT pushed_by FROM change WHERE case_id = ?1 AND n = 3) ORDER BY number DESC LIMIT 1)";
    assert_eq!(db.execute(newest, [edited.as_bytes()]).unwrap(), 1);
    db.execute("INSERT INTO link (number, prev, at, key, body, sig) VALUES (-3, x'', 0, x'', x'', x'')", []).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_can_not_be_read_is_named_and_hides_nothing() {
    let mut world = World::new().await;
    let (phone, _outlet) = some_work(&mut world).await;
    let (edited, other) = (phone.id(2), phone.id(4));
    spoil(&world, (edited, other));
    let found = looked(&world);
    assert_eq!(found.unfinished, None);
    assert!(wrong(&found).contains(&(Wrong::ReceiptAltered, Some(edited))), "{:?}", found.faults);
    let unreadable: Vec<_> = found.faults.iter().filter(|fault| fault.wrong == Wrong::Unreadable).collect();
    assert_eq!(unreadable.len(), 4, "a link, a batch, a change, a refused one: {unreadable:?}");
    assert!(unreadable.iter().any(|fault| fault.case == Some(other)), "{unreadable:?}");
    let of_table = |table: &str| unreadable.iter().any(|fault| fault.row.as_deref().is_some_and(|row| row.starts_with(table)));
    assert!(["link -3", "envelope ", "change ", "quarantine 00 07"].into_iter().all(of_table), "{unreadable:?}");
    let of_one = world.admin().verify_log(Some(edited)).unwrap();
    assert!(wrong(&of_one).contains(&(Wrong::ReceiptAltered, Some(edited))), "{:?}", of_one.faults);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_look_has_found_is_kept_when_it_can_not_go_on() {
    let mut world = World::new().await;
    let (phone, _outlet) = some_work(&mut world).await;
    world.stop_server().await;
    let case = phone.id(2);
    let earlier = "UPDATE change SET received_at = received_at - 86400000 WHERE case_id = ?1 AND n = 1";
    world.database().execute(earlier, [case.as_bytes()]).unwrap();
    // The last of the tables that it goes through.
    world.database().execute("ALTER TABLE quarantine RENAME TO elsewhere", []).unwrap();
    let found = looked(&world);
    assert_eq!(wrong(&found), [(Wrong::ReceiptAltered, Some(case))]);
    assert!(found.unfinished.is_some());
    let before = world.admin().log_faults().unwrap();
    assert!(before.faults.is_empty());
    world.hands.advance(10);
    world.restart_server().await;
    let found = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        loop {
            let found = world.admin().log_faults().unwrap();
            if !found.faults.is_empty() {
                return found;
            }
            tokio::task::yield_now().await;
        }
    });
    let found = found.await.unwrap();
    assert!(found.faults[0].fault.contains("receipt_altered"), "{found:?}");
    assert_eq!(found.looked_at, before.looked_at, "it was not over");
}

/// A log as version 2 left it and an update has taken it: no links, verdicts of five values, and receipts that were completed.
async fn migrated(world: &mut World) {
    world.stop_server().await;
    world.as_of_step(7);
    answered_in_version_2(world);
    // The second step of the schema completes receipts in this way.
    world
        .database()
        .execute(
            "UPDATE change SET
           from_ms = iif(acted_at IS NULL OR marks & 2, NULL, acted_at - slack_ms),
           until_ms = iif(acted_at IS NULL OR marks & 2, NULL, min(received_at, acted_at + slack_ms)),
           marks = (marks & 7) | iif(acted_at IS NULL OR marks & 2, 0, 8) | 256, unproven = 0",
            [],
        )
        .unwrap();
    world.restart_server().await;
}

/// Makes stored verdicts those of version 2: five values for each change.
fn answered_in_version_2(world: &World) {
    let db = world.database();
    let acks: Vec<(Vec<u8>, Vec<u8>)> = db
        .prepare("SELECT hash, ack FROM envelope")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for (hash, ack) in acks {
        let mut ack: Ack = decode(&ack).unwrap();
        for row in ack.cases.iter_mut().flat_map(|case| &mut case.rows) {
            *row = row.in_version_2();
        }
        db.execute("UPDATE envelope SET ack = ?2 WHERE hash = ?1", params![hash, encode(&ack).unwrap()]).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_version_2_left_holds_after_the_update_and_its_gaps_can_not_be_edited_unseen() {
    let mut world = World::new().await;
    let mut old = Old::of(&mut world, "old", "c1").await;
    old.sync(&world, &[]).await;
    for n in [2, 4] {
        world.hands.advance(10);
        let mut position = Position { heads: vec![], max_op: 0, seq: 0 };
        let change = old.record(n, "c1", attempt(), &mut position);
        old.sync(&world, &[(old.device.id(n), &[&change])]).await;
    }
    world.stop_server().await;
    answered_in_version_2(&world);
    let file = world.server_folder().join("doorstep-server.db");
    as_version_2(&file, include_str!("../../server/migrations/0001_initial.sql"), 0, &["change", "quarantine"]);
    world.restart_server().await;
    let found = looked(&world);
    assert_eq!((found.faults.as_slice(), found.batches_before), (&[][..], 2));
    let case = old.device.id(2);
    let later = "UPDATE change SET until_ms = until_ms + 86400000, marks = (marks & ~1792) | 768 WHERE link IS NULL AND batch > 0
                   AND case_id = ?1";
    assert_eq!(world.database().execute(later, [case.as_bytes()]).unwrap(), 1);
    assert_eq!(wrong(&looked(&world)), [(Wrong::ReceiptAltered, Some(case))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_or_a_word_on_facts_of_before_there_were_links_is_named_when_it_is_edited() {
    let mut world = World::new().await;
    let (phone, _outlet) = some_work(&mut world).await;
    migrated(&mut world).await;
    phone.note(4, "升级之后").unwrap();
    phone.sync().await.unwrap();
    let found = looked(&world);
    assert_eq!((found.faults.len(), found.own_before), (0, 1), "{:?}", found.faults);
    let case = phone.id(2);
    for edit in [
        "until_ms = until_ms + 86400000",
        "from_ms = from_ms - 86400000",
        "from_ms = NULL, until_ms = NULL",
        "marks = (marks & ~1792) | 768",
        "marks = marks & ~8",
        "unproven = 3",
    ] {
        let db = world.database();
        let before = "SELECT from_ms, until_ms, marks, unproven FROM change WHERE case_id = ?1 AND n = 1";
        let was: (Option<i64>, Option<i64>, i64, i64) =
            db.query_row(before, [case.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
        let edited = db.execute(&format!("UPDATE change SET {edit} WHERE case_id = ?1 AND n = 1"), [case.as_bytes()]);
        assert_eq!(edited.unwrap(), 1);
        assert_eq!(wrong(&looked(&world)), [(Wrong::ReceiptAltered, Some(case))], "{edit}");
        let back = "UPDATE change SET from_ms = ?2, until_ms = ?3, marks = ?4, unproven = ?5 WHERE case_id = ?1 AND n = 1";
        db.execute(back, params![case.as_bytes(), was.0, was.1, was.2, was.3]).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_one_case_sees_that_something_from_before_was_added_or_removed() {
    let mut world = World::new().await;
    let (phone, _outlet) = some_work(&mut world).await;
    migrated(&mut world).await;
    let (listed, other) = (phone.id(2), phone.id(4));
    let of_one = |world: &World, case| wrong(&world.admin().verify_log(Some(case)).unwrap());
    assert_eq!((of_one(&world, listed), of_one(&world, other)), (vec![], vec![]));
    // The case has none of the server's own, and the log has one.
    let db = world.database();
    let bytes: Vec<u8> =
        db.query_row("SELECT bytes FROM change WHERE case_id = ?1 AND batch = 0", [listed.as_bytes()], |row| row.get(0)).unwrap();
    let own = Change::read(&listed, &bytes).unwrap();
    let heads: Vec<u8> = db.query_row("SELECT heads FROM doc WHERE case_id = ?1", [other.as_bytes()], |row| row.get(0)).unwrap();
    insert(&world, &other, &own, (own.install().as_bytes(), 0, &[0; 16]));
    let unmerged = (Wrong::CaseUnmerged, Some(other));
    assert_eq!(of_one(&world, other), [unmerged, (Wrong::BeforeAltered, None)], "it follows changes of the other case");
    db.execute("DELETE FROM change WHERE case_id = ?1 AND batch = 0", [other.as_bytes()]).unwrap();
    db.execute("UPDATE doc SET n = n - 1 WHERE case_id = ?1", [other.as_bytes()]).unwrap();
    assert_eq!(of_one(&world, other), [unmerged], "the row still names its hash as the head");
    db.execute("UPDATE doc SET heads = ?2 WHERE case_id = ?1", params![other.as_bytes(), heads]).unwrap();
    assert_eq!(of_one(&world, other), []);
    // Verdicts that are edited with the receipt.
    let (hash, ack): (Vec<u8>, Vec<u8>) = db
        .query_row(
            "SELECT hash, ack FROM envelope WHERE (install, number) = (SELECT pushed_by, batch FROM change WHERE case_id = ?1 AND n = 1)",
            [other.as_bytes()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    let mut ack: Ack = decode(&ack).unwrap();
    ack.cases.iter_mut().flat_map(|case| &mut case.rows).for_each(|row| row.marks = Some(4));
    db.execute("UPDATE envelope SET ack = ?2 WHERE hash = ?1", params![hash, encode(&ack).unwrap()]).unwrap();
    assert!(of_one(&world, other).contains(&(Wrong::BeforeAltered, None)));
}
