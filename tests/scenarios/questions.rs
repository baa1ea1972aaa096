//! Facts for a reviewer that need head office: they travel as marks of receipts, so every replica shows them.

use doorstep_client::{Act, NewPhoto, Recording};
use doorstep_domain::{GeoPosition, Kind, Outage, OutageReason, PhotoPurpose, PhotoSource, UnixMs, Waybill};
use doorstep_protocol::SyncRequest;
use doorstep_rules::{Flag, QuestionKind, Timeliness};
use doorstep_tests::{Device, World, failed, raw, text, waybill};
use jpeg_encoder::{ColorType, Encoder};
use rusqlite::params;

use crate::{chain::clone_of, photos::named};

/// Records that the origin outlet was phoned in an outage.
fn claim_outage(device: &Device, n: u32, phoned_at: UnixMs) {
    let outage = Outage {
        reason: OutageReason::Network,
        contact: Some(text("吴客服")),
        phone: Some(text("0571-88000000")),
        phoned_at: Some(phoned_at),
        outlet: None,
        said: None,
    };
    let recording = Recording { waybills: vec![Waybill::parse(&waybill(n)).unwrap()], act: Act::Outage(outage), photos: vec![] };
    device.client.record(&recording, &[]).unwrap();
}

/// Whether a replica shows that the device of the outage was in contact.
fn is_asked(device: &Device, n: u32) -> bool {
    let view = device.case(n).unwrap();
    let asked = view.judgement.questions.iter().any(|question| question.kind == QuestionKind::OutageInContact);
    assert_eq!(asked, view.judgement.flags.contains(&Flag::OutageInContact));
    let receipt = view.case.of_kind(Kind::Outage).next().unwrap().standing.receipt().unwrap();
    assert_eq!((receipt.in_contact, receipt.in_contact && !receipt.review), (asked, false));
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_that_is_claimed_although_the_device_reached_head_office_is_marked_on_every_replica() {
    let mut world = World::new().await;
    let tablet = world.device("tablet", "s1").await;
    let courier = world.device("phone", "c1").await;
    // The last contact before each claim was so many minutes before the phone call.
    for (n, minutes, asked) in [(2, 15, true), (4, 16, false)] {
        tablet.fail(n, "DF-NOBODY").unwrap();
        tablet.sync().await.unwrap();
        world.hands.advance(minutes);
        let phoned_at = world.hands.now();
        world.hands.advance(5);
        claim_outage(&tablet, n, phoned_at);
        world.hands.advance(60);
        tablet.sync().await.unwrap();
        assert_eq!(is_asked(&tablet, n), asked, "{minutes} minutes");
        let timeliness = tablet.case(n).unwrap().judgement.deadlines.iter().find(|d| d.clock == "SLA-03").unwrap().timeliness;
        assert_eq!(timeliness, Timeliness::OnTimeByException, "it is not refused");
        tablet.agrees_with(&world, n);
    }
    // A contact between the claimed call and its record.
    tablet.fail(6, "DF-NOBODY").unwrap();
    tablet.sync().await.unwrap();
    world.hands.advance(120);
    let phoned_at = world.hands.now();
    world.hands.advance(20);
    tablet.sync().await.unwrap();
    world.hands.advance(10);
    claim_outage(&tablet, 6, phoned_at);
    world.hands.advance(1);
    tablet.sync().await.unwrap();
    assert!(is_asked(&tablet, 6));
    // A contact between the first and the last one of its hour, of a device that sends its record later.
    tablet.fail(8, "DF-NOBODY").unwrap();
    world.hands.advance(60);
    tablet.sync().await.unwrap();
    world.hands.advance(21);
    tablet.sync().await.unwrap();
    world.hands.advance(12);
    claim_outage(&tablet, 8, world.hands.now());
    world.hands.advance(10);
    tablet.send_with_clock(&world, &SyncRequest { batch: None, ..tablet.request() }).await.unwrap();
    world.hands.advance(1);
    tablet.sync().await.unwrap();
    assert!(is_asked(&tablet, 8));
    // Another replica has the same marks.
    courier.sync().await.unwrap();
    for (n, asked) in [(2, true), (4, false), (6, true), (8, true)] {
        assert_eq!(is_asked(&courier, n), asked, "{n}");
    }
}

/// The parcels of these numbers on which a replica shows the question, with its flag.
fn asked_of(device: &Device, numbers: impl IntoIterator<Item = u32>, kind: QuestionKind) -> Vec<u32> {
    let is_asked = |n: &u32| {
        let view = device.case(*n).unwrap();
        let asked = view.judgement.questions.iter().any(|question| question.kind == kind);
        assert_eq!(asked, view.judgement.flags.contains(&kind.flag().unwrap()));
        assert!(!asked || view.judgement.flags.contains(&Flag::Review));
        asked
    };
    numbers.into_iter().filter(is_asked).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn six_doors_at_one_moment_are_marked_at_the_sixth_and_parcels_of_one_action_are_not() {
    let mut world = World::new().await;
    let (phone, second) = (world.device("phone", "c1").await, world.device("second", "c1").await);
    let outlet = world.device("outlet", "s1").await;
    let (alone, together) = ([2, 4, 6, 8, 10, 12], [22, 24, 26, 28, 30, 32]);
    world.hands.advance(10);
    for n in [2, 4, 6, 8, 10] {
        phone.fail(n, "DF-NOBODY").unwrap();
    }
    second.fail(12, "DF-NOBODY").unwrap();
    world.hands.advance(1);
    phone.sync().await.unwrap();
    assert!(asked_of(&phone, [2, 4, 6, 8, 10], QuestionKind::Crowded).is_empty(), "five are none");
    second.sync().await.unwrap();
    world.hands.advance(30);
    let waybills = together.map(|n| Waybill::parse(&waybill(n)).unwrap()).to_vec();
    let Recording { act, .. } = failed(waybill(22), "DF-NOBODY");
    phone.client.record(&Recording { waybills, act, photos: vec![] }, &[]).unwrap();
    world.hands.advance(10);
    phone.sync().await.unwrap();
    outlet.sync().await.unwrap();
    for replica in [&phone, &outlet] {
        assert_eq!(asked_of(replica, alone, QuestionKind::Crowded), [12]);
        assert!(asked_of(replica, together, QuestionKind::Crowded).is_empty());
    }
    let receipt = outlet.case(12).unwrap().case.of_kind(Kind::Attempt).next().unwrap().standing.receipt().unwrap();
    assert_eq!((receipt.crowded, receipt.too_fast, receipt.review), (true, false, true));
    phone.agrees_with(&world, 12);
    assert!(page_of(&world, &phone, 12).await.contains("many parcels within a minute"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_at_two_places_of_two_cases_too_fast_is_marked_also_from_two_devices() {
    let mut world = World::new().await;
    let (phone, second) = (world.device("phone", "c1").await, world.device("second", "c1").await);
    let outlet = world.device("outlet", "s1").await;
    let door = |device: &Device, n: u32, north_e7: i32| {
        let position = GeoPosition::new(300_000_000 + north_e7, 1_200_000_000);
        let photo = NewPhoto { position, ..NewPhoto::new(picture(n, false), PhotoPurpose::Door) };
        device.client.record(&failed(waybill(n), "DF-NOBODY"), &[photo]).unwrap();
    };
    // About 11 km to the north in ten minutes, then the same way in one minute.
    world.hands.advance(10);
    door(&phone, 2, 0);
    world.hands.advance(10);
    door(&phone, 4, 1_000_000);
    world.hands.advance(1);
    door(&second, 6, 0);
    world.hands.advance(10);
    phone.sync().await.unwrap();
    second.sync().await.unwrap();
    outlet.sync().await.unwrap();
    phone.sync().await.unwrap();
    for replica in [&phone, &second, &outlet] {
        assert_eq!(asked_of(replica, [2, 4, 6], QuestionKind::TooFastElsewhere), [6]);
    }
    outlet.agrees_with(&world, 6);
}

/// A picture of fields, each of its own brightness; `turned`: by 90 degrees.
fn picture(seed: u32, is_turned: bool) -> Vec<u8> {
    const WIDTH: u16 = 640;
    const HEIGHT: u16 = 480;
    let brightness = |x: u16, y: u16| {
        let field = u32::from(x / 80) * 31 + u32::from(y / 80) * 57 + seed * 1_009;
        (field.wrapping_mul(2_654_435_761) >> 24) as u8
    };
    let (width, height) = if is_turned { (HEIGHT, WIDTH) } else { (WIDTH, HEIGHT) };
    let pixels: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| if is_turned { brightness(y, HEIGHT - 1 - x) } else { brightness(x, y) }))
        .collect();
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, 85).encode(&pixels, width, height, ColorType::Luma).unwrap();
    jpeg
}

/// The page of a case, as head office sees it.
async fn page_of(world: &World, device: &Device, n: u32) -> String {
    let page = world.page();
    let cookie = format!("doorstep={}", page.rsplit('=').next().unwrap());
    let answer = raw(world.addr(), "GET", &format!("/case/{}", device.id(n)), &[("cookie", &cookie)], b"").await;
    String::from_utf8(answer.body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_was_turned_and_recorded_by_a_colleague_is_found_by_its_bytes_and_listed() {
    let mut world = World::new().await;
    let (phone, colleague) = (world.device("phone", "c1").await, world.device("colleague", "c2").await);
    let record = |device: &Device, n: u32, bytes: Vec<u8>| {
        let photo = NewPhoto { source: Some(PhotoSource::Gallery), ..NewPhoto::new(bytes, PhotoPurpose::Door) };
        device.client.record(&failed(waybill(n), "DF-NOBODY"), &[photo]).unwrap();
    };
    record(&phone, 2, picture(1, false));
    record(&phone, 4, picture(2, false));
    record(&colleague, 3, picture(1, true));
    for device in [&phone, &colleague] {
        device.sync().await.unwrap();
    }
    let listed = |all: bool| {
        let rows = world.admin().photos(all, 10, world.hands.now()).unwrap();
        let mut rows: Vec<_> = rows.into_iter().map(|row| (row.waybill, row.state, row.same, row.alike)).collect();
        rows.sort();
        rows
    };
    let pair = [(waybill(2), "stored", vec![], vec![waybill(3)]), (waybill(3), "stored", vec![], vec![waybill(2)])];
    assert_eq!(listed(false), pair, "and nothing of the other picture");
    assert_eq!(listed(true).len(), 3);
    let page = page_of(&world, &phone, 2).await;
    assert!(page.contains("looks like one under: ") && page.contains(&waybill(3)), "{page}");
    // The source that the app gave is a fact too, on every replica and on the page.
    assert!(colleague.case(3).unwrap().judgement.flags.contains(&Flag::PhotoFromGallery));
    assert!(page.contains("chosen from the phone&#39;s pictures") || page.contains("chosen from the phone's pictures"), "{page}");
    let measured: i64 = world.database().query_row("SELECT count(*) FROM looks", [], |row| row.get(0)).unwrap();
    assert_eq!(measured, 3, "thumbnails are not measured");
}

#[tokio::test(flavor = "multi_thread")]
async fn photos_that_an_older_server_stored_unmeasured_are_measured_later_and_found_alike() {
    let mut world = World::new().await;
    let (phone, colleague) = (world.device("phone", "c1").await, world.device("colleague", "c2").await);
    for (device, n, bytes) in [(&phone, 2, picture(1, false)), (&colleague, 3, picture(1, true)), (&phone, 4, picture(2, false))]
    {
        let photo = NewPhoto::new(bytes, PhotoPurpose::Door);
        device.client.record(&failed(waybill(n), "DF-NOBODY"), &[photo]).unwrap();
        device.sync().await.unwrap();
    }
    world.stop_server().await;
    // One photo's bytes are damaged since: they can not be measured, and are no reason to stop at.
    let db = world.database();
    let damaged = named(&phone, 4).pop().unwrap();
    let text = damaged.id.to_string();
    std::fs::write(world.server_folder().join("photos").join(&text[..2]).join(&text), vec![0x55; damaged.len as usize]).unwrap();
    db.execute_batch("DELETE FROM looks; DELETE FROM alike;").unwrap();
    let alike = || -> (i64, i64, i64) {
        let count = "SELECT (SELECT count(*) FROM alike), (SELECT count(*) FROM looks WHERE length(looks) = 64),
                       (SELECT count(*) FROM looks WHERE length(looks) = 0)";
        db.query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap()
    };
    // The folder is served by another time: every photo is older than the newest ones that a new photo is compared with.
    world.hands.advance(40 * 24 * 60);
    world.restart_server().await;
    let begun = std::time::Instant::now();
    while alike() != (2, 2, 1) {
        assert!(begun.elapsed().as_secs() < 30, "{:?}", alike());
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let listed = world.admin().photos(false, 10, world.hands.now()).unwrap();
    let mut listed: Vec<_> = listed.into_iter().filter(|row| !row.alike.is_empty()).map(|row| row.waybill).collect();
    listed.sort();
    assert_eq!(listed, [waybill(2), waybill(3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_was_altered_on_the_phone_is_counted_at_head_office() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    let damaged = || world.admin().devices(world.hands.now()).unwrap().iter().map(|row| row.damaged).collect::<Vec<_>>();
    assert_eq!(damaged(), [0]);
    phone.note(2, "原话").unwrap();
    let db = phone.database();
    let id = phone.id(2);
    let mut bytes: Vec<u8> =
        db.query_row("SELECT bytes FROM outbox WHERE case_id = ?1", [id.as_bytes()], |row| row.get(0)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    db.execute("UPDATE outbox SET bytes = ?2 WHERE case_id = ?1", params![id.as_bytes(), bytes]).unwrap();
    // The sync that notices it, or the next one, reports it.
    for _ in 0..2 {
        phone.sync().await.unwrap();
    }
    assert_eq!(damaged(), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_stands_on_the_page_of_each_case_that_its_installation_touched() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let tablet = world.device("tablet", "s1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    tablet.fail(8, "DF-NOBODY").unwrap();
    for device in [&phone, &tablet] {
        device.sync().await.unwrap();
    }
    assert!(!page_of(&world, &phone, 2).await.contains("chain forked"));
    let clone = clone_of(&phone, &world, "clone");
    phone.note(2, "原机").unwrap();
    clone.note(2, "克隆机").unwrap();
    for device in [&phone, &clone] {
        device.sync().await.unwrap();
    }
    let page = page_of(&world, &phone, 2).await;
    assert!(page.contains("chain forked") && page.contains("same_number"), "{page}");
    assert!(!page_of(&world, &tablet, 8).await.contains("chain forked"), "no change of that installation is in it");
}
