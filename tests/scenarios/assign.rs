//! An assignment brings case and parcel to the courier's phone and takes them from the former's; the newest by receipt has it.

use doorstep_client::{Act, ClientError, Outcome, Recording, Refusal};
use doorstep_domain::{Assign, Handover, RefusalCode, UnixMs, Waybill};
use doorstep_rules::{ConflictKind, Flag};
use doorstep_tests::{Device, LinkMode, PARCEL_COLUMNS, World, code, on, text, waybill};

fn to(user: &str) -> Act {
    Act::Assign(Assign { to: code(user), planned_at: None, replaces: None, words: None })
}

fn assign(tablet: &Device, n: u32, user: &str) -> Result<Outcome, ClientError> {
    tablet.client.record(&on(waybill(n), to(user)), &[])
}

fn undo(tablet: &Device, n: u32) -> Result<Outcome, ClientError> {
    tablet.client.record(&on(waybill(n), Act::AssignBack { words: None }), &[])
}

fn many(tablet: &Device, numbers: &[u32], act: Act) -> Result<Outcome, ClientError> {
    let waybills = numbers.iter().map(|n| Waybill::parse(&waybill(*n)).unwrap()).collect();
    tablet.client.record(&Recording { waybills, act, photos: vec![] }, &[])
}

/// The recipient's number of a parcel in a device's list, as the person sees it; `None` if it is not in the list.
fn number(device: &Device, n: u32) -> Option<String> {
    let parcel = device.client.parcels().unwrap().into_iter().find(|parcel| parcel.waybill.as_str() == waybill(n))?;
    Some(parcel.recipient_phone.unwrap().text().unwrap().to_owned())
}

/// Whether a phone has the case and the parcel, with the recipient's number.
fn has(device: &Device, n: u32) -> bool {
    let number = number(device, n);
    assert_eq!(device.case(n).is_some(), number.is_some(), "case and parcel go together");
    number.is_some_and(|number| number == format!("1380000{n:04}"))
}

/// A parcel's row of a list that names a courier.
fn list(world: &World, n: u32, courier: &str) {
    let csv =
        format!("{PARCEL_COLUMNS}\n{},QH,0571,0412,{courier},王小花,1380000{n:04},青禾路{n}号,0,2026-03-02 08:00\n", waybill(n));
    assert_eq!(world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap().imported, 1);
}

