//! Cards: the side of each step, the steps of every card, the customer's SMS; and the keys of the new versions.

use doorstep_domain::*;
use doorstep_rules::*;

use super::{by, failed, noticed, problem};
use crate::story::*;

const PACKS: [&str; 4] = ["zto-process", "nengda-gd", "cs-generic", "qinghe"];

// rules: T-1
#[test]
fn each_step_of_a_card_names_its_side() {
    for name in PACKS {
        assert!(pack_of(name).steps.iter().all(|step| step.side.is_none()), "{name}: version 1 names none");
        let without: Vec<String> =
            version_of(name, 2).steps.into_iter().filter(|step| step.side.is_none()).map(|step| step.code).collect();
        assert!(without.is_empty(), "{name}: {without:?}");
    }
    let zto = version_of("zto-process", 2);
    for (side, steps) in [
        (Side::Origin, &["ask_sender", "verify_letter", "receipt_letter", "reply_delivering", "confirm_registration"][..]),
        (Side::Delivering, &["ask_why", "find_source", "repack_deliver", "outlet_search", "tell_forward", "redeliver"]),
        (Side::Hub, &["hub_search"]),
        (Side::Finance, &["ledger_cod", "ledger_collect"]),
    ] {
        for step in steps {
            assert_eq!(zto.step(step).unwrap().side, Some(side), "{step}");
        }
    }
    // What is done where the parcel lies is the hub's for what it holds.
    for (stage, side) in [(Stage::Hub, Side::Hub), (Stage::Arrival, Side::Delivering)] {
        let mut story = by("zto-process", 2);
        problem(&mut story, at(0, 9, 0, 0), "RT-MISSENT", stage);
        let card = story.judge(at(0, 9, 30, 0)).cards.remove(0);
        let of = |step: &str| card.steps.iter().find(|line| line.step == step).unwrap().side;
        assert_eq!((of("notice"), of("tell_forward"), of("reply_delivering")), (Some(side), Some(side), Some(Side::Origin)));
    }
}

// rules: T-5
#[test]
fn every_replica_says_which_side_acts_next() {
    let mut story = by("qinghe", 2);
    let mut next = vec![];
    let mut look = |story: &Story, now: UnixMs| {
        let judged = story.judge(now);
        next.push((judged.next_step, judged.next_side));
    };
    failed(&mut story, at(0, 15, 0, 0), "DF-NOBODY");
    look(&story, at(0, 15, 1, 0));
    noticed(&mut story, at(0, 15, 5, 0));
    look(&story, at(1, 15, 5, 0));
    look(&story, at(1, 15, 5, 1));
    story.reply(at(1, 16, 0, 0), "REDELIVER");
    look(&story, at(1, 16, 0, 1));
    story.online(&WEST, at(1, 17, 0, 0), Body::Action(Action::of(code("ARBITRATE"))));
    look(&story, at(1, 17, 0, 1));
    story.close(at(1, 18, 0, 0), "SIGNED");
    let last = story.judge(at(1, 18, 0, 1));
    let expected = [
        (NextStep::NotifyOrigin, Some(Side::Delivering)),
        (NextStep::AwaitReply, Some(Side::Origin)),
        (NextStep::DefaultMethod, Some(Side::Delivering)),
        (NextStep::FollowReply, Some(Side::Delivering)),
        (NextStep::AwaitDecision, Some(Side::HeadOffice)),
    ];
    assert_eq!(next, expected);
    assert_eq!((last.next_step, last.next_side), (NextStep::None, None));
    let mut complaint = by("cs-generic", 2);
    problem(&mut complaint, at(0, 9, 0, 0), "TR-RETURN", Stage::Service);
    let judged = complaint.judge(at(0, 9, 1, 0));
    assert_eq!((judged.next_step, judged.next_side), (NextStep::WorkCard, Some(Side::Origin)), "of the next step of its card");
}

