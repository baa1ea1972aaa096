//! What travels when: thumbnails first, photos when the network, the battery and the policy let them, facts before all.

use doorstep_client::{Conditions, Hold, PhotoStanding};
use doorstep_domain::{Body, PhotoId};
use doorstep_tests::{Device, LinkMode, World, raw};

use super::{fail_with_large_photo, holds, named, photos_of, sync_until_done};

const METERED: Conditions = Conditions { metered: true, roaming: false, battery: Some(80), charging: false };

fn standing(device: &Device, id: &PhotoId) -> PhotoStanding {
    device.client.photos(true).unwrap().into_iter().find(|photo| photo.photo == *id).unwrap().standing
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outlet_sees_the_thumbnail_while_the_photo_waits_for_an_unmetered_network() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    phone.client.set_conditions(METERED);
    let photo = fail_with_large_photo(&phone, 2, 1);
    phone.sync().await.unwrap();
    let until = world.hands.now().plus(6 * 3_600_000);
    let PhotoStanding::Held { hold: Hold::Metered(Some(at)) } = standing(&phone, &photo.id) else { panic!() };
    assert!((at.0 - until.0).abs() < 60_000, "{at:?}");
    tablet.sync().await.unwrap();
    let small = photo.thumbnail.unwrap();
    let seen = tablet.client.photo(small.id).await.unwrap().unwrap();
    assert_eq!(seen.len() as u64, small.len);
    assert!(seen.len() <= 12 * 1024);
    world.link.set(LinkMode::Cut);
    assert_eq!(tablet.client.photo(small.id).await.unwrap(), Some(seen), "it came by itself and is here without a network");
    world.link.set(LinkMode::Up);
    assert_eq!(tablet.client.photo(photo.id).await.unwrap(), None, "the photo is not");
    let row = world.admin().photos(false, 10, world.hands.now()).unwrap().remove(0);
    assert_eq!((row.state, row.people, row.received), ("pending", vec!["c1".to_owned()], 0));
    // Six hours later it is promoted and goes over the metered network too.
    world.hands.advance(6 * 60);
    assert_eq!(phone.sync().await.unwrap().photos, 1);
    let whole = tablet.client.photo(photo.id).await.unwrap().unwrap();
    assert_eq!((whole.len() as u64, doorstep_media::photo_id(&whole)), (photo.len, photo.id));
    holds(&world, &phone, &[&photo]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_hold_has_its_reason_and_send_now_lifts_all_of_them() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    for (conditions, hold) in [
        (Conditions { roaming: true, ..METERED }, Hold::Roaming),
        (Conditions { battery: Some(14), metered: false, ..METERED }, Hold::Battery),
    ] {
        phone.client.set_conditions(conditions);
        assert_eq!(phone.sync().await.unwrap().photos, 0);
        assert_eq!(standing(&phone, &photo.id), PhotoStanding::Held { hold });
    }
    phone.client.send_photos_now().unwrap();
    assert_eq!(standing(&phone, &photo.id), PhotoStanding::Ready);
    assert_eq!(phone.sync().await.unwrap().photos, 1);
    assert_eq!(standing(&phone, &photo.id), PhotoStanding::Stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn better_conditions_send_what_waited_without_anybody_asking() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.client.set_conditions(METERED);
    let photo = fail_with_large_photo(&phone, 2, 1);
    let client = phone.client.clone();
    let staying = tokio::spawn(async move { client.stay_in_sync(false).await });
    let mut changes = phone.client.changes();
    while standing(&phone, &photo.id) == PhotoStanding::EntryFirst {
        changes.changed().await.unwrap();
    }
    phone.client.set_conditions(Conditions::default());
    while standing(&phone, &photo.id) != PhotoStanding::Stored {
        changes.changed().await.unwrap();
    }
    staying.abort();
    holds(&world, &phone, &[&photo]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_of_the_server_decides_what_a_metered_network_carries() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let first = std::str::from_utf8(doorstep_rules::FIRST_POLICY).unwrap();
    let open = first
        .replace("\"never\", \"promote_after_hours\": 6", "{ \"up_to_mb_a_day\": 0 }, \"promote_after_hours\": null")
        .replace("\"version\": 1", "\"version\": 2");
    world.admin().policy(open.as_bytes()).unwrap();
    phone.client.set_conditions(METERED);
    let photo = fail_with_large_photo(&phone, 2, 1);
    phone.sync().await.unwrap();
    assert_eq!(standing(&phone, &photo.id), PhotoStanding::Held { hold: Hold::DayUsed });
    let open = open.replace("\"up_to_mb_a_day\": 0", "\"up_to_mb_a_day\": 1").replace("\"version\": 2", "\"version\": 3");
    world.admin().policy(open.as_bytes()).unwrap();
    phone.sync().await.unwrap();
    phone.sync().await.unwrap();
    assert_eq!(standing(&phone, &photo.id), PhotoStanding::Stored);
    // The day's megabyte is used up by the fourth photo.
    for (n, seed) in [(4, 2), (6, 3), (8, 4), (10, 5), (12, 6)] {
        fail_with_large_photo(&phone, n, seed);
        phone.sync().await.unwrap();
    }
    let held = phone.client.photos(false).unwrap();
    assert!(
        !held.is_empty() && held.iter().all(|photo| photo.standing == PhotoStanding::Held { hold: Hold::DayUsed }),
        "{held:?}"
    );
    world.hands.advance(24 * 60);
    phone.sync().await.unwrap();
    assert!(phone.client.photos(false).unwrap().len() < held.len(), "a new day");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_made_while_a_photo_is_sent_overtakes_the_next_one() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.client.set_conditions(Conditions { battery: Some(1), ..Conditions::default() });
    let photos = [fail_with_large_photo(&phone, 2, 1), fail_with_large_photo(&phone, 4, 2)];
    phone.sync().await.unwrap(); // entries and thumbnails
    phone.client.set_conditions(Conditions::default());
    world.link.set(LinkMode::Slow { rate: 150_000, cut_after: usize::MAX });
    let client = phone.client.clone();
    // A connection that the link has just dropped may be tried first.
    let syncing = tokio::spawn(async move { while client.sync().await.is_err() {} });
    let mut changes = phone.client.changes();
    while !phone.client.photos(false).unwrap().iter().any(|photo| matches!(photo.standing, PhotoStanding::Sending { .. })) {
        changes.changed().await.unwrap();
    }
    phone.note(2, "客户来电").unwrap();
    let noted = || world.admin().log(&phone.id(2)).unwrap().1.iter().any(|r| matches!(r.entry.body, Body::Note { .. }));
    loop {
        let ended = syncing.is_finished();
        if noted() {
            break;
        }
        assert!(!ended, "the note was left for another sync");
        tokio::task::yield_now().await;
    }
    let stored = [world.storage().photo(&photos[0].id).await.is_some(), world.storage().photo(&photos[1].id).await.is_some()];
    assert!(stored != [true, true], "the note came before the second photo");
    syncing.await.unwrap();
    holds(&world, &phone, &[&photos[0], &photos[1]]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_lets_go_of_a_photo_only_when_the_server_says_once_more_that_it_has_it() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let (kept, gone) = (fail_with_large_photo(&phone, 2, 1), fail_with_large_photo(&phone, 4, 2));
    phone.sync().await.unwrap();
    assert_eq!(photos_of(&phone).len(), 4);
    world.hands.advance(7 * 24 * 60 - 1);
    phone.sync().await.unwrap();
    assert_eq!(photos_of(&phone).len(), 4, "the retention is not over");
    // The server has lost one of them, and has noticed.
    world.storage().remove(&gone.id).await;
    assert_eq!(world.scrub(false).await.missing, 1);
    world.hands.advance(2);
    phone.sync().await.unwrap();
    assert_eq!(standing(&phone, &kept.id), PhotoStanding::LetGo);
    assert_eq!(standing(&phone, &gone.id), PhotoStanding::Stored, "sent again");
    assert!(world.storage().photo(&gone.id).await.is_some());
    let bytes = phone.client.photo(kept.id).await.unwrap().unwrap();
    assert_eq!(doorstep_media::photo_id(&bytes), kept.id, "what was let go is fetched like another's");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cache_of_others_photos_stays_within_its_bound_and_loses_the_least_used() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    let small = std::str::from_utf8(doorstep_rules::FIRST_POLICY).unwrap().replace("\"cache_mb\": 200", "\"cache_mb\": 1");
    world.admin().policy(small.as_bytes()).unwrap();
    for n in 0..6 {
        fail_with_large_photo(&phone, n * 2, n);
    }
    sync_until_done(&phone).await;
    tablet.sync().await.unwrap();
    let ids: Vec<PhotoId> = (0..6).map(|n| named(&tablet, n * 2)[0].id).collect();
    for id in &ids {
        world.hands.advance(1);
        assert!(tablet.client.photo(*id).await.unwrap().is_some());
    }
    let cached = super::files(tablet.folder.join("pictures"));
    let bytes: u64 = cached.iter().map(|file| file.metadata().unwrap().len()).sum();
    assert!(bytes <= 1_000_000, "{bytes}");
    let has = |id: &PhotoId| cached.iter().any(|file| file.ends_with(id.to_string()));
    assert!(has(&ids[5]) && !has(&ids[0]), "the newest is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn photos_are_given_to_those_whose_scope_holds_the_case_in_parts_and_once() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    let (origin, stranger) = (world.device("origin", "o1").await, world.device("stranger", "x1").await);
    let photo = fail_with_large_photo(&phone, 2, 1);
    phone.sync().await.unwrap();
    let path = format!("/v1/photos/{}", photo.id);
    let get = async |device: &Device, headers: &[(&str, &str)]| {
        let bearer = device.bearer();
        raw(world.addr(), "GET", &path, &[&[("authorization", bearer.as_str())], headers].concat(), b"").await
    };
    assert_eq!(get(&stranger, &[]).await.status, 404);
    assert_eq!(get(&origin, &[]).await.status, 404, "not before it is notified");
    phone.notice(2).unwrap();
    phone.sync().await.unwrap();
    assert_eq!(get(&origin, &[]).await.status, 200);
    let whole = get(&tablet, &[]).await;
    assert_eq!((whole.status, whole.body.len() as u64), (200, photo.len));
    for header in ["content-type: image/jpeg", "x-content-type-options: nosniff", "accept-ranges: bytes"] {
        assert!(whole.head.contains(header), "{}", whole.head);
    }
    let tag = format!("\"{}\"", photo.id);
    assert_eq!(get(&tablet, &[("if-none-match", &tag)]).await.status, 304);
    let part = get(&tablet, &[("range", "bytes=100-199")]).await;
    assert_eq!((part.status, part.body.as_slice()), (206, &whole.body[100..200]));
    assert!(part.head.contains(&format!("content-range: bytes 100-199/{}", photo.len)), "{}", part.head);
    assert_eq!(get(&tablet, &[("range", "bytes=99999999-")]).await.status, 416);
}
