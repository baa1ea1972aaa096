//! Outlets and hubs ask each other about a parcel, each on its own devices: a search, a parcel that is sent on, the two cases of a swap,
//! and a return that is given to a run. Each step says whose turn it is on each device.

use doorstep_client::{Act, ClientError, Outcome, Recording, Refusal};
use doorstep_document::{Change, NewEntry, Position};
use doorstep_domain::{
    About, Action, Answered, Assign, Attempt, Body, BootId, CaseId, Close, Correction, Customer, Dispute, Fault, Kind,
    OutletCode, Problem, RefusalCode, Reply, Stage, TimeEvidence, Waybill,
};
use doorstep_rules::{ASKS_POLICY, DutyKind, Turn};
use doorstep_server::admin::Which;
use doorstep_store::Filter;
use doorstep_tests::{Device, PARCEL_COLUMNS, World, code, on, problem, text, waybill};

const ZTO_2: &str = include_str!("../../core/rules/packs/zto-process-2.toml");

/// The second pack of the process, for the harness's network, with runs of the delivering outlet.
fn pack() -> String {
    let timetable = "\n[[timetables]]\noutlet = \"0412\"\noutbound = [\"07:00\", \"19:00\"]\n";
    let pack = ZTO_2.replacen("network = \"ZTO\"", "network = \"QH\"", 1);
    let pack = pack.replacen("notice_hours = 24 ", "notice_hours = 2 ", 1).replacen("^[0-9]{12,14}$", "^QH[0-9]{12}$", 1);
    pack + timetable
}

/// Head office with the policy of questions, a hub, and a third outlet that can deliver.
async fn world() -> World {
    let mut world = World::new().await;
    let mut admin = world.admin();
    admin.outlet("H1", "杭州分拨中心", "Hub", "0571-88000001").unwrap();
    admin.user("h1", "郑一", "hub", "H1").unwrap();
    admin.user("c9", "冯九", "courier", "0755").unwrap();
    admin.policy(ASKS_POLICY).unwrap();
    admin.publish_pack(pack().as_bytes(), world.hands.now()).unwrap();
    world.hands.advance(3 * 60);
    world.restart_server().await;
    world
}

/// The delivering outlet's tablet, the origin's, that of a third outlet, and the hub's.
async fn devices(world: &mut World) -> [Device; 4] {
    [
        world.device("west", "s1").await,
        world.device("origin", "o1").await,
        world.device("east", "x1").await,
        world.device("hub", "h1").await,
    ]
}

async fn sync(world: &World, devices: &[&Device]) {
    for device in devices {
        device.sync().await.unwrap();
    }
    world.hands.advance(1);
}

fn record(device: &Device, n: u32, act: Act) -> Result<Outcome, ClientError> {
    device.client.record(&on(waybill(n), act), &[])
}

