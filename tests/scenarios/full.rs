//! A disk without room: a phone sends what it has recorded, and the server answers what it can not store with 503, and goes on when there is room again.

use std::path::PathBuf;

use doorstep_domain::Photo;
use doorstep_protocol::{ErrorBody, decode, encode, seal};
use doorstep_tests::{Device, World, raw};

use super::{
    hostile::Process,
    photos::{fail_with_large_photo, photos_of},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_does_not_fit_on_the_disk_is_told_to_come_back_and_loses_nothing() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    let acknowledged = world.on_server(&phone.id(4));

    world.fill_disk(true).await;
    for n in [4, 6, 8, 10] {
        phone.fail(n, "DF-NOBODY").unwrap();
        for note in 0..8 {
            phone.note(n, &format!("{note} {}", "客户要求改约 ".repeat(30))).unwrap();
        }
    }
    let body = seal(&encode(&phone.request()).unwrap()).unwrap();
    for _ in 0..3 {
        let answer = raw(world.addr(), "POST", "/v1/sync", &[("authorization", &phone.bearer())], &body).await;
        let error: ErrorBody = decode(&answer.body).unwrap();
        assert_eq!((answer.status, error.code.as_str()), (503, "storage"), "{error:?}");
        assert!(error.detail.contains("full"), "{error:?}");
        assert!(answer.head.contains("retry-after: "), "{}", answer.head);
    }
    assert_eq!(world.on_server(&phone.id(4)), acknowledged, "what was acknowledged stays, and nothing else came");
    assert_eq!(world.operator("/readyz").await.0, 200, "devices can still read");
    let page = world.operator("/metrics").await.1;
    assert!(page.contains("doorstep_refused_requests_total{code=\"storage\"} 3"), "{page}");

    world.fill_disk(false).await;
    let answer = raw(world.addr(), "POST", "/v1/sync", &[("authorization", &phone.bearer())], &body).await;
    assert_eq!(answer.status, 200, "the same push is accepted");
    phone.sync().await.unwrap();
    assert!(phone.client.status().unwrap().unsent.is_empty());
    for n in [4, 6, 8, 10] {
        phone.agrees_with(&world, n);
    }
    let looked = world.admin().verify_log(None).unwrap();
    assert!(looked.faults.is_empty() && looked.unfinished.is_none(), "{looked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn photos_for_which_their_volume_has_no_room_wait_on_the_phone_and_leave_nothing_behind() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let photos = [2, 4, 6].map(|n| fail_with_large_photo(&phone, n, n));
    // Room for one of them and for all thumbnails.
    let kib = u32::try_from(photos[0].len * 3 / 2 / 1_024).unwrap();
    world.stop_server().await;
    let Some(process) = Process::with_photos_on(&world, kib) else {
        println!("not run: this account can not make a volume");
        return;
    };
    world.link.point_to(process.addr);
    phone.sync().await.ok();
    assert!(phone.client.status().unwrap().unsent.is_empty(), "records pass");
    let waiting = phone.client.status().unwrap().photos;
    assert!((1..3).contains(&waiting), "{waiting} wait");
    let stored: Vec<&Photo> = photos.iter().filter(|photo| holds_file(&process, &world, photo)).collect();
    assert_eq!(stored.len() + waiting as usize, 3);
    let missing = photos.iter().find(|photo| !holds_file(&process, &world, photo)).unwrap();
    let path = format!("/v1/photos/{}", missing.id);
    let bytes = std::fs::read(photo_file(&phone, missing)).unwrap();
    for _ in 0..3 {
        let answer = raw(process.addr, "PUT", &path, &[("authorization", &phone.bearer())], &bytes).await;
        assert_eq!(answer.status, 503, "{}", answer.head);
        assert_eq!(decode::<ErrorBody>(&answer.body).unwrap().code.as_str(), "storage");
        assert!(answer.head.contains("retry-after: "), "{}", answer.head);
    }
    // Pieces of what did not fit would keep the volume full for good.
    let names = process.photos(&world).into_iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    let odd: Vec<String> = names.filter(|name| name.len() != 64).collect();
    assert_eq!(odd, Vec::<String>::new());
    process.resize_photos(&world, 64 * 1_024);
    let answer = raw(process.addr, "PUT", &path, &[("authorization", &phone.bearer())], &bytes).await;
    assert_eq!(answer.status, 204, "{}", answer.head);
    while phone.client.status().unwrap().photos > 0 {
        phone.sync().await.unwrap();
    }
    for photo in &photos {
        let path = format!("/v1/photos/{}", photo.id);
        let answer = raw(process.addr, "GET", &path, &[("authorization", &phone.bearer())], &[]).await;
        assert_eq!((answer.status, answer.body), (200, std::fs::read(photo_file(&phone, photo)).unwrap()));
    }
}

/// The file of a photo on its phone.
fn photo_file(phone: &Device, photo: &Photo) -> PathBuf {
    photos_of(phone).into_iter().find(|path| path.to_string_lossy().contains(&photo.id.to_string())).unwrap()
}

/// Whether a server has a photo's file, whole.
fn holds_file(process: &Process, world: &World, photo: &Photo) -> bool {
    let is_it = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_str() == Some(&photo.id.to_string()));
    process.photos(world).iter().any(|path| is_it(path) && path.metadata().unwrap().len() == photo.len)
}

