//! Devices that can not read everything: rules and policies of a newer format, the kinds of reference rows that they are given, and the
//! two kinds that version 3 brought.

use doorstep_protocol::{PROTO_HEADER, Publication, RefKind, Refs, SyncResponse, decode, encode, open, seal};
use doorstep_rules::Policy;
use doorstep_server::AdminError;
use doorstep_tests::{Device, World, raw};
use serde_json::{Value, json};

/// A version of the first pack, with a key of format 2 if wanted.
fn pack(version: u32, format: u32) -> Vec<u8> {
    let toml = String::from_utf8(doorstep_rules::FIRST_PACK.to_vec()).unwrap();
    let toml = toml.replacen("version = 1", &format!("version = {version}"), 1);
    match format {
        1 => toml.into_bytes(),
        _ => format!("format = 2\n{}", toml.replacen("[switches]", "[switches]\ntrusted_gap_hours = 10", 1)).into_bytes(),
    }
}

fn policy(version: u32, format: Option<u32>) -> Vec<u8> {
    let mut policy: Value = serde_json::from_slice(doorstep_rules::FIRST_POLICY).unwrap();
    policy["version"] = json!(version);
    if let Some(format) = format {
        policy["format"] = json!(format);
    }
    policy.to_string().into_bytes()
}