fn refused(result: Result<Outcome, ClientError>) -> Refusal {
    match result.unwrap_err() {
        ClientError::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

fn ask(step: &str, to: &[&str]) -> Act {
    let to: Vec<OutletCode> = to.iter().map(code).collect();
    Act::Ask { step: code(step), to, words: Some(text("请找一找")) }
}

fn answer(result: &str) -> Act {
    Act::Answer { ask: None, result: code(result), found: None, words: None }
}

fn forward(site: Option<&str>) -> Act {
    Act::Action(Action { site: site.map(code), ..Action::of(code("FORWARD")) })
}

fn reply(decision: &str, site: Option<&str>) -> Act {
    let agreed_by = Some(Customer::Sender);
    Act::Reply(Reply { site: site.map(code), agreed_by, words: Some(text("按此处理")), ..Reply::of(code(decision)) })
}

/// What is the turn of the person at a device, in the list of the device: kinds and steps.
fn mine(device: &Device, n: u32) -> Vec<String> {
    let Some(row) = device.list().into_iter().find(|row| row.waybill == waybill(n)) else { return vec!["no case".to_owned()] };
    let who = device.client.identity().unwrap().unwrap().author;
    let reader = doorstep_rules::Reader { role: who.role, user: who.user, outlet: who.outlet };
    let mine = row.duties.iter().filter(|duty| duty.is_for(&reader));
    mine.map(|duty| [duty.kind.as_str(), duty.step.as_deref().unwrap_or_default()].join(" ").trim().to_owned()).collect()
}

fn turn(device: &Device, n: u32) -> Turn {
    device.list().into_iter().find(|row| row.waybill == waybill(n)).unwrap().turn
}

fn has(device: &Device, n: u32, duty: &str) -> bool {
    mine(device, n).iter().any(|mine| mine == duty)
}

fn has_row(device: &Device, n: u32) -> bool {
    device.client.parcels().unwrap().iter().any(|parcel| parcel.waybill.as_str() == waybill(n))
}

/// A lost parcel of which the origin outlet is told.
async fn lost(world: &World, n: u32, west: &Device) {
    record(west, n, problem("LS-LOST", Some("service"))).unwrap();
    west.notice(n).unwrap();
    west.sync().await.unwrap();
    world.hands.advance(1);
}

/// A missent parcel that the origin outlet sends to 0755.
async fn missent(world: &World, n: u32, west: &Device, origin: &Device) {
    record(west, n, problem("RT-MISSENT", Some("arrival"))).unwrap();
    west.notice(n).unwrap();
    sync(world, &[west, origin]).await;
    record(origin, n, reply("FORWARD", Some("0755"))).unwrap();
    sync(world, &[origin, west]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_reaches_the_asked_outlet_and_the_hub_which_answer_on_their_own_devices() {
    let mut world = world().await;
    let [west, origin, east, hub] = devices(&mut world).await;
    lost(&world, 2, &west).await;
    sync(&world, &[&east, &hub]).await;
    assert_eq!((mine(&east, 2), mine(&hub, 2)), (vec!["no case".to_owned()], vec!["no case".to_owned()]));
    assert!(has(&west, 2, "work_card outlet_search"));
    // The origin outlet asks, without a network at first.
    origin.sync().await.unwrap();
    record(&origin, 2, ask("outlet_search", &["0755", "0412"])).unwrap();
    record(&origin, 2, ask("hub_search", &["H1"])).unwrap();
    sync(&world, &[&origin, &west, &east, &hub]).await;
    for (device, step) in [(&west, "outlet_search"), (&east, "outlet_search"), (&hub, "hub_search")] {
        assert!(has(device, 2, &format!("answer_ask {step}")), "{step}: {:?}", mine(device, 2));
        assert!(!has(device, 2, &format!("work_card {step}")), "the question takes the step's place: {:?}", mine(device, 2));
    }
    assert_eq!((mine(&east, 2).len(), mine(&hub, 2).len()), (1, 1), "and nothing else is theirs");
    assert!(has_row(&east, 2) && has_row(&hub, 2), "the row of the parcel comes with the case");
    // They answer offline; the device shows it at once.
    record(&east, 2, answer("not_found")).unwrap();
    record(&hub, 2, answer("not_found")).unwrap();
    assert_eq!((mine(&east, 2).len(), mine(&hub, 2).len()), (0, 0));
    assert!(matches!(turn(&east, 2), Turn::Waiting(_)));
    sync(&world, &[&east, &hub, &origin]).await;
    assert!(!has(&origin, 2, "work_card outlet_search"));
    let asks = origin.case(2).unwrap().judgement.asks;
    let told: Vec<(String, bool)> = asks.iter().map(|ask| (ask.to.to_string(), ask.open)).collect();
    assert_eq!(told, [("0755".into(), false), ("0412".into(), true), ("H1".into(), false)], "0412 has still to answer");
    sync(&world, &[&west]).await;
    record(&west, 2, answer("found")).unwrap();
    sync(&world, &[&west, &origin, &east, &hub]).await;
    let cards = origin.case(2).unwrap().judgement.cards;
    let done = |step: &str| cards[0].steps.iter().find(|line| line.step == step).unwrap().done.len();
    assert_eq!((done("outlet_search"), done("hub_search")), (2, 1));
    for device in [&west, &origin, &east, &hub] {
        device.agrees_with(&world, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hub_finds_a_lost_parcel_among_its_unidentified_goods_and_both_cases_get_the_other_number() {
    let mut world = world().await;
    let [west, _, _, hub] = devices(&mut world).await;
    let provisional = "PV-H1-ABCD2345";
    let unreadable = Act::Problem { problem: Problem::of(code("CD-DAMAGE"), Stage::Hub), usual_stage: false };
    hub.client.record(&on(provisional, unreadable), &[]).unwrap();
    lost(&world, 2, &west).await;
    record(&west, 2, ask("hub_search", &["H1"])).unwrap();
    sync(&world, &[&hub, &west, &hub]).await;
    let goods = hub.client.cases(&Filter { unidentified: true, ..Filter::default() }).unwrap();
    assert_eq!(goods.iter().map(|row| row.waybill.as_str()).collect::<Vec<_>>(), [provisional]);
    let goods = west.client.cases(&Filter { unidentified: true, ..Filter::default() }).unwrap();
    assert_eq!(goods.len(), 0, "the hub's goods are the hub's");
    let goods = || world.admin().cases_of(Which::Unidentified, 10, world.hands.now()).unwrap();
    assert_eq!(goods().iter().map(|row| row.waybill.as_str()).collect::<Vec<_>>(), [provisional], "and head office sees them");
    // The number of another parcel is none of an unidentified one, and a parcel that was not found has none.
    let found = |result: &str, number: &str| {
        let found = Some(Waybill::parse(number).unwrap());
        Act::Answer { ask: None, result: code(result), found, words: None }
    };
    assert!(matches!(refused(record(&hub, 2, found("found", &waybill(4)))), Refusal::NotProvisional));
    assert!(matches!(refused(record(&hub, 2, found("not_found", provisional))), Refusal::NotProvisional));
    record(&hub, 2, found("found", provisional)).unwrap();
    assert_eq!(mine(&hub, 2), [""; 0]);
    sync(&world, &[&hub, &west]).await;
    assert_eq!(hub.client.status().unwrap().refused, []);
    let aliases: Vec<String> = west.case(2).unwrap().case.aliases().map(ToString::to_string).collect();
    assert_eq!(aliases, [provisional]);
    let other = hub.client.case(provisional).unwrap().unwrap();
    assert_eq!(other.case.aliases().map(ToString::to_string).collect::<Vec<_>>(), [waybill(2)]);
    assert_eq!(hub.client.cases(&Filter { unidentified: true, ..Filter::default() }).unwrap().len(), 0, "it is identified");
    assert_eq!(goods().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missent_parcel_comes_to_the_right_site_which_confirms_it_and_delivers_it() {
    let mut world = world().await;
    let [west, origin, east, _] = devices(&mut world).await;
    let (c1, c9) = (world.device("c1", "c1").await, world.device("c9", "c9").await);
    missent(&world, 2, &west, &origin).await;
    assert!(has(&west, 2, "follow_reply"));
    record(&west, 2, forward(None)).unwrap();
    assert!(!has(&west, 2, "follow_reply") && !has(&west, 2, "follow_up"), "it is on its way: {:?}", mine(&west, 2));
    sync(&world, &[&west, &east, &origin]).await;
    assert_eq!(mine(&east, 2), ["answer_ask confirm_arrival"]);
    assert!(matches!(turn(&east, 2), Turn::Mine(_)));
    let seen = west.case(2).unwrap().judgement.duties;
    assert!(seen.iter().any(|duty| duty.kind == DutyKind::Answer && duty.outlet == Some(code("0755"))), "both see it: {seen:?}");
    // It did not come: the sending outlet is due again.
    record(&east, 2, answer("not_arrived")).unwrap();
    sync(&world, &[&east, &west]).await;
    assert_eq!(mine(&east, 2), [""; 0]);
    assert!(has(&west, 2, "follow_reply"));
    record(&west, 2, forward(Some("0755"))).unwrap();
    sync(&world, &[&west, &east]).await;
    // It comes. The site delivers it from now on, also before head office knows.
    record(&east, 2, answer("arrived")).unwrap();
    assert!(has(&east, 2, "follow_up"), "{:?}", mine(&east, 2));
    record(&east, 2, Act::Fail(Attempt::of(code("DF-NOBODY")))).unwrap();
    sync(&world, &[&east, &west, &origin]).await;
    assert_eq!(east.client.status().unwrap().refused, []);
    assert!(!east.case(2).unwrap().judgement.flags.contains(&doorstep_rules::Flag::Review), "it is the site's own parcel");
    assert_eq!(mine(&west, 2), [""; 0], "the former outlet reads it and has nothing to do");
    assert!(has_row(&east, 2) && !has_row(&west, 2), "the customer's row goes with the parcel");
    assert!(has(&east, 2, "notify_origin"), "{:?}", mine(&east, 2));
    for device in [&west, &east, &origin] {
        assert_eq!(device.case(2).unwrap().case.facts.delivering_outlet, Some(code("0755")), "by head office's list");
        device.agrees_with(&world, 2);
    }
    // Its outlet gives it to its own courier. The former outlet's staff and courier have no right any more.
    let to = |user: &str| Act::Assign(Assign { to: code(user), planned_at: None, replaces: None, words: None });
    record(&east, 2, to("c9")).unwrap();
    sync(&world, &[&east, &c9, &c1]).await;
    assert!(c9.case(2).is_some() && c1.case(2).is_none());
    assert!(matches!(refused(record(&west, 2, to("c1"))), Refusal::Rights { .. }));
    record(&c9, 2, Act::Close(Close::of(code("SIGNED")))).unwrap();
    sync(&world, &[&c9, &east, &west, &origin]).await;
    for device in [&west, &east, &origin] {
        assert_eq!(turn(device, 2), Turn::Ended);
        device.agrees_with(&world, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_repeats_itself_leaves_a_forwarded_parcel_at_its_site_and_one_that_names_another_outlet_moves_it() {
    let mut world = world().await;
    let [west, origin, east, _] = devices(&mut world).await;
    missent(&world, 2, &west, &origin).await;
    record(&west, 2, forward(None)).unwrap();
    sync(&world, &[&west, &east]).await;
    record(&east, 2, answer("arrived")).unwrap();
    sync(&world, &[&east, &west]).await;
    let list = |outlet: &str, courier: &str| {
        let row = format!("{},QH,0571,{outlet},{courier},王小花,13800000002,青禾路2号,0,2026-03-02 08:00", waybill(2));
        let csv = format!("{PARCEL_COLUMNS}\n{row}\n");
        assert_eq!(world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap().imported, 1);
    };
    list("0412", "c1");
    sync(&world, &[&east, &west]).await;
    assert_eq!(east.case(2).unwrap().case.delivering(), Some(&code("0755")), "the day's list says what it said before");
    assert!(has(&east, 2, "follow_up") && has_row(&east, 2));
    list("0571", "");
    sync(&world, &[&east, &west, &origin]).await;
    assert_eq!(origin.case(2).unwrap().case.delivering(), Some(&code("0571")), "the list has moved it since");
    assert!(has(&origin, 2, "follow_up") && !has(&east, 2, "follow_up"));
    assert!(east.case(2).is_some() && west.case(2).is_some(), "who had it keeps reading");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_arrival_that_was_a_slip_gives_the_parcel_back_and_a_chain_of_sites_ends_with_the_last() {
    let mut world = world().await;
    let [west, origin, east, _] = devices(&mut world).await;
    missent(&world, 2, &west, &origin).await;
    record(&west, 2, forward(None)).unwrap();
    sync(&world, &[&west, &east]).await;
    record(&east, 2, answer("arrived")).unwrap();
    sync(&world, &[&east, &west]).await;
    let arrived = east.case(2).unwrap().judgement.asks[0].answers[0].entry.clone();
    let correction = Correction { of: arrived, fault: Fault::DidNotOccur, same_as: None, words: text("点错") };
    record(&east, 2, Act::Correct { correction, instead: None }).unwrap();
    sync(&world, &[&east, &west]).await;
    assert_eq!(west.case(2).unwrap().case.delivering(), Some(&code("0412")));
    assert_eq!(mine(&east, 2), ["answer_ask confirm_arrival"], "it is asked as before");
    record(&east, 2, answer("arrived")).unwrap();
    sync(&world, &[&east, &west]).await;
    // The site finds that it goes on to the origin outlet's own address.
    record(&east, 2, forward(Some("0571"))).unwrap();
    sync(&world, &[&east, &origin, &west]).await;
    assert!(has(&origin, 2, "answer_ask confirm_arrival"));
    record(&origin, 2, answer("arrived")).unwrap();
    sync(&world, &[&origin, &east, &west]).await;
    assert!(has(&origin, 2, "follow_up") && !has(&east, 2, "follow_up") && !has(&west, 2, "follow_up"));
    for device in [&west, &east, &origin] {
        device.agrees_with(&world, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_asked_answered_or_sent_on_is_refused_with_what_can() {
    let mut world = world().await;
    let [west, origin, east, hub] = devices(&mut world).await;
    lost(&world, 2, &west).await;
    assert!(matches!(refused(record(&west, 2, ask("outlet_search", &["0412"]))), Refusal::OwnOutlet));
    let unknown = refused(record(&west, 2, ask("outlet_search", &["0999"])));
    assert!(matches!(&unknown, Refusal::Outlet { known, .. } if known.contains(&"H1".to_owned())), "{unknown:?}");
    let step = refused(record(&west, 2, ask("goods_facts", &["0755"])));
    assert!(matches!(&step, Refusal::Code { known, .. } if known.contains(&"outlet_search".to_owned())), "{step:?}");
    assert!(matches!(refused(record(&west, 2, ask("outlet_search", &[]))), Refusal::HowManyAsked));
    assert!(matches!(refused(record(&west, 2, answer("found"))), Refusal::NothingAsked));
    record(&west, 2, ask("outlet_search", &["0755", "0571"])).unwrap();
    record(&west, 2, ask("tell_forward", &["0755"])).unwrap();
    sync(&world, &[&west, &east, &origin]).await;
    // Another outlet's question, on the device and, from a device that does not refuse, at the server.
    let asks = west.case(2).unwrap().judgement.asks;
    let to_origin = asks.iter().find(|ask| ask.to == code("0571")).unwrap().entry.clone();
    let foreign = Act::Answer { ask: Some(to_origin), result: code("found"), found: None, words: None };
    assert!(matches!(refused(record(&east, 2, foreign)), Refusal::NotAsked { asked } if asked == "0571"));
    let wrong = refused(record(&east, 2, answer("signed")));
    assert!(matches!(&wrong, Refusal::WhichQuestion { open } if open.len() == 2), "{wrong:?}");
    record(&east, 2, answer("found")).unwrap();
    let wrong = refused(record(&east, 2, answer("signed")));
    assert!(matches!(&wrong, Refusal::Code { known, .. } if known == &["forwarded", "not_here"]), "{wrong:?}");
    // Answered already: only by naming the question again.
    record(&east, 2, answer("not_here")).unwrap();
    assert!(matches!(refused(record(&east, 2, answer("found"))), Refusal::NothingAsked));
    let again = asks.iter().find(|ask| ask.to == code("0755") && ask.step == "outlet_search").unwrap().entry.clone();
    record(&east, 2, Act::Answer { ask: Some(again), result: code("not_found"), found: None, words: None }).unwrap();
    let told = &east.case(2).unwrap().judgement.asks;
    let results: Vec<(&str, bool)> = told[0].answers.iter().map(|answer| (answer.result.as_str(), answer.counts)).collect();
    assert_eq!(results, [("found", false), ("not_found", true)], "both are shown, the newest counts");
    // Sending on needs another outlet than the one that has it, and one that exists.
    missent(&world, 4, &west, &origin).await;
    assert!(matches!(refused(record(&west, 4, forward(Some("0412")))), Refusal::AlreadyThere { .. }));
    assert!(matches!(refused(record(&west, 4, forward(Some("0999")))), Refusal::Outlet { .. }));
    assert!(matches!(refused(record(&origin, 4, reply("FORWARD", Some("0412")))), Refusal::AlreadyThere { .. }));
    lost(&world, 6, &west).await;
    assert!(matches!(refused(record(&west, 6, forward(None))), Refusal::NoSite));
    let other = Act::Action(Action { site: Some(code("0755")), ..Action::of(code("FOUND")) });
    assert!(matches!(refused(record(&west, 6, other)), Refusal::Code { known, .. } if known == ["FORWARD"]));
    // After the end nobody would answer.
    record(&west, 6, Act::Close(Close::of(code("COMPENSATE")))).unwrap();
    assert!(matches!(refused(record(&west, 6, ask("outlet_search", &["0755"]))), Refusal::Over { .. }));
    assert!(matches!(refused(record(&west, 6, forward(Some("0755")))), Refusal::Over { .. }));
    // Who is asked reads the case and delivers nothing.
    hub.sync().await.unwrap();
    assert!(hub.case(2).is_none());
    assert!(matches!(refused(record(&east, 2, Act::Fail(Attempt::of(code("DF-NOBODY"))))), Refusal::Rights { .. }));
    sync(&world, &[&west, &east, &origin]).await;
    sync(&world, &[&west, &east, &origin]).await;
    for device in [&west, &east, &origin] {
        assert_eq!(device.client.status().unwrap().refused, []);
        device.agrees_with(&world, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_about_a_guessed_waybill_gives_nobody_the_parcel_once_it_is_listed() {
    let mut world = world().await;
    let [_, origin, east, _] = devices(&mut world).await;
    record(&east, 77, problem("LS-LOST", Some("service"))).unwrap();
    record(&east, 77, ask("outlet_search", &["0571"])).unwrap();
    sync(&world, &[&east, &origin]).await;
    assert!(has(&origin, 77, "answer_ask outlet_search"), "while it is in no list, its finder may ask");
    let row = format!("{},QH,0412,0412,c1,王小花,13800000077,青禾路77号,0,2026-03-02 08:00", waybill(77));
    let csv = format!("{PARCEL_COLUMNS}\n{row}\n");
    assert_eq!(world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap().imported, 1);
    sync(&world, &[&east, &origin]).await;
    assert!(origin.case(77).is_none() && !has_row(&origin, 77), "the list says whose parcel it is");
    assert!(!has_row(&east, 77), "its finder has no right to the customer's row either");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_courier_of_an_earlier_list_can_not_send_the_parcel_to_an_outlet_of_their_choice() {
    let mut world = world().await;
    let [_, origin, east, _] = devices(&mut world).await;
    let c1 = world.device("c1", "c1").await;
    record(&c1, 2, problem("RT-MISSENT", Some("delivery"))).unwrap();
    sync(&world, &[&c1, &east]).await;
    let row = format!("{},QH,0571,0571,,王小花,13800000002,青禾路2号,0,2026-03-02 08:00", waybill(2));
    let csv = format!("{PARCEL_COLUMNS}\n{row}\n");
    assert_eq!(world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap().imported, 1);
    // Their phone does not know of the newer list.
    record(&c1, 2, forward(Some("0755"))).unwrap();
    sync(&world, &[&c1, &origin, &east]).await;
    assert_eq!(c1.client.status().unwrap().refused, []);
    assert!(east.case(2).is_none() && !has_row(&east, 2), "who does not have a parcel sends it nowhere");
    assert!(has_row(&origin, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_of_the_asked_outlet_answer_without_knowing_of_each_other_and_the_newest_by_receipt_counts() {
    let mut world = world().await;
    let [west, _, east, _] = devices(&mut world).await;
    world.admin().user("x2", "褚二", "outlet_manager", "0755").unwrap();
    let second = world.device("second", "x2").await;
    lost(&world, 2, &west).await;
    record(&west, 2, ask("outlet_search", &["0755"])).unwrap();
    sync(&world, &[&west, &east, &second]).await;
    record(&east, 2, answer("found")).unwrap();
    world.hands.advance(5);
    record(&second, 2, answer("not_found")).unwrap();
    sync(&world, &[&second]).await;
    sync(&world, &[&east, &west, &second]).await;
    for device in [&west, &east, &second] {
        let ask = device.case(2).unwrap().judgement.asks.remove(0);
        let told: Vec<(&str, bool)> = ask.answers.iter().map(|answer| (answer.result.as_str(), answer.counts)).collect();
        assert_eq!(told, [("found", true), ("not_found", false)], "the earlier record was received last");
        device.agrees_with(&world, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_two_cases_of_a_swap_tell_each_other_waybill_problem_and_state_and_no_more() {
    let mut world = world().await;
    let [west, _, east, _] = devices(&mut world).await;
    // The other parcel is another outlet's.
    let row = format!("{},QH,0571,0755,c9,赵小树,13800009998,南山路8号,0,2026-03-02 08:00", waybill(98));
    let csv = format!("{PARCEL_COLUMNS}\n{row}\n");
    assert_eq!(world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap().imported, 1);
    let swapped = Problem { other: Some(Waybill::parse(&waybill(98)).unwrap()), ..Problem::of(code("LS-SWAP"), Stage::Delivery) };
    record(&west, 2, Act::Problem { problem: swapped, usual_stage: false }).unwrap();
    west.sync().await.unwrap();
    settled(&world).await;
    sync(&world, &[&west, &east]).await;
    assert_eq!(west.case(2).unwrap().case.linked(), [], "nothing is recorded of the other parcel");
    record(&east, 98, Act::Fail(Attempt::of(code("DF-REFUSE")))).unwrap();
    sync(&world, &[&east]).await;
    settled(&world).await;
    sync(&world, &[&west, &east]).await;
    let told = |device: &Device, n: u32| {
        let linked = device.case(n).unwrap().case.linked();
        linked.into_iter().map(|it| (it.waybill.to_string(), it.reason.unwrap(), it.state)).collect::<Vec<_>>()
    };
    assert_eq!(told(&west, 2), [(waybill(98), "DF-REFUSE".to_owned(), "registered".to_owned())]);
    assert_eq!(told(&east, 98), [(waybill(2), "LS-SWAP".to_owned(), "registered".to_owned())]);
    assert!(west.case(98).is_none() && east.case(2).is_none(), "neither reads the other's case");
    record(&east, 98, Act::Close(Close::of(code("SIGNED")))).unwrap();
    sync(&world, &[&east]).await;
    settled(&world).await;
    sync(&world, &[&west, &east]).await;
    assert_eq!(told(&west, 2), [(waybill(98), "DF-REFUSE".to_owned(), "closed".to_owned())]);
    west.agrees_with(&world, 2);
    east.agrees_with(&world, 98);
    let entries = west.case(2).unwrap().case.timeline;
    let written = entries.iter().filter(|recorded| matches!(recorded.entry.body, Body::Linked(_))).count();
    assert_eq!(written, 2, "only what changed is told");
    // It was another parcel after all.
    let problem = west.case(2).unwrap().case.of_kind(Kind::Problem).next().unwrap().entry.key.clone();
    let correction = Correction { of: problem, fault: Fault::IncorrectData, same_as: None, words: text("单号写错") };
    record(&west, 2, Act::Correct { correction, instead: None }).unwrap();
    sync(&world, &[&west]).await;
    settled(&world).await;
    sync(&world, &[&west, &east]).await;
    assert_eq!((west.case(2).unwrap().case.linked(), east.case(98).unwrap().case.linked()), (vec![], vec![]));
    record(&east, 98, Act::Fail(Attempt::of(code("DF-NOBODY")))).unwrap();
    sync(&world, &[&east]).await;
    settled(&world).await;
    sync(&world, &[&west]).await;
    assert_eq!(west.case(2).unwrap().case.linked(), [], "and what becomes of it is told no more");
    west.agrees_with(&world, 2);
    east.agrees_with(&world, 98);
}

/// Brings head office's rows up to date, which is when linked cases are told of each other.
async fn settled(world: &World) {
    world.admin().cases(10, world.hands.now()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_is_given_to_a_run_of_the_outlets_timetable_and_is_seen_until_it_has_left() {
    let mut world = world().await;
    let [west, origin, east, _] = devices(&mut world).await;
    let c1 = world.device("c1", "c1").await;
    west.fail(2, "DF-REFUSE").unwrap();
    west.notice(2).unwrap();
    sync(&world, &[&west, &origin]).await;
    record(&origin, 2, reply("RETURN", None)).unwrap();
    sync(&world, &[&origin, &west, &c1]).await;
    let run = |run: &str| Act::Dispatch { run: run.to_owned(), words: None };
    let unknown = refused(record(&west, 2, run("20:00")));
    assert!(matches!(&unknown, Refusal::Run { known, .. } if known == &["07:00", "19:00"]), "{unknown:?}");
    assert!(matches!(refused(record(&c1, 2, run("19:00"))), Refusal::Rights { .. }));
    record(&west, 2, run("19:00")).unwrap();
    sync(&world, &[&west, &c1, &origin]).await;
    for device in [&west, &c1, &origin] {
        let duties = device.case(2).unwrap().judgement.duties;
        let follow = duties.iter().find(|duty| duty.kind == DutyKind::Follow).unwrap();
        let leaves = follow.run.unwrap();
        assert_eq!((follow.outlet.as_ref(), follow.person.as_ref()), (Some(&code("0412")), None));
        assert!(follow.told(device.client.pack().unwrap().as_ref(), leaves).en.contains("19:00"));
    }
    record(&west, 2, Act::Action(Action::of(code("RETURN")))).unwrap();
    let left = west.case(2).unwrap().judgement.duties;
    assert!(left.iter().all(|duty| duty.run.is_none()), "{left:?}");
    // Another outlet's parcel has no run of this one.
    sync(&world, &[&west, &east]).await;
    assert!(east.case(2).is_none());
    let many: Vec<Waybill> = [6, 8].iter().map(|n| Waybill::parse(&waybill(*n)).unwrap()).collect();
    assert!(west.client.record(&Recording { waybills: many, act: run("19:00"), photos: vec![] }, &[]).is_err(), "no problem yet");
    west.agrees_with(&world, 2);
    let id = CaseId::of(&"QH".parse().unwrap(), &Waybill::parse(&waybill(2)).unwrap());
    assert!(world.on_server(&id).1.iter().any(|recorded| matches!(recorded.entry.body, Body::Dispatch(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outlet_of_before_corrects_and_disputes_what_it_did_and_delivers_nothing() {
    let mut world = world().await;
    let [west, origin, east, _] = devices(&mut world).await;
    missent(&world, 2, &west, &origin).await;
    let problem = west.case(2).unwrap().case.of_kind(Kind::Problem).next().unwrap().entry.key.clone();
    record(&west, 2, forward(None)).unwrap();
    sync(&world, &[&west, &east]).await;
    record(&east, 2, answer("arrived")).unwrap();
    sync(&world, &[&east, &west]).await;
    let about = About { rule: None, entry: problem.clone() };
    record(&west, 2, Act::Dispute(Dispute { about, words: text("到件时已登记") })).unwrap();
    let correction = Correction { of: problem.clone(), fault: Fault::IncorrectData, same_as: None, words: text("写错环节") };
    record(&west, 2, Act::Correct { correction, instead: None }).unwrap();
    assert!(matches!(refused(record(&west, 2, Act::Fail(Attempt::of(code("DF-NOBODY"))))), Refusal::Rights { .. }));
    sync(&world, &[&west, &east, &origin]).await;
    assert_eq!(west.client.status().unwrap().refused, [], "head office takes both");
    for device in [&west, &east, &origin] {
        let view = device.case(2).unwrap();
        let taken = view.case.of_kind(Kind::Correction).next().unwrap();
        assert!(!taken.standing.receipt().unwrap().review, "nobody has to review it");
        assert!(!view.case.standing().any(|recorded| recorded.entry.key == problem), "and it counts");
        device.agrees_with(&world, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_to_which_a_parcel_was_sent_on_sends_it_on_and_one_that_is_only_asked_sends_it_nowhere() {
    let mut world = world().await;
    let [west, origin, east, hub] = devices(&mut world).await;
    missent(&world, 2, &west, &origin).await;
    record(&west, 2, forward(Some("H1"))).unwrap();
    sync(&world, &[&west, &hub]).await;
    record(&hub, 2, answer("arrived")).unwrap();
    record(&hub, 2, forward(Some("0755"))).unwrap();
    sync(&world, &[&hub, &east]).await;
    assert_eq!(hub.client.status().unwrap().refused, []);
    assert_eq!(mine(&east, 2), ["answer_ask confirm_arrival"]);
    record(&east, 2, answer("arrived")).unwrap();
    sync(&world, &[&east, &west, &hub]).await;
    for device in [&west, &east, &hub] {
        assert_eq!(device.case(2).unwrap().case.delivering(), Some(&code("0755")));
        device.agrees_with(&world, 2);
    }
    // Of another parcel the hub is asked only whether it is there.
    lost(&world, 4, &west).await;
    record(&west, 4, ask("hub_search", &["H1"])).unwrap();
    sync(&world, &[&west, &hub]).await;
    record(&hub, 4, forward(Some("0755"))).unwrap();
    sync(&world, &[&hub, &east]).await;
    assert!(east.case(4).is_none() && !has_row(&east, 4), "who does not have a parcel sends it nowhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_taken_back_by_its_author_their_outlet_and_head_offices_reviewer_and_by_nobody_else() {
    let mut world = world().await;
    world.admin().user("s2", "沈二", "outlet", "0412").unwrap();
    let [west, origin, east, _] = devices(&mut world).await;
    let colleague = world.device("colleague", "s2").await;
    let take_back = |device: &Device, n: u32| {
        let of = device.case(n).unwrap().judgement.asks[0].entry.clone();
        let correction = Correction { of, fault: Fault::DidNotOccur, same_as: None, words: text("问错网点") };
        record(device, n, Act::Correct { correction, instead: None })
    };
    for (n, by) in [(2, &origin), (4, &colleague)] {
        lost(&world, n, &west).await;
        record(&west, n, ask("outlet_search", &["0755"])).unwrap();
        sync(&world, &[&west, &east, by]).await;
        assert!(has(&east, n, "answer_ask outlet_search"));
        let taken = take_back(by, n);
        sync(&world, &[by, &east]).await;
        assert_eq!(east.case(n).is_none(), n == 4, "{n}: {taken:?}");
    }
    assert!(has(&east, 2, "answer_ask outlet_search"), "the other party of the parcel can not silence a question");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_another_outlets_question_is_refused_on_the_device_and_by_head_office() {
    let mut world = world().await;
    let [west, _, east, hub] = devices(&mut world).await;
    lost(&world, 2, &west).await;
    record(&west, 2, ask("outlet_search", &["0755"])).unwrap();
    record(&west, 2, ask("hub_search", &["H1"])).unwrap();
    sync(&world, &[&west, &east, &hub]).await;
    let asks = hub.case(2).unwrap().judgement.asks;
    let of_east = asks.iter().find(|ask| ask.to.as_str() == "0755").unwrap().entry.clone();
    let foreign = Act::Answer { ask: Some(of_east.clone()), result: code("found"), found: None, words: None };
    assert!(matches!(refused(record(&hub, 2, foreign)), Refusal::NotAsked { .. }));
    // A device that does not check it.
    let own = hub.client.identity().unwrap().unwrap();
    let case = hub.case(2).unwrap().case;
    let time = TimeEvidence { wall: world.hands.now(), zone_quarters: 32, mono_ms: 1, boot: BootId([0; 4]), anchor: None };
    let body = Body::Answered(Answered { ask: of_east, result: code("found"), here: true, words: None });
    let entry = NewEntry { facts: Some(case.facts.clone()), ..NewEntry::of(own.author, 2, time, body) };
    let change = Change::write(&hub.id(2), &own.install, &Position::default(), &[entry]).unwrap();
    let ack = hub.push_by_hand(&world, &[(hub.id(2), &[change.bytes()])]).await.unwrap();
    assert_eq!(ack.cases[0].quarantined, [(0, RefusalCode::Rights("asked".into()))]);
    sync(&world, &[&east]).await;
    assert!(has(&east, 2, "answer_ask outlet_search"), "its own answer is due still");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_has_sixty_four_questions_at_most_and_a_further_one_is_refused_before_it_is_recorded() {
    let mut world = world().await;
    let mut admin = world.admin();
    let outlets: Vec<String> = (0..66).map(|n| format!("7{n:03}")).collect();
    for outlet in &outlets {
        admin.outlet(outlet, "网点", "Outlet", "0755-1").unwrap();
    }
    world.restart_server().await;
    let [west, origin, ..] = devices(&mut world).await;
    lost(&world, 2, &west).await;
    sync(&world, &[&origin]).await;
    let names: Vec<&str> = outlets.iter().map(String::as_str).collect();
    for some in names[..60].chunks(16) {
        record(&west, 2, ask("outlet_search", some)).unwrap();
    }
    sync(&world, &[&west, &origin]).await;
    assert!(matches!(refused(record(&west, 2, ask("outlet_search", &names[60..65]))), Refusal::AskedEnough));
    // Two outlets fill it up without knowledge of each other: those that head office receives first count.
    record(&west, 2, ask("outlet_search", &names[60..64])).unwrap();
    record(&origin, 2, ask("outlet_search", &names[64..66])).unwrap();
    sync(&world, &[&origin]).await;
    sync(&world, &[&west, &origin]).await;
    for device in [&west, &origin] {
        let asks = device.case(2).unwrap().judgement.asks;
        let asked: Vec<&str> = asks.iter().map(|ask| ask.to.as_str()).collect();
        assert_eq!(asked.len(), 64);
        assert!(["7064", "7065", "7060", "7061"].iter().all(|outlet| asked.contains(outlet)), "{asked:?}");
        device.agrees_with(&world, 2);
    }
    let reads = |outlet: &str| {
        let sql = "SELECT count(*) FROM doc_scope WHERE scope = ?1 AND has = 1";
        world.database().query_row(sql, [format!("outlet/{outlet}")], |row| row.get::<_, u32>(0)).unwrap()
    };
    assert_eq!(["7065", "7061", "7062", "7063"].map(reads), [1, 1, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_was_begun_and_ended_offline_leaves_the_couriers_phone_with_its_first_sync() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    phone.fail(2, "DF-NOBODY").unwrap();
    world.hands.advance(30);
    record(&phone, 2, Act::Close(Close::of(code("SIGNED")))).unwrap();
    assert!(phone.case(2).is_some());
    sync(&world, &[&phone, &phone, &tablet]).await;
    assert!(phone.case(2).is_none(), "the customer's data stay only while the parcel is open");
    assert_eq!(phone.client.status().unwrap().refused, []);
    assert!(tablet.case(2).unwrap().case.has_ended());
    // It comes back with another failure, and leaves again with the next upload that ends it.
    tablet.fail(2, "DF-REFUSE").unwrap();
    sync(&world, &[&tablet, &phone]).await;
    assert!(phone.case(2).is_some());
    record(&phone, 2, Act::Close(Close::of(code("SIGNED")))).unwrap();
    sync(&world, &[&phone, &phone, &tablet]).await;
    assert!(phone.case(2).is_none());
    tablet.agrees_with(&world, 2);
}
