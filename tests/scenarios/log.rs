//! Somebody edits head office's log with a plain SQL shell: looking over it names what is not as it was signed.

use doorstep_client::{Act, Authorship, ProvenEntry};
use doorstep_document::{Change, NewEntry, Position, pack};
use doorstep_domain::*;
use doorstep_protocol::PushCase;
use doorstep_server::admin::{Fault, Looked, Wrong};
use doorstep_tests::{Device, PARCEL_COLUMNS, World, on, raw, text, waybill};
use rusqlite::params;

pub(crate) fn looked(world: &World) -> Looked {
    world.admin().verify_log(None).unwrap()
}

/// What is wrong, and in which case, each once.
pub(crate) fn wrong(looked: &Looked) -> Vec<(Wrong, Option<CaseId>)> {
    let mut found: Vec<_> = looked.faults.iter().map(|fault: &Fault| (fault.wrong, fault.case)).collect();
    found.dedup();
    found
}

/// What a look at the signatures of batches alone says of a case.
fn is_vouched_for_by_signatures(world: &World, case: &CaseId) -> bool {
    world.admin().envelopes(case).unwrap().iter().all(|batch| batch.signature_holds && batch.follows)
}

/// A case with an entry of a phone, one of an outlet and the server's own, and another.
pub(crate) async fn some_work(world: &mut World) -> (Device, Device) {
    let (phone, outlet) = (world.device("phone", "c1").await, world.device("outlet", "o1").await);
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.notice(2).unwrap();
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    world.hands.advance(30);
    outlet.sync().await.unwrap();
    outlet.reply(2).unwrap();
    outlet.sync().await.unwrap();
    world.admin().user("hq1", "王审", "hq_reviewer", "0412").unwrap();
    let attempt = outlet.case(2).unwrap().case.timeline[0].entry.key.to_string();
    world.admin().mark(&waybill(2), &attempt, Remark::Unclear, "hq1", None, world.hands.now()).unwrap();
    assert_eq!(wrong(&looked(world)), []);
    (phone, outlet)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_a_day_earlier_is_named() {
    let mut world = World::new().await;
    let (phone, _outlet) = some_work(&mut world).await;
    let case = phone.id(2);
    let day = 86_400_000;
    let earlier = "UPDATE change SET received_at = received_at - ?1, acted_at = acted_at - ?1, from_ms = from_ms - ?1,
                     until_ms = until_ms - ?1 WHERE case_id = ?2 AND batch > 0 AND n = 1";
    assert_eq!(world.database().execute(earlier, params![day, case.as_bytes()]).unwrap(), 1);
    assert!(is_vouched_for_by_signatures(&world, &case));
    let found = looked(&world);
    assert_eq!(wrong(&found), [(Wrong::ReceiptAltered, Some(case))]);
    assert_eq!(found.faults[0].waybill, Some(waybill(2)));
    assert_eq!(wrong(&world.admin().verify_log(Some(case)).unwrap()), [(Wrong::ReceiptAltered, Some(case))]);
    assert_eq!(wrong(&world.admin().verify_log(Some(phone.id(4))).unwrap()), [], "the other case is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_that_were_edited_with_the_receipt_are_named() {
    let mut world = World::new().await;
    let (phone, _outlet) = some_work(&mut world).await;
    let db = world.database();
    let (install, ack): (Vec<u8>, Vec<u8>) = db
        .query_row("SELECT install, ack FROM envelope ORDER BY received_at LIMIT 1", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    let mut ack: doorstep_protocol::Ack = doorstep_protocol::decode(&ack).unwrap();
    ack.received_ms -= 86_400_000;
    let ack = doorstep_protocol::encode(&ack).unwrap();
    db.execute(
        "UPDATE envelope SET ack = ?2, received_at = received_at - 86400000 WHERE install = ?1 AND number = 1",
        params![install, ack],
    )
    .unwrap();
    db.execute(
        "UPDATE change SET received_at = received_at - 86400000, until_ms = until_ms - 86400000 WHERE pushed_by = ?1 AND batch = 1",
        params![install],
    )
    .unwrap();
    assert!(is_vouched_for_by_signatures(&world, &phone.id(2)));
    assert!(wrong(&looked(&world)).contains(&(Wrong::VerdictsAltered, None)));
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_were_changed_with_hash_and_heads_are_named() {
    let mut world = World::new().await;
    let (phone, _outlet) = some_work(&mut world).await;
    let case = phone.id(4);
    let db = world.database();
    let (bytes, hash): (Vec<u8>, Vec<u8>) = db
        .query_row("SELECT bytes, hash FROM change WHERE case_id = ?1 AND n = 1", [case.as_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    let was = Change::read(&case, &bytes).unwrap();
    let mut entry = as_new(&was.entries()[0]);
    let Body::Attempt(attempt) = &mut entry.body else { panic!("{entry:?}") };
    attempt.words = Some(Personal::plain("客户同意").unwrap());
    let now = Change::write(&case, &was.install(), &Position::default(), &[entry]).unwrap();
    db.execute(
        "UPDATE change SET bytes = ?3, hash = ?2, max_op = ?4 WHERE case_id = ?1 AND n = 1",
        params![case.as_bytes(), now.hash().as_bytes(), now.bytes(), now.max_op()],
    )
    .unwrap();
    db.execute(
        "UPDATE doc SET heads = ?2, max_op = ?3 WHERE case_id = ?1 AND heads = ?4",
        params![case.as_bytes(), now.hash().as_bytes(), now.max_op(), hash],
    )
    .unwrap();
    assert!(is_vouched_for_by_signatures(&world, &case));
    let found = looked(&world);
    assert!(wrong(&found).contains(&(Wrong::ChangeMissing, Some(case))), "{:?}", found.faults);
    assert!(wrong(&found).contains(&(Wrong::ChangeUnfounded, Some(case))), "{:?}", found.faults);
    let named: Vec<_> = found.faults.iter().filter_map(|fault| fault.change).collect();
    assert!(named.contains(&was.hash()) && named.contains(&now.hash()));
}

/// An entry written again.
fn as_new(entry: &Entry) -> NewEntry {
    let again = NewEntry::of(entry.author.clone(), entry.pack_version, entry.time, entry.body.clone());
    NewEntry { action: entry.action, facts: entry.facts.clone(), ..again }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_was_deleted_is_named_also_with_the_batches_that_brought_it() {
    let mut world = World::new().await;
    let (phone, _outlet) = some_work(&mut world).await;
    let case = phone.id(2);
    for table in ["change", "doc", "doc_scope", "feed", "case_row", "finding"] {
        world.database().execute(&format!("DELETE FROM {table} WHERE case_id = ?1"), [case.as_bytes()]).unwrap();
    }
    assert!(is_vouched_for_by_signatures(&world, &case), "none of its batches is found any more");
    let found = looked(&world);
    assert!(wrong(&found).contains(&(Wrong::ChangeMissing, Some(case))), "{:?}", found.faults);
    assert!(wrong(&found).contains(&(Wrong::OwnMissing, Some(case))), "{:?}", found.faults);
    assert!(found.faults.iter().any(|fault| fault.waybill == Some(waybill(2))), "what its device signed names the waybill");
    assert!(!world.admin().verify_log(Some(case)).unwrap().faults.is_empty());
    world.database().execute("DELETE FROM envelope", []).unwrap();
    let found = looked(&world);
    assert!(wrong(&found).contains(&(Wrong::BatchMissing, None)), "{:?}", found.faults);
    // The links that vouch for the rest are deleted too. The changes that are left then have no link.
    world.database().execute("DELETE FROM link WHERE number > 1", []).unwrap();
    assert!(wrong(&looked(&world)).contains(&(Wrong::ChangeUnfounded, Some(phone.id(4)))));
}

/// A `close` in the name of the courier who wrote the first entry of a case, as somebody with a SQL shell makes it up. Returns its hash.
fn forge_close(world: &World, case: &CaseId) -> ChangeHash {
    let db = world.database();
    let bytes: Vec<u8> =
        db.query_row("SELECT bytes FROM change WHERE case_id = ?1 AND n = 1", [case.as_bytes()], |row| row.get(0)).unwrap();
    let first = Change::read(case, &bytes).unwrap();
    let close = NewEntry {
        body: Body::Close(Close { outcome: "OC-DELIVERED".parse().unwrap(), piece: None, words: None }),
        facts: None,
        ..as_new(&first.entries()[0])
    };
    let at = Position { heads: vec![first.hash()], max_op: first.max_op(), seq: 1 };
    let forged = Change::write(case, &first.install(), &at, &[close]).unwrap();
    db.execute(
        "INSERT INTO change (case_id, n, hash, install, seq, max_op, mono_ms, device, pushed_by, batch, received_at, acted_at,
           slack_ms, marks, bytes, from_ms, until_ms, unproven, person, boot)
         SELECT case_id, 2, ?2, install, 2, ?3, mono_ms, device, pushed_by, batch, received_at, acted_at, slack_ms, marks, ?4,
           from_ms, until_ms, unproven, person, boot FROM change WHERE case_id = ?1 AND n = 1",
        params![case.as_bytes(), forged.hash().as_bytes(), forged.max_op(), forged.bytes()],
    )
    .unwrap();
    db.execute(
        "UPDATE doc SET n = 2, heads = ?2, max_op = ?3, closed = 1 WHERE case_id = ?1",
        params![case.as_bytes(), forged.hash().as_bytes(), forged.max_op()],
    )
    .unwrap();
    db.execute("UPDATE feed SET to_n = 2 WHERE case_id = ?1", [case.as_bytes()]).unwrap();
    forged.hash()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_that_was_inserted_in_a_couriers_name_is_named() {
    let mut world = World::new().await;
    let (phone, _outlet) = some_work(&mut world).await;
    let case = phone.id(4);
    let forged = forge_close(&world, &case);
    assert!(is_vouched_for_by_signatures(&world, &case));
    let named = |looked: &Looked| looked.faults.iter().map(|f| (f.wrong, f.change)).collect::<Vec<_>>();
    assert_eq!(named(&looked(&world)), [(Wrong::ChangeUnfounded, Some(forged))]);
    // As a change of the server's own it would need a link. It has none.
    world.database().execute("UPDATE change SET batch = 0 WHERE case_id = ?1 AND n = 2", [case.as_bytes()]).unwrap();
    assert_eq!(named(&looked(&world))[..1], [(Wrong::OwnUnvouched, Some(forged))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_head_office_wrote_itself_is_vouched_for_too() {
    let mut world = World::new().await;
    let (phone, _outlet) = some_work(&mut world).await;
    let case = phone.id(2);
    let own = "UPDATE change SET received_at = received_at - 86400000 WHERE case_id = ?1 AND batch = 0";
    assert_eq!(world.database().execute(own, [case.as_bytes()]).unwrap(), 1);
    assert_eq!(wrong(&looked(&world)), [(Wrong::OwnAltered, Some(case))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_touched_holds_after_a_busy_day() {
    let mut world = World::new().await;
    let (phone, outlet) = some_work(&mut world).await;
    // A fork, what waits for something else, what is refused and released, a list that changes, another key, a restart.
    phone.note(2, "二").unwrap();
    let early = phone.request();
    phone.sync().await.unwrap();
    phone.send(&world, &early).await.unwrap();
    phone.note(2, "三").unwrap();
    phone.sync().await.unwrap();
    let second: Vec<Vec<u8>> = {
        phone.note(2, "四").unwrap();
        phone.note(2, "五").unwrap();
        let request = phone.request();
        let doc = &request.batch.unwrap().docs[0];
        pack::restore(&doc.pack).unwrap().into_iter().map(|(_, bytes)| bytes).collect()
    };
    let late = vec![PushCase { case: phone.id(2), pack: pack::elide(&[&second[1]]).unwrap() }];
    let waits = phone.push_packs(&world, late).await.unwrap();
    assert_eq!(waits.cases[0].rows[0].code, 2, "pend");
    phone.sync().await.unwrap();
    assert_eq!(world.admin().forks().unwrap().len(), 1, "two batches with one number");
    let courier = world.device("second", "c2").await;
    courier.fail(3, "DF-NOBODY").unwrap();
    world.admin().left("c2", world.hands.now()).unwrap();
    courier.sync().await.unwrap();
    let refused = world.admin().quarantine(false).unwrap();
    let refused = refused.iter().find(|item| item.reason == "revoked").unwrap().change.to_string();
    world.admin().release(&refused, "hq1", world.hands.now()).unwrap();
    let csv = format!("{PARCEL_COLUMNS}\n{},QH,0755,0412,c1,王小花,13800000002,青禾路2号,900,2026-03-02 08:00\n", waybill(2));
    assert_eq!(world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap().imported, 1);
    world.admin().replace_key(world.hands.now()).unwrap();
    phone.client.record(&on(waybill(4), Act::Note(text("新密钥"))), &[]).unwrap();
    phone.sync().await.unwrap();
    world.restart_server().await;
    outlet.note(2, "重启之后").unwrap();
    outlet.sync().await.unwrap();
    // More than a page of batches.
    for _ in 0..20 {
        phone.note(4, "一天").unwrap();
        phone.sync().await.unwrap();
    }
    let found = looked(&world);
    assert_eq!(found.faults, []);
    assert!(found.own >= 3 && found.refused >= 1 && found.batches >= 28 && found.changes >= 28, "{found:?}");
    assert_eq!((found.batches_before, found.own_before), (0, 0));
    let (keys, links): (u64, u64) = world
        .database()
        .query_row("SELECT count(DISTINCT key), count(*) FROM link", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!((keys, links), (2, found.links));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_from_before_there_were_links_is_listed_and_still_not_changed_unseen() {
    let mut world = World::new().await;
    let (phone, _outlet) = some_work(&mut world).await;
    world.stop_server().await;
    world.as_of_step(7);
    world.restart_server().await;
    phone.note(4, "升级之后").unwrap();
    phone.sync().await.unwrap();
    let found = looked(&world);
    assert_eq!((found.faults.len(), found.own_before), (0, 1), "{:?}", found.faults);
    assert!(found.batches_before >= 2 && found.batches > found.batches_before);
    world.database().execute("UPDATE change SET received_at = received_at - 1 WHERE batch = 0", []).unwrap();
    assert_eq!(wrong(&looked(&world)), [(Wrong::BeforeAltered, None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_looks_over_its_log_by_itself_and_keeps_what_it_finds() {
    let mut world = World::new().await;
    let (phone, _outlet) = some_work(&mut world).await;
    world.stop_server().await;
    let earlier = "UPDATE change SET received_at = received_at - 86400000 WHERE case_id = ?1 AND n = 1";
    world.database().execute(earlier, [phone.id(2).as_bytes()]).unwrap();
    world.hands.advance(10);
    world.restart_server().await;
    let found = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        loop {
            let found = world.admin().log_faults().unwrap();
            if found.looked_at == Some(world.hands.now()) {
                return found;
            }
            tokio::task::yield_now().await;
        }
    });
    let found = found.await.unwrap();
    let faults: Vec<&str> = found.faults.iter().map(|alarm| alarm.fault.as_str()).collect();
    assert!(matches!(faults[..], [fault] if fault.contains("receipt_altered") && fault.contains(&waybill(2))), "{faults:?}");
    assert_eq!(found.faults[0].found_at, world.hands.now());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tablet_checks_for_itself_who_wrote_what_it_is_handed() {
    let mut world = World::new().await;
    let (phone, _outlet) = some_work(&mut world).await;
    let tablet = world.device("tablet", "s1").await;
    tablet.sync().await.unwrap();
    let device = phone.client.identity().unwrap().unwrap().device;
    let of_phone = Authorship::Device { device, user: "c1".into() };
    let by = |entries: &[ProvenEntry]| entries.iter().map(|entry| (entry.author.clone(), entry.by.clone())).collect::<Vec<_>>();
    let proven = by(&tablet.client.prove(&waybill(2)).await.unwrap().unwrap());
    assert_eq!(proven.iter().filter(|(author, by)| author == "c1" && *by == of_phone).count(), 2, "{proven:?}");
    assert!(proven.iter().any(|(author, by)| author == "o1" && matches!(by, Authorship::Device { user, .. } if user == "o1")));
    assert!(proven.contains(&("hq1".into(), Authorship::HeadOffice)), "{proven:?}");
    // An entry in the courier's name that head office's operator made up: a tablet that is handed it says so.
    let case = phone.id(4);
    forge_close(&world, &case);
    let late = world.device("late", "s1").await;
    late.sync().await.unwrap();
    let entries = late.client.prove(&waybill(4)).await.unwrap().unwrap();
    let proven = by(&entries);
    assert_eq!(proven, [("c1".into(), of_phone.clone()), ("c1".into(), Authorship::NotProven)]);
    // Nobody else's business.
    assert!(late.client.prove("QH999999999999").await.unwrap().is_none());
    let other = world.device("other", "x1").await;
    let (bearer, path) = (other.bearer(), format!("/v1/proofs/{case}"));
    let answer = raw(world.addr(), "GET", &path, &[("authorization", &bearer), ("sync-proto", "3")], b"").await;
    assert_eq!(answer.status, 404);
    // A batch of version 2 can not be shown without its other parcels.
    world.database().execute("UPDATE envelope SET version = 2", []).unwrap();
    let entries = late.client.prove(&waybill(2)).await.unwrap().unwrap();
    assert!(entries.iter().all(|entry| !matches!(entry.by, Authorship::Device { .. })), "{entries:?}");
}