/// The answer to a device that asks for a kind and speaks a version.
async fn ask(world: &World, device: &Device, kind: &str, have: u64, proto: &str) -> Result<Refs, u16> {
    let headers = [("authorization", device.bearer()), (PROTO_HEADER, proto.to_owned())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = raw(world.addr(), "GET", &format!("/v1/refs/{kind}?have={have}"), &headers, b"").await;
    if answer.status == 200 { Ok(decode(&open(&answer.body, 1 << 22).unwrap()).unwrap()) } else { Err(answer.status) }
}

fn versions(refs: &Refs) -> Vec<u32> {
    let packs = refs.packs.as_ref().unwrap();
    packs.iter().map(|signed| decode::<Publication>(&signed.body).unwrap().version).collect()
}

/// A sync in version 2 that has nothing to send and no reference rows.
pub async fn sync_in_version_2(world: &World, device: &Device) -> SyncResponse {
    let mut request = device.request();
    request.refs = vec![];
    assert!(request.batch.is_none() && request.push.is_none());
    let body = seal(&encode(&request).unwrap()).unwrap();
    let headers = [("authorization", device.bearer()), (PROTO_HEADER, "2".to_owned())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = raw(world.addr(), "POST", "/v1/sync", &headers, &body).await;
    assert_eq!(answer.status, 200);
    decode(&open(&answer.body, 1 << 22).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_of_version_2_gets_the_newest_rules_and_policy_that_it_reads_and_the_rest_once_it_is_updated() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.sync().await.unwrap();
    let (now, mut admin) = (world.hands.now(), world.admin());
    admin.publish_pack(&pack(2, 2), now).unwrap();
    let (old, new) = (ask(&world, &phone, "pack", 0, "2").await.unwrap(), ask(&world, &phone, "pack", 0, "3").await.unwrap());
    assert_eq!((versions(&old), versions(&new)), (vec![1], vec![1, 2]));
    admin.publish_pack(&pack(3, 1), now).unwrap();
    let (old, new) = (ask(&world, &phone, "pack", 0, "2").await.unwrap(), ask(&world, &phone, "pack", 0, "3").await.unwrap());
    assert_eq!((versions(&old), versions(&new)), (vec![1, 3], vec![1, 2, 3]));
    assert_eq!(ask(&world, &phone, "pack", old.version, "2").await.unwrap_err(), 304, "it has what it is given");
    let updated = ask(&world, &phone, "pack", old.version, "3").await.unwrap();
    assert_eq!(versions(&updated), [1, 2, 3], "what was withheld comes with the update of the app");

    admin.policy(&policy(2, Some(2))).unwrap();
    let read = async |proto: &str| {
        let refs = ask(&world, &phone, "policy", 0, proto).await.unwrap();
        let policy = Policy::parse(&refs.policy).unwrap();
        (policy.version, policy.format())
    };
    assert_eq!((read("2").await, read("3").await), ((1, 1), (2, 2)));
    admin.policy(&policy(3, None)).unwrap();
    admin.policy(&policy(4, Some(2))).unwrap();
    assert_eq!((read("2").await, read("3").await), ((3, 1), (4, 2)));
    phone.sync().await.unwrap();
    assert_eq!(phone.client.book().unwrap().unwrap().versions().count(), 3, "the app of today reads them all");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_enrolled_devices_can_not_read_is_published_only_on_a_second_word() {
    let mut world = World::new().await;
    let (phone, other) = (world.device("phone", "c1").await, world.device("other", "c2").await);
    other.sync().await.unwrap();
    sync_in_version_2(&world, &phone).await;
    let (now, mut admin) = (world.hands.now(), world.admin());
    let before = admin.packs(now).unwrap().len();
    for refused in [admin.publish_pack(&pack(2, 2), now).map(drop), admin.policy(&policy(2, Some(2))).map(drop)] {
        let Err(AdminError::Unreadable(unreadable)) = refused else { panic!("{refused:?}") };
        let [device] = unreadable.devices.as_slice() else { panic!("{unreadable:?}") };
        assert_eq!((device.people.as_slice(), device.version.as_str()), (&["c1".to_owned()][..], "2"));
        let said = unreadable.to_string();
        assert!(said.contains(&device.device.to_string()) && said.contains("--anyway"), "{said}");
    }
    assert_eq!(admin.packs(now).unwrap().len(), before, "nothing is published");
    admin.publish_pack(&pack(2, 1), now).unwrap();
    admin.publish_rules(&pack(3, 2), true, now).unwrap();
    admin.publish_policy(&policy(2, Some(2)), true).unwrap();
    // A device that is updated or revoked holds no publication back.
    phone.sync().await.unwrap();
    admin.publish_pack(&pack(4, 2), now).unwrap();
    sync_in_version_2(&world, &phone).await;
    assert!(admin.publish_pack(&pack(5, 2), now).is_err());
    admin.revoke(&phone.client.identity().unwrap().unwrap().device.to_string(), "lost", now).unwrap();
    admin.publish_pack(&pack(5, 2), now).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tablet_reads_its_outlets_people_those_who_have_left_too_and_no_other_outlets() {
    let mut world = World::new().await;
    let mut admin = world.admin();
    admin.user("s9", "王芳", "outlet", "0412").unwrap();
    let tablet = world.device("tablet", "s1").await;
    let people = || -> Vec<(String, bool)> {
        tablet.client.people().unwrap().into_iter().map(|person| (person.account, person.left)).collect()
    };
    let named =
        |people: &[(&str, bool)]| -> Vec<(String, bool)> { people.iter().map(|(a, left)| ((*a).to_owned(), *left)).collect() };
    tablet.sync().await.unwrap();
    assert_eq!(people(), named(&[("c1", false), ("c2", false), ("s1", false), ("s9", false)]));
    admin.left("s9", world.hands.now()).unwrap();
    admin.user("c2", "李明", "courier", "0571").unwrap();
    admin.user("c3", "赵强", "courier", "0412").unwrap();
    tablet.sync().await.unwrap();
    assert_eq!(people(), named(&[("c1", false), ("c3", false), ("s1", false), ("s9", true)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn days_of_the_calendar_arrive_and_a_file_with_a_bad_line_changes_nothing() {
    let mut world = World::new().await;
    let tablet = world.device("tablet", "s1").await;
    let mut admin = world.admin();
    let mut import = |rows: &str| {
        let done = admin.import_calendar(format!("date,works,name\r\n{rows}").as_bytes());
        done.map(|done| (done.imported, done.bad.iter().map(|bad| bad.line).collect::<Vec<_>>()))
    };
    let days = async || -> Vec<(i32, bool, String)> {
        tablet.sync().await.unwrap();
        tablet.client.calendar().unwrap().into_iter().map(|day| (day.day, day.works, day.name)).collect()
    };
    assert_eq!(import("2026-10-01,no,国庆节\r\n2026-10-10,yes,国庆节调休\r\n").unwrap(), (2, vec![]));
    let (holiday, adjusted) = ((20_727, false, "国庆节".to_owned()), (20_736, true, "国庆节调休".to_owned()));
    assert_eq!(days().await, [holiday.clone(), adjusted]);
    assert_eq!(
        import("2026-10-02,no,x\r\n2026-13-01,no,x\r\n2026-10-03,maybe,x\r\n2026-10-02,no,x\r\n").unwrap(),
        (0, vec![3, 4, 5])
    );
    assert!(import("").is_err());
    assert_eq!(days().await.len(), 2);
    assert_eq!(import("2026-10-01,no,国庆节\r\n").unwrap().0, 1);
    assert_eq!(import("2027-01-01,no,元旦\r\n").unwrap().0, 1);
    assert_eq!(days().await, [holiday, (20_819, false, "元旦".to_owned())], "a year is said as a whole, the others stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_of_version_2_are_never_told_of_people_and_calendar() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.admin().import_calendar(b"date,works,name\n2026-10-01,no,x\n").unwrap();
    let told: Vec<RefKind> = sync_in_version_2(&world, &phone).await.refs.iter().map(|refs| refs.kind).collect();
    assert_eq!(told, RefKind::OF_VERSION_2);
    for kind in ["people", "calendar"] {
        assert_eq!(ask(&world, &phone, kind, 0, "2").await.unwrap_err(), 404);
        assert!(ask(&world, &phone, kind, 0, "3").await.is_ok());
    }
}
