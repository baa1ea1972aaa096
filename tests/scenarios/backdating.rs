//! Acts that are dated back: by a monotonic clock that was raised, by evidence that was made up, by a sending that leaves out. An act
//! can be moved only within the gap between two contacts, and every finding shows that gap.

use doorstep_document::{Change, NewEntry, Position};
use doorstep_domain::*;
use doorstep_rules::{Case, Flag, Judgement, Timeliness, explain, judge};
use doorstep_store::Store;
use doorstep_tests::{Device, LinkMode, World, ended, first_entry, waybill};

use crate::rules::{on_device, on_server, second_version};

mod contacts;
mod originals;
mod sendings;

const HOUR: i64 = 60;

const DAY: i64 = 24 * HOUR;

/// The case as the server judges it now.
fn judged(world: &World, device: &Device, n: u32) -> (Case, Judgement) {
    let case = Case::fold(world.on_server(&device.id(n)).1).unwrap();
    let judged = judge(&case, &world.admin().book().unwrap(), world.hands.now());
    (case, judged)
}

/// The server's receipt of a parcel's newest entry of a kind.
fn receipt(world: &World, device: &Device, n: u32, kind: Kind) -> Receipt {
    let entries = world.on_server(&device.id(n)).1;
    let of_kind = entries.iter().rev().find(|r| r.entry.body.kind() == kind.as_str()).unwrap();
    of_kind.standing.receipt().unwrap()
}

fn gap(receipt: &Receipt) -> (Option<UnixMs>, UnixMs) {
    receipt.acted.gap(receipt.received_at)
}

/// Whether the device's clock proves the act, within a gap of whatever width.
fn proves(receipt: &Receipt) -> bool {
    receipt.acted.proves(receipt.received_at, i64::MAX)
}

fn has(judged: &Judgement, flags: &[Flag]) -> bool {
    flags.iter().all(|flag| judged.flags.contains(flag))
}

/// Findings by rule, and whether a person is to look.
fn held(judged: &Judgement) -> Vec<(String, bool)> {
    judged.findings.iter().map(|finding| (finding.rule.clone(), finding.review)).collect()
}

