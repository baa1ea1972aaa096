//! Photos: durable on the phone first, sent in lanes, never silently missing, never altered unnoticed.

mod blocked;
mod evidence;
mod lanes;
mod missing;
mod peer;
mod tus;

use std::{fs, path::PathBuf};

use doorstep_client::{Kind, NewPhoto, PhotoStanding};
use doorstep_domain::{Body, Photo, PhotoPurpose};
use doorstep_tests::{Device, LinkMode, World, draw, failed, grainy, raw, waybill};

pub(crate) fn files(folder: PathBuf) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Files of this device's photos, thumbnails too.
pub(crate) fn photos_of(device: &Device) -> Vec<PathBuf> {
    files(device.folder.join("photos"))
}

/// The photos that a case names, as the device has it.
pub(crate) fn named(device: &Device, n: u32) -> Vec<Photo> {
    let view = device.case(n).unwrap();
    let photos = view.case.timeline.iter().filter_map(|r| match &r.entry.body {
        Body::Photo(photo) => Some(photo.clone()),
        _ => None,
    });
    photos.collect()
}

/// A failed delivery with a large photo: about 300 KB as it is sent.
pub(crate) fn fail_with_large_photo(device: &Device, n: u32, seed: u32) -> Photo {
    let photo = NewPhoto::new(grainy(seed, 1_600, 1_200), PhotoPurpose::Door);
    device.client.record(&failed(waybill(n), "DF-NOBODY"), &[photo]).unwrap();
    named(device, n).pop().unwrap()
}

/// Whether the server has just these photos, byte for byte.
pub(crate) async fn holds(world: &World, device: &Device, photos: &[&Photo]) {
    for photo in photos {
        for id in [photo.id, photo.thumbnail.unwrap().id] {
            let stored = world.storage().photo(&id).await.unwrap();
            let here = photos_of(device).into_iter().find(|path| path.to_string_lossy().contains(&id.to_string())).unwrap();
            assert_eq!(stored, fs::read(here).unwrap());
            assert_eq!(doorstep_media::photo_id(&stored), id);
        }
    }
    assert_eq!(world.storage().keys("photos").await.len(), photos.len() * 2);
    assert!(world.storage().keys("staging").await.is_empty(), "nothing is left of the uploads");
}

