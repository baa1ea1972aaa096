//! Strangers and greedy peers: sockets that say nothing, bodies that trickle, answers that nobody reads. Other devices lose time and
//! nothing else. The server is a process of its own, so that its memory can be read.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use doorstep_protocol::{encode, seal};
use doorstep_tests::{Device, World, failed, raw};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{hostile::Process, photos::fail_with_large_photo};

/// Most that an attack may make the server hold, in KiB.
pub(crate) const MAX_GROWTH: u64 = 64 * 1024;

/// Sends bytes as they are and reads until the server closes.
async fn answer_to(addr: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_asks_for_photos_and_does_not_read_them_makes_the_server_hold_nothing() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 1);
    phone.sync().await.unwrap();
    // The largest photo that there may be, in the place of this one.
    let large = vec![0x55; 12_000_000];
    let text = photo.id.to_string();
    std::fs::write(world.server_folder().join("photos").join(&text[..2]).join(&text), &large).unwrap();
    let db = rusqlite::Connection::open(world.server_folder().join("doorstep-server.db")).unwrap();
    db.execute("UPDATE stored SET len = ?1 WHERE sha = ?2", (large.len() as i64, photo.id.as_bytes())).unwrap();
    drop(db);

    world.stop_server().await;
    let process = Process::start(&world, None);
    let (path, bearer) = (format!("/v1/photos/{}", photo.id), phone.bearer());
    let whole = raw(process.addr, "GET", &path, &[("authorization", &bearer), ("sync-proto", "3")], &[]).await;
    assert_eq!((whole.status, whole.body.len()), (200, large.len()), "a reader who reads has it whole");
    let before = process.forget_peak();
    let stream = TcpStream::connect(process.addr).await.unwrap();
    // Every window is closed: the server may send heads, and no byte of a body.
    let (mut client, connection) = h2::client::Builder::new().initial_window_size(0).handshake::<_, &[u8]>(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut held = Vec::new();
    for _ in 0..80 {
        let request = http::Request::get(format!("http://doorstep{path}"))
            .header("authorization", &bearer)
            .header("sync-proto", "3")
            .body(())
            .unwrap();
        client = client.ready().await.unwrap();
        let (answer, _) = client.send_request(request, true).unwrap();
        // The server lets a connection have so many requests at once; it is asked for no more.
        if let Ok(Ok(answer)) = tokio::time::timeout(Duration::from_secs(1), answer).await {
            held.push(answer);
        }
        if held.len() == 30 {
            break;
        }
    }
    let given = held.iter().filter(|answer| answer.status() == 200).count();
    assert_eq!(given, 4, "one device is given so many at once");
    assert!(held.iter().any(|answer| answer.status() == 503));
    let growth = process.peak_since(before);
    println!("server memory grew by {growth} KiB under closed windows");
    assert!(growth < MAX_GROWTH, "grew by {growth} KiB");
    // Nobody reads: the connection is ended, and the device has its places again.
    let ended = tokio::time::timeout(Duration::from_secs(60), connection).await;
    assert!(ended.is_ok(), "the connection of a reader who does not read is ended");
    let again = raw(process.addr, "GET", &path, &[("authorization", &bearer), ("sync-proto", "3")], &[]).await;
    assert_eq!(again.status, 200);

    // Another that does not read, when the server is told to stop.
    let mut silent = TcpStream::connect(process.addr).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: {bearer}\r\nsync-proto: 3\r\n\r\n");
    silent.write_all(request.as_bytes()).await.unwrap();
    silent.readable().await.unwrap();
    let told = Instant::now();
    let stopping = tokio::task::spawn_blocking(|| process.stop());
    tokio::time::timeout(Duration::from_secs(60), stopping).await.expect("it ends whatever its peer does").unwrap();
    println!("stopped in {:?} beside a peer that does not read", told.elapsed());
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_sockets_than_the_server_has_places_and_bodies_that_trickle_keep_no_device_out() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.stop_server().await;
    let process = Process::start(&world, Some(200));
    world.link.point_to(process.addr);
    phone.sync().await.unwrap();
    let before = process.forget_peak();
    let alone = Instant::now();
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    let alone = alone.elapsed();

    let mut strangers = Vec::new();
    for n in 0..1_100 {
        let Ok(mut stream) = TcpStream::connect(process.addr).await else { continue };
        if n % 2 == 0 {
            // A head, and of its body one byte.
            let head = "POST /v1/enrol HTTP/1.1\r\nhost: a\r\ncontent-length: 4000\r\n\r\nx";
            stream.write_all(head.as_bytes()).await.ok();
        }
        strangers.push(stream);
    }
    let beside = Instant::now();
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    println!("a sync alone {alone:?}, beside {} strangers {:?}", strangers.len(), beside.elapsed());
    phone.agrees_with(&world, 4);
    let newcomer = world.device("newcomer", "c2").await;
    newcomer.sync().await.unwrap();
    let files = process.files();
    assert!(files < 300, "{files} files are open");
    let growth = process.peak_since(before);
    println!("server memory grew by {growth} KiB under strangers, {files} files are open");
    assert!(growth < MAX_GROWTH, "grew by {growth} KiB");
    drop(strangers);
}

