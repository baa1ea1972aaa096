//! Each attack of a stranger or a greedy device by itself, beside a device that goes on with its work: the server's memory stays within
//! its bound, and the work arrives. How long a sync takes beside the attack is printed, because it depends on the machine.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use doorstep_domain::InstallId;
use doorstep_protocol::{EnrolRequest, MAX_ENCODED, SyncRequest, encode, seal};
use doorstep_tests::{Device, World, failed};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};

use super::{
    hostile::Process,
    photos::fail_with_large_photo,
    strangers::{MAX_GROWTH, push_on},
};

/// More sockets than the server leaves open without a request.
const MANY: usize = 2_100;
/// The largest photo that there may be.
const LARGE: usize = 12_000_000;

/// The honest device, and what was measured.
struct Beside<'a> {
    process: &'a Process,
    phone: &'a Device,
    before: u64,
    alone: Duration,
}

impl<'a> Beside<'a> {
    async fn new(process: &'a Process, phone: &'a Device) -> Self {
        phone.fail(2, "DF-NOBODY").unwrap();
        phone.sync().await.unwrap();
        let (alone, failed) = syncs(phone).await;
        assert_eq!(failed, 0);
        Self { process, phone, before: process.forget_peak(), alone }
    }

    /// Syncs while the attack goes on that has begun since the last one ended.
    async fn honest_work_passes(&mut self, attack: &str) {
        let (beside, failed) = syncs(self.phone).await;
        let growth = self.process.peak_since(self.before);
        println!("{attack}: median of a sync {beside:?}, alone {:?}; server memory grew by {growth} KiB", self.alone);
        assert_eq!(failed, 0, "{attack}");
        assert!(growth < MAX_GROWTH, "{attack}: grew by {growth} KiB");
        self.before = self.process.forget_peak();
    }
}

/// Records notes and syncs five times: the median of the times, and how many failed.
async fn syncs(phone: &Device) -> (Duration, usize) {
    let (mut times, mut failed) = (Vec::new(), 0);
    for n in 0..5 {
        for note in 0..8 {
            phone.note(2, &format!("{n} {note} {}", "客户要求改约 ".repeat(30))).unwrap();
        }
        let begun = Instant::now();
        failed += usize::from(phone.sync().await.is_err());
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    (times[times.len() / 2], failed)
}

/// Opens sockets that send some bytes and then nothing.
async fn sockets(addr: SocketAddr, count: usize, bytes: &[u8]) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for _ in 0..count {
        let Ok(mut stream) = TcpStream::connect(addr).await else { continue };
        // The server may have enough of a stranger before all is sent.
        tokio::time::timeout(Duration::from_secs(1), stream.write_all(bytes)).await.ok();
        open.push(stream);
    }
    open
}

