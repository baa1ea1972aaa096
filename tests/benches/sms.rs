//! Ten thousand SMS from five phones through head office's gateway, a process of its own, to an SMSC in this one over SMPP: how many a
//! second, what each costs the server, and whether its memory stays flat. Each is a case of its own, with its entries.
//! `cargo bench -p doorstep-tests --bench sms`

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use doorstep_client::{Act, SmsWish};
use doorstep_domain::UnixMs;
use doorstep_server::GatewayConfig;
use doorstep_tests::{
    Device, PARCEL_COLUMNS, World, on,
    smsc::{BindAnswer, Smsc, SmscOptions},
    waybill,
};

const FIRST: u32 = 1_000;
const ALL: u32 = 10_000;
const PHONES: u32 = 5;
/// Number of the first parcel of this list: the harness has its own.
const FROM: u32 = 1_000;

/// A server in a process of its own: this program again.
struct Server {
    child: Child,
    addr: SocketAddr,
}

impl Server {
    fn start(world: &World, smsc: &Smsc) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env("DOORSTEP_BENCH_SERVER", world.server_folder()).env("DOORSTEP_BENCH_NOW", world.hands.now().0.to_string());
        command.env("DOORSTEP_BENCH_SMSC", smsc.addr().port().to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let addr =
            lines.find_map(|line| line.ok()?.strip_prefix("addr=")?.parse().ok()).expect("the server says where it listens");
        Self { child, addr }
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap()
    }

    /// CPU time so far, user and system, in milliseconds.
    fn cpu_ms(&self) -> f64 {
        let stat = self.proc("stat");
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) as f64 * 10.0
    }

    /// Resident memory, KiB.
    fn rss(&self) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
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
    let env = |name: &str| std::env::var(name).unwrap();
    let now = UnixMs(env("DOORSTEP_BENCH_NOW").parse().unwrap());
    let sms = GatewayConfig::parse(&format!(
        "provider = \"smpp\"\n[smpp]\nhost = \"127.0.0.1\"\nport = {}\nsystem_id = \"bench\"\npassword = \"secret\"\n\
         source_addr = \"10690001\"\ntls = false\nper_second = 10000\nwindow = 100\nreconnect_seconds = 0.2\n",
        env("DOORSTEP_BENCH_SMSC")
    ));
    let alone = doorstep_server::Config::on_loopback(folder, std::sync::Arc::new(move || now));
    let running = doorstep_server::start(doorstep_server::Config { sms: sms.unwrap(), ..alone }).await.unwrap();
    println!("addr={}", running.addr);
    tokio::task::spawn_blocking(|| std::io::stdin().lines().for_each(drop)).await.unwrap();
}

/// Records failures with their SMS, and brings them to a server whose SMSC is away: all of them wait there.
async fn queue(phones: &[Device], parcels: std::ops::Range<u32>) {
    for n in parcels {
        let phone = &phones[(n % PHONES) as usize];
        phone.fail(FROM + n, "DF-NOBODY").unwrap();
        let wish = SmsWish::default();
        let sms = on(waybill(FROM + n), Act::Sms { wish, state: None, fault: None });
        phone.client.record(&sms, &[]).unwrap();
    }
    for phone in phones {
        phone.sync().await.unwrap();
        phone.sync().await.unwrap();
    }
}

/// Waits until so many messages are sent, as head office knows it; prints what the last of them cost.
async fn send(world: &World, server: &Server, from: u32, to: u32, begun: Instant, cpu: f64) -> u64 {
    let db = world.database();
    let sent =
        || -> u32 { db.query_row("SELECT count(*) FROM message WHERE sent_at IS NOT NULL", [], |row| row.get(0)).unwrap() };
    while sent() < to {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(begun.elapsed().as_secs() < 300, "they are sent");
    }
    let (count, wall, rss) = (f64::from(to - from), begun.elapsed().as_secs_f64(), server.rss());
    println!("{from:>6} to {to:>6}{:>14.0}{:>20.2}{rss:>14}", count / wall, (server.cpu_ms() - cpu) / count);
    rss
}

#[tokio::main]
async fn main() {
    if let Ok(folder) = std::env::var("DOORSTEP_BENCH_SERVER") {
        return serve(folder).await;
    }
    let smsc = Smsc::start(SmscOptions { password: "secret".into(), ..SmscOptions::default() }).await;
    smsc.script_binds(std::iter::repeat_n(BindAnswer::Cut, 1_000_000));
    let mut world = World::new().await;
    let mut admin = world.admin();
    let pack = std::str::from_utf8(doorstep_rules::FIRST_PACK).unwrap();
    let pack = pack.replace("most_of_a_device = 200", "most_of_a_device = 10000").replacen("version = 1", "version = 2", 1);
    admin.publish_pack(pack.as_bytes(), world.hands.now()).unwrap();
    world.hands.advance(3 * 60);
    for n in 3..=PHONES {
        admin.user(&format!("c{n}"), "李明", "courier", "0412").unwrap();
    }
    let mut csv = format!("{PARCEL_COLUMNS}\n");
    for n in 0..ALL {
        let courier = n % PHONES + 1;
        csv += &format!("{},QH,0571,0412,c{courier},王小花,139{n:08},青禾路{n}号,0,2026-03-02 08:00\n", waybill(FROM + n));
    }
    assert_eq!(admin.import_parcels(csv.as_bytes(), world.hands.now()).unwrap().imported, u64::from(ALL));
    let mut phones = Vec::new();
    for n in 1..=PHONES {
        phones.push(world.device(&format!("phone{n}"), &format!("c{n}")).await);
    }
    world.stop_server().await;
    let server = Server::start(&world, &smsc);
    world.link.point_to(server.addr);
    queue(&phones, 0..ALL).await;
    // The next one has taken no push: its memory is the gateway's.
    drop(server);
    let server = Server::start(&world, &smsc);
    println!("{:>16}{:>14}{:>20}{:>14}", "sent", "a second", "ms CPU of server", "RSS KiB");
    smsc.let_bind();
    smsc.until("the first one", |seen| !seen.submits.is_empty()).await;
    let after_first = send(&world, &server, 0, FIRST, Instant::now(), server.cpu_ms()).await;
    let after_all = send(&world, &server, FIRST, ALL, Instant::now(), server.cpu_ms()).await;
    println!(
        "memory after {ALL} / after {FIRST}: {:.2} (wanted: at most 1.2); segments at the SMSC {}, messages twice: {}",
        after_all as f64 / after_first as f64,
        smsc.seen(|seen| seen.submits.len()),
        smsc.seen(|seen| seen.messages().len()).saturating_sub(ALL as usize)
    );
}
