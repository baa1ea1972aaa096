//! Receipts and customers' messages.

use doorstep_gateway::{Event, RawKind, ReceiptStatus, id_forms};
use doorstep_tests::smsc::{Answer, Ids, SmscOptions, hex, tlv, utf16};

use crate::gate::{Gate, NUMBER, accepted};

#[tokio::test]
async fn a_receipt_is_reported_and_acknowledged_once_it_is_durable() {
    let options = SmscOptions { receipt_ids: Ids::Hex, ..SmscOptions::default() };
    let mut gate = Gate::with(options, "").await;
    let ids = accepted(gate.submit("好").await);
    let delivery = gate.smsc.receipt(&ids[0], "DELIVRD", "000");
    let notice = gate.notice().await;
    gate.smsc.seen(|seen| assert!(seen.delivered.is_empty(), "not answered before it is durable"));
    let Event::Receipt(receipt) = notice.event.clone() else { panic!("{notice:?}") };
    assert_eq!((receipt.id.as_str(), receipt.status, receipt.code.as_str()), ("a1b", ReceiptStatus::Delivered, "000"));
    assert!(id_forms(&receipt.id).iter().any(|form| id_forms(&ids[0]).contains(form)));
    notice.acknowledge(true);
    assert_eq!(delivery.answer().await, Some(0));
}

#[tokio::test]
async fn receipts_name_a_message_in_any_spelling() {
    for (answer_ids, receipt_ids, spelled) in
        [(Ids::Decimal, Ids::Padded, "0000002587"), (Ids::Hex, Ids::Decimal, "2587"), (Ids::Padded, Ids::Hex, "a1b")]
    {
        let mut gate = Gate::with(SmscOptions { answer_ids, receipt_ids, ..SmscOptions::default() }, "").await;
        let ids = accepted(gate.submit("好").await);
        gate.smsc.receipt("2587", "UNDELIV", "012");
        let Event::Receipt(receipt) = gate.event().await else { panic!() };
        assert_eq!((receipt.id.as_str(), receipt.status, receipt.code.as_str()), (spelled, ReceiptStatus::Undelivered, "012"));
        assert!(id_forms(&ids[0]).iter().any(|form| id_forms(spelled).contains(form)), "{ids:?} {spelled}");
    }
}

#[tokio::test]
async fn a_receipt_may_come_before_the_answer_to_the_submit() {
    let mut gate = Gate::new("").await;
    gate.smsc.script([Answer::Held]);
    let submitting = gate.submitting(NUMBER, "好");
    gate.smsc.until("the submit", |seen| seen.submits.len() == 1).await;
    let delivery = gate.smsc.receipt("2587", "DELIVRD", "000");
    assert!(matches!(gate.event().await, Event::Receipt(receipt) if receipt.id == "2587"));
    assert_eq!(delivery.answer().await, Some(0));
    gate.smsc.release();
    assert_eq!(accepted(submitting.await.unwrap()), ["2587"]);
}

#[tokio::test]
async fn receipts_are_reported_as_often_and_in_the_order_as_they_come() {
    let mut gate = Gate::new("").await;
    for (id, stat) in [("2588", "DELIVRD"), ("2587", "EXPIRED"), ("2588", "DELIVRD")] {
        gate.smsc.receipt(id, stat, "000");
        let Event::Receipt(receipt) = gate.event().await else { panic!() };
        assert_eq!(receipt.id, id);
    }
}

#[tokio::test]
async fn a_receipt_without_a_text_is_read_from_the_fields_beside_it() {
    let mut gate = Gate::new("").await;
    let delivery = gate.smsc.receipt_fields("abc-7", 2);
    let Event::Receipt(receipt) = gate.event().await else { panic!() };
    assert_eq!((receipt.id.as_str(), receipt.status), ("abc-7", ReceiptStatus::Delivered));
    assert_eq!(delivery.answer().await, Some(0));
}

const SERVICE: &str = "10690001";

