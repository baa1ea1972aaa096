//! Who may record and read what: the policy, quarantine, release, scopes that cases enter and leave.

use doorstep_client::{Act, ClientError, Refusal};
use doorstep_domain::{Handover, RefusalCode, Standing};
use doorstep_protocol::Scope;
use doorstep_rules::Flag;
use doorstep_tests::{Device, PARCEL_COLUMNS, World, code, ended, failed, on, raw, waybill};

/// The code of a rule of the policy.
fn rights(rule: &str) -> RefusalCode {
    RefusalCode::Rights(rule.to_owned())
}

fn handover(device: &Device, n: u32, to: &str) -> Result<doorstep_client::Outcome, ClientError> {
    device.client.record(&on(waybill(n), Act::Handover(Handover { to: code(to), words: None })), &[])
}

fn takeover(device: &Device, n: u32) -> Result<doorstep_client::Outcome, ClientError> {
    device.client.record(&on(waybill(n), Act::Takeover), &[])
}

fn close(device: &Device, n: u32) {
    device.client.record(&ended(waybill(n), "SIGNED", None), &[]).unwrap();
}

/// A device that has been changed to forbid nothing early: only the server is the judge.
pub async fn lawless(world: &mut World, name: &str, person: &str) -> Device {
    let device = world.device(name, person).await;
    let db = device.database();
    let anything = r#"{"version":9,"lock_after_minutes":1,"rules":[{"id":"ALL","zh":"","en":"","roles":["*"],"kinds":["attempt","call","note","photo","sms","notice","outage","reply","close","handover","takeover"],"where":["any"],"verdict":"allow"},{"id":"NO","zh":"","en":"","roles":["*"],"kinds":["*"],"where":["any"],"verdict":"deny"}]}"#;
    db.execute("UPDATE reference SET body = CAST(?1 AS BLOB) WHERE kind = 'policy'", [anything]).unwrap();
    device
}

