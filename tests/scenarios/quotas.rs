//! One device can not fill the server: what it brings beyond its share waits on it, and is neither lost nor in anybody's way.

use doorstep_client::{Conditions, Kind};
use doorstep_document::{Change, NewEntry};
use doorstep_domain::{Body, Photo, PhotoId, PhotoPurpose};
use doorstep_protocol::{Beacon, ErrorBody, decode};
use doorstep_server::admin::{QuotaRow, Which};
use doorstep_tests::{Device, LinkMode, RawAnswer, World, failed, first_entry, grainy, raw, waybill};
use serde_json::{Value, json};

use super::photos::{fail_with_large_photo, holds};

/// Publishes the shipped policy with another value of one quota.
fn publish(world: &World, name: &str, value: u64) {
    let mut policy: Value = serde_json::from_slice(doorstep_rules::QUOTAS_POLICY).unwrap();
    policy["quotas"][name] = json!(value);
    world.admin().publish_policy(policy.to_string().as_bytes(), true).unwrap();
}

fn id_of(device: &Device) -> String {
    device.client.identity().unwrap().unwrap().device.to_string()
}

fn row(world: &World, device: &Device) -> QuotaRow {
    world.admin().quota(&id_of(device), world.hands.now()).unwrap()
}

fn used(world: &World, device: &Device, name: &str) -> u64 {
    row(world, device).of.iter().find(|of| of.name == name).unwrap().used
}

/// Records failed deliveries of waybills that nobody listed.
fn invent(device: &Device, waybills: std::ops::Range<u32>) {
    for n in waybills {
        device.client.record(&failed(format!("QH9{n:011}"), "DF-NOBODY"), &[]).unwrap();
    }
}

/// Sends the device's next request by hand.
async fn answer(world: &World, device: &Device) -> RawAnswer {
    let body = doorstep_protocol::seal(&doorstep_protocol::encode(&device.request()).unwrap()).unwrap();
    raw(world.addr(), "POST", "/v1/sync", &[("authorization", &device.bearer())], &body).await
}

fn code(answer: &RawAnswer) -> String {
    decode::<ErrorBody>(&answer.body).unwrap().code.to_string()
}

