//! Photos: durable on the phone first, sent whole, verified by hash.

use std::{fs, path::PathBuf};

use doorstep_client::{Client, Command, Kind, NewPhoto};
use doorstep_domain::PhotoPurpose;
use doorstep_tests::{Device, LinkMode, World, draw, raw, waybill};

fn files(folder: PathBuf) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(path)) } else { found.push(path) }
    }
    found
}

fn photos_of(device: &Device) -> Vec<PathBuf> {
    files(device.folder.join("photos"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_taken_offline_reaches_head_office_unaltered_after_its_entry() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.link.set(LinkMode::Cut);
    phone.fail_with_photo(2, 7).unwrap();
    assert_eq!(phone.client.status().unwrap().photos, 1);
    world.link.set(LinkMode::Up);
    assert_eq!(phone.sync().await.unwrap().photos, 1);
    assert_eq!(phone.client.status().unwrap().photos, 0);
    let stored = files(world.server_folder().join("photos"));
    assert_eq!(stored.len(), 1);
    assert_eq!(fs::read(&stored[0]).unwrap(), draw(7, 320, 240));
    assert_eq!(phone.sync().await.unwrap().photos, 0, "not sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outlet_knows_of_a_photo_before_its_bytes_come() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let tablet = world.device("tablet", "s1").await;
    phone.fail_with_photo(2, 7).unwrap();
    fs::remove_file(&photos_of(&phone)[0]).unwrap();
    phone.sync().await.unwrap();
    assert_eq!(phone.client.status().unwrap().photos, 1, "a lost file stays visible");
    tablet.sync().await.unwrap();
    assert_eq!(tablet.case(2).unwrap().case.timeline.len(), 2);
    assert_eq!(world.admin().cases(10, world.hands.now()).unwrap()[0].photos_pending, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn altered_bytes_are_refused_and_stop_no_other_photo() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail_with_photo(2, 7).unwrap();
    let path = &photos_of(&phone)[0];
    fs::write(path, draw(8, 320, 240)).unwrap();
    phone.fail_with_photo(4, 9).unwrap();
    assert_eq!(phone.sync().await.unwrap().photos, 1);
    assert_eq!(phone.client.status().unwrap().photos, 1);
    assert_eq!(files(world.server_folder().join("photos")).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_no_entry_names_is_not_taken() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let token = phone.bearer();
    let path = format!("/v1/photos/{}", "ab".repeat(32));
    assert_eq!(raw(world.addr(), "PUT", &path, &[("authorization", &token)], &draw(1, 64, 64)).await.status, 409);
    assert_eq!(raw(world.addr(), "PUT", &path, &[], &draw(1, 64, 64)).await.status, 401);
    assert!(files(world.server_folder().join("photos")).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_photo_is_refused_before_anything_is_recorded() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let record = |client: &Client, bytes: Vec<u8>| {
        let fail = Command::Fail {
            waybill: waybill(2),
            reason: "DF-NOBODY".into(),
            sub: None,
            words: None,
            photos: vec![],
            details: Default::default(),
        };
        client.record(&fail, &[NewPhoto { bytes, shows: PhotoPurpose::Door }])
    };
    for bytes in [vec![], b"%PDF-1.7".to_vec(), vec![0xff; 13 << 20]] {
        assert_eq!(record(&phone.client, bytes).unwrap_err().kind(), Kind::Usage);
    }
    assert!(phone.case(2).is_none() && photos_of(&phone).is_empty());
}

/// Real camera files, where the folder of samples is present.
#[tokio::test(flavor = "multi_thread")]
async fn real_camera_files_arrive_byte_for_byte() {
    let samples = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/photos"));
    if !samples.is_dir() {
        println!("not run: no sample photos beside the checkout");
        return;
    }
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let mut sent = 0;
    for (n, file) in fs::read_dir(samples).unwrap().map(|f| f.unwrap().path()).enumerate() {
        let fail = Command::Fail {
            waybill: waybill(n as u32 % 40),
            reason: "DF-NOBODY".into(),
            sub: None,
            words: None,
            photos: vec![],
            details: Default::default(),
        };
        let photo = NewPhoto { bytes: fs::read(&file).unwrap(), shows: PhotoPurpose::Door };
        sent += u64::from(phone.client.record(&fail, &[photo]).is_ok());
    }
    assert!(sent >= 10, "{sent}");
    assert_eq!(phone.sync().await.unwrap().photos, sent);
}
