//! Nobody asks, and everything arrives: the timer, the network coming back, the server's hints.

use std::{sync::Arc, time::Duration};

use doorstep_client::{Client, Options, Recording, SmsResult, SmsSender};
use doorstep_domain::{CaseId, SmsState};
use doorstep_sync::Pace;
use doorstep_tests::{LinkMode, World, failed, waybill};
use tempfile::TempDir;

/// A device with the operating system's clocks and a pace for people who do not wait.
async fn device(world: &World, person: &str, poll_ms: u64) -> (TempDir, Client) {
    device_with(world, person, poll_ms, None).await
}

async fn device_with(world: &World, person: &str, poll_ms: u64, sms: Option<Arc<dyn SmsSender>>) -> (TempDir, Client) {
    let folder = tempfile::tempdir().unwrap();
    let pace = Pace { backoff_first_ms: 20, backoff_most_ms: 60, poll_ms, ..Pace::default() };
    let client = Client::open(folder.path(), Options { pace, sms, ..Options::default() }).unwrap();
    let code = world.admin().code(person, world.hands.now()).unwrap().code;
    client.enrol(&world.link.url(), &code).await.unwrap();
    (folder, client)
}

fn case(n: u32) -> CaseId {
    CaseId::of(&"QH".parse().unwrap(), &doorstep_domain::Waybill::parse(&waybill(n)).unwrap())
}

fn fail(n: u32) -> Recording {
    failed(waybill(n), "DF-NOBODY")
}

/// Waits for a condition as long as the harness is patient.
async fn until(what: &str, condition: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_is_sent_at_once_and_what_could_not_be_sent_when_the_network_is_back() {
    let world = World::new().await;
    let (_folder, phone) = device(&world, "c1", 60_000).await;
    let background = tokio::spawn({
        let phone = phone.clone();
        async move { phone.stay_in_sync(false).await }
    });
    phone.record(&fail(2), &[]).unwrap();
    until("the first record arrives", || !world.on_server(&case(2)).0.is_empty()).await;
    // Up and down, and nobody says so: every wait has an end.
    for n in [4, 6, 8] {
        world.link.set(if n == 6 { LinkMode::Portal } else { LinkMode::Cut });
        phone.record(&fail(n), &[]).unwrap();
        until("a try has failed", || phone.status().unwrap().unsent.iter().any(|intent| intent.sent)).await;
        world.link.set(LinkMode::Up);
        until("the record arrives", || !world.on_server(&case(n)).0.is_empty()).await;
    }
    until("the phone knows", || phone.status().unwrap().unsent.is_empty()).await;
    background.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tablet_that_listens_has_the_case_before_its_timer_is_due() {
    let world = World::new().await;
    let (_folder, phone) = device(&world, "c1", 3_600_000).await;
    let (_other, tablet) = device(&world, "s1", 3_600_000).await;
    let background = tokio::spawn({
        let tablet = tablet.clone();
        async move { tablet.stay_in_sync(true).await }
    });
    phone.record(&fail(2), &[]).unwrap();
    phone.sync().await.unwrap();
    until("the hint has brought it", || tablet.case(&waybill(2)).unwrap().is_some()).await;
    background.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sms_that_was_queued_in_a_cellar_goes_by_itself_when_there_is_service() {
    let world = World::new().await;
    let radio = crate::sms::Radio::new(false);
    let (_folder, phone) = device_with(&world, "c1", 60_000, Some(radio.clone())).await;
    let background = tokio::spawn({
        let phone = phone.clone();
        async move { phone.stay_in_sync(false).await }
    });
    world.link.set(LinkMode::Cut);
    phone.record(&fail(2), &[]).unwrap();
    phone.record(&crate::sms::sms(2), &[]).unwrap();
    until("a try has failed", || phone.status().unwrap().unsent.iter().any(|intent| intent.sent)).await;
    assert_eq!(crate::sms::only(&phone, 2).state, SmsState::Queued);
    radio.has_service(true);
    until("the phone sends", || radio.given().len() == 1).await;
    phone.sms_result(&radio.only(), SmsResult::HandedOver).unwrap();
    assert_eq!(crate::sms::only(&phone, 2).state, SmsState::HandedOver);
    // Head office hears of it when there is data.
    world.link.set(LinkMode::Up);
    until("head office has it", || world.admin().messages(true, 9).unwrap().iter().any(|row| row.state == "handed_over")).await;
    background.abort();
    assert_eq!(radio.given().len(), 1);
}
