//! What satisfies a row of the evidence matrix, and what does not (domain 7).

use doorstep_domain::*;

use crate::{
    codes::{call, consent, lacks, photo, registered, sms, tick},
    story::*,
};

/// A row of evidence, the acts that satisfy it, and near ones that do not.
fn proven(reason: &str, sub: Option<&str>, stage: &str, row: &str, good: &[&dyn Fn(&mut Story)], bad: &[&dyn Fn(&mut Story)]) {
    let lacking = |act: &dyn Fn(&mut Story)| {
        let mut story = registered("zto-process", reason, sub, stage);
        act(&mut story);
        lacks(&story).iter().any(|id| id.trim_end_matches('?') == row)
    };
    assert!(lacking(&|_| {}), "{reason} wants {row}");
    for (n, act) in good.iter().enumerate() {
        assert!(!lacking(act), "{reason}: act {n} proves {row}");
    }
    for (n, act) in bad.iter().enumerate() {
        assert!(lacking(act), "{reason}: act {n} does not prove {row}");
    }
}

// rules: EV-2, EV-3, EV-4, EV-5, EV-6, EV-8, EV-11, EV-14, SMS-2, SMS-4, C-4
#[test]
fn each_row_of_evidence_is_satisfied_by_what_shows_it_and_by_nothing_else() {
    let label = |s: &mut Story| photo(s, "label");
    let other = |s: &mut Story| photo(s, "other");
    let door = |s: &mut Story| photo(s, "door");
    let no_answer = |s: &mut Story| call(s, "no_answer");
    let answered = |s: &mut Story| call(s, "answered");
    proven("DF-ADDR", None, "delivery", "sms", &[&sms], &[&no_answer]);
    proven("DF-ADDR", None, "delivery", "place_photo", &[&label, &door, &other], &[&sms]);
    proven("DF-NOBODY", None, "delivery", "door_photo", &[&door, &|s| photo(s, "closed_premises")], &[&label]);
    proven("DF-NOANSWER", None, "delivery", "call", &[&no_answer, &|s| call(s, "busy")], &[&answered, &sms]);
    proven("DF-UNREACH", None, "delivery", "call", &[&|s| call(s, "off"), &|s| call(s, "not_exist")], &[&answered]);
    proven(
        "DF-PHONE",
        None,
        "delivery",
        "number_fault",
        &[&label, &|s| call(s, "wrong"), &|s| call(s, "not_exist")],
        &[&answered],
    );
    proven("DF-OFFWORK", None, "delivery", "closed", &[&|s| photo(s, "closed_premises"), &no_answer], &[&label]);
    let words =
        |s: &mut Story| drop(s.online(&COURIER, at(0, 9, 5, 0), Body::Note { words: Personal::plain("说不要了").unwrap() }));
    proven("DF-REFUSE", Some("refused"), "delivery", "words", &[&words], &[&no_answer]);
    proven("DF-REFUSE", Some("damaged"), "delivery", "condition_photo", &[&|s| photo(s, "damage_outside")], &[&label]);
    proven("DF-INFO", None, "delivery", "call", &[&answered, &|s| consent(s, Customer::Recipient, "ADDR_CHANGE")], &[&label]);
    proven(
        "CD-DAMAGE",
        None,
        "arrival",
        "outside",
        &[&|s| photo(s, "damage_outside")],
        &[&|s| photo(s, "damage_inside"), &label],
    );
    proven("CD-DAMAGE", None, "arrival", "label", &[&label], &[&other]);
    proven(
        "CD-POLLUTE",
        None,
        "arrival",
        "source_photo",
        &[&|s| photo(s, "pollution_source")],
        &[&|s| photo(s, "damage_inside")],
    );
    proven("CD-WEIGHT", None, "arrival", "scale_photo", &[&|s| photo(s, "scale")], &[&label]);
    proven("RT-HELD", Some("wrong_header"), "hub", "mark", &[&|s| photo(s, "mark")], &[&label]);
    let goods = |value: Option<Fen>| {
        move |s: &mut Story| {
            let goods = Goods { name: said("茶叶"), packing: said("纸箱"), value, words: None };
            s.online(&ORIGIN, at(0, 9, 5, 0), Body::Goods(goods));
        }
    };
    proven("LS-LOST", None, "service", "goods", &[&goods(Some(Fen(20_000)))], &[&goods(None)]);
    proven("MN-COD", None, "service", "letter", &[&|s| photo(s, "letter")], &[&label]);
    proven("MN-COD", None, "service", "verified", &[&|s| tick(s, "verify_letter")], &[&|s| tick(s, "ask_parties")]);
    proven("MN-RECEIPT", None, "service", "who_agreed", &[&|s| consent(s, Customer::Sender, "RECEIPT_CHANGE")], &[&answered]);
    let nameless = |s: &mut Story| {
        let consent = Consent { by: Customer::Sender, to: code("RECEIPT_CHANGE"), name: said(" "), words: None };
        s.online(&WEST, at(0, 9, 5, 0), Body::Consent(consent));
    };
    proven("MN-RECEIPT", None, "service", "who_agreed", &[], &[&nameless]);
}

