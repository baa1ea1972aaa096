//! The gateway on two SMSCs that nobody here wrote. Without them (see tests/peers/smsc) each test says so.

use doorstep_gateway::{Event, Fault, LinkState, Provider, ReceiptStatus, Submitted, id_forms};
use doorstep_tests::smsc::Certificate;
use serde_json::json;

use crate::{
    gate::{NUMBER, accepted, outgoing},
    peer::{Peer, programs},
};

#[tokio::test]
async fn a_foreign_smsc_reads_a_chinese_text_and_its_bytes_are_these() {
    for program in programs() {
        let mut peer = Peer::start(&program, &[], "").await;
        let bind = peer.saw("bind").await;
        assert_eq!(
            (&bind["command"], &bind["system_id"], &bind["ok"]),
            (&json!("bind_transceiver"), &json!("doorstep"), &json!(true))
        );
        peer.bound().await;
        let ids = accepted(peer.smpp.submit(&outgoing(NUMBER, "您好,单号123")).await);
        let seen = peer.saw("submit").await;
        assert_eq!(ids, [seen["message_id"].as_str().unwrap()]);
        for (field, value) in [
            ("source_addr", json!("10690001")),
            ("destination_addr", json!(NUMBER)),
            ("esm_class", json!(0)),
            ("data_coding", json!(8)),
            ("registered_delivery", json!(1)),
            ("validity_period", json!("000001000000000R")),
            ("short_message", json!("60a8597d002c535553f7003100320033")),
            ("status", json!(0)),
        ] {
            assert_eq!(seen[field], value, "{field} of {}", program.0);
        }
        // Our own SMSC got these bytes too: `submit.rs`.
        let pdu = "00000056000000040000000000000002000000313036393030303100\
                   0101383631333830303030303030310000000000303030303031303030303030303030520001000800\
                   1060a8597d002c535553f7003100320033";
        if let Some(seen) = seen["pdu"].as_str() {
            assert_eq!(seen, pdu, "{}", program.0);
        }
    }
}

#[tokio::test]
async fn a_foreign_smsc_gets_two_segments_tied_by_a_header() {
    for program in programs() {
        let mut peer = Peer::start(&program, &[], "").await;
        peer.bound().await;
        let text = format!("{}{}", "中".repeat(67), "文".repeat(4));
        assert_eq!(accepted(peer.smpp.submit(&outgoing(NUMBER, &text)).await).len(), 2);
        let mut tails = Vec::new();
        let mut references = Vec::new();
        for number in ["01", "02"] {
            let seen = peer.saw("submit").await;
            assert_eq!(seen["esm_class"], 0x40);
            let bytes = seen["short_message"].as_str().unwrap().to_owned();
            assert_eq!((&bytes[..6], &bytes[8..12]), ("050003", format!("02{number}").as_str()));
            references.push(bytes[6..8].to_owned());
            tails.push(bytes[12..].to_owned());
        }
        assert_eq!(tails, ["4e2d".repeat(67), "6587".repeat(4)]);
        assert_eq!(references[0], references[1]);
    }
}

#[tokio::test]
async fn receipts_of_a_foreign_smsc_come_early_or_late_in_any_spelling_and_are_acknowledged() {
    for program in programs() {
        for (receipts, ids) in [("early", "dec"), ("auto", "hex"), ("auto", "padded")] {
            let mut peer = Peer::start(&program, &["--receipts", receipts, "--ids", ids], "").await;
            peer.bound().await;
            let accepted = accepted(peer.smpp.submit(&outgoing(NUMBER, "好")).await);
            let notice = peer.notice().await;
            let Event::Receipt(receipt) = notice.event.clone() else { panic!("{notice:?}") };
            assert_eq!(receipt.status, ReceiptStatus::Delivered);
            assert!(id_forms(&receipt.id).iter().any(|form| id_forms(&accepted[0]).contains(form)), "{receipt:?}");
            notice.acknowledge(true);
            let answered = peer.saw("deliver_resp").await;
            assert_eq!((&answered["what"], &answered["status"]), (&json!("receipt"), &json!(0)), "{}", program.0);
        }
    }
}

#[tokio::test]
async fn what_a_foreign_smsc_delivers_is_answered_by_whether_it_is_durable() {
    for program in programs() {
        let mut peer = Peer::start(&program, &[], "").await;
        peer.bound().await;
        let ids = accepted(peer.smpp.submit(&outgoing(NUMBER, "好")).await);
        peer.tell(json!({ "do": "receipt", "message_id": ids[0], "stat": "UNDELIV", "err": "012" })).await;
        let notice = peer.notice().await;
        assert!(
            matches!(&notice.event, Event::Receipt(receipt) if receipt.status == ReceiptStatus::Undelivered && receipt.code == "012")
        );
        notice.acknowledge(false);
        assert_eq!(peer.saw("deliver_resp").await["status"], 0x64, "{}", program.0);
        for text in ["好的", "TD"] {
            peer.tell(json!({ "do": "inbound", "from": NUMBER, "to": "106900010042", "text": text })).await;
            let notice = peer.notice().await;
            let Event::Inbound(inbound) = notice.event.clone() else { panic!() };
            assert_eq!((inbound.from.as_str(), inbound.to.as_str(), inbound.text.as_str()), (NUMBER, "106900010042", text));
            notice.acknowledge(true);
            let answered = peer.saw("deliver_resp").await;
            assert_eq!((&answered["what"], &answered["status"]), (&json!("inbound"), &json!(0)), "{}", program.0);
        }
    }
}