/// Asks for something on many connections at once, again and again, until it is told to end.
fn flood(addr: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (Arc<AtomicBool>, Vec<JoinHandle<usize>>) {
    let over = Arc::<AtomicBool>::default();
    let head: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n{head}\r\n", body.len());
    let one = || {
        let (over, request) = (over.clone(), [head.as_bytes(), body].concat());
        tokio::spawn(async move {
            let mut answers = 0;
            while !over.load(Ordering::SeqCst) {
                let Ok(mut stream) = TcpStream::connect(addr).await else { continue };
                stream.write_all(&request).await.ok();
                answers += usize::from(stream.read_to_end(&mut Vec::new()).await.is_ok_and(|read| read > 0));
            }
            answers
        })
    };
    (over.clone(), (0..4).map(|_| one()).collect())
}

/// Ends a flood; how many answers it got.
async fn end((over, tasks): (Arc<AtomicBool>, Vec<JoinHandle<usize>>)) -> usize {
    over.store(true, Ordering::SeqCst);
    let mut answers = 0;
    for task in tasks {
        answers += task.await.unwrap();
    }
    answers
}

/// The begin of an HTTP/2 connection with one header whose value goes on over as many frames as the server reads.
fn endless_http2_head() -> Vec<u8> {
    const FRAME: usize = 16_384;
    let frame = |kind: u8, stream: u8, payload: &[u8]| {
        let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&len[1..], &[kind, 0, 0, 0, 0, stream], payload].concat()
    };
    // A literal header with the name `x`, and a value of about two million bytes.
    let head = [&[0, 1, b'x', 0x7f, 0x80, 0x89, 0x7a][..], &[b'y'; FRAME - 7]].concat();
    let mut bytes = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(4, 0, &[]), &frame(1, 1, &head)].concat();
    for _ in 0..3 {
        bytes.extend(frame(9, 1, &[b'y'; FRAME]));
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_each_attack_of_strangers_honest_syncs_pass_and_memory_stays_flat() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    // Devices have open connections to it, and must go to the process.
    world.stop_server().await;
    let process = Process::start(&world, None);
    world.link.point_to(process.addr);
    let mut beside = Beside::new(&process, &phone).await;

    let held = sockets(process.addr, 600, b"").await;
    beside.honest_work_passes("600 sockets that say nothing").await;
    drop(held);

    let body = b"POST /v1/enrol HTTP/1.1\r\nhost: a\r\ncontent-length: 4000\r\n\r\nx";
    let held = sockets(process.addr, 600, body).await;
    beside.honest_work_passes("600 bodies of which one byte came").await;
    drop(held);

    let head = [b"GET / HTTP/1.1\r\nhost: a\r\nx: ".to_vec(), vec![b'y'; 60_000]].concat();
    let held = sockets(process.addr, MANY, &head).await;
    beside.honest_work_passes("2,100 heads of 60 KB without an end").await;
    drop(held);

    let held = sockets(process.addr, MANY, &endless_http2_head()).await;
    beside.honest_work_passes("2,100 heads of HTTP/2 without an end").await;
    drop(held);

    let length = format!("POST /v1/sync HTTP/1.1\r\nhost: a\r\ncontent-length: {LARGE}\r\n\r\n");
    let held = sockets(process.addr, 60, &[length.into_bytes(), vec![b'y'; 4_000_000]].concat()).await;
    beside.honest_work_passes("60 bodies of 12 MB without a token").await;
    drop(held);

    let guess = EnrolRequest {
        code: "AAAA-BBBB-CCCC".into(),
        public_key: vec![4; 65],
        install: InstallId::new([9; 16]),
        nonce: vec![0; 16],
        sig: vec![0; 64],
    };
    let guesses = flood(process.addr, "/v1/enrol", &[("sync-proto", "3")], &seal(&encode(&guess).unwrap()).unwrap());
    beside.honest_work_passes("guesses of codes on four connections").await;
    assert!(end(guesses).await > 0);
}

/// A large photo in the place of one that a device has recorded and sent; the address of its bytes.
async fn large_photo(world: &World, device: &Device) -> String {
    let photo = fail_with_large_photo(device, 6, 1);
    device.sync().await.unwrap();
    let text = photo.id.to_string();
    std::fs::write(world.server_folder().join("photos").join(&text[..2]).join(&text), vec![0x55; LARGE]).unwrap();
    let sql = "UPDATE stored SET len = ?1 WHERE sha = ?2";
    world.database().execute(sql, rusqlite::params![LARGE as i64, photo.id.as_bytes()]).unwrap();
    format!("/v1/photos/{text}")
}

