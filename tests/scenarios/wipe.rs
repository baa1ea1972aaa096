//! A phone that is lost: it locks by itself when it has not heard from head office for too long, and head office can have it wiped.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use doorstep_client::{Client, ClientError, Options, Refusal};
use doorstep_protocol::{Signed, SyncResponse, decode, encode, open, seal};
use doorstep_tests::World;

/// Names of what lies in a folder and below it.
fn files(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            names.extend(files(&entry.path()));
        } else {
            names.push(entry.file_name().into_string().unwrap());
        }
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_has_not_heard_from_head_office_for_a_week_locks_until_it_does_and_loses_nothing() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.hands.advance(7 * 24 * 60);
    phone.fail(2, "DF-NOBODY").unwrap();
    assert!(!phone.client.is_locked().unwrap());
    world.hands.advance(1);
    assert!(phone.client.is_locked().unwrap());
    for refused in [phone.fail(4, "DF-NOBODY").map(drop), phone.client.cases(&Default::default()).map(drop)] {
        assert!(matches!(refused, Err(ClientError::Refused(Refusal::OfflineTooLong))), "{refused:?}");
    }
    // A PIN or a finger is not enough; head office's answer is.
    phone.client.unlock_by_platform("c1").unwrap();
    assert!(phone.client.is_locked().unwrap());
    phone.sync().await.unwrap();
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 2);
    phone.agrees_with(&world, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wipe_destroys_the_keys_first_then_all_files_after_it_has_delivered_what_its_request_carries() {
    let mut world = World::new().await;
    let folder = world.fresh("lost", 0).folder;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (of_hook, there) = (seen.clone(), folder.clone());
    let destroy_keys = Arc::new(move || of_hook.lock().unwrap().push(files(&there).contains(&"doorstep.db".to_owned())));
    let phone = Client::open(&folder, Options { destroy_keys: Some(destroy_keys), ..Options::default() }).unwrap();
    let code = world.admin().code("c1", world.hands.now()).unwrap().code;
    phone.enrol(&world.link.url(), &code).await.unwrap();
    let device = doorstep_tests::Device { client: phone, clock: world.fresh("other", 0).clock, folder: folder.clone() };
    device.fail_with_photo(2, 1).unwrap();
    let id = device.client.identity().unwrap().unwrap().device;
    world.admin().wipe(&id.to_string()[..8], "stolen", world.hands.now()).unwrap();
    let report = device.sync().await.unwrap();
    assert!(report.wiped);
    assert_eq!(*seen.lock().unwrap(), [true], "once, while the files were still there");
    assert_eq!(files(&folder), ["doorstep.lock"]);
    let kept = world.admin().quarantine(false).unwrap();
    assert_eq!((kept.len(), kept[0].entries.len()), (1, 2), "the attempt and its photo's entry were delivered");
    // Nobody is enrolled any more, and nothing is taken into a store that is in memory only.
    assert!(device.client.identity().unwrap().is_none() && device.client.is_wiped());
    assert!(matches!(device.fail(4, "DF-NOBODY"), Err(ClientError::Refused(Refusal::NotEnrolled))));
    let code = world.admin().code("c1", world.hands.now()).unwrap().code;
    let refused = device.client.enrol(&world.link.url(), &code).await;
    assert!(matches!(refused, Err(ClientError::Refused(Refusal::Wiped))), "{refused:?}");
    drop(device);
    let again = Client::open(&folder, Options::default()).unwrap();
    assert!(again.identity().unwrap().is_none());
    // A wiped phone that is found is welcome back as a new device with a new code.
    let code = world.admin().code("c1", world.hands.now()).unwrap().code;
    again.enrol(&world.link.url(), &code).await.unwrap();
    assert!(!again.sync().await.unwrap().wiped);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_the_server_did_not_sign_for_this_installation_wipes_nothing() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let (other, id) = (world.device("other", "c2").await, phone.client.identity().unwrap().unwrap().device);
    let other_id = other.client.identity().unwrap().unwrap().device;
    world.admin().wipe(&other_id.to_string(), "stolen", world.hands.now()).unwrap();
    let answer = doorstep_tests::raw(
        world.addr(),
        "POST",
        "/v1/sync",
        &[("authorization", &other.bearer())],
        &seal(&encode(&other.request()).unwrap()).unwrap(),
    )
    .await;
    let signed: Signed = decode(&open(&answer.body, 1 << 20).unwrap()).unwrap();
    let key = other.server_key();
    let order = SyncResponse::verify_signed(&signed, &other_id, &key, &[]).unwrap().wipe.unwrap();
    let response: SyncResponse = decode(&signed.body).unwrap();
    assert_eq!(order.install, other.client.identity().unwrap().unwrap().install);
    // For another device, or altered, it is no order.
    assert!(SyncResponse::verify_signed(&signed, &id, &key, &[]).is_err());
    assert!(response.clone().verify(&id, &key).is_err());
    let mut altered = response;
    altered.wipe.as_mut().unwrap().body[3] ^= 1;
    assert!(altered.verify(&other_id, &key).is_err());
    assert!(!phone.sync().await.unwrap().wiped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wipe_that_is_cut_short_is_finished_by_the_next_opening() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail_with_photo(2, 1).unwrap();
    let mut store = doorstep_store::Store::open(&phone.folder).unwrap();
    let folder = phone.folder.clone();
    drop(phone);
    // The process dies after the mark, and after the log but not the database went.
    store.begin_wipe().unwrap();
    drop(store);
    std::fs::remove_file(folder.join("doorstep.db-wal")).ok();
    let again = Client::open(&folder, Options::default()).unwrap();
    assert!(again.identity().unwrap().is_none() && !again.is_wiped());
    let left: Vec<String> =
        files(&folder).into_iter().filter(|name| name.ends_with(".jpg") || name == "doorstep.wiping").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_pardoned_before_its_wipe_goes_on_with_all_it_has_under_an_installation_that_no_old_order_names() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    let before = phone.client.identity().unwrap().unwrap();
    world.admin().wipe(&before.device.to_string(), "stolen", world.hands.now()).unwrap();
    let code = world.admin().code("c1", world.hands.now()).unwrap().code;
    phone.client.enrol(&world.link.url(), &code).await.unwrap();
    let after = phone.client.identity().unwrap().unwrap();
    assert_eq!(after.device, before.device);
    assert_ne!(after.install, before.install);
    assert!(!phone.sync().await.unwrap().wiped);
    phone.agrees_with(&world, 2);
}