#[tokio::test]
async fn answers_of_a_foreign_smsc_have_their_meanings() {
    for program in programs() {
        let mut peer = Peer::start(&program, &[], "").await;
        peer.bound().await;
        for answer in ["throttle", "queue_full"] {
            peer.script(&[answer]).await;
            let Submitted::NotSent { after, .. } = peer.smpp.submit(&outgoing(NUMBER, "好")).await else { panic!() };
            assert_ne!(peer.saw("submit").await["status"], 0);
            tokio::time::sleep(after).await;
        }
        peer.script(&["refuse"]).await;
        let refused = Submitted::Refused { fault: Fault::Number, code: "0x0000000b".to_owned() };
        assert_eq!(peer.smpp.submit(&outgoing(NUMBER, "好")).await, refused);
        // A later segment is waited for.
        peer.script(&["ok", "throttle", "ok"]).await;
        assert_eq!(accepted(peer.smpp.submit(&outgoing(NUMBER, &"中".repeat(80))).await).len(), 2, "{}", program.0);
    }
}

#[tokio::test]
async fn links_to_a_foreign_smsc_that_end_in_a_submit_leave_it_uncertain() {
    for program in programs() {
        let mut peer = Peer::start(&program, &[], "response_seconds = 2").await;
        peer.saw("bind").await;
        peer.bound().await;
        for (answer, is_taken) in [("cut_before", false), ("cut_after", true), ("silent", true)] {
            peer.script(&[answer]).await;
            let submitted = peer.smpp.submit(&outgoing(NUMBER, "好")).await;
            assert!(matches!(submitted, Submitted::Uncertain { .. }), "{} {answer}: {submitted:?}", program.0);
            if is_taken {
                assert_eq!(peer.saw("submit").await["status"], json!(null));
            }
            peer.saw("close").await;
            peer.saw("bind").await;
            peer.bound().await;
        }
        accepted(peer.smpp.submit(&outgoing(NUMBER, "另")).await);
        assert_eq!(peer.saw("submit").await["short_message"], "53e6", "none was tried again");
    }
}

#[tokio::test]
async fn an_unbind_and_a_cut_of_a_foreign_smsc_are_followed_by_a_new_bind() {
    for program in programs() {
        let mut peer = Peer::start(&program, &[], "").await;
        peer.saw("bind").await;
        for order in ["unbind", "cut"] {
            peer.bound().await;
            peer.tell(json!({ "do": order })).await;
            peer.saw("close").await;
            peer.saw("bind").await;
        }
        peer.bound().await;
        accepted(peer.smpp.submit(&outgoing(NUMBER, "好")).await);
    }
}

#[tokio::test]
async fn a_foreign_smsc_and_the_gateway_tell_each_other_that_they_live() {
    for program in programs() {
        let mut peer = Peer::start(&program, &[], "enquire_seconds = 0.1").await;
        peer.bound().await;
        peer.saw("enquire_link").await;
        peer.saw("enquire_link").await;
        assert_eq!(*peer.smpp.link().borrow(), LinkState::Bound);
        peer.tell(json!({ "do": "enquire_link" })).await;
        peer.saw("enquire_link_resp").await;
    }
}

#[tokio::test]
async fn a_foreign_smsc_refuses_a_wrong_password_and_sees_the_gateway_leave() {
    for program in programs() {
        let peer = Peer::start(&program, &["--password", "other"], "").await;
        let down = peer.until(|state| matches!(state, LinkState::Down { .. })).await;
        assert!(matches!(down, LinkState::Down { code: Some(0x0e), .. }), "{} {down:?}", program.0);
        let mut peer = Peer::start(&program, &[], "").await;
        peer.bound().await;
        peer.smpp.stop().await;
        peer.saw("unbind").await;
        peer.saw("close").await;
    }
}

#[tokio::test]
async fn a_foreign_smsc_talks_tls_and_one_of_another_authority_is_refused() {
    for program in programs() {
        let mut certificate = Certificate::new();
        let mut peer = Peer::with_tls(&program, &certificate).await;
        peer.bound().await;
        accepted(peer.smpp.submit(&outgoing(NUMBER, "好")).await);
        assert_eq!(peer.saw("submit").await["short_message"], "597d");
        certificate.ca = Certificate::new().ca;
        let peer = Peer::with_tls(&program, &certificate).await;
        let down = peer.until(|state| matches!(state, LinkState::Down { .. })).await;
        assert!(matches!(down, LinkState::Down { why: "TLS: the SMSC's certificate is not trusted", .. }), "{down:?}");
    }
}
