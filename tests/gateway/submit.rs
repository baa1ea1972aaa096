//! What goes over the wire, and what each answer means.

use std::time::{Duration, Instant};

use doorstep_gateway::{Fault, Outgoing, Provider, Submitted};
use doorstep_rules::sms::Segments;
use doorstep_tests::smsc::{Answer, Seen, hex};

use crate::gate::{Gate, NUMBER, accepted, outgoing};

#[tokio::test]
async fn a_chinese_text_goes_as_one_pdu_of_these_bytes() {
    let gate = Gate::new("source_ton = 0").await;
    assert_eq!(accepted(gate.submit("您好,单号123").await), ["2587"]);
    let pdu = gate.smsc.seen(|seen| hex(&seen.submits[0].pdu));
    let expected = [
        // command_length 86, submit_sm, status 0, sequence 2
        "00000056000000040000000000000002",
        // service_type, source ton and npi, "10690001"
        "00",
        "0000",
        "313036393030303100",
        // destination ton and npi, "8613800000001"
        "0101",
        "3836313338303030303030303100",
        // esm_class (not rusmpp's default of 08), protocol_id, priority, schedule
        "00",
        "00",
        "00",
        "00",
        // validity: one day
        "30303030303130303030303030303052",
        "00",
        // registered_delivery, replace, data_coding UCS-2, default message, length
        "01",
        "00",
        "08",
        "00",
        "10",
        // 您好,单号123
        "60a8597d002c5355",
        "53f7003100320033",
    ];
    assert_eq!(pdu, expected.concat());
}

#[tokio::test]
async fn a_number_goes_with_its_country_code_unless_the_configuration_wants_it_national() {
    for (more, number, bytes) in [
        // International, telephone: 86 and the mobile.
        ("", "13800000001", "0101".to_owned() + "3836313338303030303030303100"),
        ("", "+8613800000001", "0101".to_owned() + "3836313338303030303030303100"),
        // National, telephone.
        ("dest_ton = 2", "13800000001", "0201".to_owned() + "313338303030303030303100"),
        // Unknown, unknown.
        ("dest_ton = 0\ndest_npi = 0", "8613800000001", "0000".to_owned() + "313338303030303030303100"),
        // Of another country, by any configuration.
        ("", "+447700900123", "0101".to_owned() + "34343737303039303031323300"),
        ("dest_ton = 2", "+447700900123", "0101".to_owned() + "34343737303039303031323300"),
        ("country = \"852\"", "61234567", "0101".to_owned() + "383532363132333435363700"),
    ] {
        let gate = Gate::new(more).await;
        accepted(timeout_submit(&gate, number).await);
        let pdu = gate.smsc.seen(|seen| hex(&seen.submits[0].pdu));
        // Behind the header, the service type and the service number.
        let behind = "00".to_owned() + "0000" + "313036393030303100";
        assert!(pdu[32..].starts_with(&(behind + &bytes + "0000")), "{more} {number}: {pdu}");
    }
}

async fn timeout_submit(gate: &Gate, number: &str) -> Submitted {
    gate.smpp.submit(&outgoing(number, "好")).await
}

#[tokio::test]
async fn a_text_of_two_segments_goes_as_two_pdus_of_these_bytes_tied_by_one_reference() {
    let gate = Gate::new("").await;
    let (first, second) = ("中".repeat(67), "文".repeat(4));
    assert_eq!(accepted(gate.submit(&format!("{first}{second}")).await), ["2587", "2588"]);
    let submits = gate.smsc.seen(|seen| seen.submits.clone());
    let reference = format!("{:02x}", submits[0].bytes[3]);
    let head = |length: &str, sequence: &str| format!("000000{length}0000000400000000000000{sequence}");
    let fields = [
        // No service type; from 10690001 to 8613800000001.
        "000000313036393030303100",
        "01013836313338303030303030303100",
        // esm_class 0x40: the text begins with a header. One day, a receipt, UCS-2.
        "40000000",
        "303030303031303030303030303030520001000800",
    ]
    .concat();
    let texts = ["4e2d".repeat(67), "6587".repeat(4)];
    let expected = [
        format!("{}{fields}8c050003{reference}0201{}", head("d2", "02"), texts[0]),
        format!("{}{fields}0e050003{reference}0202{}", head("54", "03"), texts[1]),
    ];
    assert_eq!([hex(&submits[0].pdu), hex(&submits[1].pdu)], expected);
    let messages = gate.smsc.seen(|seen| seen.messages());
    assert_eq!((messages.len(), messages[0].text.clone()), (1, format!("{first}{second}")));
}