/// A world whose rules let a record that was made in time and came late pass, if its time is proven. It is 12:00.
async fn forgiving() -> World {
    let world = World::new().await;
    let rules = second_version(("late_synced = \"strict\"", "late_synced = \"capture_counts\""));
    world.admin().publish_pack(&rules, world.hands.now()).unwrap();
    world.hands.advance(3 * HOUR);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_of_a_boot_that_never_heard_head_office_is_proven_by_no_raised_clock_and_its_finding_stays_for_review() {
    let mut world = forgiving().await;
    let phone = world.device("phone", "c1").await;
    let (honest, cheat) = (world.device("honest", "s1").await, world.device("cheat", "s1").await);
    for n in [2, 4] {
        phone.fail(n, "DF-NOBODY").unwrap();
    }
    phone.sync().await.unwrap();
    let enrolled = world.hands.now();
    world.hands.advance(9 * HOUR); // 21:00
    honest.sync().await.unwrap();
    cheat.sync().await.unwrap();
    // One notices in time and comes next morning.
    world.hands.advance(HOUR);
    honest.notice(2).unwrap();
    // The other forgets it, starts the tablet anew next morning, and raises its clock between the act and its sending.
    world.hands.advance(8 * HOUR + 30);
    cheat.clock.restart();
    cheat.notice(4).unwrap();
    cheat.clock.raise(8 * HOUR);
    world.hands.advance(1);
    let forgotten = world.hands.now();
    honest.sync().await.unwrap();
    cheat.sync().await.unwrap();

    let (_, in_time) = judged(&world, &phone, 2);
    assert_eq!(held(&in_time), [], "recorded in time, and its clock proves it");
    let notice = receipt(&world, &cheat, 4, Kind::Notice);
    assert_eq!(
        notice.acted.at,
        Some(forgotten.plus(-(8 * HOUR + 1) * 60_000)),
        "the estimate is the phone's word, before midnight"
    );
    assert!(!notice.acted.anchored && !proves(&notice));
    assert_eq!(gap(&notice), (Some(enrolled), forgotten), "this is what is known");
    let (case, late) = judged(&world, &phone, 4);
    assert_eq!(held(&late), [("LIA-04".to_owned(), true)], "a person decides");
    assert!(has(&late, &[Flag::ClockUnproven]), "{:?}", late.flags);
    // The finding shows the gap, the other tablet's contact in it, and how many acts of this person were unproven.
    let contacts = late.findings[0].contacts.clone().unwrap();
    assert_eq!((contacts.from, contacts.until, contacts.proven), (Some(enrolled), forgotten, false));
    assert_eq!((contacts.others_in_contact, contacts.unproven_acts), (true, 1));
    let told = serde_json::to_string(&explain(&case, &world.admin().book().unwrap(), &late)).unwrap();
    for words in [
        "本人另一台设备在此期间联过网",
        "another device of this person was in contact meanwhile",
        "unverified acts in 30 days: 1",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    cheat.agrees_with(&world, 4);
    assert_eq!(on_device(&cheat, 4), on_server(&world, &phone, 4));
    // A second one counts, and so does the time in which the other tablet was silent.
    world.hands.advance(5);
    cheat.note(4, "已证实").unwrap();
    cheat.sync().await.unwrap();
    let proven = receipt(&world, &cheat, 4, Kind::Note);
    assert_eq!((proves(&proven), proven.others_in_contact, proven.unproven_acts), (true, false, 0));
    let silent = world.hands.now();
    world.hands.advance(10);
    cheat.clock.restart();
    cheat.note(4, "又一条").unwrap();
    cheat.sync().await.unwrap();
    let second = receipt(&world, &cheat, 4, Kind::Note);
    assert_eq!(gap(&second), (Some(silent), world.hands.now()));
    assert_eq!((second.others_in_contact, second.unproven_acts), (false, 2));
    // A person with one device has no other device that could be in contact.
    phone.clock.restart();
    phone.note(2, "重启之后").unwrap();
    phone.sync().await.unwrap();
    let alone = receipt(&world, &phone, 2, Kind::Note);
    assert_eq!((proves(&alone), alone.others_in_contact, alone.unproven_acts), (false, false, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_is_dated_long_before_the_enrolment_is_moved_to_it_and_goes_to_review() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let enrolled = world.hands.now();
    phone.clock.restart();
    world.hands.advance(30);
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.clock.raise(300 * DAY);
    phone.sync().await.unwrap();
    let got = receipt(&world, &phone, 2, Kind::Attempt);
    assert_eq!((got.acted.at, gap(&got)), (Some(enrolled), (Some(enrolled), world.hands.now())));
    assert!(got.acted.passed_over && got.review);
    let (_, judged) = judged(&world, &phone, 2);
    assert!(has(&judged, &[Flag::ClockPassedOver, Flag::ClockUnproven, Flag::Review]), "{:?}", judged.flags);
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_dated_close_cancels_no_missed_notice() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    for n in [2, 4] {
        phone.fail(n, "DF-NOBODY").unwrap();
    }
    phone.sync().await.unwrap();
    let close = |n: u32| {
        let close = ended(waybill(n), "RETURNED", None);
        phone.client.record(&close, &[]).unwrap();
    };
    world.hands.advance(11 * HOUR); // 20:00
    close(2);
    phone.sync().await.unwrap();
    world.hands.advance(11 * HOUR); // 07:00
    phone.clock.restart();
    close(4);
    phone.clock.raise(8 * HOUR);
    phone.sync().await.unwrap();
    world.hands.advance(DAY);
    let (_, in_time) = judged(&world, &phone, 2);
    assert_eq!(held(&in_time), []);
    let (_, too_late) = judged(&world, &phone, 4);
    assert_eq!(held(&too_late), [("LIA-04".to_owned(), true)]);
    assert!(has(&too_late, &[Flag::ClockUnproven]), "{:?}", too_late.flags);
}

/// A phone's evidence at this moment, as its client writes it.
fn evidence(device: &Device) -> TimeEvidence {
    let Clocks { wall, mono_ms, boot } = doorstep_client::Clock::read(&*device.clock);
    let anchor = Store::open(&device.folder).unwrap().anchor(boot).unwrap();
    TimeEvidence { wall, zone_quarters: 32, mono_ms, boot, anchor }
}

/// Changes by hand, of an installation of the device, one after the other in one case.
struct Hand {
    case: CaseId,
    n: u32,
    install: InstallId,
    position: Position,
}

impl Hand {
    fn of(device: &Device, n: u32) -> Self {
        let install = device.client.identity().unwrap().unwrap().install;
        Self { case: device.id(n), n, install, position: Position { heads: vec![], max_op: 0, seq: 0 } }
    }

    fn write(&mut self, user: &str, time: TimeEvidence, rewrites: Option<ChangeHash>) -> Change {
        self.write_of(user, time, rewrites, first_entry(self.n, user).body)
    }

    fn write_of(&mut self, user: &str, time: TimeEvidence, rewrites: Option<ChangeHash>, body: Body) -> Change {
        let facts = Facts { cod: Fen(i64::from(self.n) * 100), ..first_entry(self.n, user).facts.unwrap() };
        let entry = NewEntry { time, rewrites, facts: Some(facts), body, ..first_entry(self.n, user) };
        let change = Change::write(&self.case, &self.install, &self.position, &[entry]).unwrap();
        self.position.advance(&change, true);
        change
    }
}

/// The server's receipt of a change.
fn receipt_of(world: &World, change: &Change, case: &CaseId) -> Receipt {
    let entries = world.on_server(case).1;
    entries.iter().find(|r| r.change == change.hash()).unwrap().standing.receipt().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_time_that_the_server_gave_at_that_monotonic_time_of_that_boot_is_an_anchor() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.hands.advance(10);
    let real = evidence(&phone);
    let anchor = real.anchor.unwrap();
    let moved = |server: i64, mono: i64| {
        let mono_ms = anchor.mono_ms.checked_add_signed(mono).unwrap();
        TimeEvidence { anchor: Some(Anchor { server: anchor.server.plus(server), mono_ms }), ..real }
    };
    let mut hand = Hand::of(&phone, 2);
    let mut write = |time| hand.write("c1", time, None);
    let cases = [
        ("as it was given", write(real), true),
        ("another monotonic time", write(moved(0, -60_000)), false),
        ("another server time", write(moved(-60_000, 0)), false),
        ("both moved by a day", write(moved(-86_400_000, -3_600_000)), false),
        ("another boot", write(TimeEvidence { boot: BootId([9; 4]), ..real }), false),
    ];
    // Sent from another boot, so that nothing but the anchor dates them.
    phone.clock.restart();
    world.hands.advance(10);
    let chunks: Vec<&[u8]> = cases.iter().map(|(_, change, _)| change.bytes()).collect();
    phone.push_by_hand(&world, &[(hand.case, &chunks)]).await.unwrap();
    for (what, change, is_anchor) in &cases {
        let got = receipt_of(&world, change, &hand.case);
        assert_eq!((got.acted.anchored, got.acted.foreign_anchor), (*is_anchor, !is_anchor), "{what}");
        assert_eq!((got.acted.at.is_some(), proves(&got)), (*is_anchor, *is_anchor), "{what}");
    }
    let (_, judged) = judged(&world, &phone, 2);
    assert!(has(&judged, &[Flag::ClockForeign]), "{:?}", judged.flags);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_raised_in_a_boot_that_heard_the_server_moves_nothing_and_proves_nothing() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.hands.advance(30);
    phone.fail(2, "DF-NOBODY").unwrap();
    let acted = world.hands.now();
    phone.clock.raise(8 * HOUR);
    world.hands.advance(30);
    phone.sync().await.unwrap();
    let got = receipt(&world, &phone, 2, Kind::Attempt);
    assert_eq!(got.acted.at, Some(acted), "its anchor is preferred to the sending");
    assert!(got.acted.anchored && got.acted.unsteady && !proves(&got));
    assert!(has(&judged(&world, &phone, 2).1, &[Flag::ClockUnsteady]));
    // A later act of that boot proves nothing either.
    world.hands.advance(10);
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    assert!(receipt(&world, &phone, 4, Kind::Attempt).acted.unsteady);
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn acts_of_a_boot_that_heard_the_server_stay_proven_after_a_restart() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.hands.advance(30);
    phone.fail(2, "DF-NOBODY").unwrap();
    let acted = world.hands.now();
    world.hands.advance(30);
    phone.clock.restart();
    phone.fail(4, "DF-NOBODY").unwrap();
    world.hands.advance(30);
    phone.sync().await.unwrap();
    let old = receipt(&world, &phone, 2, Kind::Attempt);
    assert_eq!((old.acted.at, proves(&old)), (Some(acted), true));
    assert!(!proves(&receipt(&world, &phone, 4, Kind::Attempt)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_change_of_a_case_with_an_earlier_monotonic_time_of_its_boot_is_marked() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.hands.advance(40);
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.clock.raise(-20);
    world.hands.advance(1);
    phone.note(2, "早些时候").unwrap();
    phone.sync().await.unwrap();
    assert!(!receipt(&world, &phone, 2, Kind::Attempt).acted.disordered);
    let got = receipt(&world, &phone, 2, Kind::Note);
    assert!(got.acted.disordered && got.review && !proves(&got));
    assert!(has(&judged(&world, &phone, 2).1, &[Flag::ClockDisordered, Flag::Review]));
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_monotonic_time_under_another_installation_of_the_device_is_marked_too() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.hands.advance(30);
    let earlier = evidence(&phone);
    world.hands.advance(20);
    let (mut first, mut fresh) = (Hand::of(&phone, 2), Hand::of(&phone, 2));
    let now = first.write("c1", evidence(&phone), None);
    phone.push_by_hand(&world, &[(first.case, &[now.bytes()])]).await.unwrap();
    assert!(!receipt_of(&world, &now, &first.case).acted.disordered);
    fresh.install = InstallId::new([0x71; 16]);
    let dated_back = fresh.write("c1", earlier, None);
    let mut request = phone.request();
    (request.install, request.chain) = (fresh.install, None);
    let packs = doorstep_document::pack::elide(&[dated_back.bytes()]).unwrap();
    request.batch = Some(phone.batch_of(&request, vec![doorstep_protocol::PushCase { case: fresh.case, pack: packs }]));
    phone.send_with_clock(&world, &request).await.unwrap();
    let got = receipt_of(&world, &dated_back, &fresh.case);
    assert!(got.acted.disordered && got.review && !proves(&got), "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_without_signal_keeps_day_and_order_and_only_its_proof_falls() {
    // Monday 18:00 the last contact; Tuesday 06:50 a restart, 10:00 the attempt, 10:05 the notice; then the network.
    for (synced, findings) in [(2 * HOUR, vec![]), (13 * HOUR + 50, vec![]), (23 * HOUR, vec![("LIA-04".to_owned(), true)])] {
        let mut world = World::new().await;
        let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
        world.hands.advance(9 * HOUR);
        phone.sync().await.unwrap();
        world.hands.advance(12 * HOUR + 50);
        phone.clock.restart();
        world.hands.advance(3 * HOUR + 10);
        let ten = world.hands.now();
        phone.fail(2, "DF-NOBODY").unwrap();
        world.hands.advance(5);
        phone.notice(2).unwrap();
        world.hands.advance(synced - 5);
        phone.sync().await.unwrap();
        tablet.sync().await.unwrap();
        let attempt = receipt(&world, &phone, 2, Kind::Attempt);
        assert_eq!(attempt.acted.at, Some(ten), "the estimate stays");
        assert_eq!(receipt(&world, &phone, 2, Kind::Notice).acted.at, Some(ten.plus(5 * 60_000)));
        assert!(!proves(&attempt) && !attempt.acted.passed_over && !attempt.review, "honest");
        let (case, judged) = judged(&world, &phone, 2);
        assert_eq!(case.timeline.iter().map(|r| r.entry.body.kind()).collect::<Vec<_>>(), ["attempt", "notice"]);
        assert_eq!(held(&judged), findings, "synced {synced} minutes later");
        let clock = judged.deadlines.iter().find(|deadline| deadline.clock == "SLA-03").unwrap();
        assert_eq!(clock.timeliness == Timeliness::LateSynced, !findings.is_empty(), "{clock:?}");
        for device in [&phone, &tablet] {
            device.agrees_with(&world, 2);
            assert_eq!(on_device(device, 2), on_server(&world, &phone, 2));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_the_same_where_the_acts_around_are_not_held() {
    let mut world = World::new().await;
    let (phone, origin) = (world.device("phone", "c1").await, world.device("origin", "o1").await);
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    world.hands.advance(30);
    phone.clock.restart();
    phone.fail(6, "DF-NOBODY").unwrap();
    world.hands.advance(30);
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.notice(2).unwrap();
    phone.clock.raise(20);
    world.hands.advance(30);
    phone.sync().await.unwrap();
    origin.sync().await.unwrap();
    assert!(origin.case(4).is_none() && origin.case(6).is_none(), "their acts bound those of the other");
    for device in [&phone, &origin] {
        device.agrees_with(&world, 2);
        assert_eq!(on_device(device, 2), on_server(&world, &phone, 2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_restart_on_the_phone_says_that_nothing_proves_its_times_until_it_heard_head_office() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    assert!(phone.client.times_proven().unwrap() && phone.fail(2, "DF-NOBODY").unwrap().times_proven);
    phone.clock.restart();
    assert!(!phone.client.times_proven().unwrap());
    let outcome = phone.fail(4, "DF-NOBODY").unwrap();
    assert!(!outcome.times_proven && outcome.written.len() == 1, "it is recorded all the same");
    world.link.set(LinkMode::Cut);
    phone.sync().await.unwrap_err();
    assert!(!phone.client.times_proven().unwrap());
    world.link.set(LinkMode::Up);
    phone.sync().await.unwrap();
    assert!(phone.client.times_proven().unwrap() && phone.note(4, "之后").unwrap().times_proven);
}
