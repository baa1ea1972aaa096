//! The chain of signed batches: gaps are asked for, clones and restored backups are noticed, both sides' data is kept.

use doorstep_client::{Client, Options};
use doorstep_tests::{Device, LinkMode, World};

/// A copied phone: its store a second time, key and all.
pub(crate) fn clone_of(device: &Device, world: &World, name: &str) -> Device {
    let folder = world.server_folder().parent().unwrap().join(name);
    std::fs::create_dir_all(folder.join("photos")).unwrap();
    // A backup tool copies the database in one consistent piece, too.
    let db = device.database();
    db.execute("VACUUM INTO ?1", [folder.join("doorstep.db").to_str().unwrap()]).unwrap();
    std::fs::copy(device.folder.join("device.key"), folder.join("device.key")).unwrap();
    let client = Client::open(&folder, Options { clock: device.clock.clone(), ..Options::default() }).unwrap();
    Device { client, clock: device.clock.clone(), folder }
}

fn install(device: &Device) -> doorstep_domain::InstallId {
    device.client.identity().unwrap().unwrap().install
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloned_phone_raises_an_alarm_and_the_work_of_both_is_kept() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    let clone = clone_of(&phone, &world, "clone");
    phone.note(2, "原机").unwrap();
    phone.fail(4, "DF-NOBODY").unwrap();
    clone.note(2, "克隆机").unwrap();
    clone.fail(6, "DF-NOBODY").unwrap();
    clone.note(6, "克隆机二").unwrap();
    phone.sync().await.unwrap();
    let report = clone.sync().await.unwrap();
    assert!(report.new_install);
    assert_ne!(install(&clone), install(&phone), "the one that came second goes on as a new installation");
    let alarms = world.admin().forks().unwrap();
    assert_eq!(alarms.iter().map(|a| (a.batch, a.what.as_str())).collect::<Vec<_>>(), [(2, "same_number")]);
    phone.sync().await.unwrap();
    for device in [&phone, &clone] {
        assert_eq!(device.client.status().unwrap().unsent.len(), 0);
        for n in [2, 4, 6] {
            device.agrees_with(&world, n);
        }
        let words = device.case(2).unwrap().case.timeline.len();
        assert_eq!(words, 3, "what was common, and both notes");
    }
    // Both go on without another alarm.
    phone.note(2, "原机之后").unwrap();
    clone.note(2, "克隆机之后").unwrap();
    for device in [&phone, &clone, &phone] {
        assert!(!device.sync().await.unwrap().new_install);
    }
    phone.agrees_with(&world, 2);
    world.admin().fork_seen(alarms[0].id, world.hands.now()).unwrap();
    assert_eq!(world.admin().forks().unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_is_noticed_before_it_records_anything_and_gets_its_own_work_back() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    let backup = clone_of(&phone, &world, "backup");
    phone.note(2, "备份之后").unwrap();
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    drop(phone);
    let report = backup.sync().await.unwrap();
    assert!(report.new_install, "it knows less of its own chain than head office");
    assert_eq!(world.admin().forks().unwrap()[0].what, "behind");
    backup.agrees_with(&world, 2);
    backup.agrees_with(&world, 4);
    backup.note(4, "恢复之后").unwrap();
    assert!(!backup.sync().await.unwrap().new_install);
    backup.agrees_with(&world, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_that_records_before_it_syncs_collides_and_loses_nothing() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    let backup = clone_of(&phone, &world, "backup");
    phone.note(2, "第二条").unwrap();
    phone.sync().await.unwrap();
    phone.note(2, "第三条").unwrap();
    phone.sync().await.unwrap();
    drop(phone);
    backup.note(2, "恢复后离线登记").unwrap();
    backup.fail(4, "DF-NOBODY").unwrap();
    world.link.set(LinkMode::LoseAnswers);
    backup.sync().await.unwrap_err();
    world.link.set(LinkMode::Up);
    assert!(backup.sync().await.unwrap().new_install, "also when the first answer was lost");
    assert_eq!(backup.case(2).unwrap().case.timeline.len(), 4);
    backup.agrees_with(&world, 2);
    backup.agrees_with(&world, 4);
    assert_eq!(backup.client.status().unwrap().refused, []);
    // The change that collided is kept as it came. It can not be released: the log has its content already.
    let kept = world.admin().quarantine(false).unwrap();
    assert_eq!(kept.iter().map(|item| item.reason.as_str()).collect::<Vec<_>>(), ["seq_taken"]);
    let twice = world.admin().release(&kept[0].change.to_string(), "hq", world.hands.now()).unwrap_err();
    assert!(twice.to_string().contains("already has"), "{twice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_the_server_lost_is_seen_asked_for_and_sent_again() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    for n in [2, 4, 6] {
        phone.fail(n, "DF-NOBODY").unwrap();
        phone.sync().await.unwrap();
    }
    // The server looks as after a restore that lost one batch.
    let db = world.database();
    db.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    for sql in [
        "DELETE FROM envelope WHERE number = 2",
        "DELETE FROM feed WHERE case_id IN (SELECT case_id FROM change WHERE batch = 2)",
        "DELETE FROM doc WHERE case_id IN (SELECT case_id FROM change WHERE batch = 2)",
        "DELETE FROM doc_scope WHERE case_id IN (SELECT case_id FROM change WHERE batch = 2)",
        "DELETE FROM change WHERE batch = 2",
    ] {
        db.execute(sql, []).unwrap();
    }
    let devices = world.admin().devices(world.hands.now()).unwrap();
    assert_eq!(devices.iter().find(|d| d.people == ["c1"]).unwrap().missing_batches, [2], "visible");
    phone.sync().await.unwrap();
    assert_eq!(phone.client.status().unwrap().unsent.len(), 0);
    assert!(world.admin().devices(world.hands.now()).unwrap().iter().all(|d| d.missing_batches.is_empty()), "the gap is closed");
    assert_eq!(phone.sync().await.unwrap().requests, 1);
    phone.agrees_with(&world, 4);
    tablet.sync().await.unwrap();
    tablet.agrees_with(&world, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_batch_whose_answer_was_lost_is_sent_again_as_it_was_by_a_phone_that_was_started_again() {
    let mut world = World::new().await;
    let mut phone = world.device("phone", "c1").await;
    let long = "青禾速运城西网点派送记录".repeat(200);
    for n in 0..20 {
        phone.fail(2 * n, "DF-NOBODY").unwrap();
        for _ in 0..12 {
            phone.note(2 * n, &long).unwrap();
        }
    }
    phone.sync().await.unwrap(); // what worked makes the next batch larger than a new engine's first
    for n in 0..20 {
        for _ in 0..12 {
            phone.note(2 * n, &long).unwrap();
        }
    }
    world.link.set(LinkMode::LoseAnswers);
    phone.sync().await.unwrap_err();
    phone.reopen();
    world.link.set(LinkMode::Up);
    assert!(!phone.sync().await.unwrap().new_install);
    assert_eq!(world.admin().forks().unwrap(), [], "the same batch, byte for byte: no clone");
    phone.agrees_with(&world, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_accepted_change_is_provable_to_device_person_and_batch() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    phone.note(2, "一").unwrap();
    phone.sync().await.unwrap();
    tablet.sync().await.unwrap();
    tablet.notice(2).unwrap();
    tablet.sync().await.unwrap();
    let envelopes = world.admin().envelopes(&phone.id(2)).unwrap();
    let seen: Vec<_> = envelopes.iter().map(|e| (e.person.as_str(), e.batch, e.changes)).collect();
    assert_eq!(seen.len(), 3);
    assert!(seen.contains(&("c1", 1, 1)) && seen.contains(&("c1", 2, 1)) && seen.contains(&("s1", 1, 1)), "{seen:?}");
    assert!(envelopes.iter().all(|e| e.signature_holds && e.follows));
    // A row that somebody has changed shows.
    let db = world.database();
    db.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    db.execute("UPDATE envelope SET mono_ms = mono_ms + 1 WHERE number = 2", []).unwrap();
    let broken = world.admin().envelopes(&phone.id(2)).unwrap();
    assert_eq!(broken.iter().filter(|e| !e.signature_holds).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn head_office_sees_which_devices_are_silent_or_hold_old_work() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    phone.fail_with_photo(2, 1).unwrap();
    let recorded_at = world.hands.now();
    world.hands.advance(180);
    tablet.sync().await.unwrap();
    // The request reaches head office, its answer is lost: what the phone says of itself is known.
    world.link.set(LinkMode::LoseAnswers);
    phone.sync().await.unwrap_err();
    world.hands.advance(60);
    let devices = world.admin().devices(world.hands.now()).unwrap();
    assert_eq!(devices.iter().map(|d| d.people[0].as_str()).collect::<Vec<_>>(), ["c1", "s1"], "old work first");
    let first = &devices[0];
    assert_eq!((first.unsent_cases, first.unsent_photos, first.oldest_unsent), (1, 1, Some(recorded_at)));
    assert!(first.app.starts_with("doorstep ") && first.silent_ms == 3_600_000);
}