#[tokio::test]
async fn a_gsm7_text_goes_as_one_septet_a_byte() {
    let gate = Gate::new("").await;
    accepted(gate.submit("@Hi €[1]").await);
    let submit = gate.smsc.seen(|seen| seen.submits[0].clone());
    assert_eq!((submit.esm_class, submit.data_coding, submit.registered_delivery), (0, 0, 1));
    assert_eq!(hex(&submit.bytes), "004869201b651b3c311b3e");
    accepted(gate.submit(&"a".repeat(161)).await);
    let submits = gate.smsc.seen(|seen| seen.submits.clone());
    assert_eq!((submits[1].bytes.len(), submits[2].bytes.len()), (6 + 153, 6 + 8));
    assert_eq!((submits[1].esm_class, submits[1].bytes[3]), (0x40, submits[2].bytes[3]));
}

#[tokio::test]
async fn each_message_of_several_segments_has_a_reference_of_its_own() {
    let gate = Gate::new("").await;
    accepted(gate.submit(&"中".repeat(80)).await);
    accepted(gate.submit(&"中".repeat(80)).await);
    gate.smsc.seen(|seen| assert_ne!(seen.submits[0].bytes[3], seen.submits[2].bytes[3]));
}

#[tokio::test]
async fn an_extension_is_appended_to_the_service_number_and_a_plus_is_taken_off() {
    let gate = Gate::new("").await;
    let mut message = outgoing("+8613800000001", "好");
    message.extension = Some("0042".to_owned());
    accepted(gate.smpp.submit(&message).await);
    gate.smsc.seen(|seen| {
        assert_eq!((seen.submits[0].source.as_str(), seen.submits[0].destination.as_str()), ("106900010042", NUMBER));
    });
}

#[tokio::test]
async fn what_smpp_can_not_carry_is_refused_and_nothing_of_it_goes() {
    let gate = Gate::new("").await;
    for number in ["", "1380000000a", "张三", "123456789012345678901"] {
        let submitted = gate.smpp.submit(&outgoing(number, "好")).await;
        assert!(matches!(submitted, Submitted::Refused { fault: Fault::Number, .. }), "{submitted:?}");
    }
    let mut message = outgoing(NUMBER, "好");
    message.extension = Some("1".repeat(13));
    assert!(matches!(gate.smpp.submit(&message).await, Submitted::Refused { fault: Fault::Account, .. }));
    accepted(gate.submit("好").await);
    gate.smsc.seen(|seen| assert_eq!(seen.submits.len(), 1));
}

#[tokio::test]
async fn each_refusal_has_its_kind_and_its_code() {
    let gate = Gate::new("").await;
    for (status, fault) in
        [(0x0b, Fault::Number), (0x01, Fault::Text), (0x0a, Fault::Account), (0x45, Fault::Refused), (0x4ff, Fault::Refused)]
    {
        gate.smsc.script([Answer::Refuse(status)]);
        assert_eq!(gate.submit("好").await, Submitted::Refused { fault, code: format!("0x{status:08x}") });
    }
    gate.smsc.seen(|seen| assert!(seen.messages().is_empty()));
}

#[tokio::test]
async fn too_much_is_not_sent_and_nothing_goes_until_the_pause_is_over() {
    for answer in [Answer::Throttle, Answer::QueueFull] {
        let gate = Gate::new("throttle_seconds = 0.2").await;
        gate.smsc.script([answer]);
        let Submitted::NotSent { after, .. } = gate.submit("好").await else { panic!("not sent") };
        assert!(after <= Duration::from_millis(200) && after > Duration::from_millis(100), "{after:?}");
        assert!(matches!(gate.submit("另").await, Submitted::NotSent { why: "the SMSC said later", .. }));
        gate.smsc.seen(|seen| assert_eq!(seen.submits.len(), 1, "the second did not go at all"));
        tokio::time::sleep(after).await;
        accepted(gate.submit("好").await);
        gate.smsc.seen(|seen| assert_eq!(seen.count(NUMBER, "好"), 1));
    }
}

#[tokio::test]
async fn a_later_segment_that_is_too_much_is_waited_out_on_the_link() {
    let gate = Gate::new("").await;
    gate.smsc.script([Answer::Ok, Answer::Throttle, Answer::QueueFull, Answer::Throttle, Answer::Ok]);
    let text = "中".repeat(80);
    assert_eq!(accepted(gate.submit(&text).await).len(), 2);
    gate.smsc.seen(|seen| assert_eq!((seen.submits.len(), seen.count(NUMBER, &text)), (5, 1)));
}

