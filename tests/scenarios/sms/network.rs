//! What real gateways send: receipts in many forms, failures in many words, and what nobody can read.

use doorstep_client::{Act, SmsWish};
use doorstep_domain::{Body, SmsLevel};
use doorstep_rules::sms::Language;
use doorstep_tests::{
    on,
    smsc::{hex, tlv, utf16},
};
use sha2::{Digest, Sha256};

use super::*;

const SERVICE: &str = "10690001";
const CUSTOMER: &str = "8613800000002";

/// A message of parcel 2 that the operator has taken, with its id.
async fn sent(more: &str) -> (Smsc, World, Device, String) {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, more)).await;
    let phone = world.device("phone", "c1").await;
    fail_and_write(&phone, 2);
    assert!(until(&phone, 2, SmsState::Sent).await.counts());
    let id = smsc.seen(|seen| seen.submits[0].id.clone()).unwrap();
    (smsc, world, phone, id)
}

/// The words beside the states of a case's messages.
fn words(phone: &Device, n: u32) -> Vec<String> {
    let timeline = phone.case(n).unwrap().case.timeline;
    let words = timeline.iter().filter_map(|r| match &r.entry.body {
        Body::SmsReport(report) => report.words.as_ref()?.text().map(str::to_owned),
        _ => None,
    });
    words.collect()
}

