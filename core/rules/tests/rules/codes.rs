//! Every code of the sources: who decides, the order of the steps, and the deadline that its registration starts, one second
//! before the edge and one second after. The cards are in `cards`.

mod cards;

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

/// A registration of a code, alone in its case, at nine on Monday. The author is of a role that registers at that stage.
pub fn registered(pack: &str, reason: &str, sub: Option<&str>, stage: &str) -> Story {
    let mut story = Story::by(pack_of(pack));
    register(&mut story, at(0, 9, 0, 0), reason, sub, stage);
    story
}

pub fn register(story: &mut Story, when: UnixMs, reason: &str, sub: Option<&str>, stage: &str) {
    let (reason, sub) = (code(reason), sub.map(code));
    // A failed delivery is an attempt. Everything that is found otherwise is a problem.
    if stage == "delivery" && reason.as_str().starts_with("DF-") {
        story.online(&COURIER, when, Body::Attempt(Attempt { sub, ..Attempt::of(reason) }));
    } else {
        let stage = Stage::from_word(stage).unwrap();
        let by = if stage == Stage::Hub { &HUB } else { &WEST };
        story.online(by, when, Body::Problem(Problem { sub, found_at: Some(when), ..Problem::of(reason, stage) }));
    }
}

/// Half an hour after the registration.
pub fn now() -> UnixMs {
    at(0, 9, 30, 0)
}

pub fn card(story: &Story) -> Card {
    story.judge(now()).cards.into_iter().next_back().unwrap()
}

pub fn steps(story: &Story) -> Vec<String> {
    card(story).steps.into_iter().map(|line| line.step).collect()
}

/// The rows of the evidence matrix that are not satisfied; one that is only recommended ends in `?`.
pub fn lacks(story: &Story) -> Vec<String> {
    let mark = |gap: &Gap| if gap.need == Need::Required { "" } else { "?" };
    story.judge(now()).missing.iter().map(|gap| format!("{}{}", gap.evidence, mark(gap))).collect()
}

pub fn photo(story: &mut Story, purpose: &str) {
    story.photo(at(0, 9, 5, 0), PhotoPurpose::from_word(purpose).unwrap());
}

pub fn call(story: &mut Story, result: &str) {
    let result = CallResult::from_word(result).unwrap();
    story.online(&COURIER, at(0, 9, 5, 0), Body::Call(Call::of(result)));
}

pub fn sms(story: &mut Story) {
    let attempt = story.entries.iter().rfind(|r| matches!(r.entry.body, Body::Attempt(_))).map(|r| r.entry.key.clone());
    let brand = &story.book.newest().pack.name.zh;
    let text = message(None).text.text().unwrap().replace("青禾速运", brand);
    let sms = Sms { digest: Sms::digest_of(&text), text: Personal::plain(&text).unwrap(), ..message(attempt) };
    story.sms(at(0, 9, 5, 0), sms, SmsState::HandedOver);
}

pub fn consent(story: &mut Story, by: Customer, to: &str) {
    let consent = Consent { by, to: code(to), name: said("张小姐"), words: None };
    story.online(&WEST, at(0, 9, 5, 0), Body::Consent(consent));
}

pub fn tick(story: &mut Story, step: &str) {
    story.online(&WEST, at(0, 9, 6, 0), Body::Tick(Tick { step: code(step), words: None }));
}

// rules: CD-DAMAGE, LS-LOST, SV-DELAY, SV-ATTITUDE, SV-OTHER, TR-TRANSFER, TR-RETURN, EV-12, C-19
#[test]
fn the_generic_rules_report_first_and_offer_the_customer_a_plan() {
    let plan: &[&str] = &["plan", "get_consent", "execute", "callback"];
    for (reason, stage, first) in [
        ("CD-DAMAGE", "delivery", &["report_superior", "tell_customer"][..]),
        ("LS-LOST", "service", &["report_superior", "search", "tell_customer"]),
        ("SV-DELAY", "service", &["verify"]),
        ("SV-ATTITUDE", "service", &["verify"]),
        ("SV-OTHER", "service", &["verify"]),
    ] {
        assert_eq!(steps(&registered("cs-generic", reason, None, stage)), [first, plan].concat(), "{reason}");
    }
    assert_eq!(steps(&registered("cs-generic", "TR-TRANSFER", None, "delivery")), ["follow_new_number"]);
    let mut recalled = registered("cs-generic", "TR-RETURN", None, "service");
    assert_eq!(steps(&recalled), ["recall", "original_received", "execute"]);
    assert_eq!(lacks(&recalled), ["reason", "received"], "the parcel is not in hand before somebody signed for it");
    tick(&mut recalled, "original_received");
    assert_eq!(lacks(&recalled), ["reason"]);
    let pack = pack_of("cs-generic");
    assert_eq!(pack.duties["superior"], ["outlet_manager"], "who owns the plan is data");
}

