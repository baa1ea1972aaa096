//! Who reads what: the server alone decides.

use doorstep_client::{Act, ClientError, Kind, Refusal};
use doorstep_domain::Attempt;
use doorstep_rules::Flag;
use doorstep_tests::{PARCEL_COLUMNS, World, code, failed, on, text, waybill};

#[tokio::test(flavor = "multi_thread")]
async fn a_courier_reads_their_own_parcels_and_the_origin_only_what_it_is_notified_of() {
    let mut world = World::new().await;
    let (c1, c2) = (world.device("c1", "c1").await, world.device("c2", "c2").await);
    let (west, origin) = (world.device("s1", "s1").await, world.device("o1", "o1").await);
    assert_eq!(
        (c1.client.parcels().unwrap().len(), west.client.parcels().unwrap().len(), origin.client.parcels().unwrap().len()),
        (20, 40, 0)
    );
    c1.fail(2, "DF-NOBODY").unwrap();
    c2.fail(3, "DF-NOBODY").unwrap();
    c1.sync().await.unwrap();
    c2.sync().await.unwrap();
    for device in [&west, &origin, &c1] {
        device.sync().await.unwrap();
    }
    assert_eq!(west.list().len(), 2);
    assert_eq!(c1.list().len(), 1);
    assert!(origin.list().is_empty(), "not before it is notified");
    west.notice(3).unwrap();
    west.sync().await.unwrap();
    origin.sync().await.unwrap();
    assert_eq!(origin.list().iter().map(|r| r.waybill.as_str()).collect::<Vec<_>>(), [waybill(3)]);
    assert_eq!(origin.case(3).unwrap().case.timeline.len(), 2, "with everything from before the notice");
    origin.agrees_with(&world, 3);
    origin.reply(3).unwrap();
    origin.sync().await.unwrap();
    assert!(
        !origin.case(3).unwrap().judgement.flags.contains(&Flag::FactsDisagree),
        "it has no row of the parcel and copies what the case knows"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pushing_to_a_guessed_waybill_is_quarantined_changes_nothing_and_shows_the_pusher_nothing() {
    let mut world = World::new().await;
    let (c1, stranger) = (world.device("c1", "c1").await, world.device("x1", "x1").await);
    c1.fail(2, "DF-NOBODY").unwrap();
    c1.sync().await.unwrap();
    stranger.fail(2, "DF-NOBODY").unwrap();
    stranger.sync().await.unwrap();
    stranger.sync().await.unwrap();
    let seen = stranger.case(2).unwrap().case;
    assert_eq!((seen.attempts(), seen.quarantined.len()), (0, 1), "only their own, and refused");
    c1.sync().await.unwrap();
    assert_eq!(c1.case(2).unwrap().case.attempts(), 1);
    c1.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn naming_oneself_in_a_notice_on_a_guessed_unlisted_waybill_shows_nothing() {
    let mut world = World::new().await;
    let (c1, stranger) = (world.device("c1", "c1").await, world.device("x1", "x1").await);
    let unlisted = "QH999999999999";
    let fail = on(unlisted, Act::Fail(Attempt { words: Some(text("客户电话 13800000000")), ..Attempt::of(code("DF-NOBODY")) }));
    c1.client.record(&fail, &[]).unwrap();
    c1.sync().await.unwrap();
    stranger.client.record(&fail, &[]).unwrap();
    let notice = on(unlisted, Act::Notice { to: Some(code("0755")), request: None });
    stranger.client.record(&notice, &[]).unwrap();
    stranger.sync().await.unwrap();
    stranger.sync().await.unwrap();
    let seen = stranger.client.case(unlisted).unwrap().unwrap().case;
    assert!(seen.timeline.iter().all(|r| r.entry.author.user.as_str() == "x1"), "only their own: {}", seen.timeline.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unlisted_waybill_is_recorded_flagged_and_joins_its_scopes_when_it_is_listed() {
    let mut world = World::new().await;
    let phone = world.device("c1", "c1").await;
    let (west, origin) = (world.device("s1", "s1").await, world.device("o1", "o1").await);
    let unlisted = "QH999999999999";
    let fail = failed(unlisted, "DF-NOBODY");
    phone.client.record(&fail, &[]).unwrap();
    let notice = |to: Option<&str>| on(unlisted, Act::Notice { to: to.map(code), request: None });
    let error = phone.client.record(&notice(None), &[]).unwrap_err();
    assert!(matches!(error, ClientError::Refused(Refusal::NoTarget)));
    phone.client.record(&notice(Some("0571")), &[]).unwrap();
    phone.sync().await.unwrap();
    for device in [&west, &origin] {
        device.sync().await.unwrap();
        let flags = device.client.case(unlisted).unwrap().unwrap().judgement.flags;
        assert!(flags.contains(&Flag::Unlisted) && flags.contains(&Flag::ManualTarget));
    }
    // Listed later, for the other courier.
    let csv = format!("{PARCEL_COLUMNS}\n{unlisted},QH,0571,0412,c2,王小花,,青禾路,0,\n");
    world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap();
    let other = world.device("c2", "c2").await;
    assert!(other.client.case(unlisted).unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn recording_before_enrolment_is_refused_and_says_what_to_do() {
    let mut world = World::new().await;
    let fresh = world.fresh("fresh", 0);
    let error = fresh.fail(2, "DF-NOBODY").unwrap_err();
    assert_eq!(error.kind(), Kind::Rule);
    assert!(error.words().en.contains("enrol") && error.words().zh.contains("注册"));
    assert_eq!(fresh.sync().await.unwrap_err().kind(), Kind::Rule);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_enrols_one_installation_and_a_lost_answer_strands_nobody() {
    let mut world = World::new().await;
    let code = world.admin().code("c1", world.hands.now()).unwrap().code;
    let (first, second) = (world.fresh("first", 0), world.fresh("second", 0));
    let url = world.link.url();
    first.client.enrol(&url, &code.to_lowercase().replace('-', " ")).await.unwrap();
    let old_token = first.bearer();
    first.client.enrol(&url, &code).await.unwrap();
    assert_ne!(first.bearer(), old_token);
    let error = second.client.enrol(&url, &code).await.unwrap_err();
    assert!(error.words().en.contains("new one"), "{error:?}");
    for bad in ["", "AAAA-BBBB-CCCC"] {
        assert!(second.client.enrol(&url, bad).await.is_err());
    }
    let late = world.admin().code("c1", world.hands.now()).unwrap().code;
    world.hands.advance(24 * 60 + 1);
    assert!(second.client.enrol(&url, &late).await.is_err(), "expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_refuse_with_what_is_allowed_instead() {
    let mut world = World::new().await;
    let phone = world.device("c1", "c1").await;
    let Err(ClientError::Refused(Refusal::Reason { known, .. })) = phone.fail(2, "DF-WEATHER") else { panic!("refused") };
    assert!(known.contains(&"DF-NOBODY".to_owned()));
    assert!(matches!(phone.notice(2), Err(ClientError::Refused(Refusal::NoAttempt))));
    assert!(matches!(phone.note(2, "x"), Err(ClientError::Refused(Refusal::NoCase))));
    phone.fail(2, "DF-NOBODY").unwrap();
    assert!(matches!(phone.reply(2), Err(ClientError::Refused(Refusal::NotOrigin))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tablet_that_is_new_to_an_outlet_gets_everything_page_by_page() {
    let mut world = World::new().await;
    let phone = world.device("c1", "c1").await;
    for n in 0..20 {
        phone.fail(2 * n, "DF-NOBODY").unwrap();
        for i in 0..12 {
            phone.note(2 * n, &format!("第{i}条 {}", "青禾速运城西网点派送记录".repeat(10))).unwrap();
        }
    }
    phone.sync().await.unwrap();
    // A page holds at least 64 KiB of changes and this log has several times that.
    let code = world.admin().code("s1", world.hands.now()).unwrap().code;
    let options = doorstep_client::Options { clock: phone.clock.clone(), ..Default::default() };
    let folder = tempfile::tempdir().unwrap();
    let tablet = doorstep_client::Client::open(folder.path(), options).unwrap();
    tablet.enrol(&world.link.url(), &code).await.unwrap();
    let all = |client: &doorstep_client::Client| client.heads().unwrap();
    assert_eq!(all(&tablet), all(&phone.client));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_enrols_an_installation_that_is_not_theirs() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let install = phone.client.identity().unwrap().unwrap().install;
    // Install ids are in every change; an insider with a code of their own takes one.
    let thief = world.fresh("thief", 0);
    let url = world.link.url();
    thief.client.enrol(&url, "AAAA-BBBB-CCCC").await.unwrap_err(); // makes the thief's own ids
    let db = thief.database();
    db.execute("UPDATE meta SET value = ?1 WHERE key = 'install'", [install.as_bytes().as_slice()]).unwrap();
    let code = world.admin().code("c1", world.hands.now()).unwrap().code;
    let enrolled = thief.client.enrol(&url, &code).await.unwrap();
    assert_ne!(enrolled.install, install, "it was given up for one of its own");
    // A sync that names the other's installation is refused too.
    db.execute("UPDATE meta SET value = ?1 WHERE key = 'install'", [install.as_bytes().as_slice()]).unwrap();
    assert_eq!(thief.send(&world, &thief.request()).await.unwrap_err(), "tag_taken");
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_that_comes_back_to_a_courier_brings_what_happened_meanwhile() {
    let mut world = World::new().await;
    let (c1, c2) = (world.device("c1", "c1").await, world.device("c2", "c2").await);
    let (west, origin) = (world.device("s1", "s1").await, world.device("o1", "o1").await);
    let give_to = |world: &World, courier: &str| {
        let header = PARCEL_COLUMNS;
        let csv = format!("{header}\n{},QH,0571,0412,{courier},王小花,13800000002,青禾路,200,2026-03-02 08:00\n", waybill(2));
        assert_eq!(world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap().imported, 1);
    };
    c1.fail(2, "DF-NOBODY").unwrap();
    c1.sync().await.unwrap();
    give_to(&world, "c2");
    c2.sync().await.unwrap();
    c2.fail(2, "DF-NOANSWER").unwrap();
    c2.sync().await.unwrap();
    give_to(&world, "c1");
    west.sync().await.unwrap();
    west.notice(2).unwrap();
    west.sync().await.unwrap();
    origin.sync().await.unwrap();
    origin.reply(2).unwrap();
    origin.sync().await.unwrap();
    c1.sync().await.unwrap();
    c1.agrees_with(&world, 2);
    assert_eq!(c1.case(2).unwrap().case.timeline.len(), 4);
    assert_eq!(c2.case(2).unwrap().case.timeline.len(), 2, "whose parcel it no longer is");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_before_a_person_moved_to_another_outlet_is_taken() {
    let mut world = World::new().await;
    let phone = world.device("c1", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    world.admin().user("c1", "李明", "courier", "0755").unwrap();
    // Also when the person enrols the same device again.
    let code = world.admin().code("c1", world.hands.now()).unwrap().code;
    phone.client.enrol(&world.link.url(), &code).await.unwrap();
    phone.sync().await.unwrap();
    assert_eq!(phone.client.status().unwrap().quarantined, 0);
    phone.agrees_with(&world, 2);
}