/// Records a failed delivery and long notes and syncs, once for each number: the median of the times of the syncs, and how many
/// failed.
async fn sync_each(phone: &Device, numbers: std::ops::Range<u32>) -> (Duration, usize) {
    let (mut times, mut failed) = (Vec::new(), 0);
    for n in numbers {
        phone.fail(n * 2, "DF-NOBODY").unwrap();
        for note in 0..8 {
            phone.note(n * 2, &format!("{note} {}", "客户要求改约 ".repeat(30))).unwrap();
        }
        let begun = Instant::now();
        failed += usize::from(phone.sync().await.is_err());
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    (times[times.len() / 2], failed)
}

/// Opens sockets, most of which stay silent or send a piece of a request. At most a number of them is open at once.
async fn open_sockets(addr: SocketAddr, count: usize, most: usize) -> VecDeque<TcpStream> {
    let mut open = VecDeque::new();
    for n in 0..count {
        let Ok(mut stream) = TcpStream::connect(addr).await else { continue };
        let piece =
            [&b""[..], b"GET /v1/sync HTTP/1.1\r\nhost:", b"POST /v1/enrol HTTP/1.1\r\nhost: a\r\ncontent-length: 400\r\n\r\nx"];
        stream.write_all(piece[n % 3]).await.ok();
        open.push_back(stream);
        if open.len() > most {
            open.pop_front();
        }
    }
    open
}

/// Sends a device's batch again and again, until it is told to end. How often it was refused.
pub(crate) async fn push_on(addr: SocketAddr, device: Device, over: Arc<AtomicBool>) -> u32 {
    let body = seal(&encode(&device.request()).unwrap()).unwrap();
    let mut refused = 0;
    while !over.load(Ordering::SeqCst) {
        let answer = raw(addr, "POST", "/v1/sync", &[("authorization", &device.bearer())], &body).await;
        assert!([429, 503].contains(&answer.status), "{}", answer.head);
        refused += 1;
    }
    refused
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_sockets_a_courier_with_a_grudge_and_a_full_disk_cost_other_couriers_nothing_but_time() {
    let mut world = World::new().await;
    let (phone, grudge) = (world.device("phone", "c1").await, world.device("grudge", "c2").await);
    let mut policy: Value = serde_json::from_slice(doorstep_rules::QUOTAS_POLICY).unwrap();
    policy["quotas"]["unlisted_cases"] = json!(20);
    world.admin().publish_policy(policy.to_string().as_bytes(), true).unwrap();
    world.stop_server().await;
    let mut process = Process::start(&world, None);
    world.link.point_to(process.addr);
    let (alone, _) = sync_each(&phone, 1..6).await;
    // More invented waybills than the quota has; more wait behind them.
    for n in 0..50 {
        grudge.client.record(&failed(format!("QH9{n:011}"), "DF-NOBODY"), &[]).unwrap();
        if n == 24 {
            grudge.sync().await.unwrap();
        }
    }
    let before = process.forget_peak();

    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok());
    let most = files.map_or(10_000, |files: usize| files.saturating_sub(800).min(10_000));
    let strangers = open_sockets(process.addr, 10_000, most).await;
    let (beside_sockets, failed_beside_sockets) = sync_each(&phone, 6..11).await;
    let of_sockets = process.peak_since(before);

    let over = Arc::new(AtomicBool::new(false));
    let pushes = tokio::spawn(push_on(process.addr, grudge, over.clone()));
    let (beside_both, failed_beside_both) = sync_each(&phone, 11..16).await;
    let of_both = process.peak_since(before);

    process.fill_disk(true);
    let (refused, failed_of_five) = sync_each(&phone, 16..21).await;
    let of_all = process.peak_since(before);
    assert_eq!((failed_beside_sockets, failed_beside_both), (0, 0), "only the full disk refuses");
    assert!(failed_of_five > 0 && !phone.client.status().unwrap().unsent.is_empty(), "what is refused stays on the phone");
    process.fill_disk(false);
    phone.sync().await.unwrap();
    over.store(true, Ordering::SeqCst);
    let pushed = pushes.await.unwrap();
    assert!(pushed > 0);
    assert!(phone.client.status().unwrap().unsent.is_empty());
    for n in 1..21 {
        phone.agrees_with(&world, n * 2);
    }
    println!(
        "median of a sync: alone {alone:?}, beside {} open sockets {beside_sockets:?}, and a greedy device's {pushed} pushes \
         {beside_both:?}, and on a full disk {refused:?} with {failed_of_five} of 5 refused",
        strangers.len()
    );
    println!("server memory grew by {of_sockets} KiB, then {of_both} KiB, then {of_all} KiB");
    assert!(of_all < MAX_GROWTH, "grew by {of_all} KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_listens_by_a_few_streams_and_is_told_so_beyond() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.stop_server().await;
    let process = Process::start(&world, None);
    let head = format!("GET /v1/live HTTP/1.1\r\nhost: a\r\nauthorization: {}\r\nsync-proto: 3\r\n\r\n", phone.bearer());
    let mut streams = Vec::new();
    for n in 0..4 {
        let mut stream = TcpStream::connect(process.addr).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut line = [0; 12];
        stream.read_exact(&mut line).await.unwrap();
        assert_eq!(&line[9..], if n < 3 { b"200" } else { b"503" }, "stream {n}");
        streams.push(stream);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_or_has_too_many_lines_is_refused() {
    let world = World::new().await;
    let many: String = (0..100).map(|n| format!("x-{n}: 1\r\n")).collect();
    let large = format!("x: {}\r\n", "y".repeat(100_000));
    for (what, lines) in [("lines", many), ("bytes", large)] {
        let answer = answer_to(world.addr(), &format!("GET / HTTP/1.1\r\nhost: a\r\n{lines}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{what}: {answer}");
    }
}

/// What a proxy that believes `Content-Length` takes for a body, and a server that believes `Transfer-Encoding` for two requests.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_two_lengths_is_the_last_of_its_connection_in_either_order() {
    let world = World::new().await;
    let (length, chunked) = ("content-length: 54\r\n", "transfer-encoding: chunked\r\n");
    for lines in [[length, chunked], [chunked, length]] {
        let [first, second] = lines;
        let hidden = "GET /v1/refs/hidden HTTP/1.1\r\nhost: a\r\n\r\n";
        // This route reads its body to the end, so that the connection could go on.
        let request = format!("POST /v1/enrol HTTP/1.1\r\nhost: a\r\n{first}{second}\r\n0\r\n\r\n{hidden}");
        let answer = answer_to(world.addr(), &request).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{first}{second}: {answer}");
        assert!(answer.to_lowercase().contains("connection: close"), "{first}{second}: {answer}");
    }
}