/// Connections whose windows are closed: the server may send heads, and no byte of a body. Each asks for something several times.
async fn closed_windows(addr: SocketAddr, connections: usize, path: &str, bearer: &str) -> Vec<JoinHandle<()>> {
    let mut open = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(addr).await.unwrap();
        let builder = h2::client::Builder::new().initial_window_size(0).handshake::<_, &[u8]>(stream).await;
        let Ok((mut client, connection)) = builder else { continue };
        let (path, bearer) = (path.to_owned(), bearer.to_owned());
        open.push(tokio::spawn(async move {
            let asks = async move {
                let mut held = Vec::new();
                for _ in 0..30 {
                    let request = http::Request::get(format!("http://doorstep{path}"))
                        .header("authorization", &bearer)
                        .header("sync-proto", "3")
                        .body(())
                        .unwrap();
                    let Ok(ready) = client.ready().await else { break };
                    client = ready;
                    let Ok((answer, _)) = client.send_request(request, true) else { break };
                    held.push(answer);
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = asks => {}
                ended = connection => drop(ended),
            }
        }));
    }
    open
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_each_attack_of_an_enrolled_device_honest_syncs_pass_and_memory_stays_flat() {
    let mut world = World::new().await;
    let (phone, grudge) = (world.device("phone", "c1").await, world.device("grudge", "c2").await);
    let path = large_photo(&world, &phone).await;
    let reader = world.device("reader", "c1").await;
    let mut policy: Value = serde_json::from_slice(doorstep_rules::QUOTAS_POLICY).unwrap();
    policy["quotas"]["unlisted_cases"] = json!(20);
    world.admin().publish_policy(policy.to_string().as_bytes(), true).unwrap();
    world.stop_server().await;
    let mut process = Process::start(&world, None);
    world.link.point_to(process.addr);
    // More invented waybills than the quota has; more wait behind them.
    for n in 0..50 {
        grudge.client.record(&failed(format!("QH9{n:011}"), "DF-NOBODY"), &[]).unwrap();
        if n == 24 {
            grudge.sync().await.unwrap();
        }
    }
    let mut beside = Beside::new(&process, &phone).await;
    let (addr, token) = (process.addr, reader.bearer());

    let held = closed_windows(addr, 20, &path, &token).await;
    beside.honest_work_passes("20 connections that ask for 30 photos each and read none").await;
    held.iter().for_each(JoinHandle::abort);

    let head = format!(
        "POST /v1/sync HTTP/1.1\r\nhost: a\r\nauthorization: {token}\r\nsync-proto: 3\r\ncontent-length: {MAX_ENCODED}\r\n\r\n"
    );
    let held = sockets(addr, 60, &[head.into_bytes(), vec![b'y'; MAX_ENCODED - 1]].concat()).await;
    beside.honest_work_passes("60 bodies of 4 MiB without their last byte").await;
    drop(held);

    let head = format!("GET /v1/live HTTP/1.1\r\nhost: a\r\nauthorization: {token}\r\nsync-proto: 3\r\n\r\n");
    let held = sockets(addr, 200, head.as_bytes()).await;
    beside.honest_work_passes("200 streams of one device").await;
    drop(held);

    let mut cursors: SyncRequest = reader.request();
    cursors.pull.iter_mut().for_each(|pull| pull.cursor = i64::MAX as u64);
    let cursors = seal(&encode(&cursors).unwrap()).unwrap();
    let asks = flood(addr, "/v1/sync", &[("authorization", &token), ("sync-proto", "3")], &cursors);
    beside.honest_work_passes("cursors beyond the end of feeds, on four connections").await;
    assert!(end(asks).await > 0);

    let over = Arc::new(AtomicBool::new(false));
    let pushes = tokio::spawn(push_on(addr, grudge, over.clone()));
    beside.honest_work_passes("pushes of a device beyond its quota").await;
    over.store(true, Ordering::SeqCst);
    assert!(pushes.await.unwrap() > 0);

    let Beside { before, alone, .. } = beside;
    process.fill_disk(true);
    let (mut refused, mut failed) = syncs(&phone).await;
    // Pages that the database had freed may take some.
    for _ in 0..10 {
        if failed < 5 {
            (refused, failed) = syncs(&phone).await;
        }
    }
    let growth = process.peak_since(before);
    println!("a full disk: median of a refused sync {refused:?}, of one alone {alone:?}; server memory grew by {growth} KiB");
    assert_eq!(failed, 5, "what can not be stored is not taken");
    assert!(growth < MAX_GROWTH, "grew by {growth} KiB");
    process.fill_disk(false);
    phone.sync().await.unwrap();
    assert!(phone.client.status().unwrap().unsent.is_empty());
    phone.agrees_with(&world, 2);
}
