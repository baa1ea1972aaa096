//! What the operator sees on an address of its own: whether the server lives and is ready, and what it counts.

use std::time::Duration;

use doorstep_server::{Config, ServeError, start};
use doorstep_tests::{World, raw};

/// The value of a line of the page, if it is there.
fn value(page: &str, line: &str) -> Option<f64> {
    page.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' ')?.parse().ok())
}

async fn page(world: &World) -> String {
    let (status, page) = world.operator("/metrics").await;
    assert_eq!(status, 200);
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_counts_requests_refusals_commits_and_unsent_work_and_names_nobody() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let before = value(&page(&world).await, r#"doorstep_requests_total{route="/v1/sync",status="200"}"#).unwrap_or_default();
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    phone.fail_with_photo(6, 1).unwrap();
    phone.sync().await.unwrap();
    let stranger = raw(world.addr(), "GET", "/v1/refs/pack", &[("authorization", "Bearer none")], &[]).await;
    assert_eq!(stranger.status, 401);
    assert_eq!(raw(world.addr(), "GET", "/v1/refs/pack/0412", &[], &[]).await.status, 404);

    let page = page(&world).await;
    let of = |line: &str| value(&page, line).unwrap_or_else(|| panic!("{line} in\n{page}"));
    assert!(of(r#"doorstep_requests_total{route="/v1/sync",status="200"}"#) >= before + 2.0, "{page}");
    assert_eq!(of(r#"doorstep_requests_total{route="/v1/refs/{kind}",status="401"}"#), 1.0);
    assert_eq!(of(r#"doorstep_requests_total{route="other",status="404"}"#), 1.0);
    assert_eq!(of(r#"doorstep_refused_requests_total{code="unauthorized"}"#), 1.0);
    assert!(of("doorstep_commit_seconds_count") > 0.0);
    assert_eq!(of("doorstep_writer_queue"), 0.0);
    assert_eq!(of("doorstep_database_read"), 1.0);
    for limit in ["connection_ended_for_another", "answer_unread", "stranger_body_ended", "device_bodies", "guess_waits"] {
        assert_eq!(of(&format!(r#"doorstep_limits_total{{limit="{limit}"}}"#)), 0.0, "{limit}");
    }
    for name in ["projector", "tidier", "measurer", "teller", "sms_gateway", "unread_answers"] {
        assert_eq!(of(&format!(r#"doorstep_loop_restarts_total{{name="{name}"}}"#)), 0.0, "{name}");
    }
    for state in ["offered", "leased", "submitting", "uncertain", "delivered", "undelivered"] {
        assert_eq!(of(&format!(r#"doorstep_sms{{state="{state}"}}"#)), 0.0, "{state}");
    }
    let devices = world.admin().devices(world.hands.now()).unwrap();
    let reported = devices.iter().map(|device| device.unsent_photos).sum::<u32>();
    assert!(reported > 0, "the photo left after the report");
    assert_eq!(of("doorstep_unsent_photos"), f64::from(reported));
    for personal in ["QH0000", "13800", "c1", "王小花", "敲门无人"] {
        assert!(!page.contains(personal), "{personal} in\n{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_a_list_that_is_behind_and_how_long() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    let mut at_first = page(&world).await;
    while value(&at_first, "doorstep_unprojected_cases") != Some(0.0) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        at_first = page(&world).await;
    }
    assert_eq!(value(&at_first, "doorstep_unprojected_age_seconds"), Some(0.0));
    // Somebody with a shell marks the case: nothing wakes the projector.
    assert_eq!(world.database().execute("UPDATE doc SET projected_n = 0", []).unwrap(), 1);
    world.hands.advance(5);
    let behind = page(&world).await;
    assert_eq!(value(&behind, "doorstep_unprojected_cases"), Some(1.0));
    assert_eq!(value(&behind, "doorstep_unprojected_age_seconds"), Some(300.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_ready_while_its_writer_answers_and_devices_have_no_such_pages() {
    let world = World::new().await;
    assert_eq!(world.operator("/livez").await, (200, "ok\n".to_owned()));
    assert_eq!(world.operator("/readyz").await, (200, "ok\n".to_owned()));
    assert_eq!(world.operator("/v1/refs/pack").await.0, 404);
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(raw(world.addr(), "GET", path, &[], &[]).await.status, 404, "{path}");
    }
    // Another process holds the database, and no job of the writer can begin.
    let shell = world.database();
    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (first, second) = tokio::join!(world.operator("/readyz"), world.operator("/readyz"));
    assert_eq!((first.0, second.0), (503, 503));
    assert!(first.1.contains("writer"), "{first:?}");
    assert_eq!(world.operator("/livez").await.0, 200);
    // The loops beside the requests have their jobs in the queue by now. Probes add none to the first one's.
    let waiting = value(&page(&world).await, "doorstep_writer_queue");
    let (first, second) = tokio::join!(world.operator("/readyz"), world.operator("/readyz"));
    assert_eq!((first.0, second.0), (503, 503));
    assert_eq!(value(&page(&world).await, "doorstep_writer_queue"), waiting);
    shell.execute_batch("ROLLBACK").unwrap();
    assert_eq!(world.operator("/readyz").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_waits_for_its_operator_lives_and_is_not_ready() {
    let mut world = World::new().await;
    world.stop_server().await;
    let copy = world.backup();
    world.serve_from(&copy).await;
    assert!(world.waits());
    assert_eq!(world.operator("/livez").await.0, 200);
    let (status, why) = world.operator("/readyz").await;
    assert!(status == 503 && why.contains("operator"), "{status} {why}");
    assert_eq!(raw(world.addr(), "POST", "/v1/nonce", &[], &[]).await.status, 503);
    assert_eq!(value(&page(&world).await, r#"doorstep_refused_requests_total{code="copied"}"#), Some(1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_address_is_this_machines_own_unless_the_operator_says_otherwise() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let anywhere = Some(([0, 0, 0, 0], 0).into());
    let config = |insecure| Config { admin_listen: anywhere, insecure, ..Config::on_loopback(&data, world.hands.server()) };
    let refused = start(config(false)).await.err().unwrap();
    assert!(matches!(refused, ServeError::AdminNotLoopback(_)), "{refused}");
    assert!(!data.exists(), "a wrong option leaves no folder behind");
    let running = start(config(true)).await.unwrap();
    assert!(running.admin_addr.is_some());
    running.stop().await;
    let running = start(Config { admin_listen: None, ..config(false) }).await.unwrap();
    assert_eq!(running.admin_addr, None);
    running.stop().await;
}
