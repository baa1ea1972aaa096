//! What merges, and what the merge keeps.

use doorstep_client::{Act, Client, Recording};
use doorstep_domain::{Outage, OutageReason, Standing, Waybill};
use doorstep_rules::{Flag, State, Timeliness};
use doorstep_tests::{LinkMode, World, on, text, waybill};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_parcel_recorded_offline_on_a_phone_and_a_tablet_keeps_both() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let tablet = world.device("tablet", "s1").await;
    world.link.set(LinkMode::Cut);
    phone.fail(2, "DF-NOBODY").unwrap();
    world.hands.advance(5);
    tablet.fail(2, "DF-ADDR").unwrap();
    phone.note(2, "又来过一次").unwrap();
    world.link.set(LinkMode::Up);
    for _ in 0..2 {
        phone.sync().await.unwrap();
        tablet.sync().await.unwrap();
    }
    assert_eq!(phone.case(2).unwrap().case.attempts(), 2);
    phone.agrees_with(&world, 2);
    tablet.agrees_with(&world, 2);
    assert_eq!(phone.case(2), tablet.case(2));
    // The next change joins both heads.
    phone.note(2, "合并之后").unwrap();
    phone.sync().await.unwrap();
    tablet.sync().await.unwrap();
    assert_eq!(tablet.client.heads().unwrap()[0].1.len(), 1);
    tablet.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_three_hours_fast_is_flagged_and_the_servers_receipt_decides() {
    let mut world = World::new().await;
    let phone = world.device_off_by("phone", "c1", 180).await;
    world.hands.advance(11 * 60); // 20:00 true, 23:00 on the phone's wall
    phone.fail(2, "DF-NOBODY").unwrap();
    let before = phone.case(2).unwrap();
    let deadline = &before.judgement.deadlines[0];
    assert_eq!(deadline.left_ms, 4 * 3_600_000 - 1, "the countdown follows the server's clock, not the wall");
    world.hands.advance(90); // 21:30 true, 00:30 tomorrow on the wall
    phone.notice(2).unwrap();
    phone.sync().await.unwrap();
    let after = phone.case(2).unwrap();
    assert!(after.judgement.flags.contains(&Flag::ClockWrong));
    assert_eq!(after.judgement.deadlines[0].timeliness, Timeliness::OnTime);
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_was_started_again_says_that_its_time_is_unproven() {
    let mut world = World::new().await;
    let phone = world.device_off_by("phone", "c1", -600).await;
    world.hands.advance(60);
    phone.clock.boot.store(99, std::sync::atomic::Ordering::SeqCst);
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.clock.boot.store(100, std::sync::atomic::Ordering::SeqCst);
    phone.sync().await.unwrap();
    assert!(phone.case(2).unwrap().judgement.flags.contains(&Flag::ClockUnproven));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_gives_an_estimate_of_its_boot_even_if_the_phone_never_saw_the_server_in_it() {
    let mut world = World::new().await;
    let phone = world.device_off_by("phone", "c1", -600).await;
    phone.clock.boot.store(99, std::sync::atomic::Ordering::SeqCst);
    phone.fail(2, "DF-NOBODY").unwrap();
    let acted = world.hands.now();
    world.hands.advance(45);
    phone.sync().await.unwrap();
    let case = phone.case(2).unwrap();
    assert_eq!(case.case.timeline[0].acted_at(), acted, "to the millisecond, ten hours beside the wall clock");
    // That is an estimate: nothing but the phone's own clock says how long before the push it was.
    assert!(case.judgement.flags.contains(&Flag::ClockWrong) && case.judgement.flags.contains(&Flag::ClockUnproven));
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_store_never_write_the_same_sequence_number() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    let second =
        Client::open(&phone.folder, doorstep_client::Options { clock: phone.clock.clone(), ..Default::default() }).unwrap();
    let writers: Vec<_> = [phone.client.clone(), second]
        .into_iter()
        .map(|client| {
            std::thread::spawn(move || {
                for n in 0..20 {
                    let note = on(waybill(2), Act::Note(text(format!("{n}"))));
                    client.record(&note, &[]).unwrap();
                }
            })
        })
        .collect();
    writers.into_iter().for_each(|w| w.join().unwrap());
    phone.sync().await.unwrap();
    assert_eq!(phone.case(2).unwrap().case.timeline.len(), 41);
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_survives_the_end_of_the_process_and_is_sent_by_the_next() {
    let mut world = World::new().await;
    let mut phone = world.device("phone", "c1").await;
    world.link.set(LinkMode::Cut);
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.reopen();
    assert_eq!(phone.client.status().unwrap().unsent.len(), 1);
    assert_eq!(phone.case(2).unwrap().case.timeline[0].standing, Standing::OnThisDevice);
    world.link.set(LinkMode::Up);
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_recorded_for_several_parcels_is_one_action_in_each_of_their_cases() {
    let mut world = World::new().await;
    let tablet = world.device("tablet", "s1").await;
    for n in [2, 3] {
        tablet.fail(n, "DF-NOBODY").unwrap();
    }
    let outage = |numbers: Vec<String>| {
        let outage = Outage {
            reason: OutageReason::Power,
            contact: Some(text("吴客服")),
            phone: Some(text("0571-88000000")),
            phoned_at: None,
            outlet: None,
            said: None,
        };
        let waybills = numbers.iter().map(|number| Waybill::parse(number).unwrap()).collect();
        Recording { waybills, act: Act::Outage(outage), photos: vec![] }
    };
    // A clock proves times between two contacts that are no further apart than the pack trusts. This is the first contact.
    world.hands.advance(6 * 60);
    tablet.sync().await.unwrap();
    // One that no rule allows refuses the whole action: all or nothing.
    assert!(tablet.client.record(&outage(vec![waybill(2), waybill(9)]), &[]).is_err());
    assert_eq!(tablet.case(2).unwrap().case.timeline.len(), 1);
    tablet.client.record(&outage(vec![waybill(2), waybill(3)]), &[]).unwrap();
    let action = |n| tablet.case(n).unwrap().case.of_kind(doorstep_domain::Kind::Outage).next().unwrap().entry.action;
    assert!(action(2).is_some() && action(2) == action(3));
    world.hands.advance(10 * 60);
    tablet.sync().await.unwrap();
    let deadlines = tablet.case(3).unwrap().judgement.deadlines;
    let notice = deadlines.iter().find(|deadline| deadline.clock == "SLA-03").unwrap();
    assert_eq!(notice.timeliness, Timeliness::OnTimeByException);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_row_turns_by_itself_when_its_deadline_passes() {
    let mut world = World::new().await;
    let tablet = world.device("tablet", "o1").await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.notice(2).unwrap();
    phone.sync().await.unwrap();
    tablet.sync().await.unwrap();
    assert_eq!(tablet.list()[0].state, "notified");
    world.hands.advance(24 * 60 + 1);
    assert_eq!(tablet.list()[0].state, "reply_overdue");
    assert_eq!(tablet.case(2).unwrap().judgement.state, State::ReplyOverdue);
    let on_server = world.admin().cases(10, world.hands.now()).unwrap();
    assert_eq!(on_server[0].state, "reply_overdue");
}
