//! Hints that something moved: to whom they go, what they say, when they end.

use std::{net::SocketAddr, time::Instant};

use doorstep_protocol::PROTO_VERSION;
use doorstep_tests::{Device, World, raw, waybill};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
};

/// A stream of hints, read line by line as it comes.
struct Stream {
    head: String,
    lines: Lines<BufReader<TcpStream>>,
}

impl Stream {
    /// Returns when the server has begun to listen for the device: what is pushed from now on is told.
    async fn open(addr: SocketAddr, device: &Device) -> Self {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let request = format!(
            "GET /v1/live HTTP/1.1\r\nHost: test\r\nConnection: close\r\nSync-Proto: {PROTO_VERSION}\r\nAuthorization: {}\r\n\r\n",
            device.bearer()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut opened = Self { head: String::new(), lines: BufReader::new(stream).lines() };
        while let Some(line) = opened.line().await.filter(|line| !line.is_empty()) {
            opened.head += &(line.to_lowercase() + "\n");
        }
        assert!(opened.head.starts_with("http/1.1 200"), "{}", opened.head);
        while opened.line().await.unwrap() != ":" {}
        opened
    }

    async fn line(&mut self) -> Option<String> {
        self.lines.next_line().await.unwrap()
    }

    /// The next hint; `None` when the stream has ended. Whatever else is in it is empty lines, beats and the sizes of chunks.
    async fn hint(&mut self) -> Option<String> {
        loop {
            let line = self.line().await?;
            match line.strip_prefix("data:") {
                Some(hint) => return Some(hint.to_owned()),
                None => assert!(line.is_empty() || line == ":" || u32::from_str_radix(&line, 16).is_ok(), "{line}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tablets_wait_ends_with_a_couriers_push_and_a_strangers_does_not() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let tablet = world.device("tablet", "s1").await;
    let elsewhere = world.device("elsewhere", "x1").await;
    assert!(!tablet.client.wait_for_hint(1).await.unwrap(), "nothing has moved");

    phone.fail(4, "DF-NOBODY").unwrap();
    let (waited, pushed) = tokio::join!(tablet.client.wait_for_hint(60), phone.sync());
    pushed.unwrap();
    assert!(waited.unwrap());
    assert!(tablet.client.wait_for_hint(60).await.unwrap(), "what was not fetched yet is not waited for");
    tablet.sync().await.unwrap();
    assert_eq!(tablet.case(4).unwrap().case.attempts(), 1);
    assert!(!tablet.client.wait_for_hint(1).await.unwrap(), "it has everything");
    assert!(!phone.client.wait_for_hint(1).await.unwrap(), "its own push is nothing new to it");
    assert!(!elsewhere.client.wait_for_hint(1).await.unwrap(), "another outlet's cases");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_says_which_scope_moved_and_how_far_and_nothing_else() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let tablet = world.device("tablet", "s1").await;
    let origin = world.device("origin", "o1").await;
    let mut stream = Stream::open(world.addr(), &tablet).await;
    let mut at_origin = Stream::open(world.addr(), &origin).await;
    assert!(
        stream.head.contains(&format!("sync-proto: {PROTO_VERSION}\n"))
            && stream.head.contains("content-type: text/event-stream\n")
    );

    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    assert_eq!(stream.hint().await.unwrap(), r#"{"s":"outlet/0412","to":1}"#);
    // The origin outlet reads the case from its notice on, and hears nothing before.
    phone.notice(4).unwrap();
    phone.sync().await.unwrap();
    assert_eq!(stream.hint().await.unwrap(), r#"{"s":"outlet/0412","to":2}"#);
    assert_eq!(at_origin.hint().await.unwrap(), r#"{"s":"outlet/0571","to":1}"#);

    let headers = [("authorization", tablet.bearer())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let polled = raw(world.addr(), "GET", "/v1/live?wait=60&at=1:outlet/0412&at=0:outlet/0571", &headers, b"").await;
    assert_eq!((polled.status, polled.body.as_slice()), (200, &b"{\"s\":\"outlet/0412\",\"to\":2}\n"[..]), "{}", polled.head);
    let nothing = raw(world.addr(), "GET", "/v1/live?wait=1", &headers, b"").await;
    assert_eq!((nothing.status, nothing.body.len()), (204, 0), "no number given: only what moves from now on");
    assert!(nothing.head.contains(&format!("sync-proto: {PROTO_VERSION}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_that_come_close_together_are_one_hint() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let tablet = world.device("tablet", "s1").await;
    let mut stream = Stream::open(world.addr(), &tablet).await;
    let begun = Instant::now();
    for n in 0..20 {
        phone.fail(2 * n, "DF-NOBODY").unwrap();
        phone.sync().await.unwrap();
    }
    let mut hints = 0u32;
    loop {
        hints += 1;
        let hint = stream.hint().await.unwrap();
        if hint == r#"{"s":"outlet/0412","to":20}"# {
            break;
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    assert!(f64::from(hints) <= 2.0 + 2.0 * seconds, "at most two a second: {hints} in {seconds} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_good_token_hears_nothing() {
    let mut world = World::new().await;
    for (headers, path) in [
        (&[][..], "/v1/live"),
        (&[], "/v1/live?wait=60"),
        (&[("authorization", "Bearer 00")], "/v1/live"),
        (&[("authorization", "Bearer 00")], "/v1/live?wait=60"),
    ] {
        let answer = raw(world.addr(), "GET", path, headers, b"").await;
        assert!(answer.status == 401 && answer.head.contains(&format!("sync-proto: {PROTO_VERSION}")), "{path}: {}", answer.head);
    }
    let tablet = world.device("tablet", "s1").await;
    let token = tablet.bearer();
    for query in ["wait=0", "wait=61", "wait=soon", "at=outlet/0412", "at=x:outlet/0412"] {
        let answer = raw(world.addr(), "GET", &format!("/v1/live?{query}"), &[("authorization", &token)], b"").await;
        assert_eq!(answer.status, 400, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_whose_token_ends_while_it_listens_hears_of_nothing_more() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let tablet = world.device("tablet", "s1").await;
    let mut stream = Stream::open(world.addr(), &tablet).await;
    let device = tablet.client.identity().unwrap().unwrap().device;
    world.admin().revoke(&device.to_string(), "lost", world.hands.now()).unwrap();
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    assert_eq!(stream.hint().await, None, "ended without a word about {}", waybill(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_does_not_wait_for_those_who_listen() {
    let mut world = World::new().await;
    let tablet = world.device("tablet", "s1").await;
    let mut stream = Stream::open(world.addr(), &tablet).await;
    world.restart_server().await;
    assert_eq!(stream.hint().await, None);
}