// rules: C-8, DF-INFO
#[test]
fn who_decides_the_address_depends_on_money_to_collect() {
    let decides = |cod: i64| {
        let mut story = Story::by(pack_of("zto-process"));
        story.facts.cod = Fen(cod);
        register(&mut story, at(0, 9, 0, 0), "DF-INFO", Some("name_mismatch"), "delivery");
        steps(&story).into_iter().find(|step| step.starts_with("address_by")).unwrap()
    };
    assert_eq!((decides(1), decides(0)), ("address_by_recipient".into(), "address_by_sender".into()));
}

// rules: C-7, CD-POLLUTE
#[test]
fn a_polluted_parcel_is_registered_and_delivered_first_and_arbitrated_only_when_it_is_refused() {
    let mut story = registered("zto-process", "CD-POLLUTE", None, "arrival");
    assert!(!steps(&story).contains(&"arbitrate".to_owned()));
    assert_eq!(steps(&story)[..3], ["register", "find_source", "repack_deliver"]);
    register(&mut story, at(0, 9, 10, 0), "DF-REFUSE", Some("polluted"), "delivery");
    let cards = story.judge(now()).cards;
    let polluted = cards.iter().find(|card| card.code == "CD-POLLUTE").unwrap();
    assert_eq!(polluted.steps.last().unwrap().step, "arbitrate");
    story.online(&WEST, at(0, 9, 20, 0), Body::Action(Action::of(code("ARBITRATE"))));
    assert_eq!((story.judge(now()).state, story.judge(now()).next_step), (State::Arbitration, NextStep::AwaitDecision));
}

// rules: T-1, T-2, T-3
#[test]
fn steps_are_ticked_in_order_with_who_and_when_and_the_case_is_open_until_it_is_signed_for() {
    let mut story = registered("zto-process", "CD-WEIGHT", None, "arrival");
    let next = |story: &Story| card(story).next_step().map(|line| line.step.clone());
    assert_eq!(next(&story).as_deref(), Some("weigh"));
    for (step, after) in [("weigh", Some("confirm_weight")), ("confirm_weight", Some("reply_delivering"))] {
        tick(&mut story, step);
        assert_eq!(next(&story).as_deref(), after);
    }
    let line = card(&story).steps.remove(0);
    assert_eq!((line.done[0].by.as_str(), line.done[0].at), ("s1", at(0, 9, 6, 0)));
    // Somebody else did it too: both stand there.
    story.online(&COURIER, at(0, 9, 8, 0), Body::Tick(Tick { step: code("weigh"), words: None }));
    assert_eq!(card(&story).steps[0].done.len(), 2);
    assert_ne!(story.judge(now()).state, State::Closed);
    story.close(at(0, 9, 20, 0), "SIGNED");
    let judged = story.judge(now());
    assert_eq!((judged.state, judged.next_step, judged.cards.len()), (State::Closed, NextStep::None, 0));
}