#[tokio::test]
async fn receipts_of_all_sorts_are_read_and_acknowledged() {
    let mut gate = Gate::new("").await;
    let text = b"id: 2587\r\nstat: MK:0001\r\nerr:\0".to_vec();
    let wide = utf16("ID:2587,SUB:001,DLVRD:000,STAT:MK:0001,ERR:,TEXT:您好");
    let fields = [tlv(0x001e, b"2587"), tlv(0x0427, &[5]), tlv(0x1403, b"vendor")].concat();
    for (class, coding, bytes, tlvs, code) in [
        (4, 0, &text, vec![], "MK:0001"),
        (0, 0, &text, vec![], "MK:0001"),
        (4, 8, &wide, vec![], "MK:0001"),
        (0, 8, &wide, vec![], "MK:0001"),
        (4, 3, &text, tlv(0x0427, &[5]), "MK:0001"),
        // An id without the zero byte that the specification asks for.
        (0, 0, &vec![], fields, ""),
    ] {
        let delivery = gate.smsc.delivery((NUMBER, SERVICE), (class, coding), bytes, &tlvs);
        let Event::Receipt(receipt) = gate.event().await else { panic!("{class} {coding}") };
        assert_eq!((receipt.id.as_str(), receipt.status), ("2587", ReceiptStatus::Undelivered));
        assert_eq!((receipt.code.as_str(), receipt.number.as_deref()), (code, Some(NUMBER)));
        assert_eq!(delivery.answer().await, Some(0));
    }
}

#[tokio::test]
async fn a_data_sm_is_read_like_a_deliver_sm() {
    let mut gate = Gate::new("").await;
    let fields = [tlv(0x001e, b"a1b\0"), tlv(0x0427, &[2])].concat();
    for tlvs in [fields, tlv(0x0424, b"id:a1b stat:DELIVRD")] {
        let delivery = gate.smsc.data((NUMBER, SERVICE), (4, 0), &tlvs);
        let Event::Receipt(receipt) = gate.event().await else { panic!() };
        assert_eq!((receipt.id.as_str(), receipt.status), ("a1b", ReceiptStatus::Delivered));
        assert_eq!((receipt.raw.kind, delivery.answer().await), (RawKind::DataSm, Some(0)));
    }
    let delivery = gate.smsc.data((NUMBER, SERVICE), (0, 8), &tlv(0x0424, &utf16("明天在家")));
    assert_eq!(text_of(gate.event().await).2, "明天在家");
    assert_eq!(delivery.answer().await, Some(0));
}

#[tokio::test]
async fn what_is_a_receipt_and_can_not_be_read_is_told_with_its_bytes_before_it_is_acknowledged() {
    let mut gate = Gate::new("").await;
    for (class, text) in [(4, &b"delivered"[..]), (4, b""), (4, b"id:7"), (0x20, &[0, 1, 0x9c, 0xff]), (0x10, b"read")] {
        let delivery = gate.smsc.delivery((NUMBER, SERVICE), (class, 0), text, &[]);
        let notice = gate.notice().await;
        let Event::Unread(unread) = notice.event.clone() else { panic!("{text:?}") };
        assert!(hex(&unread.raw.bytes).ends_with(&format!("{:02x}{}", text.len(), hex(text))), "{unread:?}");
        notice.acknowledge(false);
        assert_eq!(delivery.answer().await, Some(0x64), "it comes again");
    }
}

#[tokio::test]
async fn what_is_not_durable_is_answered_so_that_it_comes_again() {
    let mut gate = Gate::new("").await;
    let delivery = gate.smsc.receipt("2587", "DELIVRD", "000");
    gate.notice().await.acknowledge(false);
    assert_eq!(delivery.answer().await, Some(0x64));
    let delivery = gate.smsc.receipt("2587", "DELIVRD", "000");
    drop(gate.notice().await);
    assert_eq!(delivery.answer().await, Some(0x64));
    let delivery = gate.smsc.receipt("2587", "DELIVRD", "000");
    gate.event().await;
    assert_eq!(delivery.answer().await, Some(0));
}

#[tokio::test]
async fn a_receiver_that_takes_too_long_is_answered_for_so_that_it_comes_again() {
    let mut gate = Gate::new("response_seconds = 0.2").await;
    let delivery = gate.smsc.receipt("2587", "DELIVRD", "000");
    let notice = gate.notice().await;
    assert_eq!(delivery.answer().await, Some(0x64));
    notice.acknowledge(true);
}

#[tokio::test]
async fn a_receipt_that_was_not_acknowledged_when_the_link_died_comes_again() {
    let mut gate = Gate::new("").await;
    let delivery = gate.smsc.receipt("2587", "DELIVRD", "000");
    let notice = gate.notice().await;
    gate.smsc.cut();
    assert_eq!(delivery.answer().await, None);
    notice.acknowledge(true);
    gate.smsc.until("another bind", |seen| seen.binds.len() == 2).await;
    gate.bound().await;
    let delivery = gate.smsc.receipt("2587", "DELIVRD", "000");
    gate.event().await;
    assert_eq!(delivery.answer().await, Some(0));
}