// rules: EV-2, EV-3, DF-INSPECT, DF-REFUSE, LS-SWAP, OR-NOMARK
#[test]
fn numbers_that_belong_to_the_registration_prove_it() {
    let with = |pack: &str, body: Body| {
        let mut story = Story::by(pack_of(pack));
        story.online(&WEST, at(0, 9, 0, 0), body);
        lacks(&story)
    };
    let problem = |reason: &str| Problem::of(code(reason), Stage::Arrival);
    let weighed = Problem { weight_g: Some(5_200), label_g: Some(3_000), ..problem("CD-WEIGHT") };
    assert_eq!(with("zto-process", Body::Problem(weighed.clone())), ["scale_photo"]);
    assert_eq!(with("zto-process", Body::Problem(Problem { label_g: None, ..weighed })), ["scale_photo", "weights"]);
    let other = Some(Waybill::parse("700000000001").unwrap());
    let polluted = Problem { other: other.clone(), ..problem("CD-POLLUTE") };
    assert_eq!(with("zto-process", Body::Problem(polluted)), ["goods_photo", "source_photo"]);
    assert_eq!(with("zto-process", Body::Problem(Problem { other, ..problem("LS-SWAP") })), ["photos?"]);
    assert_eq!(with("nengda-gd", Body::Problem(Problem { count: Some(2), ..problem("OR-NOMARK") })), ["photo"]);
    let attempt = |reason: &str| Attempt::of(code(reason));
    assert!(with("zto-process", Body::Attempt(Attempt { waited_minutes: Some(40), ..attempt("DF-INSPECT") })).is_empty());
    let offered =
        Attempt { sub: Some(code("freight_collect")), offered: Some(Fen(1_000)), words: said("太贵"), ..attempt("DF-REFUSE") };
    assert!(with("zto-process", Body::Attempt(offered)).is_empty());
}

// rules: EV-9
#[test]
fn what_can_not_be_photographed_is_waived_with_a_reason_and_not_without() {
    let waived = |words: &str| {
        let mut story = registered("cs-generic", "CD-DAMAGE", None, "delivery");
        assert_eq!(lacks(&story), ["photo"]);
        let waiver = Waiver { evidence: code("photo"), words: Personal::plain(words).unwrap() };
        story.online(&WEST, at(0, 9, 5, 0), Body::Waiver(waiver));
        lacks(&story)
    };
    assert!(waived("气味，拍不出来").is_empty());
    assert_eq!(waived("  "), ["photo"]);
    // A row that allows none is not waived.
    let mut story = registered("zto-process", "RT-MISSENT", None, "arrival");
    story.online(&WEST, at(0, 9, 5, 0), Body::Waiver(Waiver { evidence: code("label"), words: Personal::plain("无").unwrap() }));
    assert_eq!(lacks(&story), ["label"]);
}

// rules: EV-1
#[test]
fn an_unclear_photo_does_not_count_and_its_own_author_can_not_make_it_clear() {
    let mut story = registered("nengda-gd", "TR-RETURN", None, "delivery");
    let shown = story.photo(at(0, 9, 5, 0), PhotoPurpose::TransferLabel);
    assert_eq!(lacks(&story), ["reason"]);
    let mark = |by: &By, story: &mut Story| {
        let mark = Mark { about: shown.clone(), remark: Remark::Unclear, reason: None, words: None };
        story.online(by, at(0, 9, 6, 0), Body::Mark(mark));
    };
    mark(&WEST, &mut story);
    assert_eq!(lacks(&story), ["reason"], "who took it has not marked it away");
    mark(&REVIEWER, &mut story);
    assert_eq!(lacks(&story), ["reason", "label_photo"]);
    story.photo(at(0, 9, 7, 0), PhotoPurpose::TransferLabel);
    assert_eq!(lacks(&story), ["reason"], "it is taken again");
}
