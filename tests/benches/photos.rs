//! Fifty photos of about 250 KB, from the real client to the real server in a process of its own, through a link that counts bytes;
//! beside it the tus project's own server, sent the same bytes through the same link, if node has it (`tests/peers/tus`). Then
//! one photo over 12 KB/s that is cut every ten seconds.
//! `cargo bench -p doorstep-tests --bench photos`

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Instant,
};

use doorstep_client::{Conditions, NewPhoto};
use doorstep_domain::{PhotoPurpose, UnixMs};
use doorstep_tests::{Device, Link, LinkMode, Traffic, World, failed, grainy, raw, waybill};

const PHOTOS: u32 = 50;
const HELD: Conditions = Conditions { metered: false, roaming: false, battery: Some(1), charging: false };

/// A server in a process of its own: this program again, or node.
struct Server {
    child: Child,
    addr: SocketAddr,
}

impl Server {
    fn start(mut command: Command, read: impl Fn(&str) -> Option<SocketAddr>) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let addr = lines.map_while(Result::ok).find_map(|line| read(&line)).expect("the server says where it listens");
        Self { child, addr }
    }

    fn ours(world: &World) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env("DOORSTEP_BENCH_SERVER", world.server_folder()).env("DOORSTEP_BENCH_NOW", world.hands.now().0.to_string());
        Self::start(command, |line| line.strip_prefix("addr=")?.parse().ok())
    }

    fn tus(folder: &str, data: &std::path::Path) -> Self {
        let mut command = Command::new("node");
        command.arg(format!("{folder}/tus-server.mjs")).arg(data);
        Self::start(command, |line| Some(SocketAddr::from(([127, 0, 0, 1], line.trim().parse().ok()?))))
    }

    /// CPU time so far, user and system, in milliseconds, by the kernel's account.
    fn cpu_ms(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        ticks as f64 * 10.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.stdin.take();
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

async fn serve(folder: String) {
    let now = UnixMs(std::env::var("DOORSTEP_BENCH_NOW").unwrap().parse().unwrap());
    let config = doorstep_server::Config::on_loopback(folder, std::sync::Arc::new(move || now));
    let running = doorstep_server::start(config).await.unwrap();
    println!("addr={}", running.addr);
    tokio::task::spawn_blocking(|| std::io::stdin().lines().for_each(drop)).await.unwrap();
}

/// Records one large photo.
fn record(phone: &Device, n: u32) -> Vec<u8> {
    let command = failed(waybill(n % 40), "DF-NOBODY");
    phone.client.record(&command, &[NewPhoto::new(grainy(n, 1_600, 1_200), PhotoPurpose::Door)]).unwrap();
    let view = phone.client.case(&waybill(n % 40)).unwrap().unwrap();
    let id = view.case.timeline.iter().rev().find_map(|r| match &r.entry.body {
        doorstep_domain::Body::Photo(photo) => Some(photo.id.to_string()),
        _ => None,
    });
    let id = id.unwrap();
    std::fs::read(phone.folder.join("photos").join(&id[..2]).join(format!("{id}.jpg"))).unwrap()
}

fn passed(before: Traffic, after: Traffic) -> (u64, u64) {
    (after.up - before.up, after.down - before.down)
}

fn row(name: &str, requests: u64, wall: f64, (up, down): (u64, u64), bytes: u64, photos: u64, cpu: f64) {
    let beside = (up + down - bytes) as f64 / photos as f64;
    let (each, cpu) = (requests as f64 / photos as f64, cpu / photos as f64);
    println!("{name:<44}{requests:>9}{each:>9.2}{wall:>9.0}{beside:>15.0}{cpu:>16.2}");
}

#[tokio::main]
async fn main() {
    if let Ok(folder) = std::env::var("DOORSTEP_BENCH_SERVER") {
        return serve(folder).await;
    }
    let mut world = World::new().await;
    let server = Server::ours(&world);
    world.link.point_to(server.addr);
    let phone = world.device("phone", "c1").await;
    phone.client.set_conditions(HELD);
    let photos: Vec<Vec<u8>> = (0..PHOTOS).map(|n| record(&phone, n)).collect();
    let (count, bytes) = (photos.len() as u64, photos.iter().map(|photo| photo.len() as u64).sum::<u64>());
    phone.client.sync().await.unwrap(); // entries and thumbnails
    println!("{count} photos of {} KB", bytes / count / 1_000);
    println!("{:<44}{:>9}{:>9}{:>9}{:>15}{:>16}", "", "requests", "a photo", "wall ms", "beside B/photo", "server ms/photo");
    let idle = world.link.traffic();
    phone.client.sync().await.unwrap();
    let (idle_up, idle_down) = passed(idle, world.link.traffic());
    phone.client.set_conditions(Conditions::default());
    let (before, cpu, begun) = (world.link.traffic(), server.cpu_ms(), Instant::now());
    let report = phone.client.sync().await.unwrap();
    let wall = begun.elapsed().as_secs_f64() * 1e3;
    let (up, down) = passed(before, world.link.traffic());
    assert_eq!(report.photos, count);
    let cost = (up - idle_up, down - idle_down);
    row("doorstep, synced to disk, hash verified", report.requests - 1, wall, cost, bytes, count, server.cpu_ms() - cpu);

    match std::env::var("DOORSTEP_TUS_CLIENT") {
        Err(_) => println!("@tus/server: not run; DOORSTEP_TUS_CLIENT=$(tests/peers/tus)"),
        Ok(folder) => beside(&folder, &photos).await,
    }
    slow(&mut world, &phone).await;
}

/// The tus project's server: data in the creation, then creation and PATCH.
async fn beside(folder: &str, photos: &[Vec<u8>]) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::tus(folder, data.path());
    let link = Link::to(server.addr).await;
    let addr: SocketAddr = link.url().trim_start_matches("http://").parse().unwrap();
    let bytes = photos.iter().map(|photo| photo.len() as u64).sum::<u64>();
    for (name, whole) in [("@tus/server, no sync, no hash: data in POST", true), ("@tus/server: POST, then PATCH", false)] {
        let (before, cpu, begun) = (link.traffic(), server.cpu_ms(), Instant::now());
        let mut requests = 0;
        for photo in photos {
            let len = photo.len().to_string();
            let tus = [("tus-resumable", "1.0.0"), ("content-type", "application/offset+octet-stream")];
            let (body, rest) = if whole { (photo.as_slice(), None) } else { (&[][..], Some(photo)) };
            let headers = if whole { tus.to_vec() } else { vec![tus[0]] };
            let created = raw(addr, "POST", "/files", &[&headers[..], &[("upload-length", &len)]].concat(), body).await;
            assert_eq!(created.status, 201, "{}", created.head);
            requests += 1;
            if let Some(rest) = rest {
                let path = created.head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
                let path = &path[path.find("/files").unwrap()..];
                let patched = raw(addr, "PATCH", path, &[&tus[..], &[("upload-offset", "0")]].concat(), rest).await;
                assert_eq!(patched.status, 204);
                requests += 1;
            }
        }
        let wall = begun.elapsed().as_secs_f64() * 1e3;
        let cost = passed(before, link.traffic());
        row(name, requests, wall, cost, bytes, photos.len() as u64, server.cpu_ms() - cpu);
    }
}

/// One photo over a link as a cellar has it.
async fn slow(world: &mut World, phone: &Device) {
    let photo = record(phone, PHOTOS);
    phone.client.set_conditions(HELD);
    phone.client.sync().await.unwrap();
    phone.client.set_conditions(Conditions::default());
    world.link.set(LinkMode::Slow { rate: 12_000, cut_after: 120_000 });
    let (before, begun) = (world.link.traffic(), Instant::now());
    let mut cuts = 0;
    while phone.client.sync().await.is_err() {
        cuts += 1;
    }
    let up = world.link.traffic().up - before.up;
    let twice = (up as f64 / photo.len() as f64 - 1.0) * 100.0;
    println!(
        "one photo of {} KB over 12 KB/s, cut every 10 s: {:.1} s, {cuts} cuts, {up} bytes up: {twice:.1} % more than the photo, with every \
         header and sync",
        photo.len() / 1_000,
        begun.elapsed().as_secs_f64()
    );
}
