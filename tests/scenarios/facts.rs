//! Who is believed about the parcel: head office's list. A phone whose owner has a plain SQL shell shifts no money and reads nothing.

use doorstep_client::{Act, Recording, SmsWish};
use doorstep_document::{Change, NewEntry, Position};
use doorstep_domain::*;
use doorstep_rules::{Case, Flag, Judgement, judge};
use doorstep_tests::{Device, PARCEL_COLUMNS, World, code, failed, on, text, waybill};
use rusqlite::params;

const DAY: i64 = 24 * 60;

/// What the owner of a phone does to its rows.
fn edit(device: &Device, set: &str, n: u32) {
    let db = device.database();
    assert_eq!(db.execute(&format!("UPDATE parcel SET {set} WHERE waybill = ?1"), [waybill(n)]).unwrap(), 1);
}

/// The case as the server judges it now.
fn judged(world: &World, id: &CaseId) -> (Case, Judgement) {
    let case = Case::fold(world.on_server(id).1).unwrap();
    let judged = judge(&case, &world.admin().book().unwrap(), world.hands.now());
    (case, judged)
}

/// Head office lists a parcel anew.
fn list(world: &World, number: &str, origin: &str, delivering: &str, cod: i64) {
    let csv =
        format!("{PARCEL_COLUMNS}\n{number},QH,{origin},{delivering},c1,王小花,13800000002,青禾路2号,{cod},2026-03-02 08:00\n");
    assert_eq!(world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap().imported, 1);
}

/// The server's checks of the facts of each change that has some, in the order of acceptance, without the server's own listings.
fn checks(case: &Case) -> Vec<FactsCheck> {
    let mut with: Vec<&Recorded> =
        case.timeline.iter().filter(|r| r.entry.facts.is_some() && !matches!(r.entry.body, Body::Listed(_))).collect();
    with.sort_by_key(|r| r.standing.receipt().unwrap().received_at);
    with.iter().map(|r| r.standing.receipt().unwrap().facts).collect()
}

/// The origin outlets of the rows that stand in the case, by when they were in force.
fn rows(case: &Case) -> Vec<String> {
    let listed = case.of_kind(Kind::Listed).count();
    let rows: Vec<String> = case.rows.iter().map(|row| row.facts.origin_outlet.clone().unwrap().to_string()).collect();
    if listed == 0 { vec![] } else { rows }
}

fn mark(world: &World, n: u32, about: &str) -> Result<ChangeHash, doorstep_server::AdminError> {
    world.admin().mark(&waybill(n), about, Remark::Unclear, "hq1", None, world.hands.now())
}