fn replies(phone: &Device, n: u32) -> usize {
    only(&phone.client, n).replies.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_reach_their_message_in_every_form_that_gateways_write() {
    type Form = fn(&Smsc, &str) -> doorstep_tests::smsc::Delivery;
    let forms: [Form; 7] = [
        |smsc, id| smsc.inbound_bytes(CUSTOMER, SERVICE, 4, 0, format!("id: {id} sub: 001 stat: DELIVRD err: 000").as_bytes()),
        |smsc, id| smsc.inbound_bytes(CUSTOMER, SERVICE, 4, 0, format!("ID:{id},STAT:DELIVRD\0").as_bytes()),
        |smsc, id| smsc.inbound_bytes(CUSTOMER, SERVICE, 4, 8, &utf16(&format!("id:{id}\nstat:DELIVRD\ntext:您好"))),
        |smsc, id| smsc.inbound_bytes(CUSTOMER, SERVICE, 0, 0, format!("id:{id} stat:DELIVRD").as_bytes()),
        |smsc, id| smsc.delivery((CUSTOMER, SERVICE), (0, 0), b"", &[tlv(0x001e, id.as_bytes()), tlv(0x0427, &[2])].concat()),
        // The id of the text is another centre's.
        |smsc, id| smsc.delivery((CUSTOMER, SERVICE), (4, 0), b"id:ffff77 stat:DELIVRD", &tlv(0x001e, id.as_bytes())),
        |smsc, id| smsc.data((CUSTOMER, SERVICE), (4, 0), &tlv(0x0424, format!("id:{id} stat:DELIVRD").as_bytes())),
    ];
    for (at, form) in forms.into_iter().enumerate() {
        let (smsc, world, phone, id) = sent("").await;
        assert_eq!(form(&smsc, &id).answer().await, Some(0));
        let message = until(&phone, 2, SmsState::Delivered).await;
        assert_eq!((message.level, replies(&phone, 2)), (SmsLevel::Gateway, 0), "form {at}");
        assert_eq!(world.admin().receipts(9).unwrap(), [], "form {at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_in_any_word_counts_no_more_and_is_shown_with_its_code() {
    for (stat, err, shown) in [
        ("MK:0001", "", "MK:0001"),
        ("DB:0141", "000", "DB:0141 000"),
        ("REJECTD", "069", "069"),
        ("DELETED", "7", "7"),
        ("UNKNOWN", "000", "UNKNOWN 000"),
        ("GNOSTIC", "", "GNOSTIC"),
    ] {
        let (smsc, _world, phone, id) = sent("").await;
        assert_eq!(smsc.receipt(&id, stat, err).answer().await, Some(0));
        let message = until(&phone, 2, SmsState::Undelivered).await;
        assert_eq!((message.level, message.counts()), (SmsLevel::Failed, false), "{stat}");
        assert_eq!(words(&phone, 2), [shown], "{stat}");
        assert_eq!(message.fault == Some(SmsFault::Number), stat == "MK:0001");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_of_a_message_count_together() {
    for (stats, state) in [
        (["DELIVRD", "DELIVRD"], SmsState::Delivered),
        (["DELIVRD", "MI:0024"], SmsState::Undelivered),
        (["EXPIRED", "DELIVRD"], SmsState::Undelivered),
    ] {
        let smsc = smsc().await;
        let mut world = World::sending(smpp(&smsc, "")).await;
        let phone = world.device("phone", "c1").await;
        phone.fail(2, "DF-NOBODY").unwrap();
        let wish = SmsWish { language: Some(Language::En), ..SmsWish::default() };
        phone.client.record(&on(waybill(2), Act::Sms { wish, state: None, fault: None }), &[]).unwrap();
        until(&phone, 2, SmsState::Sent).await;
        let ids: Vec<String> = smsc.seen(|seen| seen.submits.iter().filter_map(|submit| submit.id.clone()).collect());
        assert!(ids.len() > 1, "a text of one part proves nothing here");
        // All but the last one.
        for id in &ids[1..] {
            smsc.receipt(id, stats[0], "000").answer().await.unwrap();
        }
        let early = if stats[0] == "DELIVRD" { SmsState::Sent } else { SmsState::Undelivered };
        assert_eq!(until(&phone, 2, early).await.state, early);
        smsc.receipt(&ids[0], stats[1], "000").answer().await.unwrap();
        assert_eq!(until(&phone, 2, state).await.counts(), state == SmsState::Delivered, "{stats:?}");
        phone.agrees_with(&world, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_read_is_listed_with_its_bytes_and_is_nobodys_answer() {
    let (smsc, world, phone, id) = sent("").await;
    let torn = format!("id:{id} sub:001 dlvrd:001 done date:2611251201");
    for (class, bytes) in [(4, torn.as_bytes()), (4, "送达".as_bytes()), (4, b""), (0x20, b"\x00\x01\x02"), (0x10, b"read")] {
        for _ in 0..2 {
            assert_eq!(smsc.inbound_bytes(CUSTOMER, SERVICE, class, 0, bytes).answer().await, Some(0));
        }
        let newest = world.admin().receipts(9).unwrap().remove(0);
        assert_eq!((newest.status.as_str(), newest.kind.as_str(), newest.provider_id.as_str()), ("unread", "deliver_sm", ""));
        assert!(newest.bytes.ends_with(&hex(bytes)) && newest.why.is_some(), "{newest:?}");
    }
    assert_eq!(world.admin().receipts(9).unwrap().len(), 5, "the same again is one");
    phone.sync().await.unwrap();
    assert_eq!((only(&phone.client, 2).state, replies(&phone, 2)), (SmsState::Sent, 0));
    assert!(world.admin().inbound(true, 9).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_bytes_of_a_receipt_are_none_is_lost() {
    let (smsc, world, _phone, _id) = sent("").await;
    let mut wanted = Vec::new();
    for n in 0_u32..150 {
        let noise = Sha256::digest(n.to_be_bytes());
        let noise = &noise[..usize::from(noise[0] % 33)];
        // Noise alone, and noise at each end of a receipt that names no message.
        let bytes = match n % 3 {
            0 => noise.to_vec(),
            1 => [noise, format!(" id:9{n:05} stat:DELIVRD").as_bytes()].concat(),
            _ => [format!("id:8{n:05} stat:UNDELIV err:").as_bytes(), noise].concat(),
        };
        let class = [0x04, 0x20, 0x44][(n % 7) as usize % 3];
        assert_eq!(smsc.inbound_bytes("8613900000009", SERVICE, class, (n % 16) as u8, &bytes).answer().await, Some(0), "{n}");
        wanted.push(format!("{:02x}{}", bytes.len(), hex(&bytes)));
    }
    let kept = world.admin().receipts(999).unwrap();
    for bytes in &wanted {
        assert!(kept.iter().any(|row| row.bytes.ends_with(bytes)), "{bytes}");
    }
    assert!(kept.iter().any(|row| row.status == "unread") && kept.iter().any(|row| row.status == "delivered"));
    assert!(world.admin().inbound(true, 9).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_anybody_could_have_written_counts_only_for_messages_to_its_number() {
    let (smsc, world, phone, id) = sent("").await;
    let text = format!("id:{id} stat:DELIVRD err:000");
    // A courier's own phone writes to the service number.
    for from in ["8613999999999", "", SERVICE] {
        assert_eq!(smsc.inbound_bytes(from, SERVICE, 0, 0, text.as_bytes()).answer().await, Some(0));
    }
    phone.sync().await.unwrap();
    assert_eq!(only(&phone.client, 2).state, SmsState::Sent);
    assert_eq!(world.admin().receipts(9).unwrap().len(), 3, "kept for a person");
    assert!(world.admin().inbound(true, 9).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_read_in_the_codings_of_operators_and_their_bytes_are_kept() {
    let gb = [0xb7, 0xc5, 0xc3, 0xc5, 0xbf, 0xda];
    let (smsc, world, phone, _id) = sent("").await;
    for (at, (coding, bytes)) in
        [(15, &gb[..]), (0, &gb[..]), (0, "放门口".as_bytes()), (8, &utf16("放门口\0"))].into_iter().enumerate()
    {
        // The same words soon after are the same message.
        world.hands.advance(11);
        assert_eq!(smsc.inbound_bytes(CUSTOMER, SERVICE, 0, coding, bytes).answer().await, Some(0));
        phone.sync().await.unwrap();
        assert_eq!(replies(&phone, 2), at + 1, "{coding}");
    }
    let timeline = phone.case(2).unwrap().case.timeline;
    let heard =
        timeline.iter().filter(|r| matches!(&r.entry.body, Body::SmsReply(reply) if reply.words.text() == Some("放门口")));
    assert_eq!(heard.count(), 4);
    // A language whose tables are not known here: what is readable is shown, with the bytes.
    let hindi = [&[3, 0x25, 1, 6][..], &[0x01, 0x02, b'4', b'2']].concat();
    assert_eq!(smsc.inbound_bytes("8613000000000", SERVICE, 0x40, 0, &hindi).answer().await, Some(0));
    // Another one that looks the same is another one.
    let other = [&[3, 0x25, 1, 6][..], &[0x02, 0x01, b'4', b'2']].concat();
    assert_eq!(smsc.inbound_bytes("8613000000000", SERVICE, 0x40, 0, &other).answer().await, Some(0));
    let open = world.admin().inbound(false, 9).unwrap();
    assert_eq!((open.len(), open[0].raw.clone()), (2, Some((0, hex(&other)))));
    assert_eq!((open[1].words.as_deref(), open[1].raw.clone()), (Some("\u{fffd}\u{fffd}42"), Some((0, hex(&hindi)))));
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_refusal_are_heard_in_the_codings_of_operators() {
    for (coding, bytes) in
        [(15, &[0xcd, 0xcb, 0xb6, 0xa9][..]), (0, "退订".as_bytes()), (8, &utf16("ＴＤ")), (0, b"R"), (1, b"t "), (3, b"TD\0")]
    {
        let (smsc, _world, phone, _id) = sent("").await;
        assert_eq!(smsc.inbound_bytes(CUSTOMER, SERVICE, 0, coding, bytes).answer().await, Some(0));
        phone.sync().await.unwrap();
        assert!(flags(&phone.client, 2).contains(&Flag::SmsOptOut), "{coding} {bytes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_receipt_of_an_unknown_id_does_not_make_an_uncertain_message_sent() {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "response_seconds = 0.2")).await;
    let phone = world.device("phone", "c1").await;
    smsc.script([doorstep_tests::smsc::Answer::Silent]);
    fail_and_write(&phone, 2);
    until(&phone, 2, SmsState::Uncertain).await;
    smsc.until("another link", |seen| seen.binds.len() == 2).await;
    for stat in ["UNDELIV", "MK:0001", "UNKNOWN"] {
        assert_eq!(smsc.receipt_to(CUSTOMER, "777777", stat, "000").answer().await, Some(0));
        phone.sync().await.unwrap();
        assert_eq!(only(&phone.client, 2).state, SmsState::Uncertain, "{stat}");
    }
    assert_eq!(world.admin().receipts(9).unwrap().len(), 3);
    assert_eq!(smsc.receipt_to(CUSTOMER, "777777", "DELIVRD", "000").answer().await, Some(0));
    until(&phone, 2, SmsState::Sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_does_not_exist_is_heard_in_whatever_field_the_network_says_it() {
    type Said = (&'static str, &'static str, Option<[u8; 3]>, bool, &'static str);
    let receipts: [Said; 6] = [
        ("MK:0001", "000", None, true, "MK:0001 000"),
        ("UNDELIV", "000", Some([3, 0, 1]), true, "000 3:1"),
        ("UNDELIV", "001", Some([3, 0, 0]), true, "001 3:0"),
        ("mk:0001", "7", None, true, "mk:0001 7"),
        ("UNDELIV", "000", Some([3, 0, 27]), false, "000 3:27"),
        ("MK:0012", "0", None, false, "MK:0012 0"),
    ];
    for (stat, err, beside, is_number, shown) in receipts {
        let (smsc, _world, phone, id) = sent("").await;
        let text = format!("id:{id} sub:001 dlvrd:000 stat:{stat} err:{err} text:");
        let fields = beside.map(|code| tlv(0x0423, &code)).unwrap_or_default();
        assert_eq!(smsc.delivery((CUSTOMER, SERVICE), (4, 0), text.as_bytes(), &fields).answer().await, Some(0));
        let message = until(&phone, 2, SmsState::Undelivered).await;
        assert_eq!(message.fault == Some(SmsFault::Number), is_number, "{stat} {err} {beside:?}");
        assert_eq!(words(&phone, 2), [shown]);
    }
}