fn retry_after(answer: &RawAnswer) -> i64 {
    let line = answer.head.lines().find_map(|line| line.strip_prefix("retry-after: "));
    line.unwrap_or_else(|| panic!("{}", answer.head)).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_courier_with_a_grudge_waits_its_own_honest_record_still_arrives_and_nobody_else_notices() {
    let mut world = World::new().await;
    let (grudge, other) = (world.device("grudge", "c1").await, world.device("other", "c2").await);
    publish(&world, "unlisted_cases", 100);
    invent(&grudge, 0..101);
    grudge.sync().await.unwrap();
    assert_eq!(used(&world, &grudge, "unlisted_cases"), 101, "a batch is taken whole");
    grudge.fail(2, "DF-NOBODY").unwrap();
    let refused = answer(&world, &grudge).await;
    assert_eq!((refused.status, code(&refused)), (429, "slow_down".to_owned()));
    // One waybill of a hundred is a hundredth of a day.
    assert_eq!(retry_after(&refused), 864);
    assert_eq!(grudge.sync().await.unwrap_err().kind(), Kind::Network, "come back later");
    assert_eq!(grudge.client.status().unwrap().unsent.len(), 1, "it stays on the phone");
    assert!(world.on_server(&grudge.id(2)).0.is_empty());
    other.fail(3, "DF-NOBODY").unwrap();
    other.sync().await.unwrap();
    other.agrees_with(&world, 3);
    assert_eq!(used(&world, &other, "changes"), 1);
    world.restart_server().await;
    assert_eq!(answer(&world, &grudge).await.status, 429, "a restart forgives nothing");
    world.hands.advance(15);
    grudge.sync().await.unwrap();
    grudge.agrees_with(&world, 2);
    assert_eq!(grudge.client.status().unwrap().unsent.len(), 0);
    // What lies beyond goes on at the pace of the quota, and the next day begins anew.
    world.hands.advance(1);
    invent(&grudge, 200..202);
    grudge.sync().await.unwrap();
    invent(&grudge, 202..203);
    assert_eq!(retry_after(&answer(&world, &grudge).await), 2 * 864);
    world.hands.advance(24 * 60);
    grudge.sync().await.unwrap();
    assert_eq!((used(&world, &grudge, "unlisted_cases"), used(&world, &grudge, "changes")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn photos_beyond_the_quota_wait_on_the_phone_while_records_pass_and_all_arrive_in_the_end() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    publish(&world, "photo_bytes", 400_000);
    let photos = [1, 2, 3].map(|n| fail_with_large_photo(&phone, n * 2, n));
    assert_eq!(phone.sync().await.unwrap_err().kind(), Kind::Network, "come back later");
    let bytes: u64 = photos.iter().take(2).map(|photo| photo.len).sum();
    let thumbnails: u64 = photos.iter().map(|photo| photo.thumbnail.unwrap().len).sum();
    assert_eq!(used(&world, &phone, "photo_bytes"), bytes + thumbnails, "what is stored, once");
    assert!(row(&world, &phone).photos_from.is_some() && row(&world, &phone).records_from.is_none());
    assert!(world.storage().keys("staging").await.is_empty(), "no byte of the third was taken");
    assert_eq!(phone.client.status().unwrap().photos, 1);
    phone.note(2, "客户改约").unwrap();
    phone.sync().await.ok();
    phone.agrees_with(&world, 2);
    assert_eq!(phone.client.status().unwrap().photos, 1);
    world.hands.advance(61);
    assert_eq!(phone.sync().await.unwrap().photos, 1);
    holds(&world, &phone, &[&photos[0], &photos[1], &photos[2]]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_photos_at_once_beyond_the_quota_one_is_let_through() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.client.set_conditions(Conditions { battery: Some(1), ..Conditions::default() });
    fail_with_large_photo(&phone, 2, 1);
    phone.sync().await.unwrap();
    publish(&world, "photo_bytes", 1);
    let (pictures, ids) = named_by_hand(&world, &phone, [7, 8, 9]).await;
    let token = phone.bearer();
    let put = async |n: usize| {
        raw(world.addr(), "PUT", &format!("/v1/photos/{}", ids[n]), &[("authorization", &token)], &pictures[n]).await.status
    };
    let mut answers = <[u16; 3]>::from(tokio::join!(put(0), put(1), put(2)));
    answers.sort_unstable();
    assert_eq!(answers, [204, 429, 429]);
}

/// Pictures that an entry of the device names, written by hand.
async fn named_by_hand<const N: usize>(world: &World, phone: &Device, seeds: [u32; N]) -> (Vec<Vec<u8>>, Vec<PhotoId>) {
    let pictures: Vec<Vec<u8>> = seeds.iter().map(|seed| grainy(*seed, 1_600, 1_200)).collect();
    let ids = name(world, phone, &pictures).await;
    (pictures, ids)
}

/// Has the device name bytes as photos of parcel 6.
async fn name(world: &World, phone: &Device, pictures: &[Vec<u8>]) -> Vec<PhotoId> {
    let who = phone.client.identity().unwrap().unwrap();
    let ids: Vec<PhotoId> = pictures.iter().map(|bytes| doorstep_media::photo_id(bytes)).collect();
    let named = |(id, bytes): (&PhotoId, &Vec<u8>)| {
        let body = Body::Photo(Photo::of(*id, bytes.len() as u64, PhotoPurpose::Door));
        NewEntry { body, ..first_entry(6, "c1") }
    };
    let entries: Vec<NewEntry> = ids.iter().zip(pictures).map(named).collect();
    let change = Change::write(&phone.id(6), &who.install, &Default::default(), &entries).unwrap();
    phone.push_by_hand(world, &[(phone.id(6), &[change.bytes()])]).await.unwrap();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn head_office_lifts_the_quotas_of_a_device_for_the_day() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    publish(&world, "changes", 2);
    for n in [2, 4] {
        phone.fail(n, "DF-NOBODY").unwrap();
    }
    phone.sync().await.unwrap();
    phone.fail(6, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap_err();
    let lifted = world.admin().lift_quota(&id_of(&phone), world.hands.now()).unwrap();
    let changes = lifted.of.iter().find(|of| of.name == "changes").unwrap();
    assert_eq!((changes.used, changes.quota, lifted.lifts, lifted.day.as_str()), (2, 4, 1, "2026-03-02"));
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 6);
    world.hands.advance(24 * 60);
    assert_eq!(row(&world, &phone).lifts, 0, "for that day");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_has_a_quota_too_and_a_batch_that_came_before_is_answered_as_before() {
    let mut world = World::new().await;
    let stranger = world.device("x1", "x1").await;
    publish(&world, "refused_bytes", 1);
    // Parcel 2 belongs to other outlets.
    stranger.fail(2, "DF-NOBODY").unwrap();
    world.link.set(LinkMode::LoseAnswers);
    stranger.sync().await.unwrap_err();
    world.link.set(LinkMode::Up);
    let bytes = used(&world, &stranger, "refused_bytes");
    assert!(bytes > 100, "{bytes} bytes are in quarantine");
    stranger.sync().await.unwrap();
    assert_eq!(stranger.client.status().unwrap().quarantined, 1, "the verdict that was lost came");
    assert_eq!(used(&world, &stranger, "refused_bytes"), bytes, "and is counted once");
    stranger.fail(4, "DF-NOBODY").unwrap();
    assert_eq!(answer(&world, &stranger).await.status, 429);
    world.hands.advance(61);
    stranger.sync().await.unwrap();
    assert_eq!(stranger.client.status().unwrap().quarantined, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_behind_or_within_a_picture_that_nobody_can_see_are_not_stored() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.sync().await.unwrap();
    let plain = grainy(7, 320, 240);
    let behind = [&plain[..], &[0x55; 1_000_000]].concat();
    let (head, end) = plain.split_at(plain.len() - 2);
    let within = [head, &[0; 1_000_000], end].concat();
    let pictures = [plain.clone(), behind, within];
    let ids = name(&world, &phone, &pictures).await;
    let token = phone.bearer();
    for (n, expected) in [(0, 204), (1, 422), (2, 422)] {
        let path = format!("/v1/photos/{}", ids[n]);
        let answer = raw(world.addr(), "PUT", &path, &[("authorization", &token)], &pictures[n]).await;
        assert_eq!(answer.status, expected, "picture {n}");
        if expected == 422 {
            assert_eq!(code(&answer), "not_a_photo");
            assert!(world.storage().photo(&ids[n]).await.is_none());
        }
    }
    assert!(world.storage().keys("staging").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_photo_in_one_request_is_taken_beside_as_many_unfinished_uploads_as_there_may_be() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.sync().await.unwrap();
    let (pictures, ids) = named_by_hand(&world, &phone, [7, 8]).await;
    assert!(pictures.iter().all(|bytes| bytes.len() > 600_000), "more than is held in memory: {}", pictures[0].len());
    let (db, device) = (world.database(), phone.client.identity().unwrap().unwrap().device);
    for n in 0..64u8 {
        let sql = "INSERT INTO upload (sha, device, received, fence, expires_at) VALUES (?1, ?2, 1, 1, 9223372036854775807)";
        db.execute(sql, rusqlite::params![[n; 32].as_slice(), device.as_bytes().as_slice()]).unwrap();
    }
    let token = phone.bearer();
    // One that breaks off leaves nothing.
    let path = format!("/v1/photos/{}", ids[0]);
    let length = pictures[0].len().to_string();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: test\r\nsync-proto: 3\r\nauthorization: {token}\r\ncontent-length: {length}\r\n\r\n"
    );
    let mut stream = tokio::net::TcpStream::connect(world.addr()).await.unwrap();
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&pictures[0][..600_000]).await.unwrap();
    stream.shutdown().await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.ok();
    for (id, bytes) in ids.iter().zip(&pictures) {
        let path = format!("/v1/photos/{id}");
        let answer = raw(world.addr(), "PUT", &path, &[("authorization", &token)], bytes).await;
        assert_eq!(answer.status, 204, "{}", answer.head);
        assert_eq!(&world.storage().photo(id).await.unwrap(), bytes);
    }
    assert!(world.storage().keys("staging").await.is_empty());
    let unfinished: i64 = db.query_row("SELECT count(*) FROM upload", [], |row| row.get(0)).unwrap();
    assert_eq!(unfinished, 64);
    let stored: u64 = pictures.iter().map(|bytes| bytes.len() as u64).sum();
    assert_eq!(used(&world, &phone, "photo_bytes"), stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn invented_waybills_push_no_parcel_off_head_offices_page() {
    let mut world = World::new().await;
    let (grudge, other) = (world.device("grudge", "c1").await, world.device("other", "c2").await);
    // More than the page shows, and due earlier than the parcel.
    invent(&grudge, 0..510);
    grudge.sync().await.unwrap();
    world.hands.advance(30);
    other.fail(3, "DF-NOBODY").unwrap();
    other.sync().await.unwrap();
    let (mut admin, now) = (world.admin(), world.hands.now());
    let listed = admin.cases_of(Which::Listed, 5, now).unwrap();
    assert_eq!(listed.iter().map(|row| row.waybill.as_str()).collect::<Vec<_>>(), [waybill(3)]);
    assert_eq!(admin.cases_of(Which::Unlisted, 1_000, now).unwrap().len(), 510);
    let cookie = format!("doorstep={}", world.page().rsplit('=').next().unwrap());
    let page = raw(world.addr(), "GET", "/", &[("cookie", &cookie)], b"").await;
    let text = String::from_utf8(page.body).unwrap();
    let (real, invented) = text.split_once("Waybills in no list").unwrap();
    assert!(real.contains(&waybill(3)) && !real.contains("QH9"), "the parcel stands alone");
    assert_eq!(invented.matches("href=\"/case/").count(), 500);
    // A waybill that is listed later moves to the others.
    let row = format!(
        "{}\nQH900000000007,QH,0571,0412,c1,王小花,13800000007,青禾路7号,0,2026-03-02 08:00\n",
        doorstep_tests::PARCEL_COLUMNS
    );
    admin.import_parcels(row.as_bytes(), now).unwrap();
    assert_eq!(admin.cases_of(Which::Listed, 5, now).unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_reports_impossible_numbers_is_listed_with_possible_ones() {
    let mut world = World::new().await;
    let (liar, honest) = (world.device("liar", "c1").await, world.device("honest", "c2").await);
    honest.fail(3, "DF-NOBODY").unwrap();
    let enrolled = world.hands.now();
    world.hands.advance(60);
    honest.sync().await.unwrap();
    liar.sync().await.unwrap();
    let report = async |beacon: Beacon| {
        let request = doorstep_protocol::SyncRequest { beacon: Some(beacon), ..liar.request() };
        liar.send(&world, &request).await.unwrap();
        let rows = world.admin().devices(world.hands.now()).unwrap();
        rows.into_iter().find(|row| row.device.to_string() == id_of(&liar)).unwrap()
    };
    let most = Beacon {
        unsent_cases: u32::MAX,
        unsent_photos: u32::MAX,
        unsent_bytes: u64::MAX,
        oldest_ms: Some(i64::MIN),
        app: format!("\u{1b}[2Jliar\n{}", "x".repeat(100_000)),
        disk_free_mb: Some(u32::MAX),
        damaged: None,
    };
    let row = report(most.clone()).await;
    assert_eq!((row.unsent_cases, row.unsent_photos), (1_000_000, 1_000_000));
    assert_eq!(row.oldest_unsent, Some(enrolled), "nothing on it is older than its enrolment");
    assert!(row.app.starts_with("[2Jliarx") && row.app.chars().count() == 64, "{}", row.app);
    let row = report(Beacon { oldest_ms: Some(i64::MAX), ..most }).await;
    assert_eq!(row.oldest_unsent, Some(world.hands.now()));
    let kept: i64 = world.database().query_row("SELECT max(length(beacon)) FROM device", [], |row| row.get(0)).unwrap();
    assert!(kept < 200, "{kept} bytes are kept");
}