fn held(judged: &Judgement) -> Vec<(String, String)> {
    let outlet = |f: &doorstep_rules::Finding| f.outlet.as_ref().map_or_else(String::new, ToString::to_string);
    judged.findings.iter().map(|f| (f.rule.clone(), outlet(f))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_changes_its_row_makes_no_other_outlet_liable_and_lets_it_read_nothing() {
    let mut world = World::new().await;
    let (phone, victim) = (world.device("phone", "c1").await, world.device("victim", "x1").await);
    edit(&phone, "origin_outlet = '0755'", 2);
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.notice(2).unwrap();
    phone.sync().await.unwrap();
    victim.sync().await.unwrap();
    assert!(victim.case(2).is_none(), "scopes follow the row of now");
    world.hands.advance(3 * DAY);
    let (case, judged) = judged(&world, &phone.id(2));
    assert_eq!(checks(&case), [FactsCheck::Altered]);
    assert_eq!(rows(&case), ["0571"], "the server said what its list says, in the transaction that took the change");
    assert!(judged.flags.contains(&Flag::FactsAltered) && judged.flags.contains(&Flag::WrongTarget), "{:?}", judged.flags);
    assert!(!judged.findings.is_empty() && judged.findings.iter().all(|f| f.review), "a person looks");
    assert!(held(&judged).iter().all(|(_, outlet)| outlet == "0412"), "{:?}", held(&judged));
    let ledger = world.admin().findings(Some("0755"), false, 10, world.hands.now()).unwrap();
    assert!(ledger.is_empty(), "{ledger:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_friends_number_in_the_phones_row_proves_no_attempt() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let send = |n: u32| {
        phone.fail(n, "DF-NOBODY").unwrap();
        let sms = on(waybill(n), Act::Sms { wish: SmsWish::default(), state: Some(SmsState::HandedOver), fault: None });
        phone.client.record(&sms, &[]).unwrap();
    };
    let db = phone.database();
    let friend = Personal::plain("13911112222").unwrap();
    let sql = "UPDATE parcel SET recipient_phone = ?1 WHERE waybill = ?2";
    assert_eq!(db.execute(sql, params![friend.as_bytes(), waybill(4)]).unwrap(), 1);
    send(2);
    send(4);
    phone.sync().await.unwrap();
    let (_, honest) = judged(&world, &phone.id(2));
    assert!(honest.messages[0].counts() && honest.flags.contains(&Flag::AttemptProven), "{:?}", honest.messages);
    let (case, forged) = judged(&world, &phone.id(4));
    assert_eq!(checks(&case), [FactsCheck::Altered]);
    assert!(!forged.messages[0].counts() && !forged.flags.contains(&Flag::AttemptProven), "{:?}", forged.messages);
    assert!(forged.flags.contains(&Flag::FactsAltered));
}

/// From which parcel on nobody lies.
const HONEST: u32 = 20;

/// The judgement of a case without the marks of the copy.
fn verdict(judged: &Judgement) -> impl PartialEq + std::fmt::Debug + use<> {
    let deadlines = judged.deadlines.iter().map(|d| (d.clock.clone(), d.started_at, d.due_at, d.timeliness));
    let steps = judged.cards.iter().flat_map(|card| &card.steps).map(|line| line.step.clone());
    let lacks = judged.messages.iter().map(|message| message.lacks.clone());
    let flags = judged.flags.iter().copied().filter(|flag| *flag != Flag::FactsAltered);
    (held(judged), deadlines.collect::<Vec<_>>(), steps.collect::<Vec<_>>(), lacks.collect::<Vec<_>>(), flags.collect::<Vec<_>>())
}

/// What would be said if the copies were head office's.
fn believed(world: &World, case: &Case) -> Judgement {
    let mut entries: Vec<Recorded> = case.timeline.iter().filter(|r| !matches!(r.entry.body, Body::Listed(_))).cloned().collect();
    for recorded in entries.iter_mut().filter(|r| r.entry.facts.is_some()) {
        let Standing::Accepted(receipt) = &mut recorded.standing else { panic!("not accepted") };
        receipt.facts = FactsCheck::Equal;
    }
    judge(&Case::fold(entries).unwrap(), &world.admin().book().unwrap(), world.hands.now())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_else_a_phone_says_of_its_parcel_is_flagged_and_judged_by_the_row() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    let friend = "13911112222";
    let hex: String = Personal::plain(friend).unwrap().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let virtual_number = format!("virtual_phone = x'{hex}'");
    // Before the parcel's data were in the system.
    let found_at = Some(world.hands.now().plus(-1_800_000));
    let problem = |n: u32, reason: &str, stage: &str| {
        let problem = Problem::of(code(reason), Stage::from_word(stage).unwrap());
        let problem = Problem { words: Some(text("外箱破损")), found_at, ..problem };
        on(waybill(n), Act::Problem { problem, usual_stage: false })
    };
    let fail = |n: u32, reason: &str, of: &str| {
        let sub = Some(of).filter(|of| !of.is_empty()).map(code);
        on(waybill(n), Act::Fail(Attempt { sub, ..Attempt::of(code(reason)) }))
    };
    let sms = |n: u32, number: Option<&str>| {
        let wish = SmsWish { number: number.map(text), ..SmsWish::default() };
        on(waybill(n), Act::Sms { wish, state: Some(SmsState::HandedOver), fault: None })
    };
    // A liar lets the app find the number. An honest person names it.
    let to_friend = |n: u32| vec![fail(n, "DF-NOBODY", ""), sms(n, (n >= HONEST).then_some(friend))];
    // A lie, whose it is, and what they record of the parcel that reads this fact.
    type Lie<'a> = (&'a str, &'a Device, &'a dyn Fn(u32) -> Vec<Recording>);
    let lies: [Lie<'_>; 7] = [
        ("delivering_outlet = '0755'", &phone, &|n| vec![fail(n, "DF-NOBODY", "")]),
        ("arrival_ms = arrival_ms + 36000000", &tablet, &|n| vec![problem(n, "CD-DAMAGE", "arrival")]),
        ("arrival_ms = NULL", &tablet, &|n| vec![problem(n, "CD-DAMAGE", "arrival")]),
        ("cod_fen = 0", &phone, &|n| vec![fail(n, "DF-INFO", "name_mismatch")]),
        ("recipient_phone = x''", &phone, &|n| vec![fail(n, "DF-PHONE", "missing_mobile")]),
        ("entered_ms = 0", &tablet, &|n| vec![problem(n, "OR-LATEENTRY", "origin")]),
        (&virtual_number, &phone, &to_friend),
    ];
    world.hands.advance(150);
    for (n, (lie, device, record)) in (2..).step_by(2).zip(lies) {
        edit(device, lie, n);
        for command in record(n).into_iter().chain(record(HONEST + n)) {
            device.client.record(&command, &[]).unwrap();
        }
    }
    phone.sync().await.unwrap();
    tablet.sync().await.unwrap();
    world.hands.advance(3 * DAY);
    for (n, (lie, ..)) in (2..).step_by(2).zip(lies) {
        let (honest_case, honest) = judged(&world, &phone.id(HONEST + n));
        assert_eq!(checks(&honest_case)[0], FactsCheck::Equal, "{lie}");
        assert_eq!(rows(&honest_case), Vec::<String>::new(), "nothing to say where a copy is the row's");
        let (case, judged) = judged(&world, &phone.id(n));
        assert_eq!(checks(&case)[0], FactsCheck::Altered, "{lie}");
        assert!(judged.flags.contains(&Flag::FactsAltered), "{lie}");
        assert_eq!(verdict(&judged), verdict(&honest), "{lie}");
        assert_ne!(verdict(&believed(&world, &case)), verdict(&honest), "{lie}: it would have changed something");
        assert!(judged.findings.iter().all(|finding| finding.review), "{lie}: a person looks");
        assert_eq!((case.facts.cod, case.facts.arrival), (Fen(i64::from(n) * 100), honest_case.facts.arrival), "{lie}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_copy_is_good_faith_and_each_act_is_judged_by_the_row_in_force_when_it_happened() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    world.hands.advance(30);
    list(&world, &waybill(2), "0755", "0412", 200);
    list(&world, &waybill(4), "0755", "0412", 400);
    world.hands.advance(30);
    phone.note(2, "之后").unwrap();
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    let (case, before) = judged(&world, &phone.id(2));
    assert_eq!((checks(&case), rows(&case)), (vec![FactsCheck::Equal], vec!["0571".into(), "0755".into()]));
    assert!(!before.flags.contains(&Flag::RowOutdated));
    let (case, after) = judged(&world, &phone.id(4));
    // Its gap begins before the second row: both stand in the case, and the clock proves that the act was after it.
    assert_eq!((checks(&case), rows(&case)), (vec![FactsCheck::Outdated], vec!["0571".into(), "0755".into()]));
    assert!(after.flags.contains(&Flag::RowOutdated) && !after.flags.contains(&Flag::FactsAltered));
    // A notice to the origin of then counts, where that was the row's.
    phone.notice(4).unwrap();
    phone.sync().await.unwrap();
    world.hands.advance(3 * DAY);
    let (_, after) = judged(&world, &phone.id(4));
    assert!(!after.findings.is_empty() && after.findings.iter().all(|f| f.review), "{:?}", after.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_that_is_listed_later_is_judged_by_its_first_listing_and_by_no_later_one() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let number = "QH777777777777";
    let id = CaseId::of(&"QH".parse().unwrap(), &Waybill::parse(number).unwrap());
    phone.client.record(&failed(number, "DF-NOBODY"), &[]).unwrap();
    phone.sync().await.unwrap();
    world.hands.advance(3 * DAY);
    let (case, unlisted) = judged(&world, &id);
    assert_eq!((checks(&case), case.facts_confirmed), (vec![FactsCheck::NoRow], false));
    assert!(unlisted.findings.is_empty() && !unlisted.deadlines.is_empty(), "clocks run, nobody is held to anything");
    list(&world, number, "0571", "0412", 0);
    let (case, first) = judged(&world, &id);
    assert_eq!(rows(&case), ["0571"], "in the transaction of the import");
    assert_eq!(held(&first), [("LIA-04".to_owned(), "0412".to_owned())]);
    list(&world, number, "0571", "0412", 0);
    assert_eq!(judged(&world, &id).0.of_kind(Kind::Listed).count(), 1, "the same again says nothing new");
    world.hands.advance(60);
    list(&world, number, "0571", "0755", 0);
    let (case, later) = judged(&world, &id);
    assert_eq!((case.of_kind(Kind::Listed).count(), case.facts.delivering_outlet.as_ref().unwrap().as_str()), (2, "0755"));
    assert_eq!(later.findings, first.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_parcel_on_no_list_a_copy_may_claim_nothing() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let number = "QH777777777785";
    let id = CaseId::of(&"QH".parse().unwrap(), &Waybill::parse(number).unwrap());
    let db = phone.database();
    db.execute(&format!("UPDATE parcel SET waybill = '{number}' WHERE waybill = ?1"), [waybill(2)]).unwrap();
    phone.client.record(&failed(number, "DF-NOBODY"), &[]).unwrap();
    phone.sync().await.unwrap();
    world.hands.advance(3 * DAY);
    let (case, judged) = judged(&world, &id);
    assert_eq!(checks(&case), [FactsCheck::Altered]);
    assert!(case.facts.claims_nothing() && judged.findings.is_empty(), "{:?}", case.facts);
    assert!(judged.flags.contains(&Flag::FactsAltered));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_list_says_is_the_servers_to_say() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let own = phone.client.identity().unwrap().unwrap();
    let time = TimeEvidence { wall: world.hands.now(), zone_quarters: 32, mono_ms: 0, boot: BootId([0; 4]), anchor: None };
    let listed = |author: Author| NewEntry {
        facts: Some(Facts {
            origin_outlet: Some("0755".parse().unwrap()),
            delivering_outlet: Some("0755".parse().unwrap()),
            ..Facts::unlisted("QH".parse().unwrap(), Waybill::parse(&waybill(2)).unwrap())
        }),
        ..NewEntry::of(author, 1, time, Body::Listed(Listed { since: UnixMs(0) }))
    };
    let change = Change::write(&phone.id(2), &own.install, &Position::default(), &[listed(own.author.clone())]).unwrap();
    let ack = phone.push_by_hand(&world, &[(phone.id(2), &[change.bytes()])]).await.unwrap();
    assert_eq!(ack.cases[0].quarantined, [(0, RefusalCode::Field)]);
    // Released by mistake, it is still somebody else's word.
    let honest = world.device("honest", "s1").await;
    honest.fail(2, "DF-NOBODY").unwrap();
    honest.sync().await.unwrap();
    world.admin().release(&change.hash().to_string(), "hq1", world.hands.now()).unwrap();
    let (case, _) = judged(&world, &phone.id(2));
    assert_eq!(
        (case.facts.origin_outlet.as_ref().unwrap().as_str(), case.of_kind(Kind::Listed).count()),
        ("0571", 1),
        "the released one decides nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_keeps_its_originals_mark_and_head_offices_own_entries_have_the_rows_facts() {
    let mut world = World::new().await;
    let (phone, stranger) = (world.device("phone", "c1").await, world.device("stranger", "x1").await);
    world.admin().user("hq1", "审核", "hq_reviewer", "0412").unwrap();
    // It puts a row of its own into its store.
    let db = stranger.database();
    db.execute("ATTACH ?1 AS other", [phone.folder.join("doorstep.db").to_str().unwrap()]).unwrap();
    db.execute("INSERT INTO parcel SELECT * FROM other.parcel WHERE waybill IN (?1, ?2)", [waybill(2), waybill(4)]).unwrap();
    edit(&stranger, "delivering_outlet = '0755'", 2);
    stranger.fail(2, "DF-NOBODY").unwrap();
    stranger.sync().await.unwrap();
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    let refused = world.admin().quarantine(false).unwrap().remove(0);
    let (id, anew) = world.admin().release(&refused.change.to_string(), "hq1", world.hands.now()).unwrap();
    let (case, judged_now) = judged(&world, &id);
    let released = case.timeline.iter().find(|r| r.change == anew).unwrap();
    assert_eq!(released.standing.receipt().unwrap().facts, FactsCheck::Altered);
    assert!(judged_now.flags.contains(&Flag::FactsAltered));
    assert_eq!(case.facts.delivering_outlet.as_ref().unwrap().as_str(), "0412");

    let (case, _) = judged(&world, &phone.id(4));
    let about = case.timeline[0].entry.key.to_string();
    let mark = mark(&world, 4, &about).unwrap();
    let (case, _) = judged(&world, &phone.id(4));
    let mark = case.timeline.iter().find(|r| r.change == mark).unwrap();
    assert!(mark.entry.facts.as_ref().unwrap().says_the_same(&case.facts));
    assert_eq!(mark.standing.receipt().unwrap().facts, FactsCheck::Equal);
}

/// Nothing else of its case was ever accepted: what the list says comes with the release.
#[tokio::test(flavor = "multi_thread")]
async fn a_release_brings_what_the_list_says_into_a_case_that_has_nothing_else() {
    for (edited, check, findings) in [(true, FactsCheck::Altered, 1), (false, FactsCheck::Equal, 0)] {
        let mut world = World::new().await;
        let phone = world.device("phone", "c1").await;
        let stranger = crate::rights::lawless(&mut world, "stranger", "x1").await;
        world.admin().user("hq1", "审核", "hq_reviewer", "0412").unwrap();
        let db = stranger.database();
        db.execute("ATTACH ?1 AS other", [phone.folder.join("doorstep.db").to_str().unwrap()]).unwrap();
        db.execute("INSERT INTO parcel SELECT * FROM other.parcel WHERE waybill = ?1", [waybill(2)]).unwrap();
        if edited {
            edit(&stranger, "delivering_outlet = '0755'", 2);
        }
        stranger.fail(2, "DF-NOBODY").unwrap();
        stranger.sync().await.unwrap();
        let refused = world.admin().quarantine(false).unwrap().remove(0);
        let (id, _) = world.admin().release(&refused.change.to_string(), "hq1", world.hands.now()).unwrap();
        world.hands.advance(3 * DAY);
        let (case, now) = judged(&world, &id);
        assert_eq!(checks(&case), [check]);
        assert_eq!(rows(&case).len(), findings, "the server says what its list says where no copy does");
        assert!(case.facts_confirmed);
        assert!(!now.findings.is_empty(), "somebody is held to it");
        let confirmed: bool = world
            .database()
            .query_row("SELECT confirmed FROM doc WHERE case_id = ?1", [id.as_bytes()], |row| row.get(0))
            .unwrap();
        assert_eq!(confirmed, !edited);
    }
}

/// Put back from a copy of before the import: the act that comes again is judged by the row that its copy was, in whichever order list and
/// act come again.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_a_restore_has_lost_is_known_again_by_the_first_receipt_of_an_act() {
    for (is_listed_first, lists_another) in [(false, false), (true, false), (true, true)] {
        let mut world = World::new().await;
        let phone = world.device("phone", "c1").await;
        world.stop_server().await;
        let copy = world.backup();
        world.restart_server().await;
        world.hands.advance(60);
        list(&world, &waybill(2), "0755", "0412", 200);
        phone.sync().await.unwrap();
        world.hands.advance(30);
        phone.fail(2, "DF-NOBODY").unwrap();
        phone.sync().await.unwrap();
        let acted = world.hands.now();
        world.restore(&copy).await;
        world.hands.advance(30);
        let (origin, again) = if lists_another { ("0412", vec!["0571", "0755", "0412"]) } else { ("0755", vec!["0571", "0755"]) };
        if is_listed_first {
            list(&world, &waybill(2), origin, "0412", 200);
        }
        for _ in 0..3 {
            phone.sync().await.unwrap();
        }
        if !is_listed_first {
            world.hands.advance(30);
            list(&world, &waybill(2), origin, "0412", 200);
        }
        let (case, _) = judged(&world, &phone.id(2));
        assert_eq!(checks(&case), [FactsCheck::Equal], "as it was said first");
        let then: Vec<_> = case.rows.iter().filter(|row| row.since.is_none_or(|since| since <= acted)).collect();
        let of = then.last().unwrap().facts.origin_outlet.clone().unwrap();
        assert_eq!(of.as_str(), "0755", "{is_listed_first} {lists_another}: {:?}", case.rows);
        let kept: Vec<String> = world
            .database()
            .prepare("SELECT origin_outlet FROM listing WHERE waybill = ?1 ORDER BY n")
            .unwrap()
            .query_map([waybill(2)], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(kept, again, "{is_listed_first} {lists_another}");
        phone.sync().await.unwrap();
        phone.agrees_with(&world, 2);
    }
}

/// The pack trusts a gap of twelve hours.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_compared_with_every_row_of_the_gap_unless_the_clock_proves_more() {
    for (minutes, check) in [(12 * 60, FactsCheck::Outdated), (12 * 60 + 1, FactsCheck::Equal)] {
        let mut world = World::new().await;
        let phone = world.device("phone", "c1").await;
        world.hands.advance(60);
        list(&world, &waybill(2), "0755", "0412", 200);
        world.hands.advance(60);
        phone.fail(2, "DF-NOBODY").unwrap();
        world.hands.advance(minutes - 120);
        phone.sync().await.unwrap();
        let (case, judged) = judged(&world, &phone.id(2));
        assert_eq!(checks(&case), [check], "{minutes} minutes after the enrolment");
        assert_eq!(judged.flags.contains(&Flag::RowOutdated), check == FactsCheck::Outdated);
        assert_eq!(rows(&case), ["0571", "0755"], "whatever may have been in force stands in the case");
        phone.sync().await.unwrap();
        phone.agrees_with(&world, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_case_still_takes_what_the_list_says() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    world.database().execute("UPDATE doc SET n = 9000 WHERE case_id = ?1", [phone.id(2).as_bytes()]).unwrap();
    world.admin().user("hq1", "审核", "hq_reviewer", "0412").unwrap();
    let (case, _) = judged(&world, &phone.id(2));
    let about = case.timeline[0].entry.key.to_string();
    assert!(mark(&world, 2, &about).is_err(), "full");
    world.hands.advance(5);
    list(&world, &waybill(2), "0755", "0412", 200);
    assert_eq!(rows(&judged(&world, &phone.id(2)).0), ["0571", "0755"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_the_list_outlives_its_rows_and_holds_nobodys_name_number_or_address() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    let db = world.database();
    db.execute("DELETE FROM parcel WHERE waybill = ?1", [waybill(2)]).unwrap();
    phone.sync().await.unwrap();
    let (case, _) = judged(&world, &phone.id(2));
    assert_eq!(checks(&case), [FactsCheck::Equal]);
    let mut query = db.prepare("SELECT * FROM listing").unwrap();
    let columns = query.column_count();
    let mut rows = query.query([]).unwrap();
    let mut kept = 0;
    while let Some(row) = rows.next().unwrap() {
        kept += 1;
        for column in 0..columns {
            let text = format!("{:?}", row.get_ref(column).unwrap());
            assert!(!text.contains("1380000") && !text.contains("青禾") && !text.contains("小花"), "{text}");
        }
    }
    assert_eq!(kept, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_kept_no_history_of_its_list_begins_with_the_rows_it_has() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    world.stop_server().await;
    world.database().execute_batch("DELETE FROM listing; DELETE FROM listed").unwrap();
    world.restart_server().await;
    phone.sync().await.unwrap();
    assert_eq!(checks(&judged(&world, &phone.id(2)).0), [FactsCheck::Equal]);
}
