//! Rows of the failure table: each costs at most a repeat.

use doorstep_client::{ClientError, Kind};
use doorstep_domain::{RefusalCode, Standing};
use doorstep_protocol::PROTO_VERSION;
use doorstep_rules::Flag;
use doorstep_sync::Failure;
use doorstep_tests::{LinkMode, World, failed, raw, waybill};

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_response_is_not_a_lost_change_and_costs_one_repeat() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.note(2, "一").unwrap();
    world.link.set(LinkMode::LoseAnswers);
    assert_eq!(phone.sync().await.unwrap_err().kind(), Kind::Network);
    assert_eq!(world.on_server(&phone.id(2)).0.len(), 2, "the server has both");
    assert_eq!(phone.case(2).unwrap().case.timeline[0].standing, Standing::SentNotConfirmed);
    let at_first = world.hands.now();
    world.hands.advance(60);
    phone.note(2, "二").unwrap();
    world.link.set(LinkMode::Up);
    let report = phone.sync().await.unwrap();
    assert_eq!(report.requests, 2, "one repeat of the batch, one for what came after");
    let timeline = phone.case(2).unwrap().case.timeline;
    assert_eq!(timeline[0].standing.receipt().unwrap().received_at, at_first, "the first receipt stays");
    assert_eq!(world.on_server(&phone.id(2)).0.len(), 3);
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captive_portal_and_a_cut_request_are_no_network_and_lose_nothing() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    for mode in [LinkMode::Portal, LinkMode::CutAfter(200), LinkMode::CutAfter(0), LinkMode::Cut] {
        world.link.set(mode);
        let error = phone.sync().await.unwrap_err();
        assert!(matches!(error, ClientError::Network(Failure::Network)), "{mode:?}: {error:?}");
        assert_eq!(phone.client.status().unwrap().unsent.len(), 1);
    }
    world.link.set(LinkMode::Up);
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_is_dropped_half_way_is_done_by_the_next() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    for n in 0..10 {
        phone.fail(2 * n, "DF-NOBODY").unwrap();
        // Wherever the drop falls, the outcome is the same.
        tokio::time::timeout(std::time::Duration::from_micros(u64::from(n) * 300), phone.sync()).await.ok();
    }
    phone.sync().await.unwrap();
    assert!(phone.client.status().unwrap().unsent.is_empty());
    for n in 0..10 {
        phone.agrees_with(&world, 2 * n);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_restarted_replays_the_verdicts_of_the_batch_it_had() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    world.link.set(LinkMode::LoseAnswers);
    phone.sync().await.unwrap_err();
    world.restart_server().await;
    world.link.set(LinkMode::Up);
    phone.sync().await.unwrap();
    assert_eq!(world.on_server(&phone.id(2)).0.len(), 1);
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_history_starts_the_cursors_anew_and_keeps_everything() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let tablet = world.device("tablet", "s1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    tablet.sync().await.unwrap();
    let db = world.database();
    db.execute("UPDATE meta SET value = x'ffffffffffffffffffffffffffffffff' WHERE key = 'history'", []).unwrap();
    phone.note(2, "之后").unwrap();
    phone.sync().await.unwrap();
    tablet.sync().await.unwrap();
    phone.agrees_with(&world, 2);
    tablet.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_beyond_the_head_of_its_feed_restarts_that_scope_for_that_device_and_nothing_more() {
    let mut world = World::new().await;
    world.admin().user("h1", "赵强", "hub", "0412").unwrap();
    let phone = world.device("phone", "c1").await;
    let (tablet, other) = (world.device("tablet", "s1").await, world.device("other", "s1").await);
    // A second scope on the tablet: its person at the hub.
    let code = world.admin().code("h1", world.hands.now()).unwrap().code;
    tablet.client.enrol(&world.link.url(), &code).await.unwrap();
    for n in [2, 4] {
        phone.fail(n, "DF-NOBODY").unwrap();
        phone.sync().await.unwrap();
    }
    tablet.sync().await.unwrap();
    other.sync().await.unwrap();
    // The store looks as if it had read further in the feed than the server's log goes. The two cases are not in the store.
    let db = tablet.database();
    db.execute_batch(
        "DELETE FROM change; DELETE FROM case_row; DELETE FROM case_scope; DELETE FROM turn;
         UPDATE scope SET cursor = 5 WHERE scope = 'outlet/0412';",
    )
    .unwrap();
    drop(db);
    assert!(tablet.case(2).is_none());
    phone.fail(6, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    let request = tablet.request();
    let cursors: Vec<_> = request.pull.iter().map(|pull| (pull.scope.to_string(), pull.cursor)).collect();
    assert_eq!(cursors, [("hub/0412".to_owned(), 0), ("outlet/0412".to_owned(), 5)]);
    let answer = tablet.send(&world, &request).await.unwrap();
    let pages: Vec<_> = answer.feed.iter().map(|page| (page.scope.to_string(), page.to, page.cases.len())).collect();
    let expected = [("hub/0412".to_owned(), 0, 0), ("outlet/0412".to_owned(), 3, 3)];
    assert_eq!(pages, expected, "that scope is read from its start");
    let untouched = other.send(&world, &other.request()).await.unwrap();
    assert_eq!(untouched.feed.iter().map(|page| page.cases.len()).sum::<usize>(), 1, "only what is new to another device");
    tablet.sync().await.unwrap();
    for n in [2, 4, 6] {
        tablet.agrees_with(&world, n);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_is_kept_on_both_sides_and_what_depends_on_it_is_written_anew() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    // A tampered store: entries in the name of somebody else.
    let db = phone.database();
    db.execute("INSERT INTO member SELECT 'c2', role, outlet, name, pin, wrong FROM member", []).unwrap();
    db.execute("UPDATE meta SET value = CAST('c2' AS BLOB) WHERE key = 'active'", []).unwrap();
    phone.fail(4, "DF-NOBODY").unwrap();
    db.execute("UPDATE meta SET value = CAST('c1' AS BLOB) WHERE key = 'active'", []).unwrap();
    phone.note(4, "依赖被拒的记录").unwrap();
    phone.fail(6, "DF-NOBODY").unwrap();
    let before = phone.client.identity().unwrap().unwrap().install;
    phone.sync().await.unwrap();

    let status = phone.client.status().unwrap();
    assert_eq!((status.quarantined, status.unsent.len()), (1, 0), "what depends on it was written anew and sent");
    assert_ne!(phone.client.identity().unwrap().unwrap().install, before, "under a new installation");
    phone.agrees_with(&world, 4);
    let refused = phone.case(4).unwrap().case;
    assert!(matches!(&refused.quarantined[0].standing, Standing::Quarantined { reason: RefusalCode::Field }));
    assert!(matches!(phone.case(6).unwrap().case.timeline[0].standing, Standing::Accepted(_)));
    phone.agrees_with(&world, 2);
    phone.agrees_with(&world, 6);
    let on_server = world.database();
    let kept: i64 = on_server.query_row("SELECT count(*) FROM quarantine WHERE reason = 'field'", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 1, "kept at head office too");
    // It does not make the sync run for ever. Later records are sent.
    assert_eq!(phone.sync().await.unwrap().requests, 1);
    phone.note(4, "之后").unwrap();
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 4);
    assert_eq!(phone.case(4).unwrap().case.timeline.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_batch_gets_its_stored_verdicts_and_a_repeated_change_its_first_receipt() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    // The request as the device would send it, sent by hand three times.
    let request = phone.request();
    let send = async || phone.send(&world, &request).await.unwrap().ack.unwrap().0;
    let first = send().await;
    world.hands.advance(20);
    let second = send().await;
    assert!(!first.replayed && second.replayed);
    assert_eq!((first.received_ms, &first.cases), (second.received_ms, &second.cases));
    // A server that has lost the batch's row knows the change by its hash.
    let db = world.database();
    db.execute("DELETE FROM envelope", []).unwrap();
    let third = send().await;
    let verdicts = |ack: &doorstep_protocol::Ack| {
        doorstep_protocol::unpack_verdicts(
            doorstep_domain::UnixMs(ack.received_ms),
            &ack.cases[0].rows,
            &ack.cases[0].quarantined,
            &[0],
        )
    };
    let (doorstep_protocol::Verdict::Ok(had), doorstep_protocol::Verdict::Dup(has)) =
        (&verdicts(&first)[0], &verdicts(&third)[0])
    else {
        panic!("{first:?} {third:?}")
    };
    assert_eq!(had, has);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_another_installation_are_quarantined() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let db = phone.database();
    let install: Vec<u8> = db.query_row("SELECT value FROM meta WHERE key = 'install'", [], |row| row.get(0)).unwrap();
    db.execute("UPDATE meta SET value = x'77777777777777777777777777777777' WHERE key = 'install'", []).unwrap();
    phone.fail(2, "DF-NOBODY").unwrap();
    db.execute("UPDATE meta SET value = ?1 WHERE key = 'install'", [install]).unwrap();
    phone.sync().await.unwrap();
    assert!(matches!(&phone.case(2).unwrap().case.quarantined[0].standing, Standing::Quarantined { reason: RefusalCode::Actor }));
    assert!(world.on_server(&phone.id(2)).0.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_bodies_get_a_typed_error_with_our_header_and_the_server_lives_on() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let token = phone.bearer();
    let auth: &[(&str, &str)] = &[("authorization", &token)];
    let bomb = doorstep_protocol::seal(&vec![0; 64 << 20]).unwrap();
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Headers, Vec<u8>, u16); 6] = [
        (&[], vec![], 401),
        (&[("authorization", "Bearer 00")], vec![], 401),
        (auth, vec![], 400),
        (auth, b"<html>".to_vec(), 400),
        (auth, bomb, 413),
        (auth, vec![0; 5 << 20], 413),
    ];
    for (headers, body, expected) in cases {
        let answer = raw(world.addr(), "POST", "/v1/sync", headers, &body).await;
        assert_eq!(answer.status, expected, "{}", answer.head);
        assert!(answer.head.contains(&format!("sync-proto: {PROTO_VERSION}")), "{}", answer.head);
    }
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_devices_that_push_at_once_are_all_taken() {
    let mut world = World::new().await;
    let mut phones = vec![];
    for n in 0..20 {
        let phone = world.device(&format!("phone{n}"), "c1").await;
        phone.fail(2, "DF-NOBODY").unwrap();
        phone.fail(2 * n, "DF-NOBODY").unwrap();
        phones.push(phone);
    }
    let syncs: Vec<_> = phones
        .iter()
        .map(|phone| {
            tokio::spawn({
                let client = phone.client.clone();
                async move { client.sync().await }
            })
        })
        .collect();
    for sync in syncs {
        sync.await.unwrap().unwrap();
    }
    for phone in &phones {
        phone.sync().await.unwrap();
        phone.agrees_with(&world, 2);
    }
    assert_eq!(phones[0].case(2).unwrap().case.attempts(), 21, "twenty, and the second of the phone whose parcel it is");
    assert_eq!(waybill(2), "QH000000000002");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_poisoned_record_among_a_thousand_stops_no_other() {
    let mut world = World::new().await;
    let phone = world.device("x1", "x1").await;
    let fail = |waybill: String| failed(waybill, "DF-NOBODY");
    for n in 0..1_000 {
        // One is another outlet's parcel; the rest are in no list.
        let waybill = if n == 500 { waybill(2) } else { format!("QH9{n:011}") };
        phone.client.record(&fail(waybill), &[]).unwrap();
    }
    let report = phone.sync().await.unwrap();
    let status = phone.client.status().unwrap();
    assert_eq!((status.quarantined, status.unsent.len()), (1, 0));
    assert!(report.requests < 10, "{} requests", report.requests);
    assert_eq!(world.admin().cases(2_000, world.hands.now()).unwrap().len(), 999);
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_text_is_text_and_too_much_of_it_is_refused_before_anything_is_recorded() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    phone.fail(2, "DF-NOBODY").unwrap();
    let odd = [
        "\u{0}到",
        "a\u{0}b\r\n",
        "\u{202e}gnp.exe",
        "😀👨‍👩‍👧‍👦",
        "'; DROP TABLE change; --",
        "\u{feff}\u{fffd}",
        &"字".repeat(2_600),
    ];
    for text in odd {
        phone.note(2, text).unwrap();
    }
    for nothing in ["\u{0}", "\u{feff}"] {
        assert_eq!(phone.note(2, nothing).unwrap_err().code(), "no_words", "{nothing:?}");
    }
    let refused = doorstep_client::said::said(&"x".repeat(1 << 20)).unwrap_err();
    assert_eq!(refused.kind(), Kind::Usage);
    phone.sync().await.unwrap();
    tablet.sync().await.unwrap();
    tablet.agrees_with(&world, 2);
    let read: std::collections::BTreeSet<String> = tablet
        .case(2)
        .unwrap()
        .case
        .timeline
        .iter()
        .filter_map(|r| match &r.entry.body {
            doorstep_domain::Body::Note { words } => words.text().map(str::to_owned),
            _ => None,
        })
        .collect();
    // A personal value keeps a text without control characters and in one normal form.
    let kept = |text: &&str| doctored(text);
    assert_eq!(read, odd.iter().map(kept).collect());
}

fn doctored(text: &str) -> String {
    doorstep_domain::Personal::plain(text).unwrap().text().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_wrong_by_a_year_is_flagged_refuses_nothing_and_moves_no_deadline() {
    let mut world = World::new().await;
    let year = 365 * 24 * 60;
    let (ahead, behind) = (world.device_off_by("ahead", "c1", year).await, world.device_off_by("behind", "c2", -year).await);
    let tablet = world.device("tablet", "s1").await;
    ahead.fail(2, "DF-NOBODY").unwrap();
    behind.fail(3, "DF-NOBODY").unwrap();
    world.hands.advance(30);
    // Somebody sets the clock back before the phone has a network again.
    ahead.clock.wall_off.store(0, std::sync::atomic::Ordering::SeqCst);
    ahead.sync().await.unwrap();
    behind.sync().await.unwrap();
    tablet.sync().await.unwrap();
    for n in [2, 3] {
        let view = tablet.case(n).unwrap();
        let receipt = view.case.timeline[0].standing.receipt().unwrap();
        assert_eq!(receipt.acted.at, Some(world.hands.now().plus(-30 * 60_000)));
        assert!(receipt.acted.slack_ms <= 1_000, "30 minutes of drift: {} ms", receipt.acted.slack_ms);
        assert!(view.judgement.flags.contains(&Flag::ClockWrong));
        assert_eq!(view.judgement.flags.contains(&Flag::ClockRolledBack), n == 2);
        tablet.agrees_with(&world, n);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_time_that_the_server_never_gave_is_no_proof_and_is_flagged() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    // A store that claims to have seen the server yesterday, and a phone that was started again before it pushes.
    let db = phone.database();
    let mut anchor: Vec<u8> = db.query_row("SELECT value FROM meta WHERE key = 'anchor'", [], |row| row.get(0)).unwrap();
    let yesterday = (world.hands.now().0 - 86_400_000).to_be_bytes();
    anchor[4..12].copy_from_slice(&yesterday);
    db.execute("UPDATE meta SET value = ?1 WHERE key = 'anchor'", [anchor]).unwrap();
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.clock.boot.fetch_add(100, std::sync::atomic::Ordering::SeqCst);
    phone.sync().await.unwrap();
    tablet.sync().await.unwrap();
    assert!(tablet.case(2).unwrap().judgement.flags.contains(&Flag::ClockForeign));
    tablet.agrees_with(&world, 2);
}