/// Which clocks a registration starts, at each stage of each code; the edge of the first.
const STARTS: &[(&str, &str, &str, &[&str])] = &[
    ("zto-process", "DF-ADDR", "delivery", &["SLA-03"]),
    ("zto-process", "DF-NOBODY", "delivery", &["SLA-03"]),
    ("zto-process", "DF-NOANSWER", "delivery", &["SLA-03"]),
    ("zto-process", "DF-UNREACH", "delivery", &["SLA-03"]),
    ("zto-process", "DF-PHONE", "delivery", &["SLA-03"]),
    ("zto-process", "DF-REFUSE", "delivery", &["SLA-03"]),
    ("zto-process", "DF-INFO", "delivery", &["SLA-03"]),
    ("zto-process", "DF-NOMONEY", "delivery", &["SLA-03"]),
    ("zto-process", "DF-OFFWORK", "delivery", &["SLA-03"]),
    ("zto-process", "DF-RESTDAY", "delivery", &["SLA-03"]),
    ("zto-process", "DF-POWER", "delivery", &["SLA-03"]),
    ("zto-process", "DF-INSPECT", "delivery", &["SLA-03"]),
    ("zto-process", "CD-DAMAGE", "hub", &["SLA-01"]),
    ("zto-process", "CD-DAMAGE", "arrival", &["SLA-02"]),
    ("zto-process", "CD-DAMAGE", "delivery", &["SLA-03.problem"]),
    ("zto-process", "CD-POLLUTE", "hub", &["SLA-01"]),
    ("zto-process", "CD-POLLUTE", "arrival", &["SLA-02"]),
    ("zto-process", "CD-POLLUTE", "delivery", &["SLA-03.problem"]),
    ("zto-process", "CD-WEIGHT", "hub", &[]),
    ("zto-process", "CD-WEIGHT", "delivery", &["SLA-03.problem"]),
    ("zto-process", "RT-MISSENT", "hub", &["SLA-01"]),
    ("zto-process", "RT-MISSENT", "arrival", &["SLA-02"]),
    ("zto-process", "RT-MISSENT", "delivery", &["SLA-03.problem"]),
    ("zto-process", "RT-NOPOINT", "hub", &["SLA-01"]),
    ("zto-process", "RT-NOPOINT", "arrival", &["SLA-02"]),
    ("zto-process", "RT-OUTAREA", "arrival", &["SLA-02"]),
    ("zto-process", "RT-OUTAREA", "delivery", &["SLA-03.problem"]),
    ("zto-process", "RT-HELD", "hub", &[]),
    ("zto-process", "LS-LOST", "service", &[]),
    ("zto-process", "LS-SWAP", "delivery", &["SLA-03.problem"]),
    ("zto-process", "MN-COD", "delivery", &["SLA-03.problem"]),
    ("zto-process", "MN-FREIGHT", "delivery", &["SLA-03.problem"]),
    ("zto-process", "MN-RECEIPT", "delivery", &["SLA-03.problem"]),
    ("zto-process", "SV-DELAY", "service", &[]),
    ("zto-process", "SV-ATTITUDE", "service", &[]),
    ("zto-process", "SV-OTHER", "service", &[]),
    ("nengda-gd", "OR-LATEENTRY", "hub", &["SLA-11"]),
    ("nengda-gd", "OR-WAYBILL", "hub", &[]),
    ("nengda-gd", "OR-COD24H", "origin", &[]),
    ("nengda-gd", "OR-HEADER", "hub", &[]),
    ("nengda-gd", "OR-NOMARK", "hub", &[]),
    ("nengda-gd", "OR-NOBAG", "hub", &[]),
    ("nengda-gd", "OR-HANDOVER", "hub", &[]),
    ("nengda-gd", "OR-PROHIBITED", "hub", &[]),
    ("nengda-gd", "TR-TRANSFER", "hub", &[]),
    ("nengda-gd", "TR-RETURN", "arrival", &[]),
    ("cs-generic", "CD-DAMAGE", "service", &["PER-01", "SLA-12"]),
    ("cs-generic", "LS-LOST", "service", &["PER-01", "SLA-12"]),
];

