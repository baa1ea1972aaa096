//! Outlets and hubs ask each other: whose turn it is, what counts as an answer, who delivers a parcel that was sent on, and runs.

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

const EAST: By = By("x1", Role::Outlet, "0755");
const NORTH: By = By("n1", Role::Outlet, "0316");

fn reader(by: &By) -> Reader {
    Reader { role: by.1, user: by.0.parse().unwrap(), outlet: by.2.parse().unwrap() }
}

fn problem(story: &mut Story, by: &By, when: UnixMs, reason: &str, stage: Stage) -> EntryKey {
    story.online(by, when, Body::Problem(Problem { found_at: Some(when), ..Problem::of(code(reason), stage) }))
}

fn ask(step: &str, to: &str) -> Body {
    Body::Ask(Ask { step: code(step), to: to.parse().unwrap(), words: None })
}

fn answer(ask: &EntryKey, result: &str) -> Body {
    let here = matches!(result, "found" | "arrived");
    Body::Answered(Answered { ask: ask.clone(), result: code(result), here, words: None })
}

fn forward(to: &str) -> Body {
    Body::Action(Action { site: to.parse().ok(), ..Action::of(code("FORWARD")) })
}

/// The duties that are a person's turn: kind and step.
fn turn_of(story: &Story, by: &By, now: UnixMs) -> Vec<String> {
    let duties = story.judge(now).duties;
    let mine = duties.iter().filter(|duty| duty.is_for(&reader(by)));
    mine.map(|duty| [duty.kind.as_str(), duty.step.as_deref().unwrap_or_default()].join(" ").trim().to_owned()).collect()
}

fn has(story: &Story, by: &By, now: UnixMs, duty: &str) -> bool {
    turn_of(story, by, now).iter().any(|mine| mine == duty)
}

/// The outlet that has a duty of a kind.
fn outlet_of(story: &Story, kind: DutyKind, now: UnixMs) -> Option<String> {
    story.judge(now).duties.into_iter().find(|duty| duty.kind == kind)?.outlet.map(|outlet| outlet.to_string())
}

fn done(story: &Story, step: &str, now: UnixMs) -> usize {
    let judged = story.judge(now);
    let line = judged.cards.iter().flat_map(|card| &card.steps).find(|line| line.step == step).unwrap();
    line.done.len()
}

/// A lost parcel of which the origin outlet is told.
fn lost() -> Story {
    let mut story = Story::by(version_of("zto-process", 2));
    problem(&mut story, &WEST, at(0, 9, 0, 0), "LS-LOST", Stage::Service);
    story.notice(at(0, 9, 5, 0), Some(at(0, 9, 5, 0)), "0571");
    story
}

/// A missent parcel whose origin outlet says that it goes to 0755.
fn missent() -> Story {
    let mut story = Story::by(version_of("zto-process", 2));
    problem(&mut story, &WEST, at(0, 9, 0, 0), "RT-MISSENT", Stage::Arrival);
    story.notice(at(0, 9, 5, 0), Some(at(0, 9, 5, 0)), "0571");
    story.reply(at(0, 10, 0, 0), "FORWARD");
    story
}

#[test]
fn each_question_is_the_asked_outlets_turn_and_the_step_is_done_when_all_have_answered() {
    let (mut story, now) = (lost(), at(0, 12, 0, 0));
    assert!(has(&story, &WEST, now, "work_card outlet_search"));
    let east = story.online(&WEST, at(0, 9, 10, 0), ask("outlet_search", "0755"));
    let north = story.online(&WEST, at(0, 9, 11, 0), ask("outlet_search", "0316"));
    for asked in [&EAST, &NORTH] {
        assert_eq!(turn_of(&story, asked, now), ["answer_ask outlet_search"]);
    }
    assert!(!has(&story, &WEST, now, "work_card outlet_search"), "it waits for those who are asked");
    assert!(has(&story, &WEST, now, "work_card hub_search"), "and goes on with the card: nobody knows the hub, so it asks one");
    story.online(&EAST, at(0, 9, 20, 0), answer(&east, "not_found"));
    assert_eq!((turn_of(&story, &EAST, now).len(), done(&story, "outlet_search", now)), (0, 0), "one of two");
    story.online(&NORTH, at(0, 9, 30, 0), answer(&north, "found"));
    assert_eq!((turn_of(&story, &NORTH, now).len(), done(&story, "outlet_search", now)), (0, 2));
    let hub = story.online(&WEST, at(0, 9, 40, 0), ask("hub_search", "H1"));
    assert_eq!(turn_of(&story, &HUB, now), ["answer_ask hub_search", "work_card hub_search"].map(str::to_owned)[..1]);
    story.online(&HUB, at(0, 9, 50, 0), answer(&hub, "not_found"));
    assert_eq!(done(&story, "hub_search", now), 1);
    assert_eq!(turn_of(&story, &HUB, now), [""; 0]);
}

