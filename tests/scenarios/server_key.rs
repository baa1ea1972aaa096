//! The server's signing key is replaced, and nobody is cut off.

use doorstep_client::ClientError;
use doorstep_protocol::{Refs, decode, open};
use doorstep_store::Store;
use doorstep_tests::{Device, World, raw};

/// How many devices still take a replaced key for the server's, the newest replaced key first.
fn pinned(world: &World) -> Vec<u64> {
    world.admin().pinned_keys().unwrap().iter().map(|key| key.devices).collect()
}

fn replace(world: &World) {
    world.hands.advance(1);
    world.admin().replace_key(world.hands.now()).unwrap();
}

/// The rule packs as the server gives them to a device, and whether a key has signed them.
async fn packs_hold(world: &World, device: &Device, key: &[u8]) -> bool {
    let answer = raw(world.addr(), "GET", "/v1/refs/pack?have=0", &[("authorization", &device.bearer())], b"").await;
    decode::<Refs>(&open(&answer.body, 1 << 22).unwrap()).unwrap().verify(key).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_take_the_key_that_the_old_one_vouches_for_and_say_so() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "o1").await);
    let old = phone.server_key();
    // While it serves.
    replace(&world);
    assert_eq!(pinned(&world), [2]);
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    let new = phone.server_key();
    assert_ne!(new, old);
    assert_eq!(tablet.server_key(), old);
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    assert_eq!(pinned(&world), [1], "the phone has said so");
    assert!(phone.client.status().unwrap().unsent.is_empty(), "all was taken");
    assert!(packs_hold(&world, &phone, &new).await && packs_hold(&world, &tablet, &old).await);
    for _ in 0..2 {
        tablet.sync().await.unwrap();
    }
    assert_eq!((tablet.server_key(), pinned(&world)), (new.clone(), vec![0]));
    let later = world.device("later", "c2").await;
    assert_eq!(later.server_key(), new, "whoever enrols is given the newest");
    later.sync().await.unwrap();
    assert_eq!(pinned(&world), [0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_knows_nothing_of_successions_is_answered_with_the_key_that_it_has() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let old = phone.server_key();
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    replace(&world);
    replace(&world);
    world.restart_server().await;
    for _ in 0..3 {
        // An older app ignores what it does not know; the answers are verified with the key of its enrolment.
        let answer = phone.push_by_hand(&world, &[]).await.unwrap();
        assert_eq!(answer.cases, []);
    }
    assert_eq!((phone.server_key(), pinned(&world)), (old.clone(), vec![0, 1]));
    assert!(packs_hold(&world, &phone, &old).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_come_with_the_new_key_and_a_second_replacement_are_taken_too() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    replace(&world);
    let toml = String::from_utf8(doorstep_rules::FIRST_PACK.to_vec()).unwrap().replace("version = 1", "version = 2");
    world.admin().publish_pack(toml.as_bytes(), world.hands.now()).unwrap();
    phone.sync().await.unwrap();
    assert_eq!(phone.client.book().unwrap().unwrap().newest().pack.version, 2);
    replace(&world);
    for _ in 0..3 {
        phone.sync().await.unwrap();
    }
    assert_eq!(pinned(&world), [0, 0]);
    // Head office goes on writing as the device that it was before.
    let device: i64 =
        world.database().query_row("SELECT count(*) FROM meta WHERE key = 'server_device'", [], |row| row.get(0)).unwrap();
    assert_eq!(device, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_set_back_to_the_old_key_finds_its_way_to_the_new_one() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let old = phone.server_key();
    replace(&world);
    for _ in 0..2 {
        phone.sync().await.unwrap();
    }
    let new = phone.server_key();
    let set_back = |key: &[u8]| {
        let db = phone.database();
        db.execute("UPDATE meta SET value = ?1 WHERE key = 'server_key'", [key]).unwrap();
    };
    set_back(&old);
    phone.fail(2, "DF-NOBODY").unwrap();
    assert!(matches!(phone.sync().await, Err(ClientError::Network(_))), "nothing is taken on another key's word");
    assert_eq!(phone.server_key(), old);
    phone.sync().await.unwrap();
    assert_eq!(phone.server_key(), new);
    // A key that was never the server's is vouched for by nobody.
    set_back(&[4; 65]);
    for _ in 0..3 {
        assert!(matches!(phone.sync().await, Err(ClientError::Network(_))));
    }
    assert_eq!(Store::open(&phone.folder).unwrap().session().unwrap().unwrap().server_key, [4; 65]);
}
