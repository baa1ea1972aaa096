//! The server dies at each point around a submission: what its folder held then is what the next one starts from. A message reaches the
//! SMSC at most once, and what nobody knows is listed.

use doorstep_tests::smsc::{Answer, BindAnswer, Receipts};

use super::*;

/// A server whose SMSC lets nobody bind yet, and a message that waits for it.
async fn waiting() -> (Smsc, World, Device) {
    let smsc = smsc().await;
    smsc.script_binds(std::iter::repeat_n(BindAnswer::Cut, 100_000));
    let mut world = World::sending(smpp(&smsc, "")).await;
    let phone = world.device("phone", "c1").await;
    fail_and_write(&phone, 2);
    phone.sync().await.unwrap();
    assert_eq!(only(&phone.client, 2).state, SmsState::Offered);
    (smsc, world, phone)
}

/// What the first steps of a gateway that died leave behind, on a copy of its folder.
fn leave_behind(folder: &std::path::Path, sql: &str) {
    let db = rusqlite::Connection::open(folder.join("doorstep-server.db")).unwrap();
    assert_eq!(db.execute(sql, []).unwrap(), 1);
}

fn arrived(smsc: &Smsc) -> usize {
    smsc.seen(|seen| seen.messages().len())
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_lease_it_is_sent_by_the_next() {
    let (smsc, mut world, phone) = waiting().await;
    let left = world.snapshot();
    world.go_on_from(&left).await;
    smsc.let_bind();
    until(&phone, 2, SmsState::Sent).await;
    assert_eq!(arrived(&smsc), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn leased_and_not_submitted_it_is_sent_by_the_next() {
    let (smsc, mut world, phone) = waiting().await;
    let left = world.snapshot();
    leave_behind(&left, "UPDATE message SET state = 'leased', fence = 1, told = 0");
    world.go_on_from(&left).await;
    smsc.let_bind();
    until(&phone, 2, SmsState::Sent).await;
    assert_eq!(arrived(&smsc), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn said_to_be_submitting_it_is_uncertain_whether_a_byte_has_left_or_not() {
    let (smsc, mut world, phone) = waiting().await;
    let left = world.snapshot();
    leave_behind(&left, "UPDATE message SET state = 'submitting', fence = 1, told = 1");
    world.go_on_from(&left).await;
    smsc.let_bind();
    until(&phone, 2, SmsState::Uncertain).await;
    assert_eq!(arrived(&smsc), 0, "and it stays so");
    assert_eq!(world.admin().messages(false, 9).unwrap()[0].state, "uncertain");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_smsc_has_it_and_before_its_answer_is_known_it_is_uncertain_until_a_receipt_says_that_it_was_sent() {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "")).await;
    let phone = world.device("phone", "c1").await;
    smsc.script([Answer::Held]);
    fail_and_write(&phone, 2);
    phone.sync().await.unwrap();
    smsc.until("the message", |seen| seen.submits.len() == 1).await;
    let left = world.snapshot();
    smsc.release();
    until(&phone, 2, SmsState::Sent).await;
    let id = smsc.seen(|seen| seen.submits[0].id.clone()).unwrap();
    world.go_on_from(&left).await;
    smsc.until("the next gateway", |seen| seen.binds.len() == 2).await;
    while world.admin().messages(false, 9).unwrap()[0].state != "uncertain" {
        phone.client.wait_for_hint(1).await.unwrap();
    }
    assert_eq!(smsc.receipt(&id, "DELIVRD", "000").answer().await, Some(0));
    assert_eq!(world.admin().receipts(9).unwrap().len(), 1, "a receipt that names nothing known is kept");
    // A receipt that names the recipient's number is enough to find the message: it was sent.
    assert_eq!(smsc.receipt_to("13800000002", &id, "DELIVRD", "000").answer().await, Some(0));
    assert_eq!(world.admin().messages(true, 9).unwrap()[0].state, "sent");
    assert_eq!(arrived(&smsc), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_it_is_known_to_be_sent_its_receipt_finds_it() {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "")).await;
    let phone = world.device("phone", "c1").await;
    fail_and_write(&phone, 2);
    until(&phone, 2, SmsState::Sent).await;
    let left = world.snapshot();
    let id = smsc.seen(|seen| seen.submits[0].id.clone()).unwrap();
    // The receipt reaches a server that dies before it has kept it: the SMSC sends it again.
    smsc.receipt(&id, "DELIVRD", "000").answer().await.unwrap();
    world.go_on_from(&left).await;
    smsc.until("the next gateway", |seen| seen.binds.len() == 2).await;
    for _ in 0..3 {
        assert_eq!(smsc.receipt(&id, "DELIVRD", "000").answer().await, Some(0));
    }
    let entries = || world.on_server(&phone.id(2)).1;
    let delivered = |recorded: &doorstep_domain::Recorded| match &recorded.entry.body {
        doorstep_domain::Body::SmsReport(report) => report.state == SmsState::Delivered,
        _ => false,
    };
    assert_eq!(entries().iter().filter(|r| delivered(r)).count(), 1, "three receipts are one");
    assert_eq!(arrived(&smsc), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_what_is_under_way() {
    let smsc = Smsc::start(SmscOptions { password: "secret".into(), receipts: Receipts::None, ..SmscOptions::default() }).await;
    let mut world = World::sending(smpp(&smsc, "")).await;
    let phone = world.device("phone", "c1").await;
    smsc.script([Answer::Held]);
    fail_and_write(&phone, 2);
    phone.sync().await.unwrap();
    smsc.until("the message", |seen| seen.submits.len() == 1).await;
    let (stopped, ()) = tokio::join!(world.restart_server(), async { smsc.release() });
    let () = stopped;
    until(&phone, 2, SmsState::Sent).await;
    assert_eq!(arrived(&smsc), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_servers_on_one_folder_one_is_the_gateway() {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "")).await;
    let other = world.another_server().await;
    let phone = world.device("phone", "c1").await;
    for n in [2, 4, 6, 8] {
        fail_and_write(&phone, n);
    }
    phone.sync().await.unwrap();
    for n in [2, 4, 6, 8] {
        until(&phone, n, SmsState::Sent).await;
    }
    assert_eq!(arrived(&smsc), 4);
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_copy_was_put_back_messages_are_kept_and_not_sent_until_a_person_says_go() {
    let (smsc, mut world, phone) = waiting().await;
    world.stop_server().await;
    let copy = world.backup();
    let done = world.restore(&copy).await;
    assert_eq!(done.sms_waiting, 1);
    smsc.let_bind();
    smsc.until("the gateway", |seen| !seen.binds.is_empty()).await;
    // A new message waits too, also after another start of the server.
    fail_and_write(&phone, 4);
    phone.sync().await.unwrap();
    world.restart_server().await;
    smsc.until("the gateway again", |seen| seen.binds.len() > 1).await;
    fail_and_write(&phone, 6);
    phone.sync().await.unwrap();
    let kept = world.admin().messages(false, 9).unwrap();
    assert_eq!(kept.iter().map(|row| row.state.as_str()).collect::<Vec<_>>(), ["offered"; 3]);
    assert_eq!(arrived(&smsc), 0);
    assert_eq!(world.admin().sms_go().unwrap(), Some(3));
    for n in [2, 4, 6] {
        until(&phone, n, SmsState::Sent).await;
    }
    assert_eq!(arrived(&smsc), 3, "to the numbers that they were written for: what tells recipients apart is as it was");
}