#[tokio::test]
async fn a_later_segment_that_is_refused_or_never_let_in_leaves_a_partial_message() {
    let gate = Gate::new("rest_seconds = 0.1").await;
    let partial = |id: &str, code: &str| Submitted::Partial { ids: vec![id.to_owned()], code: code.to_owned() };
    gate.smsc.script([Answer::Ok, Answer::Refuse(0x0b)]);
    assert_eq!(gate.submit(&"中".repeat(80)).await, partial("2587", "0x0000000b"));
    gate.smsc.script([Answer::Ok]);
    gate.smsc.script([Answer::Throttle; 20]);
    assert_eq!(gate.submit(&"中".repeat(80)).await, partial("2588", "0x00000058"));
}

#[tokio::test]
async fn a_later_segment_without_an_answer_is_uncertain() {
    let gate = Gate::new("response_seconds = 0.2").await;
    gate.smsc.script([Answer::Ok, Answer::Silent]);
    assert!(matches!(gate.submit(&"中".repeat(80)).await, Submitted::Uncertain { .. }));
}

#[tokio::test]
async fn the_segments_that_were_answered_are_named_whatever_becomes_of_the_rest() {
    for (answers, taken) in [
        (vec![Answer::Silent], 0),
        (vec![Answer::Ok, Answer::CutAfter], 1),
        (vec![Answer::Ok, Answer::CutBefore], 1),
        (vec![Answer::Ok, Answer::Ok, Answer::Silent], 2),
    ] {
        let gate = Gate::new("response_seconds = 0.2").await;
        gate.smsc.script(answers.clone());
        let Submitted::Uncertain { ids, .. } = gate.submit(&"中".repeat(140)).await else { panic!("{answers:?}") };
        let known = gate.smsc.seen(|seen| seen.submits.iter().filter_map(|submit| submit.id.clone()).collect::<Vec<_>>());
        assert_eq!(ids, known[..taken], "{answers:?}");
    }
}

#[tokio::test]
async fn the_operators_signature_is_counted_and_not_submitted() {
    let gate = Gate::new("").await;
    let text = "中".repeat(68);
    let message = Outgoing { segments: Segments::signed("【青禾速运】", &text), ..outgoing(NUMBER, &text) };
    assert_eq!((message.segments.count(), gate.smpp.pieces(&message)), (2, Some(1)));
    assert_eq!(accepted(gate.smpp.submit(&message).await).len(), 1);
    gate.smsc.seen(|seen| assert_eq!((seen.submits.len(), seen.count(NUMBER, &text)), (1, 1)));
}

#[tokio::test]
async fn a_later_segment_waits_for_a_new_link() {
    let gate = Gate::new("").await;
    gate.smsc.script([Answer::Ok, Answer::Throttle]);
    let text = "中".repeat(80);
    let submitting = gate.submitting(NUMBER, &text);
    gate.smsc.until("the throttled segment", |seen| seen.submits.len() == 2).await;
    gate.smsc.cut();
    assert_eq!(accepted(submitting.await.unwrap()).len(), 2);
    gate.smsc.seen(|seen| assert_eq!((seen.binds.len(), seen.count(NUMBER, &text)), (2, 1)));
}

#[tokio::test]
async fn no_more_than_the_window_is_ever_without_an_answer() {
    let gate = Gate::new("window = 3\nenquire_seconds = 0.1").await;
    gate.smsc.script([Answer::Held; 10]);
    let submitting: Vec<_> = (0..10).map(|n| gate.submitting(NUMBER, &format!("no. {n}"))).collect();
    for (taken, enquiries) in [(3, 1), (6, 2), (9, 3), (10, 4)] {
        // The link has been silent for a while, so nothing else is on its way.
        let is_silent = |seen: &Seen| seen.submits.len() >= taken && seen.enquiries >= enquiries;
        gate.smsc.until("a full window, and silence", is_silent).await;
        gate.smsc.seen(|seen| assert_eq!(seen.submits.len(), taken));
        gate.smsc.release();
    }
    for submitted in submitting {
        accepted(submitted.await.unwrap());
    }
    gate.smsc.seen(|seen| assert_eq!(seen.most_unanswered, 3));
}

#[tokio::test]
async fn no_more_than_so_many_a_second_go() {
    let gate = Gate::new("per_second = 50").await;
    let began = Instant::now();
    let submitting: Vec<_> = (0..6).map(|n| gate.submitting(NUMBER, &format!("no. {n}"))).collect();
    for submitted in submitting {
        accepted(submitted.await.unwrap());
    }
    let last = gate.smsc.seen(|seen| seen.submits[5].at);
    assert!(last - began >= Duration::from_millis(100), "{:?}", last - began);
}
