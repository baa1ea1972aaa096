//! Copies of the server's folder: one that was put back from a backup, moved, or served twice. It is noticed, and nothing that was
//! acknowledged is lost.

use doorstep_client::{Clock, DeviceSigner, Kind};
use doorstep_domain::{HistoryId, Receipt};
use doorstep_protocol::{
    Batch, ErrorBody, FirstAnswer, Header, Leaf, SyncRequest, Witness, decode, encode,
    signing::{leaves_message, root_message},
};
use doorstep_tests::{Device, LinkMode, World, raw};

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_folder_answers_no_device_until_its_operator_has_spoken_and_devices_keep_everything() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    world.stop_server().await;
    let copy = world.backup();
    world.serve_from(&copy).await;
    assert!(world.waits());
    phone.fail_with_photo(4, 1).unwrap();
    let token = phone.bearer();
    for (method, path) in [
        ("POST", "/v1/sync"),
        ("POST", "/v1/nonce"),
        ("POST", "/v1/enrol"),
        ("POST", "/v1/session"),
        ("GET", "/v1/refs/parcels"),
        ("GET", "/v1/live"),
        ("POST", "/v1/sms/lease"),
        ("POST", "/v1/sms/inbound"),
        ("POST", "/v1/photos"),
        ("POST", "/v1/photos/states"),
    ] {
        let answer = raw(world.addr(), method, path, &[("authorization", &token)], &[]).await;
        assert_eq!((answer.status, decode::<ErrorBody>(&answer.body).unwrap().code.as_str()), (503, "copied"), "{path}");
        assert!(answer.head.contains("sync-proto: ") && answer.head.contains("retry-after: 60"), "{}", answer.head);
    }
    assert_eq!(phone.sync().await.unwrap_err().kind(), Kind::Network);
    assert_eq!(phone.client.status().unwrap().unsent.len(), 1);
    // A start alone says nothing: it is asked for again.
    world.restart_server().await;
    assert!(world.waits());
    doorstep_server::moved(&copy).unwrap();
    world.restart_server().await;
    assert!(!world.waits(), "nothing is missing, and the history goes on");
    phone.sync().await.unwrap();
    for n in [2, 4] {
        phone.agrees_with(&world, n);
    }
    world.restart_server().await;
    assert!(!world.waits(), "the word holds");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_server_and_a_renamed_folder_are_no_copies() {
    let mut world = World::new().await;
    for _ in 0..3 {
        world.restart_server().await;
        assert!(!world.waits());
    }
    world.stop_server().await;
    let renamed = world.server_folder().with_file_name("renamed");
    std::fs::rename(world.server_folder(), &renamed).unwrap();
    world.serve_from(&renamed).await;
    assert!(!world.waits());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_older_copy_was_put_back_every_replica_agrees_again_and_nothing_acknowledged_is_lost() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    let (other, origin) = (world.device("other", "c2").await, world.device("origin", "o1").await);
    for n in [2, 4, 6] {
        phone.fail(n, "DF-NOBODY").unwrap();
    }
    for device in [&phone, &tablet] {
        device.sync().await.unwrap();
    }
    world.stop_server().await;
    let copy = world.backup();
    world.restart_server().await;

    // The lost time: four more cases, more on one of the old ones, and work of three devices on one case.
    for n in [8, 10, 12, 14] {
        phone.fail(n, "DF-NOBODY").unwrap();
        phone.sync().await.unwrap();
    }
    phone.note(2, "副本之后").unwrap();
    phone.sync().await.unwrap();
    tablet.sync().await.unwrap();
    tablet.notice(4).unwrap();
    tablet.sync().await.unwrap();
    origin.sync().await.unwrap();
    origin.reply(4).unwrap();
    origin.sync().await.unwrap();
    tablet.sync().await.unwrap();
    tablet.note(4, "已告知快递员").unwrap();
    tablet.sync().await.unwrap();
    phone.sync().await.unwrap();
    let had = |device: &doorstep_tests::Device, n| device.case(n).unwrap().case.timeline.len();
    let before: Vec<usize> = [2, 4, 6, 8, 10, 12, 14].map(|n| had(&tablet, n)).to_vec();

    world.hands.advance(30);
    let done = world.restore(&copy).await;
    assert!(done.lost_from.unwrap() < done.lost_until);
    // Others come first, and their rows take the numbers that the tablet has passed, and more: in the same history it would miss
    // seven of these ten for ever.
    let since = (0..10).map(|n| 2 * n + 1);
    for n in since.clone() {
        other.fail(n, "DF-NOBODY").unwrap();
    }
    other.sync().await.unwrap();
    for _ in 0..3 {
        for device in [&tablet, &origin, &phone] {
            device.sync().await.unwrap();
        }
    }
    for n in [2, 4, 6, 8, 10, 12, 14] {
        tablet.agrees_with(&world, n);
        phone.agrees_with(&world, n);
    }
    for n in since {
        tablet.agrees_with(&world, n);
    }
    origin.agrees_with(&world, 4);
    let after: Vec<usize> = [2, 4, 6, 8, 10, 12, 14].map(|n| had(&tablet, n)).to_vec();
    assert_eq!(after, before, "each act once");
    assert!(world.admin().quarantine(false).unwrap().is_empty() && world.admin().forks().unwrap().is_empty());
    for device in [&phone, &tablet, &origin] {
        assert_eq!(device.client.status().unwrap().unsent.len(), 0);
        assert_eq!(device.sync().await.unwrap().requests, 1, "and it is quiet again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_copy_lacks_is_sent_again_also_of_an_installation_that_the_device_has_left() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    for n in 0..10 {
        phone.fail(2 * n, "DF-NOBODY").unwrap();
    }
    phone.sync().await.unwrap();
    world.stop_server().await;
    let copy = world.backup();
    world.restart_server().await;
    phone.note(2, "旧安装").unwrap();
    phone.sync().await.unwrap();
    let left = phone.client.identity().unwrap().unwrap().install;
    let fresh = doorstep_domain::InstallId::new([9; 16]);
    doorstep_store::Store::open(&phone.folder).unwrap().change_install(fresh, world.hands.now()).unwrap();
    phone.note(4, "新安装").unwrap();
    phone.sync().await.unwrap();
    assert_ne!(phone.client.identity().unwrap().unwrap().install, left);
    let said: Vec<_> = [2, 4].map(|n| phone.case(n).unwrap().case.timeline[1].standing.receipt().unwrap()).to_vec();
    let first = said[0];

    world.hands.advance(30);
    world.restore(&copy).await;
    world.link.set(LinkMode::LoseAnswers);
    phone.sync().await.unwrap_err();
    world.link.set(LinkMode::Up);
    phone.sync().await.unwrap();
    for n in 0..10 {
        phone.agrees_with(&world, 2 * n);
    }
    let again: Vec<_> = [2, 4].map(|n| phone.case(n).unwrap().case.timeline[1].standing.receipt().unwrap()).to_vec();
    assert_eq!(again, said, "with the receipts that were given first");
    let db = world.database();
    let batches: i64 =
        db.query_row("SELECT count(*) FROM envelope WHERE received_at = ?1", [world.hands.now().0], |row| row.get(0)).unwrap();
    assert_eq!(batches, 1);
    let fresh: i64 =
        db.query_row("SELECT count(DISTINCT case_id) FROM change JOIN envelope ON number = batch AND envelope.install = pushed_by WHERE envelope.received_at = ?1", [world.hands.now().0], |row| row.get(0)).unwrap();
    assert_eq!(fresh, 2);
    let store = phone.database();
    let kept: Vec<i64> = store
        .prepare("SELECT received_at FROM first_receipt ORDER BY received_at")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!((kept.len(), kept[0]), (2, first.received_at.0), "what was said first is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_of_the_rules_that_the_copy_lacks_judges_nothing_on_a_device_and_is_kept() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.stop_server().await;
    let copy = world.backup();
    world.restart_server().await;
    let second = String::from_utf8(doorstep_rules::FIRST_PACK.to_vec()).unwrap().replacen("version = 1", "version = 2", 1);
    world.admin().publish_pack(second.as_bytes(), world.hands.now()).unwrap();
    phone.sync().await.unwrap();
    world.hands.advance(24 * 60);
    let book = || doorstep_store::Store::open(&phone.folder).unwrap().book().unwrap().unwrap();
    assert_eq!(book().at(world.hands.now()).version, 2);
    world.restore(&copy).await;
    phone.sync().await.unwrap();
    assert_eq!(book().at(world.hands.now()).version, 1, "as at head office");
    assert!(book().version(2).is_some(), "it may be the only proof that it was published");
    // Published again, it is in force again.
    world.admin().publish_pack(second.as_bytes(), world.hands.now()).unwrap();
    phone.sync().await.unwrap();
    world.hands.advance(24 * 60);
    assert_eq!(book().at(world.hands.now()).version, 2);
}

/// How many answers the server's log has given.
fn answers_of(world: &World) -> u64 {
    let db = world.database();
    db.query_row("SELECT counter FROM answers", [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_called_moved_by_mistake_is_found_out_by_the_first_device_with_a_newer_answer() {
    let mut world = World::new().await;
    let (phone, other) = (world.device("phone", "c1").await, world.device("other", "c2").await);
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    world.stop_server().await;
    let copy = world.backup();
    world.restart_server().await;
    for n in [4, 6, 8] {
        phone.fail(n, "DF-NOBODY").unwrap();
        phone.sync().await.unwrap();
    }
    world.serve_from(&copy).await;
    doorstep_server::moved(&copy).unwrap();
    world.restart_server().await;
    assert!(!world.waits(), "the word is believed");
    other.sync().await.unwrap();

    phone.fail(10, "DF-NOBODY").unwrap();
    assert_eq!(phone.sync().await.unwrap_err().kind(), Kind::Network);
    assert_eq!(phone.client.status().unwrap().unsent.len(), 1, "kept");
    assert_eq!(other.send(&world, &other.request()).await.unwrap_err(), "copied", "at once, for everybody");
    world.is_over().await;
    world.restart_server().await;
    assert!(world.waits());

    let before = answers_of(&world);
    world.restore(&copy).await;
    for _ in 0..2 {
        phone.sync().await.unwrap();
    }
    assert!(answers_of(&world) > before, "numbers go on in the new history");
    for n in [2, 4, 6, 8, 10] {
        phone.agrees_with(&world, n);
    }
    world.restart_server().await;
    assert!(!world.waits());
}

#[tokio::test(flavor = "multi_thread")]
async fn that_nothing_is_missing_is_not_believed_unattended_once_a_device_has_proven_otherwise() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.stop_server().await;
    let copy = world.backup();
    world.restart_server().await;
    for n in [2, 4] {
        phone.fail(n, "DF-NOBODY").unwrap();
        phone.sync().await.unwrap();
    }
    world.unattended(doorstep_server::IfCopied::Moved);
    world.serve_from(&copy).await;
    assert!(!world.waits());
    phone.sync().await.unwrap_err();
    world.restart_server().await;
    assert!(world.waits(), "else it would go round for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_liar_with_a_forged_proof_of_a_loss_stops_nobody() {
    let mut world = World::new().await;
    let (liar, phone) = (world.device("liar", "c1").await, world.device("phone", "c2").await);
    liar.fail(2, "DF-NOBODY").unwrap();
    liar.sync().await.unwrap();
    let store = doorstep_store::Store::open(&liar.folder).unwrap();
    let real = store.witness().unwrap().unwrap();
    let history = real.history;
    let beyond = answers_of(&world) + 100;
    let forged = |witness: Witness| {
        let message = root_message(&witness.history, witness.counter, &witness.root);
        Witness { sig: liar.signer().sign(&message).unwrap(), ..witness }
    };
    let asks = async |counter: u64, witness: Option<Witness>| {
        let request = SyncRequest { counter: Some(counter), witness, ..liar.request() };
        liar.send(&world, &request).await.map(|_| ())
    };
    let code = |code: &str| Err(code.to_owned());
    assert_eq!(asks(beyond, None).await, code("prove"), "the bare number");
    assert_eq!(asks(beyond, Some(real.clone())).await, code("prove"), "a real proof of less");
    assert_eq!(asks(beyond, Some(Witness { counter: beyond, ..real.clone() })).await, code("witness"), "of another number");
    assert_eq!(asks(beyond, Some(forged(Witness { counter: beyond, ..real.clone() }))).await, code("witness"), "of another key");
    assert_eq!(asks(beyond, Some(Witness { counter: beyond, sig: vec![], ..real.clone() })).await, code("witness"), "none");
    let of_another = Witness { counter: beyond, history: HistoryId::new([9; 16]), ..real.clone() };
    assert_eq!(asks(beyond, Some(forged(of_another))).await, code("prove"), "of another log");
    assert_eq!(asks(real.counter, Some(real.clone())).await, Ok(()), "a server that has the answer goes on");
    assert_eq!(liar.request().history, history);
    phone.sync().await.unwrap();
    world.restart_server().await;
    assert!(!world.waits());
    // The liar's records are not lost by the lie: an honest request is taken as ever.
    liar.sync().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_signed_with_a_key_that_was_replaced_since_proves_a_loss_too() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.stop_server().await;
    let copy = world.backup();
    world.restart_server().await;
    for n in [2, 4] {
        phone.fail(n, "DF-NOBODY").unwrap();
        phone.sync().await.unwrap();
    }
    world.serve_from(&copy).await;
    doorstep_server::moved(&copy).unwrap();
    world.admin().replace_key(world.hands.now()).unwrap();
    world.restart_server().await;
    phone.sync().await.unwrap_err();
    world.restart_server().await;
    assert!(world.waits());
}

/// A phone whose newest act the server has acknowledged and then lost, with what was said of it, and the request that sends it again.
/// `ahead`: so many minutes the server's clock was ahead in the lost time.
async fn lost(ahead: i64) -> (World, Device, Receipt, SyncRequest) {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.sync().await.unwrap();
    world.stop_server().await;
    let copy = world.backup();
    world.restart_server().await;
    world.hands.put_server_ahead(ahead);
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.note(2, "同一批").unwrap();
    phone.sync().await.unwrap();
    let said = phone.case(2).unwrap().case.timeline[0].standing.receipt().unwrap();
    world.hands.put_server_ahead(0);
    world.hands.advance(10);
    world.restore(&copy).await;
    let answer = phone.send(&world, &phone.request()).await.unwrap();
    let clocks = phone.clock.read();
    let mut store = doorstep_store::Store::open(&phone.folder).unwrap();
    store.apply(&answer, clocks, world.hands.now(), doorstep_domain::InstallId::new([9; 16])).unwrap();
    let request = phone.request();
    assert_eq!(request.batch.as_ref().unwrap().first.len(), 1, "it shows what was said");
    (world, phone, said, request)
}

/// What the server has of the first change of parcel 2.
fn receipt_at(world: &World, phone: &Device) -> Receipt {
    world.on_server(&phone.id(2)).1[0].standing.receipt().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_after_a_restore_has_the_receipt_that_the_server_gave_first() {
    let (world, phone, said, request) = lost(0).await;
    assert!(said.received_at < world.hands.now());
    phone.send(&world, &request).await.unwrap();
    assert_eq!(receipt_at(&world, &phone), said, "times, gap and marks");
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 2);
    assert_eq!(phone.case(2).unwrap().case.timeline[0].standing.receipt(), Some(said));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_receipt_of_before_the_servers_key_was_replaced_counts() {
    let (mut world, phone, said, request) = lost(0).await;
    world.admin().replace_key(world.hands.now()).unwrap();
    world.restart_server().await;
    phone.send(&world, &request).await.unwrap();
    assert_eq!(receipt_at(&world, &phone), said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_receipt_counts_only_of_a_history_that_has_ended() {
    let (world, phone, _, request) = lost(0).await;
    // The server looks as if it had never been put back. A first receipt must not count here: a holder of the key could claim any.
    let db = world.database();
    assert_eq!(db.execute("DELETE FROM meta WHERE key = 'former_histories'", []).unwrap(), 1);
    phone.send(&world, &request).await.unwrap();
    assert_eq!(receipt_at(&world, &phone).received_at, world.hands.now());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_receipt_that_proves_nothing_is_passed_over_and_the_change_is_received_now() {
    type Lie = fn(&mut FirstAnswer, &Device);
    let lies: [(&str, Lie); 5] = [
        ("of another server's key", |shown, phone| {
            let message = leaves_message(&shown.history, shown.counter, shown.leaves.iter().map(|leaf| &leaf.0));
            shown.sig = phone.signer().sign(&message).unwrap();
        }),
        ("of another change", |shown, _| shown.docs[0].receipts.swap(0, 1)),
        ("of another document", |shown, phone| shown.docs[0].doc = phone.id(4)),
        ("earlier than it was", |shown, _| shown.docs[0].receipts[0].received_ms -= 8 * 3_600_000),
        ("with a leaf of its own", |shown, _| {
            shown.docs[0].receipts[0].received_ms -= 8 * 3_600_000;
            let at = shown.docs[0].leaf as usize;
            shown.leaves[at] = Leaf(shown.docs[0].digest().unwrap());
        }),
    ];
    for (what, lie) in lies {
        let (world, phone, _, mut request) = lost(0).await;
        lie(&mut request.batch.as_mut().unwrap().first[0], &phone);
        phone.send(&world, &request).await.unwrap();
        assert_eq!(receipt_at(&world, &phone).received_at, world.hands.now(), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_receipt_later_than_now_is_passed_over() {
    let (world, phone, said, request) = lost(20).await;
    assert!(said.received_at > world.hands.now());
    phone.send(&world, &request).await.unwrap();
    assert_eq!(receipt_at(&world, &phone).received_at, world.hands.now());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_the_log_has_keeps_its_receipt_whatever_is_shown_later_or_twice() {
    let (world, phone, said, mut request) = lost(0).await;
    let shown = std::mem::take(&mut request.batch.as_mut().unwrap().first);
    phone.send(&world, &request).await.unwrap();
    let given = receipt_at(&world, &phone);
    assert_eq!(given.received_at, world.hands.now());
    assert_ne!(given, said);
    // The batch comes again with those receipts. Then another batch brings its changes, with each receipt twice.
    request.batch.as_mut().unwrap().first = shown.clone();
    phone.send(&world, &request).await.unwrap();
    let docs = request.batch.as_ref().unwrap().docs.clone();
    let header: Header = decode(&request.batch.as_ref().unwrap().header).unwrap();
    let header = Header { batch: header.batch + 1, prev: request.batch.as_ref().unwrap().hash(), ..header };
    let sending = request.batch.as_ref().unwrap().sending.clone();
    let first = [shown.clone(), shown].concat();
    let mut batch = Batch { header: encode(&header).unwrap(), sending, sig: vec![], docs, first, brings: vec![] };
    batch.sig = phone.signer().sign(&batch.message()).unwrap();
    request.batch = Some(batch);
    phone.send(&world, &request).await.unwrap();
    assert_eq!(receipt_at(&world, &phone), given);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_device_takes_the_hand_that_the_server_had_before_it_was_put_back() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let ours = |world: &World| -> doorstep_domain::InstallId {
        let db = world.database();
        let install: Vec<u8> = db.query_row("SELECT value FROM meta WHERE key = 'install'", [], |row| row.get(0)).unwrap();
        install.as_slice().try_into().unwrap()
    };
    let mut hands = vec![ours(&world)];
    for _ in 0..2 {
        world.stop_server().await;
        let copy = world.backup();
        world.restore(&copy).await;
        hands.push(ours(&world));
    }
    phone.sync().await.unwrap();
    assert!(hands[0] != hands[1] && hands[1] != hands[2]);
    for install in hands {
        let request = SyncRequest { install, chain: None, batch: None, ..phone.request() };
        assert_eq!(phone.send(&world, &request).await.unwrap_err(), "tag_taken", "{install:?}");
    }
    phone.sync().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_waits_is_over_when_the_word_is_written_down_and_not_before() {
    let mut world = World::new().await;
    world.stop_server().await;
    let copy = world.backup();
    world.serve_from(&copy).await;
    assert!(world.waits());
    doorstep_server::moved(&copy).unwrap();
    // The command holds this lock while it writes the marker.
    let lock = std::fs::File::options().write(true).open(copy.join("doorstep-server.lock")).unwrap();
    lock.try_lock().unwrap();
    let soon = tokio::time::timeout(std::time::Duration::from_millis(1_500), world.is_over()).await;
    assert!(soon.is_err(), "who starts again now finds the folder taken");
    drop(lock);
    tokio::time::timeout(std::time::Duration::from_secs(10), world.is_over()).await.unwrap();
    world.restart_server().await;
    assert!(!world.waits());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_share_a_folder_the_last_one_says_that_they_ended_in_order() {
    let mut world = World::new().await;
    let another = world.another_server().await;
    let marker = || std::fs::read_to_string(world.server_folder().join("doorstep-server.marker")).unwrap();
    assert!(marker().contains("\"running\":true"), "{}", marker());
    let folder = world.server_folder();
    world.stop_server().await;
    let marker = || std::fs::read_to_string(folder.join("doorstep-server.marker")).unwrap();
    assert!(marker().contains("\"running\":true"), "{}", marker());
    another.stop().await;
    assert!(marker().contains("\"running\":false"), "{}", marker());
}
