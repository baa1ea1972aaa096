//! The main job: record offline, sync, reply, sync, equal everywhere.

use doorstep_rules::{NextStep, State, Timeliness};
use doorstep_tests::{LinkMode, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_recorded_offline_is_replied_to_and_equal_on_phone_tablet_and_server() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let tablet = world.device("tablet", "o1").await;

    world.link.set(LinkMode::Cut);
    phone.fail(4, "DF-NOBODY").unwrap();
    world.hands.advance(20);
    phone.notice(4).unwrap();
    assert!(phone.sync().await.is_err(), "there is no network");
    assert_eq!(phone.client.status().unwrap().unsent.len(), 2);
    assert_eq!(phone.case(4).unwrap().judgement.next_step, NextStep::SendNotice);

    world.hands.advance(60);
    world.link.set(LinkMode::Up);
    let report = phone.sync().await.unwrap();
    assert_eq!(report.requests, 1, "one round trip");
    assert!(phone.client.status().unwrap().unsent.is_empty());

    tablet.sync().await.unwrap();
    let seen = tablet.case(4).unwrap();
    assert_eq!((seen.judgement.state, seen.case.attempts()), (State::Notified, 1));
    world.hands.advance(30);
    tablet.reply(4).unwrap();
    tablet.sync().await.unwrap();
    phone.sync().await.unwrap();

    let on_phone = phone.case(4).unwrap();
    assert_eq!((on_phone.judgement.state, on_phone.judgement.decision.as_deref()), (State::ActionDue, Some("REDELIVER")));
    let kept: Vec<_> = on_phone.judgement.deadlines.iter().map(|d| (d.clock.as_str(), d.timeliness)).collect();
    assert_eq!(kept[..3].iter().map(|(_, kept)| *kept).collect::<Vec<_>>(), [Timeliness::OnTime; 3], "{kept:?}");
    assert_eq!(kept[3..], [("SLA-06", Timeliness::Pending)], "and the delivery that was asked for runs");
    phone.agrees_with(&world, 4);
    tablet.agrees_with(&world, 4);
    assert_eq!(tablet.case(4), phone.case(4), "the same answer on both devices");
}