#[test]
fn only_the_asked_outlet_answers_and_of_its_answers_the_one_received_last_counts() {
    let (mut story, now) = (lost(), at(0, 12, 0, 0));
    let asked = story.online(&WEST, at(0, 9, 10, 0), ask("outlet_search", "0755"));
    story.online(&NORTH, at(0, 9, 20, 0), answer(&asked, "found"));
    assert_eq!(turn_of(&story, &EAST, now), ["answer_ask outlet_search"], "another outlet's answer is none");
    // Two people of the outlet answer without knowledge of each other; the phone that wrote first is heard last.
    story.add(&EAST, at(0, 9, 30, 0), Some(at(0, 11, 0, 0)), answer(&asked, "found"));
    story.online(&By("x2", Role::OutletManager, "0755"), at(0, 9, 40, 0), answer(&asked, "not_found"));
    let asks = story.judge(now).asks;
    let told: Vec<(&str, bool)> = asks[0].answers.iter().map(|answer| (answer.result.as_str(), answer.counts)).collect();
    assert_eq!(told, [("found", true), ("not_found", false)]);
    assert!(!asks[0].open && turn_of(&story, &EAST, now).is_empty());
    // What nobody has received yet is the newest of all.
    story.add(&EAST, at(0, 9, 35, 0), None, answer(&asked, "not_found"));
    assert_eq!(story.judge(now).asks[0].answer().unwrap().result, "not_found");
}

#[test]
fn a_question_that_was_taken_back_and_one_of_an_ended_case_are_nobodys_turn() {
    let now = at(0, 12, 0, 0);
    let mut story = lost();
    let asked = story.online(&WEST, at(0, 9, 10, 0), ask("outlet_search", "0755"));
    let mut ended = lost();
    ended.online(&WEST, at(0, 9, 10, 0), ask("outlet_search", "0755"));
    ended.close(at(0, 9, 20, 0), "COMPENSATE");
    assert_eq!(turn_of(&ended, &EAST, now), [""; 0], "the end answers it");
    ended.online(&WEST, at(0, 9, 30, 0), ask("outlet_search", "0755"));
    assert_eq!(turn_of(&ended, &EAST, now), [""; 0], "a question after the end is kept and asks nobody");
    problem(&mut ended, &WEST, at(0, 10, 0, 0), "LS-LOST", Stage::Service);
    assert_eq!(turn_of(&ended, &EAST, now), ["answer_ask outlet_search"], "it is due when the case is open again");
    let open: Vec<bool> = ended.judge(now).asks.iter().map(|ask| ask.open).collect();
    assert_eq!(open, [false, true], "the question of before the end is not");
    let words = Personal::plain("问错网点").unwrap();
    let correction = Correction { of: asked, fault: Fault::DidNotOccur, same_as: None, words };
    story.online(&WEST, at(0, 9, 15, 0), Body::Correction(correction));
    assert_eq!(turn_of(&story, &EAST, now), [""; 0]);
    assert!(has(&story, &WEST, now, "work_card outlet_search"), "and the step is due again");
}

#[test]
fn a_reply_that_sends_a_parcel_on_names_the_site() {
    let mut story = Story::by(version_of("zto-process", 2));
    problem(&mut story, &WEST, at(0, 9, 0, 0), "RT-MISSENT", Stage::Arrival);
    story.notice(at(0, 9, 5, 0), Some(at(0, 9, 5, 0)), "0571");
    story.online(&ORIGIN, at(0, 10, 0, 0), Body::Reply(Reply { site: None, ..full("FORWARD") }));
    let judged = story.judge(at(0, 11, 0, 0));
    assert_eq!(judged.replies[0].validity, Validity::Lacks { needs: vec!["site".to_owned()] });
}

