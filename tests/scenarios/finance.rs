//! Outlet finance: it reads the money cases of its outlet, gets its task after the reply, sees the letter and writes the ledger. And
//! acts that would not count, or that end a case too early, are refused before they are recorded.

use doorstep_client::{Act, ClientError, NewPhoto, Premature, Recording, Refusal};
use doorstep_document::{Change, NewEntry, Position};
use doorstep_domain::{
    Body, Book, Correction, Customer, Fault, Fen, Kind, Ledger, Outage, OutageReason, Payer, PhotoPurpose, Reply, Tick,
};
use doorstep_rules::{DutyKind, Side};
use doorstep_tests::{Device, World, code, draw, ended, failed, first_entry, on, problem, text, waybill};

const QINGHE_2: &[u8] = include_bytes!("../../core/rules/packs/qinghe-2.toml");

/// A world whose head office has published the second version of the rules, and finance of both outlets.
async fn world() -> World {
    let mut world = World::new().await;
    let mut admin = world.admin();
    admin.user("f1", "钱会计", "outlet_finance", "0571").unwrap();
    admin.user("f2", "孙会计", "outlet_finance", "0412").unwrap();
    admin.publish_pack(QINGHE_2, world.hands.now()).unwrap();
    world.hands.advance(3 * 60);
    // The server turns its pages with the clock of its requests.
    world.restart_server().await;
    world
}

fn line(n: u32, change: &str, fen: i64) -> Recording {
    let line = Ledger { book: Book::Cod, change: code(change), amount: Some(Fen(fen)), letter: None, slip: false, words: None };
    on(waybill(n), Act::Ledger(line))
}

fn pay_change() -> Reply {
    Reply { agreed_by: Some(Customer::Sender), agreed: Some(text("陈掌柜")), ..Reply::of(code("PAY_CHANGE")) }
}

fn premature(refused: Result<doorstep_client::Outcome, ClientError>) -> Premature {
    match refused.unwrap_err() {
        ClientError::Refused(Refusal::Premature(premature)) => premature,
        other => panic!("{other:?}"),
    }
}

