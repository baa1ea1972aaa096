//! The card of each code: whom to ask, the steps, the evidence that is missing, and the outcomes.

use doorstep_rules::*;

use super::{card, lacks, now, registered, steps};
use crate::story::*;

/// What a code's card shows for a bare registration.
struct Shows<'a> {
    code: &'a str,
    sub: Option<&'a str>,
    stage: &'a str,
    asks: &'a [&'a str],
    steps: &'a [&'a str],
    lacks: &'a [&'a str],
    outcomes: &'a [&'a str],
}

fn shows(pack: &str, rows: &[Shows<'_>]) {
    for row in rows {
        let story = registered(pack, row.code, row.sub, row.stage);
        let card = card(&story);
        assert_eq!(card.asks, row.asks, "{}: whom to ask", row.code);
        assert_eq!(steps(&story), row.steps, "{} {:?}: steps", row.code, row.sub);
        assert_eq!(lacks(&story), row.lacks, "{} {:?}: evidence", row.code, row.sub);
        assert_eq!(card.outcomes, row.outcomes, "{}: outcomes", row.code);
        assert!(!story.judge(now()).flags.contains(&Flag::UnusualRegistration), "{}: who registers it where", row.code);
    }
}

// rules: DF-ADDR, DF-NOBODY, DF-NOANSWER, DF-UNREACH, DF-OFFWORK, DF-RESTDAY, DF-POWER, DF-INSPECT, SMS-1, T-4
#[test]
fn failures_at_the_door_show_their_cards() {
    let row = |code, asks, steps, lacks, outcomes| Shows { code, sub: None, stage: "delivery", asks, steps, lacks, outcomes };
    let nobody: &[&str] = &["sms", "ask_recipient", "notice", "redeliver"];
    let closed: &[&str] = &["ask_recipient", "notice", "redeliver"];
    shows(
        "zto-process",
        &[
            row(
                "DF-ADDR",
                &["recipient", "origin_outlet", "sender"],
                &["sms", "notice", "ask_recipient", "redeliver"],
                &["sms", "place_photo?"],
                &["REDELIVER", "ADDR_CHANGE", "RETURN", "SELF_PICKUP"],
            ),
            row("DF-NOBODY", &["recipient"], nobody, &["sms", "door_photo?"], &["REDELIVER", "SELF_PICKUP", "RETURN"]),
            row("DF-NOANSWER", &["recipient"], nobody, &["call", "sms"], &["REDELIVER", "SELF_PICKUP", "RETURN"]),
            row("DF-UNREACH", &["recipient"], nobody, &["call", "sms"], &["REDELIVER", "SELF_PICKUP", "RETURN"]),
            row("DF-OFFWORK", &["recipient"], closed, &["closed?"], &["REDELIVER", "SELF_PICKUP"]),
            row("DF-RESTDAY", &["recipient"], closed, &["closed?"], &["REDELIVER", "SELF_PICKUP"]),
            row("DF-POWER", &["recipient"], closed, &["closed?"], &["REDELIVER", "SELF_PICKUP"]),
            row(
                "DF-INSPECT",
                &["recipient", "sender"],
                &["agree_time", "notice", "negotiate_sender"],
                &["waiting?"],
                &["WAIT", "REDELIVER", "SIGNED", "RETURN"],
            ),
        ],
    );
}

// rules: DF-PHONE, DF-REFUSE, DF-INFO, DF-NOMONEY
#[test]
fn failures_that_somebody_must_decide_show_their_cards() {
    let row = |code, sub, asks, steps, lacks, outcomes| Shows { code, sub, stage: "delivery", asks, steps, lacks, outcomes };
    let refused: &[&str] = &["RETURN", "REDELIVER", "PAY_CHANGE", "PER_CUSTOMER"];
    let (both, why): (&[&str], &[&str]) = (&["recipient", "sender"], &["ask_why", "notice", "ask_sender", "reply_delivering"]);
    shows(
        "zto-process",
        &[
            row(
                "DF-PHONE",
                Some("missing_mobile"),
                &["origin_outlet", "sender"],
                &["show_number_fault", "notice", "correct_number", "redeliver"],
                &["number_fault"],
                &["REDELIVER", "RETURN"],
            ),
            row("DF-REFUSE", Some("refused"), both, why, &["words"], refused),
            row("DF-REFUSE", Some("wants_return"), both, why, &["words"], refused),
            row("DF-REFUSE", Some("not_as_described"), both, why, &["words", "condition_photo?"], refused),
            row("DF-REFUSE", Some("polluted"), both, why, &["words", "condition_photo?"], refused),
            row("DF-REFUSE", Some("damaged"), both, why, &["words", "condition_photo?"], refused),
            row(
                "DF-REFUSE",
                Some("freight_collect"),
                both,
                &["ask_why", "notice", "ask_prepaid", "ask_sender", "reply_delivering"],
                &["words", "offer?"],
                refused,
            ),
            row(
                "DF-INFO",
                Some("left_company"),
                both,
                &["check_label_phone", "notice", "address_by_sender", "reply_delivering"],
                &["call?"],
                &["ADDR_CHANGE", "REDELIVER", "RETURN"],
            ),
            row(
                "DF-NOMONEY",
                Some("no_cash"),
                both,
                &["ask_recipient", "notice", "reply_delivering"],
                &["two_attempts?"],
                &["REDELIVER", "PAY_CHANGE", "RETURN"],
            ),
        ],
    );
}

// rules: CD-DAMAGE, CD-POLLUTE, CD-WEIGHT, RT-MISSENT, RT-NOPOINT, RT-OUTAREA, RT-HELD
#[test]
fn condition_and_routing_problems_show_their_cards_at_each_stage() {
    let row = |code, sub, stage, asks, steps, lacks, outcomes| Shows { code, sub, stage, asks, steps, lacks, outcomes };
    for stage in ["hub", "arrival"] {
        shows(
            "zto-process",
            &[
                row(
                    "CD-DAMAGE",
                    Some("package"),
                    stage,
                    &["recipient", "sender"],
                    &["register", "ask_recipient", "reply_delivering"],
                    &["outside", "label", "inside?"],
                    &["REDELIVER", "RETURN", "COMPENSATE", "RESEND", "REFUND"],
                ),
                row(
                    "CD-POLLUTE",
                    None,
                    stage,
                    &["recipient"],
                    &["register", "find_source", "repack_deliver"],
                    &["goods_photo", "source_photo", "source_waybill?"],
                    &["SIGNED", "ARBITRATE"],
                ),
                row(
                    "CD-WEIGHT",
                    None,
                    stage,
                    &["collecting_courier"],
                    &["weigh", "confirm_weight", "reply_delivering", "confirm_registration", "ledger_collect"],
                    &["scale_photo", "weights"],
                    &["PAY_CHANGE", "REDELIVER"],
                ),
                row("RT-MISSENT", None, stage, &["right_site"], &["register", "tell_forward"], &["label"], &["FORWARD"]),
                row(
                    "RT-NOPOINT",
                    None,
                    stage,
                    &["delivering_outlet", "recipient", "sender"],
                    &["register", "offer_pickup", "ask_peer", "follow_peer"],
                    &["label"],
                    &["SELF_PICKUP", "TRANSFER_PEER", "RETURN", "ADDR_CHANGE"],
                ),
                row("RT-HELD", Some("missorted"), stage, &["right_site"], &["tell_forward"], &[], &["FORWARD"]),
                row("RT-HELD", Some("missed_wave"), stage, &["right_site"], &["tell_forward"], &[], &["FORWARD"]),
                row("RT-HELD", Some("hub"), stage, &["right_site"], &["tell_forward"], &[], &["FORWARD"]),
                row(
                    "RT-HELD",
                    Some("wrong_header"),
                    stage,
                    &["right_site"],
                    &["find_right_site", "write_header"],
                    &["mark"],
                    &["FORWARD"],
                ),
            ],
        );
    }
    for stage in ["arrival", "delivery"] {
        let outcomes = &["SELF_PICKUP", "SURCHARGE", "TRANSFER_PEER", "ADDR_CHANGE", "RETURN"];
        let steps = &["register", "offer_pickup", "offer_fee", "ask_peer", "courier_or_return", "follow_peer"];
        let asks = &["delivering_outlet", "recipient", "sender"];
        shows("zto-process", &[row("RT-OUTAREA", None, stage, asks, steps, &["label?"], outcomes)]);
    }
}

// rules: LS-LOST, LS-SWAP, MN-COD, MN-FREIGHT, MN-RECEIPT, SV-DELAY, SV-ATTITUDE, SV-OTHER, C-22
#[test]
fn loss_money_and_complaints_show_their_cards() {
    let row = |code, stage, asks, steps, lacks, outcomes| Shows { code, sub: None, stage, asks, steps, lacks, outcomes };
    let gently: &[&str] = &["explain_gently", "solve_soon"];
    let customers: &[&str] = &["recipient", "sender"];
    shows(
        "zto-process",
        &[
            row(
                "LS-LOST",
                "service",
                &["sender", "delivering_outlet", "hub"],
                &["goods_facts", "outlet_search", "hub_search"],
                &["goods"],
                &["FOUND", "COMPENSATE"],
            ),
            row(
                "LS-SWAP",
                "delivery",
                &["both_outlets", "sender", "recipient"],
                &["ask_both_signed", "who_swapped", "swap_resolve"],
                &["other_waybill", "photos?"],
                &["RETRIEVE", "ADDR_CHANGE", "PER_CUSTOMER"],
            ),
            row(
                "MN-COD",
                "service",
                &["sender", "recipient"],
                &["ask_parties", "verify_letter", "reply_delivering", "confirm_registration", "ledger_cod"],
                &["letter", "verified"],
                &["PAY_CHANGE"],
            ),
            row(
                "MN-FREIGHT",
                "service",
                &["sender", "recipient"],
                &["ask_prepaid", "tell_courier_collect", "ledger_collect", "reply_delivering", "confirm_registration"],
                &["agreed"],
                &["PAY_CHANGE"],
            ),
            row(
                "MN-RECEIPT",
                "service",
                &["sender"],
                &["who_agreed", "verify_letter", "reply_delivering", "confirm_registration"],
                &["letter", "who_agreed"],
                &["RECEIPT_CHANGE"],
            ),
            row("SV-DELAY", "service", customers, gently, &[], &["PER_CUSTOMER", "COMPENSATE"]),
            row("SV-ATTITUDE", "service", customers, gently, &[], &["PER_CUSTOMER", "COMPENSATE"]),
            row("SV-OTHER", "service", customers, gently, &[], &["PER_CUSTOMER", "COMPENSATE"]),
        ],
    );
    assert_eq!(pack_of("zto-process").name_of("LS-SWAP").zh, "货物掉包");
}

// rules: OR-WAYBILL, OR-COD24H, OR-HEADER, OR-NOMARK, OR-LATEENTRY, OR-NOBAG, OR-HANDOVER, OR-PROHIBITED, TR-TRANSFER, TR-RETURN, T-6, EV-1, EV-13, EV-14
#[test]
fn faults_of_the_origin_and_transfers_show_their_cards() {
    let row = |code, stage, steps, lacks, outcomes| Shows { code, sub: None, stage, asks: &[], steps, lacks, outcomes };
    shows(
        "nengda-gd",
        &[
            row("OR-WAYBILL", "origin", &["register"], &["count", "photo"], &[]),
            row("OR-COD24H", "origin", &["make_good", "take_slip"], &["words"], &[]),
            row("OR-HEADER", "hub", &["register", "write_header"], &["count", "mark"], &[]),
            row("OR-NOMARK", "hub", &["register", "write_main_number"], &["count", "photo"], &[]),
            row("OR-LATEENTRY", "hub", &["register", "enter_data"], &[], &[]),
            row("OR-NOBAG", "arrival", &["register"], &["photo"], &[]),
            row("OR-HANDOVER", "hub", &["count_again", "separate"], &["reason", "photo"], &[]),
            row("OR-PROHIBITED", "hub", &["report_company", "report_state"], &["photo"], &[]),
            row("TR-TRANSFER", "arrival", &["separate", "follow"], &["reason", "label_photo"], &["TRANSFERRED", "SIGNED"]),
            row("TR-RETURN", "delivery", &["separate"], &["reason", "label_photo"], &["RETURNED"]),
        ],
    );
}