/// Syncs until one goes through; how many did not.
pub(crate) async fn sync_until_done(device: &Device) -> u32 {
    for failed in 0..200 {
        if device.sync().await.is_ok() {
            return failed;
        }
    }
    panic!("it never gets through");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_taken_offline_reaches_head_office_unaltered_after_its_entry() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.link.set(LinkMode::Cut);
    phone.fail_with_photo(2, 7).unwrap();
    assert_eq!(phone.client.photos(false).unwrap()[0].standing, PhotoStanding::EntryFirst);
    assert_eq!(phone.client.status().unwrap().photos, 1);
    world.link.set(LinkMode::Up);
    assert_eq!(phone.sync().await.unwrap().photos, 1);
    assert_eq!(phone.client.status().unwrap().photos, 0);
    let photo = named(&phone, 2).remove(0);
    holds(&world, &phone, &[&photo]).await;
    assert_eq!(phone.sync().await.unwrap().photos, 0, "not sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_needs_one_request_and_no_more_than_a_kilobyte_beside_its_bytes() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    phone.client.set_conditions(doorstep_client::Conditions { battery: Some(1), ..Default::default() });
    phone.sync().await.unwrap();
    let before = world.link.traffic();
    phone.client.set_conditions(doorstep_client::Conditions::default());
    let report = phone.sync().await.unwrap();
    let after = world.link.traffic();
    assert_eq!((report.photos, report.requests), (1, 2), "one sync, one photo");
    let idle = world.link.traffic();
    phone.sync().await.unwrap();
    let sync = world.link.traffic();
    let sync = (sync.up + sync.down) - (idle.up + idle.down);
    let beside = (after.up + after.down) - (before.up + before.down) - photo.len - sync;
    assert!(beside <= 1_000, "{beside} bytes beside the photo's {}", photo.len);
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_every_64_kib_every_byte_arrives_and_few_go_twice() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let first = fail_with_large_photo(&phone, 2, 1);
    let second = fail_with_large_photo(&phone, 4, 2);
    world.link.set(LinkMode::CutAfter(64 * 1024));
    let before = world.link.traffic();
    let failed = sync_until_done(&phone).await;
    let up = world.link.traffic().up - before.up;
    assert!(failed >= 5, "{failed} cuts");
    holds(&world, &phone, &[&first, &second]).await;
    let wanted = first.len + second.len;
    assert!(up < wanted * 120 / 100, "{up} bytes went up for {wanted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_makes_nobody_send_a_photo_again() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    phone.client.set_conditions(doorstep_client::Conditions { battery: Some(1), ..Default::default() });
    phone.sync().await.unwrap(); // entry and thumbnail
    phone.client.set_conditions(doorstep_client::Conditions::default());
    phone.client.sync().await.unwrap();
    // The phone looks as after a kill between the server's answer and the note of it.
    phone.forget_stored(&photo.id);
    let before = world.link.traffic();
    assert_eq!(phone.sync().await.unwrap().photos, 1);
    assert!(world.link.traffic().up - before.up < 5_000, "asked, not sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_whose_entry_the_server_has_forgotten_waits_and_is_not_sent_again_and_again() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    phone.client.set_conditions(doorstep_client::Conditions { battery: Some(1), ..Default::default() });
    phone.sync().await.unwrap();
    phone.client.set_conditions(doorstep_client::Conditions::default());
    // A server that was restored from a backup, for one.
    let db = world.database();
    db.execute_batch("CREATE TABLE kept AS SELECT * FROM photo; DELETE FROM photo;").unwrap();
    phone.sync().await.unwrap();
    let before = world.link.traffic();
    for _ in 0..3 {
        phone.sync().await.unwrap();
    }
    assert!(world.link.traffic().up - before.up < 6_000, "it asks");
    assert_eq!(phone.client.status().unwrap().photos, 1);
    db.execute_batch("INSERT INTO photo SELECT * FROM kept; DROP TABLE kept;").unwrap();
    assert_eq!(phone.sync().await.unwrap().photos, 1);
    holds(&world, &phone, &[&photo]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_phone_goes_on_where_the_server_stands() {
    let mut world = World::new().await;
    let mut phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    let mut up = 0;
    for _ in 0..6 {
        world.link.set(LinkMode::CutAfter(64 * 1024));
        let before = world.link.traffic().up;
        phone.sync().await.ok();
        up += world.link.traffic().up - before;
        phone.reopen();
    }
    world.link.set(LinkMode::Up);
    let before = world.link.traffic().up;
    phone.sync().await.unwrap();
    up += world.link.traffic().up - before;
    holds(&world, &phone, &[&photo]).await;
    assert!(up < photo.len * 130 / 100, "{up} bytes went up for {}", photo.len);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_server_goes_on_where_it_was() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    for _ in 0..4 {
        world.link.set(LinkMode::CutAfter(64 * 1024));
        phone.sync().await.ok();
        world.restart_server().await;
    }
    world.link.set(LinkMode::CutAfter(200 * 1024));
    let before = world.link.traffic().up;
    sync_until_done(&phone).await;
    assert!(world.link.traffic().up - before < photo.len / 2, "most was there");
    holds(&world, &phone, &[&photo]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_in_the_middle_of_a_photo_is_replaced_and_the_photo_goes_on() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    world.link.set(LinkMode::CutAfter(150 * 1024));
    phone.sync().await.unwrap_err();
    world.hands.advance(2 * 60);
    sync_until_done(&phone).await;
    holds(&world, &phone, &[&photo]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_link_that_is_cut_again_and_again_finishes_and_sends_little_twice() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    // 12 KB/s, cut every 10 s, played a hundred times faster.
    world.link.set(LinkMode::Slow { rate: 1_200_000, cut_after: 120_000 });
    let before = world.link.traffic().up;
    sync_until_done(&phone).await;
    let up = world.link.traffic().up - before;
    holds(&world, &phone, &[&photo]).await;
    let wanted = photo.len + photo.thumbnail.unwrap().len;
    assert!(up <= wanted * 115 / 100, "{up} bytes went up for {wanted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn storage_that_fails_on_the_server_keeps_the_photo_on_the_phone_and_nothing_half() {
    let mut world = World::new().await;
    if !world.stores_in_a_folder() {
        return; // a bucket has no disk that a test could fill
    }
    let phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    // A file can not be made, as on a full disk.
    fs::write(world.server_folder().join("photos"), b"in the way").unwrap();
    assert_eq!(phone.sync().await.unwrap_err().kind(), Kind::Network, "come back later");
    assert_eq!(phone.client.status().unwrap().photos, 1);
    fs::remove_file(world.server_folder().join("photos")).unwrap();
    sync_until_done(&phone).await;
    holds(&world, &phone, &[&photo]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_from_two_phones_are_stored_once_and_the_second_sends_none() {
    let mut world = World::new().await;
    let (one, two) = (world.device("one", "c1").await, world.device("two", "c2").await);
    let photo = fail_with_large_photo(&one, 2, 1);
    one.sync().await.unwrap();
    fail_with_large_photo(&two, 3, 1);
    two.sync().await.unwrap();
    assert_eq!(two.client.status().unwrap().photos, 0);
    holds(&world, &one, &[&photo]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_photo_is_refused_before_anything_is_recorded() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let html = b"<html><body>login</body></html>".to_vec();
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec();
    let cut = draw(1, 320, 240)[..4_000].to_vec();
    for bytes in [vec![], b"%PDF-1.7".to_vec(), html, heic, cut, vec![0xff; 40 << 20]] {
        let fail = failed(waybill(2), "DF-NOBODY");
        let refused = phone.client.record(&fail, &[NewPhoto::new(bytes, PhotoPurpose::Door)]).unwrap_err();
        assert_eq!(refused.kind(), Kind::Usage, "{refused}");
    }
    assert!(phone.case(2).is_none() && photos_of(&phone).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_no_entry_names_is_not_taken() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let token = phone.bearer();
    let path = format!("/v1/photos/{}", "ab".repeat(32));
    assert_eq!(raw(world.addr(), "PUT", &path, &[("authorization", &token)], &draw(1, 64, 64)).await.status, 409);
    assert_eq!(raw(world.addr(), "PUT", &path, &[], &draw(1, 64, 64)).await.status, 401);
    assert!(world.storage().keys("photos").await.is_empty());
}

/// Real camera files, where the folder of samples is present.
#[tokio::test(flavor = "multi_thread")]
async fn real_camera_files_arrive_upright_small_and_without_what_the_camera_wrote() {
    let samples = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/photos"));
    if !samples.is_dir() {
        println!("not run: no sample photos beside the checkout");
        return;
    }
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let mut sent = 0;
    for (n, file) in fs::read_dir(samples).unwrap().map(|f| f.unwrap().path()).enumerate() {
        let fail = failed(waybill(n as u32 % 40), "DF-NOBODY");
        let photo = NewPhoto::new(fs::read(&file).unwrap(), PhotoPurpose::Door);
        sent += u64::from(phone.client.record(&fail, &[photo]).is_ok());
    }
    assert!(sent >= 10, "{sent}");
    assert_eq!(phone.sync().await.unwrap().photos, sent);
    for key in world.storage().keys("photos").await {
        let bytes = world.storage().photo(&key.rsplit('/').next().unwrap().parse().unwrap()).await.unwrap();
        assert!(bytes.len() <= 450_000 && !doorstep_media::tells_position(&bytes), "{}", bytes.len());
    }
}
