//! A disk without room: the server answers what it can not store with 503, and goes on when there is room again.

use doorstep_protocol::{ErrorBody, decode, encode, seal};
use doorstep_tests::{World, raw};

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_does_not_fit_on_the_disk_is_told_to_come_back_and_loses_nothing() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    let acknowledged = world.on_server(&phone.id(4));

    world.fill_disk(true).await;
    for n in [4, 6, 8, 10] {
        phone.fail(n, "DF-NOBODY").unwrap();
        for note in 0..8 {
            phone.note(n, &format!("{note} {}", "客户要求改约 ".repeat(30))).unwrap();
        }
    }
    let body = seal(&encode(&phone.request()).unwrap()).unwrap();
    for _ in 0..3 {
        let answer = raw(world.addr(), "POST", "/v1/sync", &[("authorization", &phone.bearer())], &body).await;
        let error: ErrorBody = decode(&answer.body).unwrap();
        assert_eq!((answer.status, error.code.as_str()), (503, "storage"), "{error:?}");
        assert!(error.detail.contains("full"), "{error:?}");
        assert!(answer.head.contains("retry-after: "), "{}", answer.head);
    }
    assert_eq!(world.on_server(&phone.id(4)), acknowledged, "what was acknowledged stays, and nothing else came");
    assert_eq!(world.operator("/readyz").await.0, 200, "devices can still read");
    let page = world.operator("/metrics").await.1;
    assert!(page.contains("doorstep_refused_requests_total{code=\"storage\"} 3"), "{page}");

    world.fill_disk(false).await;
    let answer = raw(world.addr(), "POST", "/v1/sync", &[("authorization", &phone.bearer())], &body).await;
    assert_eq!(answer.status, 200, "the same push is accepted");
    phone.sync().await.unwrap();
    assert!(phone.client.status().unwrap().unsent.is_empty());
    for n in [4, 6, 8, 10] {
        phone.agrees_with(&world, n);
    }
    let looked = world.admin().verify_log(None).unwrap();
    assert!(looked.faults.is_empty() && looked.unfinished.is_none(), "{looked:?}");
}
