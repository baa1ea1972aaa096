//! A network's rules at work between real devices and a real server: the whole way of a problem, versions, findings.

use doorstep_client::{Act, ClientError, NewPhoto, Recording, Refusal};
use doorstep_domain::{
    Action, Assign, Attempt, Correction, Customer, Dispute, Fault, Fen, Kind, Payer, PhotoPurpose, Remark, Reply, Stands, Tick,
    UnixMs, Waybill,
};
use doorstep_rules::{Case, ConflictKind, FindingState, Flag, NextStep, State, Timeliness, Validity, explain, judge};
use doorstep_server::admin::Decide;
use doorstep_tests::{Device, PARCEL_COLUMNS, World, code, draw, ended, failed, on, problem, text, waybill};

/// What is said of a parcel, as bytes: the judgement and its reasons.
pub fn on_device(device: &Device, n: u32) -> String {
    let view = device.case(n).unwrap();
    let told = device.client.explain(&waybill(n)).unwrap().unwrap();
    serde_json::to_string(&(&view.judgement, told)).unwrap()
}

/// The judgement of a parcel and its reasons as bytes, from the server's own log, rules and clock.
pub fn on_server(world: &World, device: &Device, n: u32) -> String {
    let (_, entries) = world.on_server(&device.id(n));
    let (case, book) = (Case::fold(entries).unwrap(), world.admin().book().unwrap());
    let judged = judge(&case, &book, world.hands.now());
    serde_json::to_string(&(&judged, explain(&case, &book, &judged))).unwrap()
}

fn reply(n: u32, reply: Reply) -> Recording {
    on(waybill(n), Act::Reply(reply))
}

fn returned() -> Reply {
    let (agreed_by, payer) = (Some(Customer::Sender), Some(Payer::Sender));
    Reply { agreed_by, payer, ..Reply::of(code("RETURN")) }
}

fn action(n: u32, outcome: &str) -> Recording {
    on(waybill(n), Act::Action(Action::of(code(outcome))))
}

/// A problem that was found some time ago.
fn found(number: &str, mut act: Act, at: UnixMs) -> Recording {
    if let Act::Problem { problem, .. } = &mut act {
        problem.found_at = Some(at);
    }
    on(number, act)
}

fn close(number: &str, outcome: &str) -> Recording {
    ended(number, outcome, None)
}