// rules: SLA-01, SLA-02, SLA-03, SLA-12, C-1
#[test]
fn each_code_starts_its_deadline_at_its_stage_and_misses_it_one_second_after_the_edge() {
    for (pack, reason, stage, clocks) in STARTS {
        let story = registered(pack, reason, None, stage);
        let judged = story.judge(now());
        let mut started: Vec<&str> = judged.deadlines.iter().map(|deadline| deadline.clock.as_str()).collect();
        started.sort_unstable();
        assert_eq!(started, *clocks, "{pack} {reason} at {stage}");
        let Some(clock) = clocks.iter().find(|clock| **clock != "PER-01") else { continue };
        let due = story.deadline(clock, now()).due_at.unwrap();
        // Registered with a network one second before its edge, and one second after.
        let registered = |ms: i64| {
            let mut story = Story::by(pack_of(pack));
            register(&mut story, at(0, 9, 0, 0), reason, None, stage);
            let entry = &mut story.entries[0];
            entry.standing = Standing::Accepted(Receipt::of(due.plus(ms), Some(at(0, 9, 0, 0))));
            story.clock(clock, due.plus(DAY))
        };
        let told = |ms: i64| {
            let mut story = Story::by(pack_of(pack));
            register(&mut story, at(0, 9, 0, 0), reason, None, stage);
            match *clock {
                "SLA-03" => drop(story.notice(due.plus(ms), Some(due.plus(ms)), "0571")),
                "SLA-12" => {
                    drop(story.online(&WEST, due.plus(ms), Body::Tick(Tick { step: code("report_superior"), words: None })))
                }
                _ => return None,
            }
            Some(story.clock(clock, due.plus(DAY)))
        };
        let around = match (*clock, told(0)) {
            ("SLA-11", _) => continue, // its edge is the data's own time: see `edges`
            (_, Some(_)) => [told(-1_000).unwrap(), told(1_000).unwrap()],
            (_, None) => [registered(-1_000), registered(1_000)],
        };
        let missed = if told(0).is_some() { Timeliness::Late } else { Timeliness::LateSynced };
        assert_eq!(around, [Timeliness::OnTime, missed], "{pack} {reason} at {stage}: {clock}");
    }
    // No code of a source is left out.
    for pack in ["zto-process", "nengda-gd"] {
        for row in pack_of(pack).codes.iter().filter(|row| row.enabled && !(pack == "nengda-gd" && row.code == "LS-LOST")) {
            assert!(STARTS.iter().any(|(of, code, ..)| *of == pack && *code == row.code), "{pack}: {}", row.code);
        }
    }
}

// rules: C-21
#[test]
fn codes_of_public_lists_that_the_sources_lack_are_there_and_off() {
    let pack = pack_of("zto-process");
    let off: Vec<&str> = pack.codes.iter().filter(|row| !row.enabled).map(|row| row.code.as_str()).collect();
    assert_eq!(off, ["DF-DATE", "DF-PICKUP", "DF-LOCKER", "DF-INTERCEPT", "DF-ACCESS", "DF-WEATHER", "DF-NEWADDR", "CD-SHORT"]);
}

// rules: C-5, C-6, SMS-4, SMS-6
#[test]
fn the_brand_is_the_networks_own_and_the_text_gives_the_reason_of_the_code() {
    let waybill = Waybill::parse("700000000001").unwrap();
    let zto = pack_of("zto-process");
    let made = |pack: &Pack, reason: &str| {
        let fields = sms::Fields {
            waybill: &waybill,
            name: Some("王小明"),
            honorific: sms::Honorific::Unknown,
            reason: Some(reason),
            callback: None,
            outlet: None,
            at: at(0, 9, 0, 0),
        };
        sms::render(pack, pack.sms_template().unwrap(), sms::Language::Zh, &fields).ok().map(|rendered| rendered.text)
    };
    let text = |reason: &str| made(&zto, reason).unwrap();
    assert!(text("DF-NOBODY").contains("中通") && text("DF-NOBODY").contains("家中无人"));
    assert!(text("DF-ADDR").contains("地址不详") && !text("DF-ADDR").contains("家中无人"));
    assert!(text("DF-ADDR").contains("700000000001") && text("DF-ADDR").contains("王先生/女士"));
    for name in ["nengda-gd", "cs-generic"] {
        let pack = pack_of(name);
        let other = pack.codes.iter().filter_map(|row| made(&pack, &row.code)).any(|text| text.contains("中通"));
        assert!(!other && !pack.liabilities.iter().any(|row| zto.liability(&row.id).is_some()), "{name}: fines are never mixed");
    }
}

// rules: C-8, C-9
#[test]
fn roles_that_do_a_step_are_named_by_duty() {
    let step = |pack: &str, step: &str| pack_of(pack).steps.iter().find(|row| row.code == step).unwrap().by.clone();
    assert_eq!(step("zto-process", "ledger_cod"), ["finance"]);
    assert_eq!(step("cs-generic", "plan"), ["superior"], "a concession is the superior's");
}