#[tokio::test]
async fn a_slow_receiver_holds_up_neither_submits_nor_answers() {
    let mut gate = Gate::new("").await;
    let delivery = gate.smsc.receipt("2587", "DELIVRD", "000");
    let notice = gate.notice().await;
    gate.smsc.enquire_link();
    gate.smsc.until("that it lives", |seen| seen.alive == 1).await;
    accepted(gate.submit("好").await);
    notice.acknowledge(true);
    assert_eq!(delivery.answer().await, Some(0));
}

#[tokio::test]
async fn a_flood_of_deliveries_is_answered_later_beyond_a_bound() {
    let mut gate = Gate::new("").await;
    // 16 fill the channel of the test, others wait; none is acknowledged.
    let deliveries: Vec<_> = (0..70).map(|id| gate.smsc.receipt(&id.to_string(), "DELIVRD", "000")).collect();
    gate.smsc.until("six answers", |seen| seen.delivered == [0x64; 6]).await;
    for _ in 0..64 {
        gate.event().await;
    }
    let mut statuses = Vec::new();
    for delivery in deliveries {
        statuses.push(delivery.answer().await.unwrap());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 0).count(), 64);
}

fn text_of(event: Event) -> (String, String, String) {
    match event {
        Event::Inbound(inbound) => (inbound.from, inbound.to, inbound.text),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_customers_message_is_read_in_its_alphabet() {
    let mut gate = Gate::new("").await;
    let to = "106900010042";
    for (coding, bytes, text) in [
        (0x01, &b"TD"[..], "TD"),
        (0x08, &[0x90, 0x00, 0x8b, 0xa2], "退订"),
        (0x08, &[0x59, 0x7d, 0xd8, 0x3d, 0xdc, 0x4d], "好👍"),
        (0x00, &[0x00, 0x1b, 0x65, 0x35, 0x05], "@€5é"),
        (0x03, &[0x63, 0x61, 0x66, 0xe9], "café"),
        // GB18030, and UTF-8 under a wrong coding.
        (0x0f, &[0xcd, 0xcb, 0xb6, 0xa9], "退订"),
        (0x00, &[0xcd, 0xcb, 0xb6, 0xa9], "退订"),
        (0x00, "退订".as_bytes(), "退订"),
        (0x08, &[0x90, 0x00, 0x8b, 0xa2, 0x00, 0x00], "退订"),
    ] {
        let delivery = gate.smsc.inbound_bytes(NUMBER, to, 0, coding, bytes);
        assert_eq!(text_of(gate.event().await), (NUMBER.to_owned(), to.to_owned(), text.to_owned()));
        assert_eq!(delivery.answer().await, Some(0));
    }
    gate.smsc.inbound(NUMBER, to, "明天下午在家");
    assert_eq!(text_of(gate.event().await).2, "明天下午在家");
}

#[tokio::test]
async fn a_message_in_segments_is_joined_and_acknowledged_when_it_is_durable() {
    let mut gate = Gate::new("").await;
    let last = gate.smsc.inbound_part(NUMBER, "10690001", "下午在家", (9, 2, 2));
    let first = gate.smsc.inbound_part(NUMBER, "10690001", "明天", (9, 2, 1));
    let notice = gate.notice().await;
    gate.smsc.seen(|seen| assert!(seen.delivered.is_empty()));
    assert_eq!(text_of(notice.event.clone()).2, "明天下午在家");
    notice.acknowledge(true);
    assert_eq!((last.answer().await, first.answer().await), (Some(0), Some(0)));
}

#[tokio::test]
async fn a_delivery_that_can_not_be_read_is_refused_and_the_link_lives() {
    let mut gate = Gate::new("").await;
    let whole = [0, 0, 0, 20, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0x7f, 1, 0xff, 0xff, 0xff, 0xff];
    gate.smsc.raw(&whole);
    gate.smsc.until("the answer", |seen| seen.delivered == [0x65]).await;
    // It is kept all the same: it may have been a receipt.
    let Event::Unread(unread) = gate.event().await else { panic!() };
    assert_eq!((unread.why, &unread.raw.bytes[..]), ("malformed", &[0xff; 4][..]));
    accepted(gate.submit("好").await);
    gate.smsc.seen(|seen| assert_eq!(seen.binds.len(), 1));
}