pub fn second_version(change: (&str, &str)) -> Vec<u8> {
    let toml = String::from_utf8(doorstep_rules::FIRST_PACK.to_vec()).unwrap();
    assert!(toml.contains(change.0));
    toml.replace("version = 1", "version = 2").replace(change.0, change.1).into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn phones_tablets_and_the_server_give_byte_equal_verdicts_for_the_same_facts() {
    let mut world = World::new().await;
    let courier = world.device("courier", "c1").await;
    let west = world.device("west", "s1").await;
    let origin = world.device("origin", "o1").await;
    // Three parcels, three ways; some of it long after its deadline.
    courier.fail(2, "DF-NOBODY").unwrap();
    courier.fail_with_photo(4, 7).unwrap();
    let found = found(&waybill(6), problem("CD-DAMAGE", Some("arrival")), world.hands.now().plus(-60_000));
    west.client.record(&found, &[]).unwrap();
    courier.sync().await.unwrap();
    west.sync().await.unwrap();
    courier.sync().await.unwrap();
    west.notice(2).unwrap();
    west.sync().await.unwrap();
    origin.sync().await.unwrap();
    origin.client.record(&on(waybill(2), Act::Seen), &[]).unwrap();
    origin.client.record(&reply(2, returned()), &[]).unwrap();
    origin.sync().await.unwrap();
    west.sync().await.unwrap();
    west.client.record(&action(2, "RETURN"), &[]).unwrap();
    let tick = on(waybill(6), Act::Tick(Tick { step: code("report_superior"), words: None }));
    west.client.record(&tick, &[]).unwrap();
    west.sync().await.unwrap();
    world.hands.advance(26 * 60);
    courier.client.record(&close(&waybill(2), "RETURNED"), &[]).unwrap();
    for device in [&courier, &west, &origin, &courier, &west, &origin] {
        device.sync().await.unwrap();
    }
    for minutes in [0, 1, 8 * 60, 3 * 24 * 60] {
        world.hands.advance(minutes);
        for n in [2, 4, 6] {
            let expected = on_server(&world, &courier, n);
            for (name, device) in [("courier", &courier), ("west", &west), ("origin", &origin)] {
                if device.case(n).is_some() {
                    assert_eq!(on_device(device, n), expected, "{name}, parcel {n}, {minutes} minutes on");
                }
            }
        }
    }
    let judged = west.case(4).unwrap().judgement;
    assert!(judged.findings.iter().any(|finding| finding.rule == "LIA-04"), "and it is not about nothing: {judged:?}");
    assert_eq!(origin.case(2).unwrap().judgement.state, State::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_before_the_switch_that_is_sent_after_it_is_judged_by_the_old_version_everywhere() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let west = world.device("west", "s1").await;
    world.admin().publish_pack(&second_version(("due = \"end_of_day\"", "due = { hours = 1 }")), world.hands.now()).unwrap();
    for device in [&phone, &west] {
        device.sync().await.unwrap();
    }
    world.hands.advance(119); // a minute before the two hours of notice are over
    world.link.set(doorstep_tests::LinkMode::Cut);
    phone.fail(2, "DF-NOBODY").unwrap();
    world.hands.advance(2);
    phone.fail(4, "DF-NOBODY").unwrap();
    world.hands.advance(60);
    world.link.set(doorstep_tests::LinkMode::Up);
    phone.sync().await.unwrap();
    west.sync().await.unwrap();
    for (n, version) in [(2, 1), (4, 2)] {
        for device in [&phone, &west] {
            assert_eq!(device.case(n).unwrap().judgement.deadlines[0].pack_version, version, "parcel {n}");
            assert_eq!(on_device(device, n), on_server(&world, &phone, n));
        }
    }
    assert_eq!(phone.client.book().unwrap().unwrap().versions().count(), 2, "both versions are kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_head_office_did_not_sign_are_not_taken_and_the_old_ones_stay_in_use() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.admin().publish_pack(&second_version(("yuan = 5\n", "yuan = 6\n")), world.hands.now()).unwrap();
    let db = world.database();
    // The text inside of the signed bytes is as long as before: only the signature tells.
    let body: Vec<u8> = db.query_row("SELECT body FROM pack WHERE version = 2", [], |row| row.get(0)).unwrap();
    let at = body.windows(8).position(|bytes| bytes == b"yuan = 6").unwrap();
    let mut other = body.clone();
    other[at + 7] = b'0';
    db.execute("UPDATE pack SET body = ?1 WHERE version = 2", [&other]).unwrap();
    let refused = phone.sync().await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(phone.client.book().unwrap().unwrap().versions().count(), 1);
    phone.fail(2, "DF-NOBODY").unwrap();
    assert_eq!(phone.case(2).unwrap().judgement.state, State::Registered, "work goes on by what was signed");
    db.execute("UPDATE pack SET body = ?1 WHERE version = 2", [&body]).unwrap();
    phone.sync().await.unwrap();
    assert_eq!(phone.client.book().unwrap().unwrap().versions().count(), 2);
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_goes_from_proposal_over_dispute_to_head_offices_decision_and_everybody_sees_it() {
    let mut world = World::new().await;
    world.admin().user("q1", "审核员", "hq_reviewer", "0412").unwrap();
    let phone = world.device("phone", "c1").await;
    let west = world.device("west", "s1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    world.hands.advance(24 * 60);
    west.sync().await.unwrap();
    let found = |device: &Device| device.case(2).unwrap().judgement.findings.remove(0);
    let proposed = found(&west);
    assert_eq!((proposed.rule.as_str(), proposed.state), ("LIA-04", FindingState::Proposed));
    let id = proposed.id.to_string();
    let open = world.admin().findings(Some("0412"), true, 10, world.hands.now()).unwrap();
    assert_eq!(
        (open.len(), open[0].0.as_str(), open[0].1.id.as_str()),
        (1, waybill(2).as_str(), id.as_str()),
        "head office's ledger"
    );
    let dispute = on(waybill(2), Act::Dispute(Dispute { about: code(&id), words: text("当天电话通知过") }));
    west.client.record(&dispute, &[]).unwrap();
    west.sync().await.unwrap();
    assert_eq!(found(&west).state, FindingState::Disputed);
    let waybill_2 = waybill(2);
    let decide = |by, about, stands, share| Decide {
        waybill: &waybill_2,
        about,
        stands,
        by,
        share,
        amount: Some(Fen(5_000)),
        words: Some("记录不全"),
    };
    assert!(world.admin().decide(&decide("s1", &id, Stands::Upheld, None), world.hands.now()).is_err(), "no reviewer");
    let other = id.replace("LIA-04", "LIA-99");
    assert!(world.admin().decide(&decide("q1", &other, Stands::Upheld, None), world.hands.now()).is_err(), "no such finding");
    world.admin().decide(&decide("q1", &id, Stands::Upheld, Some(50)), world.hands.now()).unwrap();
    for device in [&phone, &west] {
        device.sync().await.unwrap();
        let decided = found(device);
        assert_eq!((decided.state, decided.share, decided.amount), (FindingState::Decided, 50, Some(Fen(5_000))));
        assert_eq!(on_device(device, 2), on_server(&world, &phone, 2));
    }
    // A second thought knows of the first and takes its place.
    world.admin().decide(&decide("q1", &id, Stands::Lifted, None), world.hands.now()).unwrap();
    west.sync().await.unwrap();
    assert_eq!((found(&west).share, found(&west).decided.unwrap().stands), (0, Stands::Lifted));
    assert!(west.case(2).unwrap().judgement.conflicts.is_empty());
    assert!(world.admin().findings(None, true, 10, world.hands.now()).unwrap().is_empty(), "nothing is open any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_found_on_arrival_reaches_the_origin_outlet_which_answers_and_the_answer_is_checked() {
    let mut world = World::new().await;
    let west = world.device("west", "s1").await;
    let origin = world.device("origin", "o1").await;
    let other = world.device("other", "x1").await;
    let photos = [PhotoPurpose::DamageOutside, PhotoPurpose::Label].map(|shows| NewPhoto::new(draw(3, 64, 64), shows));
    west.client.record(&on(waybill(3), problem("CD-DAMAGE", Some("arrival"))), &photos[..1]).unwrap();
    west.client.record(&on(waybill(3), Act::Photos), &photos[1..]).unwrap();
    let judged = west.case(3).unwrap().judgement;
    assert_eq!((judged.state, judged.next_step), (State::Registered, NextStep::SendRegistration));
    assert_eq!(judged.cards[0].next_step().unwrap().step, "report_superior", "the registration itself is done");
    west.sync().await.unwrap();
    origin.sync().await.unwrap();
    other.sync().await.unwrap();
    assert!(origin.case(3).is_some() && other.case(3).is_none(), "the origin outlet reads it, nobody else");
    // A reply that does not say who agreed and who pays decides nothing: it is refused, and what it lacks is said to a person who
    // insists on it.
    world.hands.advance(30);
    assert!(origin.client.record(&reply(3, Reply::of(code("RETURN"))), &[]).is_err());
    origin.client.record_anyway(&reply(3, Reply::of(code("RETURN"))), &[]).unwrap();
    let first = origin.case(3).unwrap().judgement.replies.remove(0);
    assert_eq!(first.validity, Validity::Lacks { needs: vec!["sender_agrees".into(), "payer".into()] });
    world.hands.advance(5);
    origin.client.record(&reply(3, returned()), &[]).unwrap();
    origin.sync().await.unwrap();
    west.sync().await.unwrap();
    let judged = west.case(3).unwrap().judgement;
    assert_eq!((judged.state, judged.decision.as_deref()), (State::ActionDue, Some("RETURN")));
    assert_eq!(judged.replies.iter().map(|reply| reply.in_force).collect::<Vec<_>>(), [false, true]);
    let run = judged.deadlines.iter().find(|deadline| deadline.clock == "SLA-07").unwrap();
    assert_eq!(run.due_at, Some(world.hands.now().plus((10 * 60 - 35) * 60_000)), "with the run of 19:00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_is_marked_disputed_and_upheld_and_the_marks_stay_in_everybodys_timeline() {
    let mut world = World::new().await;
    world.admin().user("q1", "审核员", "hq_reviewer", "0412").unwrap();
    let west = world.device("west", "s1").await;
    let origin = world.device("origin", "o1").await;
    west.fail(2, "DF-NOBODY").unwrap();
    west.notice(2).unwrap();
    west.sync().await.unwrap();
    origin.sync().await.unwrap();
    origin.reply(2).unwrap();
    origin.sync().await.unwrap();
    west.sync().await.unwrap();
    let mark =
        on(waybill(2), Act::Mark { about: None, remark: Remark::Invalid, reason: Some(code("contradictory")), words: None });
    west.client.record(&mark, &[]).unwrap();
    west.sync().await.unwrap();
    origin.sync().await.unwrap();
    let judged = origin.case(2).unwrap().judgement;
    assert_eq!((judged.state, judged.next_step), (State::ReplyInvalid, NextStep::DefaultMethod));
    let Validity::Marked { by } = judged.replies[0].validity.clone() else { panic!("{:?}", judged.replies) };
    let dispute = on(waybill(2), Act::Dispute(Dispute { about: code(by.to_string()), words: text("写明同址再派") }));
    origin.client.record(&dispute, &[]).unwrap();
    origin.sync().await.unwrap();
    let (number, about) = (waybill(2), by.to_string());
    let decide =
        Decide { waybill: &number, about: &about, stands: Stands::Lifted, by: "q1", share: None, amount: None, words: None };
    world.admin().decide(&decide, world.hands.now()).unwrap();
    for device in [&west, &origin] {
        device.sync().await.unwrap();
        let view = device.case(2).unwrap();
        assert_eq!(view.judgement.state, State::ActionDue);
        let kinds = [Kind::Reply, Kind::Mark, Kind::Dispute, Kind::Ruling].map(|kind| view.case.of_kind(kind).count());
        assert_eq!(kinds, [1, 1, 1, 1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_attempt_on_a_phone_and_a_tablet_is_flagged_and_counts_once_after_a_correction() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let west = world.device("west", "s1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    world.hands.advance(3);
    west.fail(2, "DF-NOANSWER").unwrap();
    for device in [&phone, &west, &phone] {
        device.sync().await.unwrap();
    }
    let view = phone.case(2).unwrap();
    assert_eq!((view.case.attempts(), view.judgement.conflicts[0].kind), (2, ConflictKind::MaybeSameAttempt));
    let sides = view.judgement.conflicts[0].sides.clone();
    let (of, same_as) = (sides[1].clone(), Some(sides[0].clone()));
    let correction = Correction { of, fault: Fault::SameAs, same_as, words: text("同一次派送") };
    let correct = on(waybill(2), Act::Correct { correction, instead: None });
    west.client.record(&correct, &[]).unwrap();
    west.sync().await.unwrap();
    phone.sync().await.unwrap();
    let view = phone.case(2).unwrap();
    assert_eq!((view.case.attempts(), view.judgement.conflicts.len(), view.case.of_kind(Kind::Attempt).count()), (1, 0, 2));
    assert!(view.judgement.flags.contains(&Flag::Corrected));
    assert_eq!(phone.list()[0].attempts, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_reason_is_corrected_with_the_right_one_in_one_action_and_both_stay() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    let wrong = phone.case(2).unwrap().case.timeline[0].entry.key.clone();
    let correction = Correction { of: wrong, fault: Fault::IncorrectData, same_as: None, words: text("选错原因") };
    let instead = Some(Box::new(Act::Fail(Attempt::of(code("DF-REFUSE")))));
    let correct = on(waybill(2), Act::Correct { correction, instead });
    phone.client.record(&correct, &[]).unwrap();
    phone.sync().await.unwrap();
    let view = phone.case(2).unwrap();
    assert_eq!((view.case.reason(), view.case.attempts(), view.case.of_kind(Kind::Attempt).count()), (Some("DF-REFUSE"), 1, 2));
    let of = |kind| view.case.of_kind(kind).next_back().unwrap();
    assert_eq!(of(Kind::Correction).change, of(Kind::Attempt).change, "the correction and what is right are one change");
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_of_a_shipment_are_found_by_their_child_numbers_and_the_case_ends_with_the_last() {
    let mut world = World::new().await;
    let header = format!("{PARCEL_COLUMNS},children\n");
    let row = "QH200000000001,QH,0571,0412,c1,王小花,13800009999,青禾路9号,0,2026-03-02 08:00,QH200000000002 QH200000000003\n";
    let imported = world.admin().import_parcels(format!("{header}{row}").as_bytes(), world.hands.now()).unwrap();
    assert_eq!((imported.imported, imported.bad.len()), (1, 0), "{imported:?}");
    let phone = world.device("phone", "c1").await;
    let (main, pieces) = ("QH200000000001", ["QH200000000002", "QH200000000003"]);
    for piece in pieces {
        phone.client.record(&failed(piece, "DF-REFUSE"), &[]).unwrap();
    }
    let case = |number: &str| phone.client.case(number).unwrap().unwrap();
    assert_eq!((case(main).id, case(main).case.attempts()), (case(pieces[0]).id, 2), "one case, by any of its numbers");
    phone.client.record(&close(pieces[0], "RETURNED"), &[]).unwrap();
    assert_ne!(case(main).judgement.state, State::Closed);
    phone.client.record(&close(pieces[1], "RETURNED"), &[]).unwrap();
    assert_eq!(case(main).judgement.state, State::Closed);
    phone.sync().await.unwrap();
    let (_, entries) = world.on_server(&case(main).id);
    assert_eq!(entries.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_data_were_entered_before_the_hub_is_told_by_the_parcel_list() {
    let mut world = World::new().await;
    world.admin().user("h1", "分拨员", "hub", "0755").unwrap();
    let header = format!("{PARCEL_COLUMNS},hub,entered\n");
    let row = |n: u32, entered: &str| format!("QH20000000000{n},QH,0571,0412,c1,王小花,,青禾路9号,0,,0755,{entered}\n");
    let file = [header.to_owned(), row(1, "2026-03-02 07:59"), row(2, "2026-03-02 08:01"), row(3, "gestern")].concat();
    let imported = world.admin().import_parcels(file.as_bytes(), world.hands.now()).unwrap();
    assert_eq!((imported.imported, imported.bad.len()), (2, 1), "{imported:?}");
    let hub = world.device("hub", "h1").await;
    let late = |number: &str| {
        let eight = world.hands.now().plus(-3_600_000); // the goods were at the hub then
        let found = found(number, problem("OR-LATEENTRY", Some("hub")), eight);
        hub.client.record(&found, &[]).unwrap();
        hub.client.case(number).unwrap().unwrap().judgement.findings.len()
    };
    let before = [late("QH200000000001"), late("QH200000000002")];
    assert_eq!(before, [0, 0], "nobody is held to anything by what a device says of the parcel");
    hub.sync().await.unwrap();
    let held = world.admin().findings(None, false, 10, world.hands.now()).unwrap();
    let held: Vec<&str> = held.iter().filter(|(_, row)| row.rule == "PEN-05").map(|(number, _)| number.as_str()).collect();
    assert_eq!(held, ["QH200000000002"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_label_gets_a_provisional_number_and_the_case_goes_on_under_the_parcels_own() {
    let mut world = World::new().await;
    let west = world.device("west", "s1").await;
    let provisional = west.client.provisional_number().unwrap();
    let found = on(&provisional, problem("CD-DAMAGE", Some("arrival")));
    let photo = NewPhoto::new(draw(5, 64, 64), PhotoPurpose::DamageOutside);
    west.client.record(&found, &[photo]).unwrap();
    west.sync().await.unwrap();
    let view = west.client.case(&provisional).unwrap().unwrap();
    assert!(view.judgement.flags.contains(&Flag::Provisional) && view.judgement.state == State::Registered);
    let identify = |from: &str, to: &str| {
        let waybills = [from, to].map(|number| Waybill::parse(number).unwrap()).to_vec();
        Recording { waybills, act: Act::Identify, photos: vec![] }
    };
    let refused = west.client.record(&identify(&waybill(2), &waybill(4)), &[]).unwrap_err();
    assert!(matches!(refused, ClientError::Refused(Refusal::NotProvisional)), "{refused:?}");
    west.client.record(&identify(&provisional, &waybill(3)), &[]).unwrap();
    west.sync().await.unwrap();
    let old = west.client.case(&provisional).unwrap().unwrap();
    assert_eq!((old.judgement.state, old.judgement.decision.as_deref()), (State::Closed, Some(waybill(3).as_str())));
    let own = west.case(3).unwrap();
    assert_eq!((own.judgement.state, own.case.reason()), (State::Registered, Some("CD-DAMAGE")));
    assert!(own.judgement.flags.contains(&Flag::Alias));
    assert_eq!(own.case.of_kind(Kind::Photo).count(), 1, "its photo too");
    assert!(own.judgement.deadlines.iter().all(|deadline| deadline.clock != "SLA-02"), "judged under the provisional number");
    assert_eq!(own.case.aliases().map(|number| number.as_str().to_owned()).collect::<Vec<_>>(), [provisional]);
    west.agrees_with(&world, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_for_while_a_return_is_ordered_is_a_conflict_on_every_device_until_head_office_rules() {
    let mut world = World::new().await;
    world.admin().user("q1", "审核员", "hq_reviewer", "0412").unwrap();
    let phone = world.device("phone", "c1").await;
    let west = world.device("west", "s1").await;
    let origin = world.device("origin", "o1").await;
    phone.fail(2, "DF-REFUSE").unwrap();
    phone.notice(2).unwrap();
    phone.sync().await.unwrap();
    origin.sync().await.unwrap();
    origin.client.record(&reply(2, returned()), &[]).unwrap();
    origin.sync().await.unwrap();
    // The courier, offline, hands it over after all.
    world.hands.advance(20);
    phone.client.record(&close(&waybill(2), "SIGNED"), &[]).unwrap();
    phone.sync().await.unwrap();
    for device in [&west, &origin] {
        device.sync().await.unwrap();
    }
    let conflict = |device: &Device| device.case(2).unwrap().judgement.conflicts;
    // The courier's phone has put the ended case away; the outlets see both sides.
    for device in [&west, &origin] {
        let conflicts = conflict(device);
        assert_eq!((conflicts.len(), conflicts[0].kind, conflicts[0].sides.len()), (1, ConflictKind::EndAgainstDecision, 2));
    }
    let (number, side) = (waybill(2), conflict(&west)[0].sides[1].to_string());
    let decide =
        Decide { waybill: &number, about: &side, stands: Stands::Upheld, by: "q1", share: None, amount: None, words: None };
    world.admin().decide(&decide, world.hands.now()).unwrap();
    west.sync().await.unwrap();
    assert!(conflict(&west).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_assignments_that_met_in_a_merge_are_settled_by_whoever_assigns_anew() {
    let mut world = World::new().await;
    world.admin().user("m1", "孙经理", "outlet_manager", "0412").unwrap();
    let west = world.device("west", "s1").await;
    let manager = world.device("manager", "m1").await;
    west.fail(2, "DF-NOBODY").unwrap();
    west.sync().await.unwrap();
    manager.sync().await.unwrap();
    let assign = |device: &Device, to: &str| {
        world.hands.advance(1);
        let command = on(waybill(2), Act::Assign(Assign { to: code(to), planned_at: None, replaces: None, words: None }));
        device.client.record(&command, &[]).unwrap();
    };
    assign(&west, "c1");
    assign(&manager, "c2");
    for device in [&west, &manager, &west] {
        device.sync().await.unwrap();
    }
    let conflicts = |device: &Device| device.case(2).unwrap().judgement.conflicts;
    for device in [&west, &manager] {
        assert_eq!(conflicts(device)[0].kind, ConflictKind::TwoAssignments);
    }
    assign(&manager, "c1");
    manager.sync().await.unwrap();
    west.sync().await.unwrap();
    assert!(conflicts(&west).is_empty() && conflicts(&manager).is_empty());
    assert_eq!(on_device(&west, 2), on_server(&world, &west, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_without_money_asks_the_sender_only_after_the_second_attempt() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let fail = |words: &str| {
        on(
            waybill(4),
            Act::Fail(Attempt { sub: Some(code("no_cash")), words: Some(text(words)), ..Attempt::of(code("DF-NOMONEY")) }),
        )
    };
    let asks = || phone.case(4).unwrap().judgement.cards[0].steps.iter().any(|line| line.step == "ask_sender");
    phone.client.record(&fail("没带钱"), &[]).unwrap();
    assert!(!asks());
    world.hands.advance(24 * 60);
    phone.client.record(&fail("还是没钱"), &[]).unwrap();
    assert!(asks());
    let judged = phone.case(4).unwrap().judgement;
    let sender = judged.deadlines.iter().find(|deadline| deadline.clock == "SLA-09").unwrap();
    assert_eq!((sender.timeliness, sender.due_at), (Timeliness::Pending, None));
}