// rules: T-4
#[test]
fn every_card_of_the_general_problems_ends_with_the_reply_and_the_confirmation() {
    let general =
        |row: &&Code| row.enabled && ["DF-", "CD-", "RT-", "LS-", "MN-"].iter().any(|group| row.code.starts_with(group));
    for name in ["zto-process", "qinghe"] {
        let have = |version: u32| {
            let pack = version_of(name, version);
            let has = |row: &&Code| {
                ["notice", "reply_delivering", "confirm_registration"]
                    .iter()
                    .all(|step| row.steps.iter().any(|s| s.step == *step))
            };
            let all = pack.codes.iter().filter(general).count();
            (all, pack.codes.iter().filter(general).filter(has).count())
        };
        let (first, second) = (have(1), have(2));
        assert!(first.1 < first.0 && second.0 == second.1, "{name}: {first:?} {second:?}");
    }
}

// rules: SMS-1, C-4, C-25
#[test]
fn an_sms_is_suggested_for_every_failure_and_without_it_the_attempt_is_unproven_and_not_incomplete() {
    let silent = |version: u32| {
        let pack = version_of("zto-process", version);
        let silent = pack.codes.iter().filter(|row| row.enabled && row.group == Group::Delivery && row.sms_text.is_none());
        silent.map(|row| row.code.clone()).collect::<Vec<_>>()
    };
    assert_eq!(silent(1), ["DF-PHONE", "DF-REFUSE", "DF-INFO", "DF-NOMONEY", "DF-INSPECT"]);
    assert!(silent(2).is_empty());
    for (version, need) in [(1, Need::Required), (2, Need::Recommended)] {
        let mut story = by("zto-process", version);
        failed(&mut story, at(0, 15, 0, 0), "DF-NOBODY");
        let judged = story.judge(at(0, 16, 0, 0));
        let gap = judged.missing.iter().find(|gap| gap.evidence == "sms").unwrap();
        assert_eq!((gap.need, judged.flags.contains(&Flag::AttemptUnproven)), (need, true), "version {version}");
    }
    for reason in ["DF-REFUSE", "DF-INFO", "DF-NOMONEY", "DF-INSPECT", "DF-OFFWORK"] {
        let mut story = by("zto-process", 2);
        failed(&mut story, at(0, 15, 0, 0), reason);
        assert!(story.judge(at(0, 16, 0, 0)).flags.contains(&Flag::AttemptUnproven), "{reason}");
    }
}

#[test]
fn the_new_versions_are_usable_name_their_format_and_say_where_each_row_comes_from() {
    for name in PACKS {
        let pack = version_of(name, 2);
        assert_eq!((pack.version, pack.format(), pack.network), (2, 2, pack_of(name).network), "{name}");
        assert!(
            pack.clocks.iter().all(|row| !row.source.is_empty()) && pack.liabilities.iter().all(|row| !row.source.is_empty())
        );
        let named = |id: &str| {
            let of = |clock: &Clock| {
                let rules = [&clock.rule, &clock.rule_if_wrong_target, &clock.rule_if_outage_incomplete];
                rules.into_iter().any(|rule| rule.as_deref() == Some(id))
            };
            pack.clocks.iter().any(of)
        };
        assert!(
            pack.liabilities.iter().all(|row| row.on.is_some() || named(&row.id)),
            "{name}: liabilities that nothing leads to"
        );
        let used = |step: &Step| pack.codes.iter().flat_map(|code| &code.steps).any(|line| line.step == step.code);
        let ticked =
            |step: &Step| pack.clocks.iter().flat_map(|clock| &clock.met_by).any(|event| event.steps.contains(&step.code));
        let confirms = |step: &Step| pack.outcomes.iter().any(|row| row.asks.as_ref() == Some(&step.code));
        assert!(pack.steps.iter().all(|step| used(step) || ticked(step) || confirms(step)), "{name}: steps that nothing uses");
    }
}