#[tokio::test(flavor = "multi_thread")]
async fn the_device_forbids_early_what_the_policy_denies_and_says_so() {
    let mut world = World::new().await;
    let (phone, origin) = (world.device("phone", "c1").await, world.device("origin", "o1").await);
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.notice(2).unwrap();
    phone.sync().await.unwrap();
    origin.sync().await.unwrap();
    // The origin outlet replies and adds notes; it delivers nothing.
    let error = origin.fail(2, "DF-NOBODY").unwrap_err();
    assert!(matches!(&error, ClientError::Refused(Refusal::Rights { kind }) if kind == "attempt"), "{error:?}");
    assert!(error.words().zh.contains("权限"));
    origin.note(2, "已联系寄件人").unwrap();
    origin.reply(2).unwrap();
    assert!(matches!(takeover(&phone, 2), Err(ClientError::Refused(Refusal::NotOffered))));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_policy_denies_is_quarantined_with_its_rule_whatever_the_device_thinks() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.notice(2).unwrap();
    phone.sync().await.unwrap();
    let origin = lawless(&mut world, "origin", "o1").await;
    let finance = {
        world.admin().user("f1", "钱会计", "outlet_finance", "0412").unwrap();
        lawless(&mut world, "finance", "f1").await
    };
    origin.fail(2, "DF-NOBODY").unwrap();
    finance.fail(2, "DF-NOBODY").unwrap();
    for device in [&origin, &finance] {
        device.sync().await.unwrap();
        let refused = device.client.status().unwrap().refused;
        assert_eq!(refused.iter().map(|r| r.reason.to_string()).collect::<Vec<_>>(), ["rights:P-99"]);
    }
    let read = finance.case(2).unwrap().case;
    assert_eq!(
        (read.attempts(), read.quarantined.len()),
        (1, 1),
        "finance reads its outlet's case, and its own attempt counts for nothing"
    );
    phone.sync().await.unwrap();
    assert_eq!(phone.case(2).unwrap().case.attempts(), 1);
    let kept = world.admin().quarantine(false).unwrap();
    assert!(kept.len() == 2 && kept.iter().all(|i| i.rule.as_deref() == Some("P-99") && i.policy_version == 1));
    // A colleague's parcel is plausible: taken, and head office is asked to look.
    let colleague = world.device("c2", "c2").await;
    colleague.fail(2, "DF-NOBODY").unwrap();
    colleague.sync().await.unwrap();
    phone.sync().await.unwrap();
    let view = phone.case(2).unwrap();
    assert_eq!(view.case.attempts(), 2);
    assert!(view.judgement.flags.contains(&Flag::Review));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_change_that_is_released_stands_with_its_author_and_first_receipt_and_its_descendants_came_before() {
    let mut world = World::new().await;
    let (c1, tablet) = (world.device("c1", "c1").await, world.device("s1", "s1").await);
    c1.fail(2, "DF-NOBODY").unwrap();
    c1.notice(2).unwrap();
    c1.sync().await.unwrap();
    let origin = lawless(&mut world, "o1", "o1").await;
    origin.sync().await.unwrap();
    world.hands.advance(1);
    origin.fail(2, "DF-ADDR").unwrap();
    world.hands.advance(1);
    origin.reply(2).unwrap();
    let pushed_at = world.hands.now();
    origin.sync().await.unwrap();
    let refused = origin.case(2).unwrap().case;
    assert!(matches!(&refused.quarantined[0].standing, Standing::Quarantined { reason } if *reason == rights("P-99")));
    c1.sync().await.unwrap();
    assert_eq!(c1.case(2).unwrap().judgement.decision.as_deref(), Some("REDELIVER"), "one refusal dams nothing");

    world.hands.advance(90);
    let item = world.admin().quarantine(false).unwrap().remove(0);
    assert_eq!((item.person.as_str(), item.received_at), ("o1", pushed_at));
    let (case, anew) = world.admin().release(&item.change.to_string()[..10], "hq1", world.hands.now()).unwrap();
    assert_eq!(case, c1.id(2));
    for device in [&c1, &origin, &tablet] {
        device.sync().await.unwrap();
        let view = device.case(2).unwrap();
        assert_eq!(view.case.attempts(), 2, "{:?}", device.folder);
        let released = view.case.timeline.iter().find(|r| r.change == anew).unwrap();
        assert_eq!(released.entry.author.user.as_str(), "o1", "its author");
        assert_eq!(released.standing.receipt().unwrap().received_at, pushed_at, "its first receipt");
        assert_eq!(released.entry.release.unwrap().original, item.change, "and what it was");
        assert!(view.judgement.flags.contains(&Flag::Released));
        device.agrees_with(&world, 2);
    }
    assert_eq!(origin.client.status().unwrap().refused, [], "no longer shown as refused");
    assert!(world.admin().release(&item.change.to_string(), "hq1", world.hands.now()).is_err(), "decided once");
    let decided = world.admin().quarantine(true).unwrap().remove(0);
    assert_eq!((decided.state.as_str(), decided.decided_by.as_deref()), ("released", Some("hq1")));
    // The device goes on as before.
    origin.note(2, "之后").unwrap();
    origin.sync().await.unwrap();
    origin.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_photo_of_a_refused_change_follows_when_it_is_released_even_if_the_case_has_left_the_phone() {
    let mut world = World::new().await;
    let c1 = world.device("c1", "c1").await;
    c1.fail(2, "DF-NOBODY").unwrap();
    c1.sync().await.unwrap();
    let stranger = lawless(&mut world, "x1", "x1").await;
    stranger.fail_with_photo(2, 7).unwrap();
    stranger.sync().await.unwrap();
    assert_eq!(stranger.client.status().unwrap().photos, 1, "kept, like its entry");
    let item = world.admin().quarantine(false).unwrap().remove(0);
    world.admin().release(&item.change.to_string(), "hq", world.hands.now()).unwrap();
    stranger.sync().await.unwrap();
    assert_eq!(stranger.client.status().unwrap().photos, 0);
    assert_eq!(world.admin().cases(10, world.hands.now()).unwrap()[0].photos_pending, 0);
    assert!(stranger.case(2).is_none() || stranger.case(2).unwrap().case.attempts() == 0, "and it reads nothing for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discarded_change_stays_on_both_sides_with_the_reason() {
    let mut world = World::new().await;
    let stranger = lawless(&mut world, "x1", "x1").await;
    stranger.fail(2, "DF-NOBODY").unwrap();
    stranger.sync().await.unwrap();
    let item = world.admin().quarantine(false).unwrap().remove(0);
    world.admin().discard(&item.change.to_string(), "hq1", "not your parcel", world.hands.now()).unwrap();
    stranger.sync().await.unwrap();
    let status = stranger.client.status().unwrap();
    assert_eq!(status.quarantined, 0);
    let RefusalCode::Discarded(why) = &status.refused[0].reason else { panic!("{:?}", status.refused) };
    assert!(status.refused[0].discarded && why.contains("not your parcel"));
    assert_eq!(world.admin().quarantine(true).unwrap()[0].state, "discarded");
    assert!(world.on_server(&stranger.id(2)).0.is_empty());
    assert_eq!(stranger.sync().await.unwrap().requests, 1, "and is not asked about for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_server_releases_and_an_entry_that_says_it_was_released_is_refused() {
    let mut world = World::new().await;
    let phone = world.device("c1", "c1").await;
    let who = phone.client.identity().unwrap().unwrap();
    phone.fail(2, "DF-NOBODY").unwrap();
    let own = phone.request();
    let (_, bytes) = doorstep_document::pack::restore(&own.batch.as_ref().unwrap().docs[0].pack).unwrap().remove(0);
    let original = doorstep_document::Change::read(&phone.id(2), &bytes).unwrap();
    let entry = &original.entries()[0];
    let forged = doorstep_document::NewEntry {
        facts: entry.facts.clone(),
        // Backdated: as if the server had received it long ago.
        release: Some(doorstep_domain::Release { original: original.hash(), received_at: doorstep_domain::UnixMs(0) }),
        ..doorstep_document::NewEntry::of(entry.author.clone(), 1, entry.time, entry.body.clone())
    };
    let change = doorstep_document::Change::write(&phone.id(2), &who.install, &Default::default(), &[forged]).unwrap();
    let ack = phone.push_by_hand(&world, &[(phone.id(2), &[change.bytes()])]).await.unwrap();
    assert_eq!(ack.cases[0].quarantined, [(0, RefusalCode::Field)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_parcel_is_handed_over_when_both_couriers_have_signed() {
    let mut world = World::new().await;
    let (c1, c2, tablet) = (world.device("c1", "c1").await, world.device("c2", "c2").await, world.device("s1", "s1").await);
    c1.fail(2, "DF-NOBODY").unwrap();
    c1.sync().await.unwrap();
    handover(&c1, 2, "c2").unwrap();
    c1.sync().await.unwrap();
    c2.sync().await.unwrap();
    assert_eq!(c2.case(2).unwrap().case.attempts(), 1, "offered, so it can be read and signed");
    assert!(c2.client.parcels().unwrap().iter().any(|parcel| parcel.waybill.as_str() == waybill(2)));
    c1.sync().await.unwrap();
    assert!(c1.case(2).is_some(), "still the first courier's until the second has signed");
    takeover(&c2, 2).unwrap();
    c2.sync().await.unwrap();
    c2.note(2, "现在是我的件").unwrap();
    c2.sync().await.unwrap();
    c1.sync().await.unwrap();
    assert!(c1.case(2).is_none(), "it has left the first courier's phone");
    assert!(c1.client.parcels().unwrap().iter().all(|parcel| parcel.waybill.as_str() != waybill(2)));
    tablet.sync().await.unwrap();
    tablet.agrees_with(&world, 2);
    c2.agrees_with(&world, 2);
    assert!(c2.case(2).unwrap().case.timeline.iter().all(|r| !r.standing.receipt().unwrap().review), "their own now");
    // The first courier's late record at the door is taken. Later records continue that installation's numbering.
    c1.fail(2, "DF-NOANSWER").unwrap();
    c1.sync().await.unwrap();
    assert_eq!(c1.client.status().unwrap().quarantined, 0);
    assert!(c1.case(2).is_none(), "and leaves with its receipt");
    c2.sync().await.unwrap();
    assert_eq!(c2.case(2).unwrap().case.attempts(), 2);
    c2.agrees_with(&world, 2);
    // The parcel is handed back.
    world.hands.advance(1);
    handover(&c2, 2, "c1").unwrap();
    c2.sync().await.unwrap();
    c1.sync().await.unwrap();
    takeover(&c1, 2).unwrap();
    c1.sync().await.unwrap();
    c1.agrees_with(&world, 2);
    c2.sync().await.unwrap();
    assert!(c2.case(2).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_courier_who_once_had_a_parcel_does_not_take_it_back_alone() {
    let mut world = World::new().await;
    let (c1, c2) = (lawless(&mut world, "c1", "c1").await, world.device("c2", "c2").await);
    c1.fail(2, "DF-NOBODY").unwrap();
    handover(&c1, 2, "c2").unwrap();
    c1.sync().await.unwrap();
    c2.sync().await.unwrap();
    world.hands.advance(1);
    takeover(&c2, 2).unwrap();
    c2.sync().await.unwrap();
    c1.sync().await.unwrap();
    world.hands.advance(1);
    c1.fail(2, "DF-NOBODY").unwrap();
    handover(&c1, 2, "c1").unwrap();
    c1.sync().await.unwrap();
    c1.sync().await.unwrap();
    assert_eq!(c1.client.status().unwrap().refused[0].reason, rights("C-23"));
    c2.sync().await.unwrap();
    assert!(c2.case(2).is_some(), "it stays with whom it was given to");
    assert!(c1.client.parcels().unwrap().iter().all(|parcel| parcel.waybill.as_str() != waybill(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_who_ends_a_waybill_before_it_is_listed_keeps_it_from_nobody() {
    let mut world = World::new().await;
    let (stranger, c1) = (world.device("x1", "x1").await, world.device("c1", "c1").await);
    let tomorrow = "QH999999999999";
    let fail = |waybill: &str| failed(waybill, "DF-NOBODY");
    stranger.client.record(&fail(tomorrow), &[]).unwrap();
    stranger.client.record(&ended(tomorrow, "SIGNED", None), &[]).unwrap();
    stranger.sync().await.unwrap();
    let csv = format!("{PARCEL_COLUMNS}\n{tomorrow},QH,0571,0412,c1,王小花,,青禾路,0,\n");
    world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap();
    c1.sync().await.unwrap();
    assert!(c1.client.parcels().unwrap().iter().any(|parcel| parcel.waybill.as_str() == tomorrow));
    assert!(c1.client.case(tomorrow).unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_has_moved_shows_a_shared_tablet_nothing_of_their_new_outlet() {
    let mut world = World::new().await;
    world.admin().user("s2", "陈静", "outlet", "0412").unwrap();
    let tablet = world.device("tablet", "s1").await;
    let code = world.admin().code("s2", world.hands.now()).unwrap().code;
    tablet.client.enrol(&world.link.url(), &code).await.unwrap();
    world.admin().user("s1", "李明", "outlet", "0571").unwrap();
    let answer = tablet.send(&world, &tablet.request()).await.unwrap();
    assert_eq!(answer.scopes, [Scope::Outlet("0412".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_somebody_frays_into_many_ends_can_still_be_written_to() {
    use doorstep_document::{Change, NewEntry, Position};
    let mut world = World::new().await;
    let (villain, honest) = (world.device("villain", "c1").await, world.device("honest", "s1").await);
    honest.fail(2, "DF-NOBODY").unwrap();
    honest.sync().await.unwrap();
    let entry = honest.case(2).unwrap().case.timeline[0].entry.clone();
    let who = villain.client.identity().unwrap().unwrap();
    // Seventy installations of one device, each with a first change that follows nothing.
    let mut refused = 0;
    for n in 0..70 {
        let install = doorstep_domain::InstallId::new([100 + n; 16]);
        let facts = entry.facts.clone();
        let new = NewEntry { facts, ..NewEntry::of(who.author.clone(), 1, entry.time, entry.body.clone()) };
        let change = Change::write(&villain.id(2), &install, &Position::default(), &[new]).unwrap();
        let db = villain.database();
        db.execute("UPDATE meta SET value = ?1 WHERE key = 'install'", [install.as_bytes().as_slice()]).unwrap();
        let ack = villain.push_by_hand(&world, &[(villain.id(2), &[change.bytes()])]).await.unwrap();
        refused += ack.cases[0].quarantined.iter().filter(|(_, code)| *code == RefusalCode::Heads).count();
    }
    assert!(refused >= 38, "{refused} of 70");
    honest.sync().await.unwrap();
    honest.note(2, "仍可登记").unwrap();
    honest.sync().await.unwrap();
    honest.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handover_to_another_outlet_or_of_another_parcel_is_refused() {
    let mut world = World::new().await;
    world.admin().user("y1", "外人", "courier", "0755").unwrap();
    let (c1, y1) = (lawless(&mut world, "c1", "c1").await, world.device("y1", "y1").await);
    c1.fail(2, "DF-NOBODY").unwrap();
    c1.fail(3, "DF-NOBODY").unwrap();
    handover(&c1, 2, "y1").unwrap();
    handover(&c1, 3, "c1").unwrap(); // c2's parcel, to themselves
    c1.sync().await.unwrap();
    let mut rules: Vec<String> = c1.client.status().unwrap().refused.into_iter().map(|r| r.reason.to_string()).collect();
    rules.sort();
    assert_eq!(rules, ["rights:C-23", "rights:P-99"]);
    y1.sync().await.unwrap();
    assert!(y1.list().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_leaves_the_phone_when_it_has_ended_and_everything_of_it_is_acknowledged() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    phone.fail_with_photo(2, 1).unwrap();
    phone.sync().await.unwrap();
    world.hands.advance(1);
    close(&phone, 2);
    assert!(phone.case(2).is_some(), "not before head office has it");
    phone.sync().await.unwrap();
    phone.sync().await.unwrap();
    assert!(phone.case(2).is_none() && phone.list().is_empty());
    tablet.sync().await.unwrap();
    assert_eq!(tablet.case(2).unwrap().judgement.decision.as_deref(), Some("SIGNED"), "the outlet keeps it");
    world.hands.advance(1);
    // Delivered in vain again: it goes on where it was, and comes back whole.
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    phone.sync().await.unwrap();
    assert_eq!(phone.case(2).unwrap().case.attempts(), 2);
    phone.note(2, "之后").unwrap();
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_with_something_unsent_does_not_leave_before_it_is_settled() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    tablet.sync().await.unwrap();
    close(&tablet, 2);
    tablet.sync().await.unwrap();
    phone.note(2, "还没发的备注").unwrap();
    let mut request = phone.request();
    request.batch = None; // the answer with the news comes to a request that could not carry the batch
    phone.sync().await.unwrap();
    phone.sync().await.unwrap();
    assert!(phone.case(2).is_none(), "sent first, then gone");
    assert_eq!(world.on_server(&phone.id(2)).0.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_moves_to_another_outlet_takes_nothing_along() {
    let mut world = World::new().await;
    let (tablet, phone) = (world.device("tablet", "s1").await, world.device("phone", "c1").await);
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    tablet.fail(4, "DF-NOBODY").unwrap();
    tablet.sync().await.unwrap();
    assert_eq!(tablet.list().len(), 2);
    tablet.note(2, "调走之前").unwrap();
    world.admin().user("s1", "李明", "outlet", "0755").unwrap();
    tablet.sync().await.unwrap();
    tablet.sync().await.unwrap();
    assert!(tablet.list().is_empty() && tablet.client.parcels().unwrap().is_empty());
    assert_eq!(world.on_server(&phone.id(2)).0.len(), 2, "what was unsent went first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_clerk_reads_and_registers_what_the_hub_handles_and_nothing_else() {
    let mut world = World::new().await;
    let mut admin = world.admin();
    admin.outlet("H1", "杭州分拨", "Hangzhou hub", "0571-1").unwrap();
    admin.user("h1", "分拨员", "hub", "H1").unwrap();
    let header = format!("{PARCEL_COLUMNS},hub");
    let csv = format!("{header}\n{},QH,0571,0412,c1,王小花,,青禾路,0,,H1\n", waybill(2));
    assert_eq!(admin.import_parcels(csv.as_bytes(), world.hands.now()).unwrap().imported, 1);
    let (hub, phone) = (lawless(&mut world, "hub", "h1").await, world.device("phone", "c1").await);
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    hub.sync().await.unwrap();
    assert_eq!(hub.list().iter().map(|row| row.waybill.clone()).collect::<Vec<_>>(), [waybill(2)]);
    hub.note(2, "分拨中心已核对").unwrap();
    close(&hub, 2);
    hub.sync().await.unwrap();
    assert_eq!(hub.client.status().unwrap().refused[0].reason, rights("P-99"), "a hub ends no case");
    phone.sync().await.unwrap();
    assert_eq!(phone.case(2).unwrap().case.timeline.len(), 2);
}

/// Every operation of the API x what a device is to the object: its own, a foreign one, none at all. An operation that is missing
/// here fails, because the routes are read from the server's source.
#[tokio::test(flavor = "multi_thread")]
async fn the_authorisation_matrix_of_the_api() {
    let mut world = World::new().await;
    let (own, revoked) = (world.device("own", "c1").await, world.device("revoked", "c2").await);
    own.fail_with_photo(2, 1).unwrap();
    own.sync().await.unwrap();
    let id = revoked.client.identity().unwrap().unwrap().device;
    world.admin().revoke(&id.to_string(), "test", world.hands.now()).unwrap();
    let strangers = "Bearer 00".to_owned();
    let photo = doorstep_domain::PhotoId::new([7; 32]);
    // Operation, what nobody gets, what a stranger's token gets, what a revoked device gets, what a good one gets.
    let table: &[(&str, String, [u16; 4])] = &[
        ("POST /v1/sync", "/v1/sync".into(), [401, 401, 400, 400]), // 400: the empty body, after the door
        ("POST /v1/nonce", "/v1/nonce".into(), [200, 200, 200, 200]),
        ("POST /v1/enrol", "/v1/enrol".into(), [400, 400, 400, 400]),
        ("POST /v1/session", "/v1/session".into(), [400, 400, 400, 400]),
        ("GET /v1/live", "/v1/live?wait=1".into(), [401, 401, 403, 204]), // nothing moved
        ("POST /v1/sms/lease", "/v1/sms/lease".into(), [401, 401, 403, 400]),
        // Nobody calls back here: no provider is configured to.
        ("POST /v1/sms/receipts", "/v1/sms/receipts".into(), [404, 404, 404, 404]),
        ("POST /v1/sms/inbound", "/v1/sms/inbound".into(), [404, 404, 404, 404]),
        ("POST /v1/parcels", "/v1/parcels".into(), [401, 401, 401, 401]), // for service tokens only
        ("GET /v1/refs/{kind}", "/v1/refs/outlets".into(), [401, 401, 403, 200]),
        ("GET /v1/refs/{kind}", "/v1/refs/secrets".into(), [401, 401, 403, 404]),
        ("GET /v1/proofs/{case}", format!("/v1/proofs/{}", own.id(2)), [401, 401, 403, 200]),
        ("GET /v1/proofs/{case}", format!("/v1/proofs/{}", own.id(3)), [401, 401, 403, 404]),
        // 412: not tus; 400 and 415: bodies that say nothing; 409: named by no accepted entry.
        ("POST /v1/photos", "/v1/photos".into(), [412, 412, 412, 412]),
        ("OPTIONS /v1/photos", "/v1/photos".into(), [204, 204, 204, 204]), // what the server can do is no secret
        ("POST /v1/photos/states", "/v1/photos/states".into(), [401, 401, 403, 400]),
        ("PUT /v1/photos/{sha}", format!("/v1/photos/{photo}"), [401, 401, 409, 409]),
        ("GET /v1/photos/{sha}", format!("/v1/photos/{photo}"), [401, 401, 403, 404]),
        ("HEAD /v1/photos/{sha}", format!("/v1/photos/{photo}"), [401, 401, 409, 409]),
        ("PATCH /v1/photos/{sha}", format!("/v1/photos/{photo}"), [401, 401, 400, 400]),
        ("POST /v1/photos/{sha}", format!("/v1/photos/{photo}"), [405, 405, 405, 405]), // a POST means PATCH only if it says so
        ("DELETE /v1/photos/{sha}", format!("/v1/photos/{photo}"), [401, 401, 409, 409]),
        ("OPTIONS /v1/photos/{sha}", format!("/v1/photos/{photo}"), [204, 204, 204, 204]),
        ("GET /", "/".into(), [401, 401, 401, 401]), // the page has its own door; a device's token opens nothing
        ("GET /case/{id}", format!("/case/{}", own.id(2)), [401, 401, 401, 401]),
        ("GET /photo/{sha}", format!("/photo/{photo}"), [401, 401, 401, 401]),
        ("GET /nothing", "/nothing".into(), [404, 404, 404, 404]),
    ];
    for (operation, path, expected) in table {
        let method = operation.split(' ').next().unwrap();
        let bearers = [None, Some(strangers.clone()), Some(revoked.bearer()), Some(own.bearer())];
        for (bearer, status) in bearers.iter().zip(expected) {
            let mut headers: Vec<(&str, &str)> = bearer.iter().map(|b| ("authorization", b.as_str())).collect();
            if ["HEAD", "PATCH", "DELETE"].contains(&method) {
                headers.push(("tus-resumable", "1.0.0"));
            }
            let answer = raw(world.addr(), method, path, &headers, b"").await;
            assert_eq!(answer.status, *status, "{operation} {path} as {bearer:?}");
        }
    }
    let source = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../server/src/http.rs")).unwrap();
    let routes = source.split(".route(").skip(1).flat_map(|rest| {
        let (path, rest) = rest.trim_start().trim_start_matches('"').split_once('"').unwrap();
        let rest = rest.split(".route(").next().unwrap().split(".fallback").next().unwrap();
        let methods = ["get", "post", "put", "head", "patch", "delete", "options"];
        let used = methods
            .into_iter()
            .filter(|method| [format!(" {method}("), format!(".{method}(")].iter().any(|call| rest.contains(call)));
        used.map(|method| format!("{} {path}", method.to_uppercase())).collect::<Vec<_>>()
    });
    let routes: Vec<String> = routes.collect();
    assert!(routes.len() >= 17);
    for route in routes {
        assert!(table.iter().any(|(operation, ..)| **operation == route), "{route} is not in the matrix");
    }
}

/// Every scope x who asks: a device is fed what it is concerned with, and asking for more gives nothing.
#[tokio::test(flavor = "multi_thread")]
async fn asking_for_a_foreign_scope_feeds_nothing_of_it() {
    let mut world = World::new().await;
    let (c1, c2) = (world.device("c1", "c1").await, world.device("c2", "c2").await);
    c1.fail(2, "DF-NOBODY").unwrap();
    c1.notice(2).unwrap();
    c1.sync().await.unwrap();
    let mut request = c2.request();
    for scope in ["courier/c1", "outlet/0412", "outlet/0571", "hub/H1", "", "*", "courier/%"] {
        request.pull.push(doorstep_protocol::Pull { scope: scope.into(), cursor: 0 });
    }
    let answer = c2.send(&world, &request).await.unwrap();
    assert_eq!(answer.scopes, [Scope::Courier("c2".into())]);
    assert!(
        answer.feed.iter().all(|page| page.scope == Scope::Courier("c2".into()) && page.cases.is_empty()),
        "{:?}",
        answer.feed
    );
}