#[test]
fn a_parcel_that_was_sent_on_is_the_sites_to_confirm_and_then_to_deliver() {
    let (mut story, now) = (missent(), at(0, 13, 0, 0));
    assert!(has(&story, &WEST, now, "follow_reply"));
    let sent = story.online(&WEST, at(0, 11, 0, 0), forward("0755"));
    assert_eq!(turn_of(&story, &EAST, now), ["answer_ask confirm_arrival"]);
    assert!(!turn_of(&story, &WEST, now).iter().any(|duty| duty.starts_with("follow")), "the sender waits");
    assert_eq!(turn(&story.judge(now).duties, &reader(&COURIER)).as_str(), "waiting");
    // It has not come: the sender's side is due again.
    story.online(&EAST, at(0, 11, 30, 0), answer(&sent, "not_arrived"));
    assert_eq!(turn_of(&story, &EAST, now), [""; 0]);
    assert!(has(&story, &WEST, now, "follow_reply"));
    assert_eq!(story.judge(now).state, State::ActionDue);
    // It comes after all.
    story.online(&EAST, at(0, 12, 0, 0), answer(&sent, "arrived"));
    assert_eq!(story.judge(now).state, State::ActionDone);
    assert_eq!(outlet_of(&story, DutyKind::FollowUp, now).as_deref(), Some("0755"));
    assert!(has(&story, &EAST, now, "follow_up"));
    assert_eq!(turn_of(&story, &WEST, now), [""; 0], "the former outlet has nothing to do: {:?}", turn_of(&story, &WEST, now));
    assert_eq!(story.case().delivering().unwrap().as_str(), "0755");
}

#[test]
fn a_chain_of_sites_ends_with_the_one_that_confirmed_last_and_a_later_list_is_newer() {
    let (mut story, now) = (missent(), at(0, 18, 0, 0));
    let first = story.online(&WEST, at(0, 11, 0, 0), forward("0755"));
    story.online(&EAST, at(0, 12, 0, 0), answer(&first, "arrived"));
    let second = story.online(&EAST, at(0, 13, 0, 0), forward("0316"));
    assert_eq!(turn_of(&story, &NORTH, now), ["answer_ask confirm_arrival"]);
    assert_eq!(outlet_of(&story, DutyKind::FollowUp, now), None, "it is on its way");
    story.online(&NORTH, at(0, 14, 0, 0), answer(&second, "arrived"));
    assert_eq!(story.case().delivering().unwrap().as_str(), "0316");
    assert!(has(&story, &NORTH, now, "follow_up") && !has(&story, &EAST, now, "follow_up"));
    // Head office's list of that moment says so too; one of later says something else.
    let listed = |story: &mut Story, when: UnixMs, outlet: &str| {
        let facts = Facts { delivering_outlet: outlet.parse().ok(), reference: 9, ..story.facts.clone() };
        story.add(&SERVER, when, Some(when), Body::Listed(Listed { since: when })).entry.facts = Some(facts);
    };
    listed(&mut story, at(0, 14, 0, 0), "0316");
    assert_eq!(story.case().delivering().unwrap().as_str(), "0316");
    listed(&mut story, at(0, 15, 0, 0), "0412");
    assert_eq!(story.case().delivering().unwrap().as_str(), "0412");
    assert_eq!(outlet_of(&story, DutyKind::FollowUp, now).as_deref(), Some("0412"));
}

#[test]
fn what_a_hub_sends_on_leaves_the_hub_when_it_has_arrived() {
    let (mut story, now) = (Story::by(version_of("zto-process", 2)), at(0, 18, 0, 0));
    problem(&mut story, &HUB, at(0, 9, 0, 0), "RT-MISSENT", Stage::Hub);
    let sent = story.online(&HUB, at(0, 9, 30, 0), forward("0755"));
    assert_eq!(turn_of(&story, &EAST, now), ["answer_ask confirm_arrival"]);
    story.online(&EAST, at(0, 12, 0, 0), answer(&sent, "arrived"));
    assert!(has(&story, &EAST, now, "follow_up"), "{:?}", story.judge(now).duties);
    assert!(!has(&story, &HUB, now, "follow_up"));
}

#[test]
fn a_run_has_the_parcel_until_something_is_done_or_a_courier_gets_it() {
    let mut story = Story::by(version_of("qinghe", 2));
    story.attempt(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "DF-REFUSE");
    story.notice(at(0, 15, 5, 0), Some(at(0, 15, 5, 0)), "0571");
    story.reply(at(0, 16, 0, 0), "RETURN");
    let leaves_at = at(0, 19, 0, 0);
    let dispatch = |leaves_at| Body::Dispatch(Dispatch { leaves_at, words: None });
    let follow = |story: &Story| {
        let duties = story.judge(at(0, 16, 30, 0)).duties;
        let duty = duties.into_iter().find(|duty| duty.kind == DutyKind::Follow).unwrap();
        (duty.outlet.unwrap().to_string(), duty.run, duty.person.map(|person| person.to_string()))
    };
    let assign = |to: &str| Body::Assign(Assign { to: to.parse().unwrap(), planned_at: None, replaces: None, words: None });
    story.online(&WEST, at(0, 16, 1, 0), assign("c2"));
    story.online(&WEST, at(0, 16, 2, 0), dispatch(leaves_at));
    assert_eq!(follow(&story), ("0412".to_owned(), Some(leaves_at), None));
    story.online(&WEST, at(0, 16, 3, 0), assign("c1"));
    assert_eq!(follow(&story), ("0412".to_owned(), None, Some("c1".to_owned())), "the newest has it");
    story.online(&WEST, at(0, 16, 4, 0), dispatch(leaves_at));
    story.online(&WEST, at(0, 19, 0, 0), Body::Action(Action::of(code("RETURN"))));
    let after = story.judge(at(0, 19, 5, 0));
    assert!(after.duties.iter().all(|duty| duty.run.is_none()), "it has left: {:?}", after.duties);
}