/// Two couriers' phones and a tablet of their outlet; the first courier has failed to deliver some parcels, and everybody knows.
async fn network(world: &mut World, failed: &[u32]) -> (Device, Device, Device) {
    world.admin().user("c3", "赵六", "courier", "0412").unwrap();
    let (c1, c2, tablet) = (world.device("c1", "c1").await, world.device("c2", "c2").await, world.device("s1", "s1").await);
    for n in failed {
        c1.fail(*n, "DF-NOBODY").unwrap();
    }
    c1.sync().await.unwrap();
    tablet.sync().await.unwrap();
    world.hands.advance(1);
    (c1, c2, tablet)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_takes_case_and_parcel_from_one_phone_to_another() {
    let mut world = World::new().await;
    let (c1, c2, tablet) = network(&mut world, &[2]).await;
    assert!(has(&c1, 2) && !has(&c2, 2));
    let planned_at = Some(UnixMs(world.hands.now().0 + 86_400_000));
    let planned = Act::Assign(Assign { to: code("c2"), planned_at, replaces: None, words: Some(text("明早再派")) });
    tablet.client.record(&on(waybill(2), planned), &[]).unwrap();
    tablet.sync().await.unwrap();
    c1.sync().await.unwrap();
    c2.sync().await.unwrap();
    assert!(!has(&c1, 2) && has(&c2, 2));
    let row = c2.list().remove(0);
    assert_eq!((row.assigned_to.as_deref(), row.planned_at), (Some("c2"), planned_at), "the list shows it with its time");
    // It is the new courier's own, without a review.
    c2.fail(2, "DF-NOBODY").unwrap();
    c2.sync().await.unwrap();
    assert!(!c2.case(2).unwrap().judgement.flags.contains(&Flag::Review));
    c2.agrees_with(&world, 2);
    tablet.sync().await.unwrap();
    tablet.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_names_another_courier_after_an_assignment_wins_and_one_that_repeats_itself_does_not() {
    let mut world = World::new().await;
    let (c1, c2, tablet) = network(&mut world, &[2]).await;
    let c3 = world.device("c3", "c3").await;
    assign(&tablet, 2, "c2").unwrap();
    tablet.sync().await.unwrap();
    world.hands.advance(1);
    list(&world, 2, "c1");
    c2.sync().await.unwrap();
    c1.sync().await.unwrap();
    assert!(has(&c2, 2) && !has(&c1, 2), "the list says what it said before the assignment");
    world.hands.advance(1);
    list(&world, 2, "c3");
    for device in [&c1, &c2, &c3] {
        device.sync().await.unwrap();
    }
    assert!(!has(&c1, 2) && !has(&c2, 2) && has(&c3, 2), "with the customer's number, whatever the assignment says");
    world.hands.advance(1);
    tablet.sync().await.unwrap();
    assert!(matches!(undo(&tablet, 2), Err(ClientError::Refused(Refusal::NotAssigned))), "the list has undone it");
    assign(&tablet, 2, "c1").unwrap();
    tablet.sync().await.unwrap();
    for device in [&c1, &c3] {
        device.sync().await.unwrap();
    }
    assert!(has(&c1, 2) && !has(&c3, 2), "an assignment after the list");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_after_an_assignment_wins_and_an_assignment_ends_an_offer() {
    let mut world = World::new().await;
    let (c1, c2, tablet) = network(&mut world, &[2, 4]).await;
    let c3 = world.device("c3", "c3").await;
    let handover = |device: &Device, n: u32, user: &str| {
        device.client.record(&on(waybill(n), Act::Handover(Handover { to: code(user), words: None })), &[]).unwrap();
    };
    assign(&tablet, 2, "c2").unwrap();
    tablet.sync().await.unwrap();
    c2.sync().await.unwrap();
    world.hands.advance(1);
    handover(&c2, 2, "c3");
    handover(&c1, 4, "c2");
    for device in [&c2, &c1, &c3, &c2] {
        device.sync().await.unwrap();
    }
    world.hands.advance(1);
    c3.client.record(&on(waybill(2), Act::Takeover), &[]).unwrap();
    c3.sync().await.unwrap();
    c2.sync().await.unwrap();
    assert!(has(&c3, 2) && !has(&c2, 2));
    // Another parcel is offered to one courier, and the outlet assigns it to another.
    assert!(c2.case(4).is_some(), "offered");
    tablet.sync().await.unwrap();
    assign(&tablet, 4, "c3").unwrap();
    tablet.sync().await.unwrap();
    for device in [&c1, &c2, &c3] {
        device.sync().await.unwrap();
    }
    assert!(!has(&c1, 4) && !has(&c2, 4) && has(&c3, 4));
    assert!(matches!(c3.client.record(&on(waybill(4), Act::Takeover), &[]), Err(ClientError::Refused(Refusal::NotOffered))));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_former_courier_has_not_sent_leaves_before_the_case_does() {
    let mut world = World::new().await;
    let (c1, c2, tablet) = network(&mut world, &[2]).await;
    assign(&tablet, 2, "c2").unwrap();
    tablet.sync().await.unwrap();
    c2.sync().await.unwrap();
    world.hands.advance(1);
    c1.note(2, "门卫说明天在家").unwrap();
    c1.fail_with_photo(2, 1).unwrap();
    world.link.set(LinkMode::Cut);
    c1.sync().await.unwrap_err();
    assert!(c1.case(2).is_some(), "nothing leaves while it is only here");
    world.link.set(LinkMode::Up);
    c1.sync().await.unwrap();
    c1.sync().await.unwrap();
    assert!(!has(&c1, 2));
    let status = c1.client.status().unwrap();
    assert_eq!((status.unsent.len(), status.photos, status.quarantined), (0, 0, 0));
    c2.sync().await.unwrap();
    let view = c2.case(2).unwrap();
    assert_eq!(view.case.attempts(), 2);
    assert!(!view.judgement.flags.contains(&Flag::Review), "the former courier's own parcel when it happened");
    c2.agrees_with(&world, 2);
    // The same of a courier who had it only by assignment.
    c2.note(2, "还没发的备注").unwrap();
    tablet.sync().await.unwrap();
    assign(&tablet, 2, "c3").unwrap();
    tablet.sync().await.unwrap();
    c2.sync().await.unwrap();
    c2.sync().await.unwrap();
    assert!(!has(&c2, 2));
    tablet.sync().await.unwrap();
    let view = tablet.case(2).unwrap();
    assert!(view.case.timeline.iter().all(|r| !r.standing.receipt().unwrap().review));
    assert_eq!(c2.client.status().unwrap().quarantined, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_assignments_that_met_the_one_received_last_has_it_and_the_conflict_is_shown_until_somebody_settles_it() {
    let mut world = World::new().await;
    world.admin().user("m1", "孙经理", "outlet_manager", "0412").unwrap();
    let (c1, c2, west) = network(&mut world, &[2]).await;
    let (manager, c3) = (world.device("m1", "m1").await, world.device("c3", "c3").await);
    manager.sync().await.unwrap();
    // The one that is recorded last is sent first.
    assign(&manager, 2, "c3").unwrap();
    world.hands.advance(1);
    assign(&west, 2, "c2").unwrap();
    west.sync().await.unwrap();
    c2.sync().await.unwrap();
    assert!(has(&c2, 2));
    world.hands.advance(1);
    manager.sync().await.unwrap();
    for device in [&c1, &c2, &c3, &west] {
        device.sync().await.unwrap();
    }
    assert!(!has(&c1, 2) && !has(&c2, 2) && has(&c3, 2), "the one received last");
    let conflicts = |device: &Device| {
        let found = device.case(2).unwrap().judgement.conflicts;
        found.into_iter().map(|conflict| conflict.kind).collect::<Vec<_>>()
    };
    for device in [&west, &manager, &c3] {
        assert_eq!(conflicts(device), [ConflictKind::TwoAssignments]);
    }
    world.hands.advance(1);
    assign(&west, 2, "c1").unwrap();
    west.sync().await.unwrap();
    for device in [&manager, &c1, &c3] {
        device.sync().await.unwrap();
    }
    assert!(has(&c1, 2) && !has(&c3, 2));
    assert!(conflicts(&west).is_empty() && conflicts(&manager).is_empty() && conflicts(&c1).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_can_not_have_the_parcel_is_refused_offline_with_those_who_can() {
    let mut world = World::new().await;
    world.admin().user("c9", "周离职", "courier", "0412").unwrap();
    world.admin().user("y1", "外人", "courier", "0571").unwrap();
    world.admin().left("c9", world.hands.now()).unwrap();
    let (_, _, tablet) = network(&mut world, &[2]).await;
    world.link.set(LinkMode::Cut);
    for wrong in ["c9", "y1", "s1", "nobody"] {
        let error = assign(&tablet, 2, wrong).unwrap_err();
        let ClientError::Refused(Refusal::Assignee { given, possible }) = &error else { panic!("{error:?}") };
        assert_eq!(given, wrong);
        assert_eq!(possible.iter().map(|one| one.account.as_str()).collect::<Vec<_>>(), ["c1", "c2", "c3"]);
        let words = error.words();
        assert!(words.zh.contains("c3 赵六") && words.en.contains("c3 赵六"), "{words:?}");
        assert!(!format!("{error} {error:?}").contains("赵六"), "no name in a log");
        assert_eq!(error.code(), "assignee");
    }
    assert_eq!(tablet.client.status().unwrap().unsent.len(), 0);
    let can: Vec<String> = tablet.client.assignable(&waybill(2)).unwrap().into_iter().map(|one| one.account).collect();
    assert_eq!(can, ["c1", "c2", "c3"]);
    assign(&tablet, 2, "c2").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_delivering_outlet_assigns_and_an_assignment_to_nobody_of_it_moves_nothing() {
    let mut world = World::new().await;
    let (c1, c2, tablet) = network(&mut world, &[2, 4]).await;
    let origin = world.device("o1", "o1").await;
    c1.notice(2).unwrap();
    c1.sync().await.unwrap();
    origin.sync().await.unwrap();
    let refused = |error: ClientError| matches!(error, ClientError::Refused(Refusal::Rights { kind }) if kind == "assign");
    assert!(refused(assign(&origin, 2, "c2").unwrap_err()), "the outlet that sent it");
    assert!(refused(assign(&c1, 2, "c2").unwrap_err()), "nor a courier: they hand over");
    // A device that forbids nothing.
    let anything = r#"{"version":9,"lock_after_minutes":1,"rules":[{"id":"ALL","zh":"","en":"","roles":["*"],"kinds":["assign"],"where":["any"],"verdict":"allow"},{"id":"NO","zh":"","en":"","roles":["*"],"kinds":["*"],"where":["any"],"verdict":"deny"}]}"#;
    let db = origin.database();
    db.execute("UPDATE reference SET body = CAST(?1 AS BLOB) WHERE kind = 'policy'", [anything]).unwrap();
    assign(&origin, 2, "c2").unwrap();
    origin.sync().await.unwrap();
    assert_eq!(origin.client.status().unwrap().refused[0].reason, RefusalCode::Rights("P-99".to_owned()));
    // The tablet does not know yet that the courier has moved to another outlet.
    world.admin().user("c2", "李明", "courier", "0755").unwrap();
    assign(&tablet, 4, "c2").unwrap();
    tablet.sync().await.unwrap();
    for device in [&c1, &c2] {
        device.sync().await.unwrap();
    }
    assert!(has(&c1, 2) && has(&c1, 4) && c2.case(2).is_none() && c2.case(4).is_none());
    assert!(tablet.case(4).unwrap().judgement.flags.contains(&Flag::Review), "taken, and head office looks");
    tablet.agrees_with(&world, 4);
    assert!(matches!(assign(&tablet, 4, "c2"), Err(ClientError::Refused(Refusal::Assignee { .. }))), "now it knows");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_is_undone_to_whom_it_was_before() {
    let mut world = World::new().await;
    let (c1, c2, tablet) = network(&mut world, &[2]).await;
    assert!(matches!(undo(&tablet, 2), Err(ClientError::Refused(Refusal::NotAssigned))));
    let c3 = world.device("c3", "c3").await;
    for user in ["c2", "c3"] {
        assign(&tablet, 2, user).unwrap();
        tablet.sync().await.unwrap();
        world.hands.advance(1);
    }
    c3.sync().await.unwrap();
    assert!(has(&c3, 2));
    undo(&tablet, 2).unwrap();
    tablet.sync().await.unwrap();
    for device in [&c1, &c2, &c3] {
        device.sync().await.unwrap();
    }
    assert!(!has(&c1, 2) && has(&c2, 2) && !has(&c3, 2), "to the assignment before");
    // Of the first assignment: to the list's courier, and before it is sent.
    let mut other = World::new().await;
    let (c1, c2, tablet) = network(&mut other, &[2]).await;
    assign(&tablet, 2, "c2").unwrap();
    other.hands.advance(1);
    undo(&tablet, 2).unwrap();
    tablet.sync().await.unwrap();
    for device in [&c1, &c2] {
        device.sync().await.unwrap();
    }
    assert!(has(&c1, 2) && !has(&c2, 2));
    assert_eq!(tablet.case(2).unwrap().case.assigned().unwrap().to.as_str(), "c1");
    assert_eq!(c1.case(2).unwrap().judgement.conflicts, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_parcels_are_assigned_at_once_or_none() {
    let mut world = World::new().await;
    let (c1, c2, tablet) = network(&mut world, &[2, 4, 6]).await;
    let refused = many(&tablet, &[2, 8, 4], to("c2"));
    let Err(ClientError::Refused(Refusal::OfMany { waybill: which, why })) = &refused else { panic!("{refused:?}") };
    assert_eq!((which.as_str(), matches!(**why, Refusal::NoAttempt | Refusal::NoCase)), (waybill(8).as_str(), true));
    assert_eq!(tablet.client.status().unwrap().unsent.len(), 0, "none, because one has no problem");
    let outcome = many(&tablet, &[2, 4, 2, 6], to("c2")).unwrap();
    assert_eq!(outcome.cases.len(), 3, "one was scanned twice");
    tablet.sync().await.unwrap();
    for device in [&c1, &c2] {
        device.sync().await.unwrap();
    }
    for n in [2, 4, 6] {
        assert!(!has(&c1, n) && has(&c2, n), "{n}");
        tablet.agrees_with(&world, n);
    }
    world.hands.advance(1);
    many(&tablet, &[4, 6], Act::AssignBack { words: Some(text("还是原来的人")) }).unwrap();
    tablet.sync().await.unwrap();
    for device in [&c1, &c2] {
        device.sync().await.unwrap();
    }
    assert!(has(&c2, 2) && has(&c1, 4) && has(&c1, 6));
}
