//! Nothing goes missing silently, nothing is altered unnoticed.

use doorstep_client::{Act, NewPhoto, PhotoStanding, Unclear};
use doorstep_document::{Change, NewEntry};
use doorstep_domain::{Body, Photo, PhotoId, PhotoPurpose};
use doorstep_protocol::{PhotoQuery, PhotoState, PhotoStates, Sha, decode, encode, open, seal};
use doorstep_tests::{Device, World, draw, failed, first_entry, flat, grainy, on, raw, waybill};

use super::{fail_with_large_photo, files, named, photos_of};

pub(super) fn file_of(device: &Device, id: &PhotoId) -> std::path::PathBuf {
    let text = id.to_string();
    photos_of(device).into_iter().find(|path| path.to_string_lossy().contains(&text)).unwrap()
}

async fn state(world: &World, device: &Device, id: &PhotoId) -> PhotoState {
    let query = seal(&encode(&PhotoQuery { photos: vec![Sha(*id)] }).unwrap()).unwrap();
    let answer = raw(world.addr(), "POST", "/v1/photos/states", &[("authorization", &device.bearer())], &query).await;
    decode::<PhotoStates>(&open(&answer.body, 1 << 16).unwrap()).unwrap().states[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_whose_file_is_gone_is_lost_on_the_phone_and_at_head_office_with_the_device_that_had_it() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    let photo = fail_with_large_photo(&phone, 2, 1);
    std::fs::remove_file(file_of(&phone, &photo.id)).unwrap();
    phone.sync().await.unwrap();
    assert!(phone.client.photo_is_lost(photo.id).unwrap(), "a person says so");
    let status = phone.client.status().unwrap();
    assert_eq!((status.photos, status.photos_lost), (0, 1), "shown, not waited for");
    assert_eq!(phone.client.photos(false).unwrap()[0].standing, PhotoStanding::Lost);
    phone.sync().await.unwrap(); // tells it
    let row = world.admin().photos(false, 10, world.hands.now()).unwrap().remove(0);
    let device = phone.client.identity().unwrap().unwrap().device.to_string();
    assert_eq!((row.state, row.device, row.waybill), ("lost", device, waybill(2)));
    tablet.sync().await.unwrap();
    assert_eq!(state(&world, &tablet, &photo.id).await, PhotoState::Lost);
    assert!(tablet.client.photo(photo.thumbnail.unwrap().id).await.unwrap().is_some(), "its thumbnail is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn altered_bytes_are_never_sent_and_the_photo_is_void_on_every_replica() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    let photo = fail_with_large_photo(&phone, 2, 1);
    let other = fail_with_large_photo(&phone, 4, 2);
    let mut bytes = std::fs::read(file_of(&phone, &photo.id)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(file_of(&phone, &photo.id), bytes).unwrap();
    assert_eq!(phone.sync().await.unwrap().photos, 1, "the other one went");
    assert!(world.storage().photo(&other.id).await.is_some() && world.storage().photo(&photo.id).await.is_none());
    let standing = |id| phone.client.photos(true).unwrap().into_iter().find(|p| p.photo == id).unwrap().standing;
    assert_eq!(standing(photo.id), PhotoStanding::Void);
    phone.sync().await.unwrap();
    assert_eq!(world.admin().photos(false, 10, world.hands.now()).unwrap()[0].state, "void");
    assert_eq!(state(&world, &phone, &photo.id).await, PhotoState::Void);
    for device in [&phone, &tablet] {
        device.sync().await.unwrap();
        let view = device.case(2).unwrap();
        let marks = view.case.timeline.iter().filter(|r| r.entry.author.user.as_str() == "doorstep").count();
        assert_eq!(marks, 1, "{:?}", view.case.timeline);
        device.agrees_with(&world, 2);
    }
    phone.sync().await.unwrap();
    assert_eq!(world.on_server(&phone.id(2)).1.len(), 3, "said once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_storage_loses_or_damages_is_set_aside_and_asked_of_its_device_again() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let photos = [1, 2, 3].map(|n| fail_with_large_photo(&phone, n * 2, n));
    phone.sync().await.unwrap();
    world.storage().remove(&photos[0].id).await;
    world.storage().write(&photos[1].id, b"short".to_vec()).await;
    let mut damaged = world.storage().photo(&photos[2].id).await.unwrap();
    damaged[5_000] ^= 1;
    world.storage().write(&photos[2].id, damaged.to_vec()).await;
    let found = world.scrub(false).await;
    assert_eq!((found.missing, found.damaged, found.sound), (1, 1, 4), "a look at sizes does not see a flipped bit");
    let found = world.scrub(true).await;
    assert_eq!((found.missing, found.damaged, found.sound), (0, 1, 3), "reading them does");
    assert_eq!(world.storage().keys("quarantine").await.len(), 2, "kept: they may exist nowhere else");
    phone.sync().await.unwrap();
    phone.sync().await.unwrap();
    assert_eq!(world.scrub(true).await.sound, 6);
    // One that the phone does not have any more either.
    world.storage().remove(&photos[0].id).await;
    std::fs::remove_file(file_of(&phone, &photos[0].id)).unwrap();
    world.scrub(false).await;
    for _ in 0..3 {
        phone.sync().await.unwrap();
    }
    assert!(phone.client.photo_is_lost(photos[0].id).unwrap());
    phone.sync().await.unwrap();
    assert_eq!(state(&world, &phone, &photos[0].id).await, PhotoState::Lost);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_were_stored_when_the_server_died_before_its_row_are_taken_in() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    phone.sync().await.unwrap();
    let db = world.database();
    db.execute("DELETE FROM stored WHERE sha = ?1", [photo.id.as_bytes().as_slice()]).unwrap();
    assert_eq!(state(&world, &phone, &photo.id).await, PhotoState::Pending);
    assert_eq!(world.scrub(false).await.taken_in, 1);
    assert_eq!(state(&world, &phone, &photo.id).await, PhotoState::Stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_does_not_come_is_overdue_after_the_policys_hours() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    phone.client.set_conditions(doorstep_client::Conditions { battery: Some(1), ..Default::default() });
    phone.sync().await.unwrap();
    assert_eq!(state(&world, &phone, &photo.id).await, PhotoState::Pending);
    world.hands.advance(24 * 60 + 1);
    phone.sync().await.unwrap();
    assert_eq!(state(&world, &phone, &photo.id).await, PhotoState::Overdue);
    let row = world.admin().photos(false, 10, world.hands.now()).unwrap().remove(0);
    assert_eq!((row.state, row.due_at.since(row.expected_at)), ("overdue", 24 * 3_600_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_photo_leaves_its_hash_and_nothing_else_anywhere() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    let photo = fail_with_large_photo(&phone, 2, 1);
    phone.sync().await.unwrap();
    tablet.sync().await.unwrap();
    assert!(world.erase_photo("zz").await.is_err() && world.erase_photo(&"ab".repeat(32)).await.is_err());
    world.erase_photo(&photo.id.to_string()).await.unwrap();
    assert!(world.storage().keys("photos").await.is_empty());
    assert_eq!(state(&world, &tablet, &photo.id).await, PhotoState::Erased);
    let page = raw(world.addr(), "GET", &format!("/v1/photos/{}", photo.id), &[("authorization", &tablet.bearer())], b"").await;
    assert_eq!(page.status, 404);
    // A phone that still means to send it is told, and deletes its own.
    phone.forget_stored(&photo.id);
    phone.sync().await.unwrap();
    assert!(photos_of(&phone).iter().all(|file| !file.to_string_lossy().contains(&photo.id.to_string())));
    assert!(world.storage().keys("photos").await.is_empty(), "and it is not stored again");
    assert_eq!(named(&tablet, 2)[0].id, photo.id, "the entry and its hash stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_picture_under_two_waybills_is_flagged_and_one_that_looks_alike_is_information() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    fail_with_large_photo(&phone, 2, 1);
    let same = fail_with_large_photo(&phone, 4, 1);
    let door = |seed, width, height| NewPhoto::new(draw(seed, width, height), PhotoPurpose::Door);
    phone.client.record(&failed(waybill(6), "DF-NOBODY"), &[door(9, 960, 720)]).unwrap();
    phone.client.record(&failed(waybill(8), "DF-NOBODY"), &[door(9, 1_280, 960)]).unwrap();
    phone.sync().await.unwrap();
    let rows = world.admin().photos(false, 10, world.hands.now()).unwrap();
    let flagged: Vec<_> = rows.iter().map(|row| (row.waybill.clone(), row.same.clone())).collect();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(flagged.contains(&(waybill(2), vec![waybill(4)])) && flagged.contains(&(waybill(4), vec![waybill(2)])));
    assert_eq!(rows[0].photo, same.id.to_string());
    let list = world.admin().cases(10, world.hands.now()).unwrap();
    let marked: Vec<_> = list.iter().filter(|row| row.same_picture).map(|row| row.waybill.clone()).collect();
    assert_eq!(marked.len(), 2);
    let (alike, other) = (page_of(&world, &phone, 6).await, page_of(&world, &phone, 2).await);
    assert!(alike.contains("looks like one under: ") && alike.contains(&waybill(8)), "{alike}");
    assert!(!other.contains(&waybill(8)) && other.contains("the same picture is under"), "{other}");
}

/// The page of a case, as head office sees it.
async fn page_of(world: &World, device: &Device, n: u32) -> String {
    let page = world.page();
    let token = page.rsplit('=').next().unwrap();
    let cookie = format!("doorstep={token}");
    let answer = raw(world.addr(), "GET", &format!("/case/{}", device.id(n)), &[("cookie", &cookie)], b"").await;
    String::from_utf8(answer.body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_annotation_is_a_photo_of_its_own_that_names_the_original() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    let photo = fail_with_large_photo(&phone, 2, 1);
    let drawn = NewPhoto { original: Some(photo.id), ..NewPhoto::new(grainy(8, 800, 600), PhotoPurpose::Door) };
    phone.client.record(&on(waybill(2), Act::Photos), &[drawn]).unwrap();
    phone.sync().await.unwrap();
    tablet.sync().await.unwrap();
    let seen = named(&tablet, 2);
    assert_eq!((seen.len(), seen[0].id, seen[1].original), (2, photo.id, Some(photo.id)));
    assert!(world.storage().photo(&photo.id).await.is_some(), "the original stays as it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_still_says_where_it_was_taken_is_not_kept() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    let bytes = std::fs::read(file_of(&phone, &photo.id)).unwrap();
    // A position as XMP writes it, in a segment behind the start of the file.
    let exif = b"http://ns.adobe.com/xap/1.0/\0<x exif:GPSLatitude=\"30,15.5N\" exif:GPSLongitude=\"120,9.1E\"/>";
    let len = (exif.len() as u16 + 2).to_be_bytes();
    let placed = [&bytes[..2], &[0xff, 0xe1], &len, exif.as_slice(), &bytes[2..]].concat();
    assert!(doorstep_media::tells_position(&placed));
    let id = doorstep_media::photo_id(&placed);
    // A device of ours would never name it: its entry is written by hand.
    let who = phone.client.identity().unwrap().unwrap();
    let body = Body::Photo(Photo::of(id, placed.len() as u64, PhotoPurpose::Door));
    let forged = NewEntry { body, ..first_entry(6, "c1") };
    let change = Change::write(&phone.id(6), &who.install, &Default::default(), &[forged]).unwrap();
    phone.push_by_hand(&world, &[(phone.id(6), &[change.bytes()])]).await.unwrap();
    let answer = raw(world.addr(), "PUT", &format!("/v1/photos/{id}"), &[("authorization", &phone.bearer())], &placed).await;
    assert_eq!(
        (answer.status, decode::<doorstep_protocol::ErrorBody>(&answer.body).unwrap().code.as_str()),
        (422, "photo_position")
    );
    assert!(world.storage().photo(&id).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_a_record_is_set_aside_and_a_half_written_one_goes() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    let shelf = phone.folder.join("photos/ab");
    std::fs::create_dir_all(&shelf).unwrap();
    let orphan = shelf.join(format!("{}.jpg", "ab".repeat(32)));
    std::fs::write(&orphan, draw(1, 64, 64)).unwrap();
    std::fs::write(shelf.join("ab.77.partial"), b"half").unwrap();
    let on_disk = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64;
    world.hands.advance((on_disk - world.hands.now().0) / 60_000);
    assert_eq!(phone.client.sweep_orphans().unwrap(), 0, "it may be about to get its record");
    world.hands.advance(61);
    assert_eq!(phone.client.sweep_orphans().unwrap(), 1);
    assert!(!orphan.exists() && !shelf.join("ab.77.partial").exists());
    assert_eq!(files(phone.folder.join("photos/orphans")).len(), 1, "the picture may exist nowhere else");
    assert!(file_of(&phone, &photo.id).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_restored_from_a_backup_gets_its_photos_again() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let (kept, gone) = (fail_with_large_photo(&phone, 2, 1), fail_with_large_photo(&phone, 4, 2));
    phone.sync().await.unwrap();
    world.hands.advance(8 * 24 * 60);
    phone.sync().await.unwrap();
    let let_go = |id| phone.client.photos(true).unwrap().into_iter().find(|p| p.photo == id).unwrap().standing;
    assert_eq!(let_go(gone.id), PhotoStanding::LetGo);
    let last = fail_with_large_photo(&phone, 6, 3);
    phone.sync().await.unwrap();
    // Another history, and what came since the backup is not there: rows of the newest photo, bytes of an old one.
    let db = world.database();
    db.execute_batch("UPDATE meta SET value = randomblob(16) WHERE key = 'history'").unwrap();
    let forget = |id: &PhotoId| db.execute("DELETE FROM stored WHERE sha = ?1", [id.as_bytes().as_slice()]).unwrap();
    assert_eq!((forget(&last.id), forget(&gone.id)), (1, 1));
    world.storage().remove(&last.id).await;
    world.storage().remove(&gone.id).await;
    for _ in 0..4 {
        phone.sync().await.unwrap();
    }
    assert_eq!(state(&world, &phone, &last.id).await, PhotoState::Stored, "sent again");
    assert!(world.storage().photo(&last.id).await.is_some());
    assert_eq!(state(&world, &phone, &gone.id).await, PhotoState::Lost, "nobody has it any more, and that is said");
    assert_eq!(let_go(gone.id), PhotoStanding::Lost);
    assert_eq!((let_go(kept.id), state(&world, &phone, &kept.id).await), (PhotoStanding::LetGo, PhotoState::Stored));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_keeps_its_file_when_the_servers_copy_has_rotted_unnoticed() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    phone.sync().await.unwrap();
    let mut rotten = world.storage().photo(&photo.id).await.unwrap();
    rotten[9_000] ^= 1;
    world.storage().write(&photo.id, rotten).await;
    world.hands.advance(8 * 24 * 60);
    phone.sync().await.unwrap();
    phone.sync().await.unwrap();
    assert!(file_of(&phone, &photo.id).exists());
    let stored = world.storage().photo(&photo.id).await.unwrap();
    assert_eq!(doorstep_media::photo_id(&stored), photo.id, "and has sent it again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_is_not_mounted_changes_nothing() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    for n in 0..8 {
        fail_with_large_photo(&phone, n * 2, n);
    }
    phone.sync().await.unwrap();
    world.storage().remove_all("photos").await;
    let scrub = |lost_storage| {
        let how = doorstep_server::admin::Scrub { deep: false, lost_storage };
        let (folder, url, now) = (world.server_folder(), world.photos_url(), world.hands.now());
        async move { doorstep_server::admin::scrub(&folder, url.as_deref(), how, now).await }
    };
    assert!(scrub(false).await.unwrap_err().to_string().contains("mounted"));
    assert!(world.admin().photos(false, 100, world.hands.now()).unwrap().is_empty(), "still called stored");
    assert_eq!(scrub(true).await.unwrap().missing, 16);
    for _ in 0..3 {
        phone.sync().await.unwrap();
    }
    assert_eq!(world.storage().keys("photos").await.len(), 16, "every device was asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_wins_over_an_upload_on_its_way_and_over_every_cache() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    let photo = fail_with_large_photo(&phone, 2, 1);
    phone.client.set_conditions(doorstep_client::Conditions { battery: Some(1), ..Default::default() });
    phone.sync().await.unwrap();
    tablet.sync().await.unwrap();
    let small = photo.thumbnail.unwrap().id;
    assert!(tablet.client.photo(small).await.unwrap().is_some());
    world.erase_photo(&photo.id.to_string()).await.unwrap();
    phone.client.set_conditions(doorstep_client::Conditions::default());
    phone.sync().await.unwrap();
    assert!(world.storage().keys("photos").await.is_empty());
    assert!(photos_of(&phone).iter().all(|file| !file.to_string_lossy().contains(&photo.id.to_string())));
    // A process that died between the row and the deletion.
    world.storage().write(&photo.id, vec![1; 10]).await;
    world.scrub(false).await;
    assert!(world.storage().keys("photos").await.is_empty());
    world.hands.advance(24 * 60 + 1);
    tablet.sync().await.unwrap();
    assert!(files(tablet.folder.join("pictures")).is_empty(), "within a day");
}

#[tokio::test(flavor = "multi_thread")]
async fn naming_the_hash_of_anothers_photo_gives_no_right_to_read_it_and_can_not_hide_it() {
    let mut world = World::new().await;
    let (phone, nosy) = (world.device("phone", "c1").await, world.device("nosy", "c2").await);
    let photo = fail_with_large_photo(&phone, 2, 1);
    // The other courier knows the hash, and names it in a case of their own: as a thumbnail, with another length.
    let thumbnail = Some(doorstep_domain::Thumbnail { id: photo.id, len: 9_999 });
    let body = Body::Photo(Photo { thumbnail, ..Photo::of(PhotoId::new([1; 32]), 5, PhotoPurpose::Door) });
    let who = nosy.client.identity().unwrap().unwrap();
    let forged = NewEntry { body, ..first_entry(3, "c2") };
    let change = Change::write(&nosy.id(3), &who.install, &Default::default(), &[forged]).unwrap();
    nosy.push_by_hand(&world, &[(nosy.id(3), &[change.bytes()])]).await.unwrap();
    phone.sync().await.unwrap();
    assert_eq!(phone.client.status().unwrap().photos, 0, "it went all the same");
    let get = async |device: &Device| {
        raw(world.addr(), "GET", &format!("/v1/photos/{}", photo.id), &[("authorization", &device.bearer())], b"").await.status
    };
    assert_eq!((get(&phone).await, get(&nosy).await), (200, 404));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_photo_whose_file_can_not_be_read_stops_no_other_and_is_tried_again_after_a_start() {
    let mut world = World::new().await;
    let mut phone = world.device("phone", "c1").await;
    let (broken, sound) = (fail_with_large_photo(&phone, 2, 1), fail_with_large_photo(&phone, 4, 2));
    let (file, aside) = (file_of(&phone, &broken.id), phone.folder.join("aside"));
    // A folder stands in the file's place. Reading it fails with another error than "not found".
    std::fs::rename(&file, &aside).unwrap();
    std::fs::create_dir(&file).unwrap();
    assert_eq!(phone.sync().await.unwrap().photos, 1);
    assert!(world.storage().photo(&sound.id).await.is_some());
    let standing = phone.client.photos(false).unwrap().remove(0).standing;
    assert_eq!(standing, PhotoStanding::Refused { code: "unreadable".into() });
    std::fs::remove_dir(&file).unwrap();
    std::fs::rename(&aside, &file).unwrap();
    phone.reopen();
    assert_eq!(phone.sync().await.unwrap().photos, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_the_server_wants_and_this_phone_knows_nothing_of_is_called_lost() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    phone.sync().await.unwrap();
    let db = phone.database();
    db.execute("DELETE FROM photo WHERE sha = ?1", [photo.id.as_bytes().as_slice()]).unwrap();
    world.storage().remove(&photo.id).await;
    world.scrub(false).await;
    for _ in 0..3 {
        phone.sync().await.unwrap();
    }
    assert_eq!(state(&world, &phone, &photo.id).await, PhotoState::Lost);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_is_told_to_ask_for_another_picture_and_one_recorded_all_the_same_proves_nothing() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let retake = |bytes: &[u8]| phone.client.look_at(bytes).unwrap().retake;
    assert_eq!(retake(&flat(128)), Some(Unclear::Blurred));
    assert_eq!(retake(&flat(4)), Some(Unclear::Dark));
    assert_eq!(retake(&flat(252)), Some(Unclear::Bright));
    assert_eq!(retake(&grainy(1, 1_600, 1_200)), None);
    assert!(phone.client.look_at(b"no picture").is_err());
    phone.client.has_room_for_photo().unwrap();
    let gaps = |photo: Vec<u8>| {
        let command = failed(waybill(2), "DF-NOBODY");
        phone.client.record(&command, &[NewPhoto::new(photo, PhotoPurpose::Door)]).unwrap();
        let missing = phone.case(2).unwrap().judgement.missing;
        missing.iter().filter(|gap| !gap.unfit.is_empty()).count()
    };
    assert_eq!(gaps(flat(128)), 1, "the gap stays, and says why the photo does not fill it");
    assert_eq!(gaps(draw(1, 640, 480)), 0);
}