#[test]
fn the_other_case_of_a_swap_is_what_head_office_told_last_and_nobody_else() {
    let mut story = Story::by(version_of("zto-process", 2));
    problem(&mut story, &WEST, at(0, 9, 0, 0), "LS-SWAP", Stage::Delivery);
    let waybill = Waybill::parse("QH310000000025").unwrap();
    let linked = |reason: Option<&str>, state: &str| {
        Body::Linked(Linked { waybill: waybill.clone(), reason: reason.map(code), state: code(state) })
    };
    assert_eq!(story.case().linked(), []);
    story.online(&SERVER, at(0, 9, 1, 0), linked(None, "open"));
    story.online(&SERVER, at(0, 9, 5, 0), linked(Some("LS-SWAP"), "registered"));
    story.online(&WEST, at(0, 9, 9, 0), linked(Some("DF-NOBODY"), "closed"));
    let told = story.case().linked();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].reason.as_deref(), told[0].state.as_str()), (Some("LS-SWAP"), "registered"));
}

#[test]
fn the_order_in_which_questions_and_answers_are_merged_changes_nothing() {
    let mut story = missent();
    let first = story.online(&WEST, at(0, 11, 0, 0), forward("0755"));
    story.online(&EAST, at(0, 11, 30, 0), answer(&first, "not_arrived"));
    story.add(&EAST, at(0, 11, 20, 0), Some(at(0, 12, 0, 0)), answer(&first, "arrived"));
    let second = story.online(&EAST, at(0, 13, 0, 0), forward("0316"));
    story.online(&WEST, at(0, 13, 5, 0), ask("tell_forward", "0316"));
    story.add(&NORTH, at(0, 14, 0, 0), None, answer(&second, "arrived"));
    story.online(&EAST, at(0, 13, 6, 0), Body::Dispatch(Dispatch { leaves_at: at(0, 19, 0, 0), words: None }));
    let now = at(0, 15, 0, 0);
    let whole = story.judge(now);
    for turn in 0..story.entries.len() {
        let mut entries = story.entries.clone();
        entries.rotate_left(turn);
        entries.extend(story.entries.iter().rev().take(turn).cloned());
        let case = Case::fold(entries).unwrap();
        assert_eq!(judge(&case, &story.book, now), whole, "begun at {turn}");
        assert_eq!(case.delivering(), story.case().delivering());
    }
}

#[test]
fn of_two_people_who_confirm_an_arrival_the_first_counts_also_if_the_parcel_has_gone_on_since() {
    let mut story = missent();
    let to_east = story.online(&WEST, at(0, 11, 0, 0), forward("0755"));
    story.online(&EAST, at(0, 12, 0, 0), answer(&to_east, "arrived"));
    let to_north = story.online(&EAST, at(0, 13, 0, 0), forward("0316"));
    story.online(&NORTH, at(0, 14, 0, 0), answer(&to_north, "arrived"));
    assert_eq!(story.case().sent_on_to(), Some(&"0316".parse().unwrap()));
    // A colleague had confirmed it too, without a network.
    story.add(&By("x2", Role::Outlet, "0755"), at(0, 12, 5, 0), Some(at(0, 15, 0, 0)), answer(&to_east, "arrived"));
    assert_eq!(story.case().sent_on_to(), Some(&"0316".parse().unwrap()));
    // The site says that it is not there, and later that it is: that is a new arrival.
    story.online(&EAST, at(0, 16, 0, 0), answer(&to_east, "not_arrived"));
    story.online(&EAST, at(0, 17, 0, 0), answer(&to_east, "arrived"));
    assert_eq!(story.case().sent_on_to(), Some(&"0755".parse().unwrap()));
}