/// Records on a phone until its disk is full; the number of records.
fn fill(phone: &Device) -> usize {
    for n in 0..20 {
        phone.note(2, &format!("第{n}次联系客户")).unwrap();
    }
    phone.client.fill_disk(true).unwrap();
    let words = "客户要求改约 ".repeat(60);
    let error = (0..400).find_map(|_| phone.note(2, &words).err()).unwrap();
    assert_eq!(error.code(), "disk_full");
    assert!(error.words().en.contains("nothing was recorded") && error.words().zh.contains("没有登记"));
    phone.client.status().unwrap().unsent.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_with_a_full_disk_sends_what_it_recorded_and_fetches_the_rest_once_there_is_room() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let desk = world.device("desk", "s1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    desk.sync().await.unwrap();
    assert!(fill(&phone) > 10);
    desk.fail(4, "DF-NOBODY").unwrap();
    desk.note(2, "客户来电").unwrap();
    desk.sync().await.unwrap();
    world.admin().user("c9", "周新", "courier", "0412").unwrap();

    // Reading goes on, and says nothing of records.
    assert_eq!(phone.list().len(), 1);
    assert!(phone.case(2).is_some() && !phone.client.parcels().unwrap().is_empty());
    assert!(!phone.client.status().unwrap().waits_for_room);

    let report = phone.sync().await.unwrap();
    assert!(report.waits_for_room, "{report:?}");
    let status = phone.client.status().unwrap();
    assert!(status.waits_for_room && status.unsent.is_empty(), "{status:?}");
    assert!(phone.case(4).is_none(), "others' changes wait");
    assert!(phone.client.people().unwrap().iter().all(|person| person.account.as_str() != "c9"), "lists wait");
    let (sent, _) = world.on_server(&phone.id(2));
    assert!(sent.len() > 10, "head office has them");
    let full = phone.note(2, "还能登记吗").unwrap_err();
    assert_eq!(full.code(), "disk_full", "the room is for sending");
    assert!(phone.sync().await.unwrap().waits_for_room, "a second sync is as the first");

    phone.client.fill_disk(false).unwrap();
    let report = phone.sync().await.unwrap();
    assert!(!report.waits_for_room && !phone.client.status().unwrap().waits_for_room);
    assert!(phone.client.people().unwrap().iter().any(|person| person.account.as_str() == "c9"));
    phone.agrees_with(&world, 2);
    phone.agrees_with(&world, 4);
    phone.note(2, "又能登记了").unwrap();
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_a_person_is_let_in_enrols_again_and_asks_for_a_photo() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail_with_photo(2, 1).unwrap();
    phone.client.set_pin("4321").unwrap();
    phone.sync().await.unwrap();
    let unsent = fill(&phone);
    phone.client.lock().unwrap();
    phone.client.unlock("c1", "4321").unwrap();
    assert_eq!(phone.list().len(), 1);
    let code = world.admin().code("c1", world.hands.now()).unwrap().code;
    phone.client.enrol(&world.link.url(), &code).await.unwrap();
    assert!(unsent > 10 && phone.client.status().unwrap().unsent.is_empty(), "enrolling syncs too");
    let photo = phone.client.photos(true).unwrap().pop().unwrap().photo;
    assert!(phone.client.photo(photo).await.unwrap().is_some());
}
