//! A photo whose file is away waits for it, and is lost only when a person or the policy's time says so.

use doorstep_client::PhotoStanding;
use doorstep_domain::{PhotoId, UnixMs};
use doorstep_tests::{Device, World};

use super::{evidence::file_of, fail_with_large_photo};

const DAY: i64 = 24 * 60;

fn standing(device: &Device, id: &PhotoId) -> PhotoStanding {
    device.client.photos(true).unwrap().into_iter().find(|photo| photo.photo == *id).unwrap().standing
}

/// The state of the only photo that is not stored, at head office.
fn at_head_office(world: &mut World) -> Option<&'static str> {
    let now = world.hands.now();
    world.admin().photos(false, 10, now).unwrap().first().map(|row| row.state)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_whose_file_is_away_for_a_sync_is_sent_when_it_is_back() {
    let mut world = World::new().await;
    let mut phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    let (file, aside) = (file_of(&phone, &photo.id), phone.folder.join("aside"));
    std::fs::rename(&file, &aside).unwrap();
    let at = world.hands.now();
    assert_eq!(phone.sync().await.unwrap().photos, 0);
    let PhotoStanding::Missing { since, lost_at } = standing(&phone, &photo.id) else { panic!("it is missing") };
    assert!(since.0.abs_diff(at.0) < 60_000 && lost_at == UnixMs(since.0 + 14 * 86_400_000), "{since:?} {lost_at:?}");
    let status = phone.client.status().unwrap();
    assert_eq!((status.photos, status.photos_lost), (1, 0), "it waits");
    // It is looked for at each sync, also after a start, and its time stays.
    world.hands.advance(DAY);
    phone.reopen();
    assert_eq!(phone.sync().await.unwrap().photos, 0);
    assert_eq!(standing(&phone, &photo.id), PhotoStanding::Missing { since, lost_at });
    assert_ne!(at_head_office(&mut world), Some("lost"));
    std::fs::rename(&aside, &file).unwrap();
    assert_eq!(phone.sync().await.unwrap().photos, 1);
    assert_eq!(standing(&phone, &photo.id), PhotoStanding::Stored);
    assert_eq!(at_head_office(&mut world), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_is_missing_for_the_policys_days_is_lost_and_its_files_return_undoes_that() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    let other = fail_with_large_photo(&phone, 4, 2);
    let (file, aside) = (file_of(&phone, &photo.id), phone.folder.join("aside"));
    std::fs::rename(&file, &aside).unwrap();
    assert_eq!(phone.sync().await.unwrap().photos, 1, "the other one goes");
    assert_eq!(standing(&phone, &other.id), PhotoStanding::Stored);
    world.hands.advance(14 * DAY - 5);
    phone.sync().await.unwrap();
    assert!(matches!(standing(&phone, &photo.id), PhotoStanding::Missing { .. }));
    assert_eq!(at_head_office(&mut world), Some("overdue"));
    world.hands.advance(10);
    phone.sync().await.unwrap();
    assert_eq!(standing(&phone, &photo.id), PhotoStanding::Lost);
    assert_eq!(phone.client.status().unwrap().photos_lost, 1);
    assert_eq!(at_head_office(&mut world), Some("lost"), "told in the same sync");
    // Other bytes in its place are not its return.
    std::fs::write(&file, b"other bytes").unwrap();
    phone.sync().await.unwrap();
    assert_eq!(standing(&phone, &photo.id), PhotoStanding::Lost);
    std::fs::rename(&aside, &file).unwrap();
    assert_eq!(phone.sync().await.unwrap().photos, 1);
    assert_eq!(standing(&phone, &photo.id), PhotoStanding::Stored);
    assert_eq!(at_head_office(&mut world), None, "neither lost nor waited for");
    assert_eq!(phone.client.status().unwrap().photos_lost, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_calls_a_missing_photo_lost_and_no_other() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    let (file, aside) = (file_of(&phone, &photo.id), phone.folder.join("aside"));
    assert!(!phone.client.photo_is_lost(photo.id).unwrap(), "its file is here");
    assert!(!phone.client.photo_is_lost(PhotoId::new([9; 32])).unwrap(), "nobody knows it");
    std::fs::rename(&file, &aside).unwrap();
    phone.sync().await.unwrap();
    assert!(phone.client.photo_is_lost(photo.id).unwrap());
    assert!(!phone.client.photo_is_lost(photo.id).unwrap(), "it is lost already");
    assert_eq!(standing(&phone, &photo.id), PhotoStanding::Lost);
    phone.sync().await.unwrap();
    assert_eq!(at_head_office(&mut world), Some("lost"));
    std::fs::rename(&aside, &file).unwrap();
    assert_eq!(phone.sync().await.unwrap().photos, 1);
    assert!(!phone.client.photo_is_lost(photo.id).unwrap(), "head office has it");
    assert_eq!(at_head_office(&mut world), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_head_office_wants_again_while_its_file_is_away_is_missing_too() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    phone.sync().await.unwrap();
    let (file, aside) = (file_of(&phone, &photo.id), phone.folder.join("aside"));
    std::fs::rename(&file, &aside).unwrap();
    world.storage().remove(&photo.id).await;
    world.scrub(false).await;
    for _ in 0..3 {
        phone.sync().await.unwrap();
    }
    assert!(matches!(standing(&phone, &photo.id), PhotoStanding::Missing { .. }));
    std::fs::rename(&aside, &file).unwrap();
    assert_eq!(phone.sync().await.unwrap().photos, 1);
    assert_eq!(world.scrub(true).await.missing, 0);
}