#[test]
fn a_pack_of_the_first_format_has_none_of_the_new_keys() {
    let toml = String::from_utf8(FIRST_PACK.to_vec()).unwrap();
    let refused = |from: &str, to: &str| {
        assert!(toml.contains(from), "{from}");
        let without = toml.replacen(from, to, 1);
        let error = Pack::parse(without.as_bytes()).unwrap_err();
        assert!(error.reason.contains("write `format = 2`"), "{to}: {error}");
        let with = Pack::parse(format!("format = 2\n{without}").as_bytes());
        assert!(with.is_ok(), "{to}: {with:?}");
    };
    let why = "why = { zh = \"因为\", en = \"because\" }";
    refused("starts = { on = \"attempt\" }", "starts = { on = \"registration\" }");
    refused("met_by = [{ on = \"action\" }, { on = \"attempt\" }, { on = \"close\" }]", "met_by = [{ on = \"method\" }]");
    refused("{ on = \"close\" }, { on = \"attempt\" }", "{ on = \"close\" }, { on = \"attempt\", proven = true }");
    refused("due = \"end_of_day\"", &format!("due = \"end_of_day\"\n{why}"));
    refused("need = \"recommended\"", &format!("need = \"recommended\"\n{why}"));
    refused("borne_by = \"origin_outlet\"", "borne_by = \"origin_outlet\"\nopen = true");
    refused("borne_by = \"origin_outlet\"", "borne_by = \"origin_outlet\"\nonce = true");
    refused("borne_by = \"origin_outlet\"", &format!("borne_by = \"origin_outlet\"\n{why}"));
    refused("done_by = [\"sms\"]", "done_by = [\"sms\"]\nside = \"delivering_outlet\"");
    refused("reply_needs = [\"sender_agrees\", \"payer\"]", "reply_needs = [\"sender_agrees\"]\nreply_asks = [\"payer\"]");
    let needs = "reply_needs = [\"sender_agrees\"]\nreply_needs_if = [{ codes = [\"MN-COD\"], needs = [\"letter\"] }]";
    refused("reply_needs = [\"sender_agrees\", \"payer\"]", needs);
    let pays = "reply_needs = [\"sender_agrees\"]\npays = [{ codes = [\"DF-*\"], payer = \"sender\" }]";
    refused("reply_needs = [\"sender_agrees\", \"payer\"]", pays);
    refused("id = \"ledger\", zh", "id = \"ledger\", only_codes = [\"MN-COD\"], zh");
    let label = "label = \"missing\"\nzh = \"无\"\nen = \"none\"\nsource = \"A\"\nall_of = [{ kind = \"photo\" }]";
    refused("[duties]", &format!("[[leniency]]\n{label}\n\n[duties]"));
}

#[test]
fn a_wrong_use_of_the_new_keys_is_refused_with_its_line_and_the_reason() {
    let wrong = |name: &str, from: &str, to: &str, reason: &str| {
        let file = format!("{}/packs/{name}-2.toml", env!("CARGO_MANIFEST_DIR"));
        let toml = std::fs::read_to_string(file).unwrap();
        assert!(toml.contains(from), "{from}");
        let error = Pack::parse(toml.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert!(error.line > 1 && error.reason.contains(reason), "{to}: {error}");
    };
    wrong("qinghe", "side = \"origin_outlet\"", "side = \"outlet\"", "Side");
    wrong("qinghe", "label = \"missing\"", "label = \"torn\"", "LabelFault");
    wrong(
        "qinghe",
        "all_of = [{ kind = \"photo\", shows = [\"label\"] }]",
        "all_of = [{ kind = \"goods\" }]",
        "fault of the label",
    );
    wrong("qinghe", "all_of = [{ kind = \"photo\", shows = [\"label\"] }]", "all_of = []", "one proof at least");
    wrong("qinghe", "open = true", "open = true\nyuan = 5", "no amount");
    wrong("qinghe", "only_codes = [\"MN-COD\"]", "only_codes = [\"MN-CASH\"]", "no code in [[codes]]");
    wrong("qinghe", "needs = [\"letter\"]", "needs = [\"lettre\"]", "nothing that a reply says");
    wrong("qinghe", "starts = { on = \"no_reply\" }", "starts = { on = \"method\" }", "starts none");
    wrong("qinghe", "met_by = [{ on = \"method\" }]", "met_by = [{ on = \"registration\" }]", "meets none");
    wrong("qinghe", "due = \"first_run\"", "due = \"first_run\"\neach_slot = true", "duty of each day");
    wrong("qinghe", "{ on = \"seen\" }", "{ on = \"seen\", proven = true }", "only an attempt");
    wrong("cs-generic", "payer = \"recipient\"", "payer = \"nobody\"", "Payer");
}