/// The duties of finance in a case, as a device shows them.
fn of_finance(device: &Device, n: u32) -> Vec<DutyKind> {
    let judged = device.case(n).unwrap().judgement;
    judged.duties.iter().filter(|duty| duty.side == Side::Finance).map(|duty| duty.kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn finance_of_the_origin_outlet_sees_the_letter_writes_the_ledger_and_reads_the_days_totals() {
    let mut world = world().await;
    let (tablet, origin) = (world.device("tablet", "s1").await, world.device("origin", "o1").await);
    let (finance, other) = (world.device("finance", "f1").await, world.device("other", "f2").await);
    tablet.client.record(&on(waybill(2), problem("MN-COD", None)), &[]).unwrap();
    tablet.notice(2).unwrap();
    tablet.sync().await.unwrap();
    world.hands.advance(10);
    origin.sync().await.unwrap();
    finance.sync().await.unwrap();
    assert_eq!(of_finance(&finance, 2), [], "nothing is to be entered before the reply");

    // A change of COD money needs the letter.
    let reply = on(waybill(2), Act::Reply(pay_change()));
    let lacks = premature(origin.client.record(&reply, &[]));
    assert_eq!(lacks, Premature::ReplyLacks { needs: vec!["letter".into()] });
    assert_eq!(origin.case(2).unwrap().case.of_kind(Kind::Reply).count(), 0, "nothing was recorded");
    let tick = on(waybill(2), Act::Tick(Tick { step: code("verify_letter"), words: None }));
    origin.client.record(&tick, &[]).unwrap();
    origin.client.record(&reply, &[NewPhoto::new(draw(5, 640, 480), PhotoPurpose::Letter)]).unwrap();
    origin.sync().await.unwrap();
    world.hands.advance(10);
    finance.sync().await.unwrap();
    assert_eq!(of_finance(&finance, 2), [DutyKind::Ledger]);
    let view = finance.case(2).unwrap();
    let letter = view.case.of_kind(Kind::Photo).find_map(|r| match &r.entry.body {
        Body::Photo(photo) if photo.purpose == PhotoPurpose::Letter => Some(photo.id),
        _ => None,
    });
    assert!(finance.client.photo(letter.unwrap()).await.unwrap().is_some(), "finance sees the letter");

    let written = finance.client.record(&line(2, "cod_change", 5_000), &[]).unwrap();
    let ledgers = finance.client.ledgers(None, None, None).unwrap();
    assert_eq!((ledgers.lines.len(), ledgers.lines[0].accepted), (1, false), "before the next sync too");
    assert_eq!(ledgers.lines[0].case, written.written[0].case);
    finance.sync().await.unwrap();
    assert_eq!(of_finance(&finance, 2), []);

    // A wrong line is taken back: shown, and not counted.
    world.hands.advance(1);
    finance.client.record(&line(2, "paid_out", 77), &[]).unwrap();
    let wrong = finance.client.ledgers(None, None, None).unwrap().lines[1].entry.clone();
    let correction = Correction { of: wrong, fault: Fault::IncorrectData, same_as: None, words: text("记错") };
    finance.client.record(&on(waybill(2), Act::Correct { correction, instead: None }), &[]).unwrap();
    world.hands.advance(24 * 60);
    finance.client.record(&line(2, "paid_out", 5_000), &[]).unwrap();
    finance.sync().await.unwrap();
    origin.sync().await.unwrap();
    for device in [&finance, &origin] {
        let read = device.client.ledgers(Some("2026-03-02"), Some("2026-03-03"), Some(Book::Cod)).unwrap();
        assert_eq!(read.lines.iter().map(|line| line.taken_back.is_some()).collect::<Vec<_>>(), [false, true, false]);
        assert!(
            read.lines.iter().all(|line| line.accepted && line.waybill.as_str() == waybill(2) && line.by.user.as_str() == "f1")
        );
        let sums = |totals: &[doorstep_client::LedgerTotal]| -> Vec<(String, i64, u32)> {
            totals.iter().map(|total| (total.change.to_string(), total.amount.0, total.lines)).collect()
        };
        assert_eq!(sums(&read.by_day), [("cod_change".to_owned(), 5_000, 1), ("paid_out".to_owned(), 5_000, 1)]);
        assert_eq!(sums(&read.totals), sums(&read.by_day));
        assert_eq!(device.client.ledgers(Some("2026-03-02"), None, None).unwrap().lines.len(), 2);
        assert_eq!(device.client.ledgers(None, Some("2026-03-03"), None).unwrap().lines.len(), 1);
        assert_eq!(device.client.ledgers(Some("2026-03-02"), Some("2026-03-03"), Some(Book::FreightCollect)).unwrap().lines, []);
        assert_eq!(device.client.ledgers(Some("2026-03-04"), None, None).unwrap().lines, []);
    }
    // The other outlet reads the case and has no line of its own in it.
    other.sync().await.unwrap();
    assert_eq!(other.case(2).unwrap().case.of_kind(Kind::Ledger).count(), 3);
    assert_eq!(other.client.ledgers(Some("2026-03-01"), Some("2026-03-31"), None).unwrap().lines, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_with_cod_is_not_signed_for_before_its_money_is_handed_in_unless_the_courier_insists() {
    let mut world = world().await;
    let (phone, finance) = (world.device("phone", "c1").await, world.device("finance", "f2").await);
    for n in [0, 2, 4] {
        phone.fail(n, "DF-NOBODY").unwrap();
    }
    phone.sync().await.unwrap();
    let signed = |n: u32| ended(waybill(n), "SIGNED", None);
    phone.client.record(&signed(0), &[]).unwrap();
    assert_eq!(premature(phone.client.record(&signed(2), &[])), Premature::NotHandedIn { due: Fen(200) });
    assert_eq!(phone.case(2).unwrap().case.of_kind(Kind::Close).count(), 0);
    phone.client.record_anyway(&signed(2), &[]).unwrap();
    finance.sync().await.unwrap();
    finance.client.record(&line(4, "collected", 400), &[]).unwrap();
    finance.sync().await.unwrap();
    phone.sync().await.unwrap();
    phone.client.record(&signed(4), &[]).unwrap();
    assert!(matches!(phone.client.ledgers(None, None, None), Err(ClientError::Refused(Refusal::NoLedger))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_whose_return_is_ordered_is_not_signed_for_unless_the_courier_insists() {
    let mut world = World::new().await;
    let (phone, origin) = (world.device("phone", "c1").await, world.device("origin", "o1").await);
    phone.client.record(&failed(waybill(2), "DF-REFUSE"), &[]).unwrap();
    phone.notice(2).unwrap();
    phone.sync().await.unwrap();
    world.hands.advance(10);
    origin.sync().await.unwrap();
    let (agreed_by, payer) = (Some(Customer::Sender), Some(Payer::Sender));
    let returned = Reply { agreed_by, payer, ..Reply::of(code("RETURN")) };
    origin.client.record(&on(waybill(2), Act::Reply(returned)), &[]).unwrap();
    origin.sync().await.unwrap();
    world.hands.advance(10);
    phone.sync().await.unwrap();
    let refused = premature(phone.client.record(&ended(waybill(2), "SIGNED", None), &[]));
    assert!(matches!(&refused, Premature::AgainstReply { decision } if decision.zh == "退回"), "{refused:?}");
    assert_eq!(phone.case(2).unwrap().case.of_kind(Kind::Close).count(), 0);
    phone.client.record_anyway(&ended(waybill(2), "SIGNED", None), &[]).unwrap();
    assert_eq!(phone.case(2).unwrap().judgement.conflicts.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_notice_and_a_reply_that_would_not_count_name_all_that_is_missing() {
    let mut world = World::new().await;
    let (phone, origin) = (world.device("phone", "c1").await, world.device("origin", "o1").await);
    phone.fail(2, "DF-NOBODY").unwrap();
    let outage = |contact: Option<&str>, number: Option<&str>| {
        let (contact, phone) = (contact.map(text), number.map(text));
        on(
            waybill(2),
            Act::Outage(Outage { reason: OutageReason::Network, contact, phone, phoned_at: None, outlet: None, said: None }),
        )
    };
    for (contact, number, needs) in [
        (None, None, vec!["contact", "phone"]),
        (Some("吴客服"), None, vec!["phone"]),
        (None, Some("0571-88000000"), vec!["contact"]),
    ] {
        assert_eq!(premature(phone.client.record(&outage(contact, number), &[])), Premature::OutageLacks { needs });
    }
    phone.client.record(&outage(Some("吴客服"), Some("0571-88000000")), &[]).unwrap();
    phone.client.record_anyway(&outage(None, None), &[]).unwrap();
    phone.notice(2).unwrap();
    phone.sync().await.unwrap();
    origin.sync().await.unwrap();
    let reply = |reply: Reply| on(waybill(2), Act::Reply(reply));
    for (bare, needs) in [
        (Reply::of(code("REDELIVER")), vec!["phone|address|contact|same"]),
        (Reply::of(code("WAIT")), vec!["until", "words"]),
        (Reply { words: Some(text("等")), ..Reply::of(code("WAIT")) }, vec!["until"]),
    ] {
        let needs = needs.into_iter().map(str::to_owned).collect();
        assert_eq!(premature(origin.client.record(&reply(bare), &[])), Premature::ReplyLacks { needs });
    }
    origin.client.record_anyway(&reply(Reply::of(code("WAIT"))), &[]).unwrap();
    assert_eq!(origin.case(2).unwrap().case.of_kind(Kind::Reply).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outlet_that_sent_a_parcel_reads_its_case_by_what_others_write_and_not_by_its_own_line_or_reply() {
    let mut world = world().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    let (finance, origin) = (world.device("finance", "f1").await, world.device("origin", "o1").await);
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    let refused = finance.client.record(&line(2, "paid_out", 100), &[]).unwrap_err();
    assert!(matches!(refused, ClientError::Refused(Refusal::NotNotified)), "{refused:?}");
    // A device that does not check it writes into a case that its outlet does not read.
    let own = finance.client.identity().unwrap().unwrap();
    let Act::Ledger(paid) = line(2, "paid_out", 100).act else { panic!() };
    let entry = NewEntry { author: own.author, body: Body::Ledger(paid), ..first_entry(2, "c1") };
    let change = Change::write(&finance.id(2), &own.install, &Position::default(), &[entry]).unwrap();
    let ack = finance.push_by_hand(&world, &[(finance.id(2), &[change.bytes()])]).await.unwrap();
    assert_eq!(ack.cases[0].quarantined, [], "the policy lets finance write");
    let entries = |device: &Device| device.case(2).map_or(0, |view| view.case.timeline.len());
    finance.sync().await.unwrap();
    origin.sync().await.unwrap();
    assert_eq!((entries(&finance), entries(&origin)), (0, 0), "and read nothing by it");
    tablet.sync().await.unwrap();
    tablet.notice(2).unwrap();
    tablet.sync().await.unwrap();
    finance.sync().await.unwrap();
    origin.sync().await.unwrap();
    assert_eq!((entries(&finance), entries(&origin)), (3, 3), "a notice tells it");
}
