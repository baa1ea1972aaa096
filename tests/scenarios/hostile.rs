//! Hostile input from an enrolled device: typed refusals, bounded memory, nobody else notices. The server is a process of its own
//! here, so that its memory can be read.

use std::{
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdout, Command, Stdio},
};

use doorstep_document::{Change, NewEntry, Position, pack};
use doorstep_domain::*;
use doorstep_protocol::{PushCase, decode, encode, open, seal};
use doorstep_tests::{Device, World, first_entry, raw};

/// This test binary again, as a server. Only when it is told a folder. A line on its input fills its disk, or makes room again.
#[tokio::test(flavor = "multi_thread")]
async fn serve_in_this_process() {
    let Ok(folder) = std::env::var("DOORSTEP_TEST_SERVER") else { return };
    let now = UnixMs(std::env::var("DOORSTEP_TEST_NOW").unwrap().parse().unwrap());
    let alone = doorstep_server::Config::on_loopback(folder, std::sync::Arc::new(move || now));
    let connections = std::env::var("DOORSTEP_TEST_CONNECTIONS").ok().map(|most| most.parse().unwrap());
    let config = doorstep_server::Config { shared_folder: true, connections, ..alone };
    let running = doorstep_server::start(config).await.unwrap();
    println!("\naddr={}", running.addr);
    let (send, mut lines) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || std::io::stdin().lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
    while let Some(line) = lines.recv().await {
        assert!(running.fill_disk(line == "full").await);
        println!("\ndone");
    }
    running.stop().await;
}

/// A server in a process of its own.
pub(crate) struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    pub addr: std::net::SocketAddr,
}

impl Process {
    /// Serves a world's folder, with at most so many connections if that is said.
    pub fn start(world: &World, connections: Option<usize>) -> Self {
        Self::start_by(Command::new(std::env::current_exe().unwrap()), world, connections)
    }

    /// Serves a world's folder with the photos on a volume of their own, of so many KiB; `None` where this account can not make one.
    pub fn with_photos_on(world: &World, kib: u32) -> Option<Self> {
        let folder = world.server_folder().join("photos");
        std::fs::create_dir_all(&folder).unwrap();
        // The volume is seen by this process only, and ends with it.
        let within = |shell: &str| {
            let mut command = Command::new("unshare");
            command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]).arg(shell).arg(&folder);
            command
        };
        let mount = format!("mount -t tmpfs -o size={kib}k tmpfs \"$0\"");
        if !within(&mount).stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
            return None;
        }
        let mut command = within(&format!("{mount} && exec \"$@\""));
        command.arg(std::env::current_exe().unwrap());
        Some(Self::start_by(command, world, None))
    }

    /// Makes the volume of the photos another size.
    pub fn resize_photos(&self, world: &World, kib: u32) {
        let status = Command::new("nsenter")
            .args(["--user", "--mount", "--preserve-credentials", "--target", &self.child.id().to_string()])
            .args(["mount", "-o", &format!("remount,size={kib}k")])
            .arg(world.server_folder().join("photos"))
            .status();
        assert!(status.unwrap().success());
    }

    /// The files of the photos as it sees them.
    pub fn photos(&self, world: &World) -> Vec<std::path::PathBuf> {
        let root = format!("/proc/{}/root{}", self.child.id(), world.server_folder().join("photos").display());
        let shelves = std::fs::read_dir(root).unwrap().map(|shelf| shelf.unwrap().path());
        shelves.flat_map(|shelf| std::fs::read_dir(shelf).unwrap().map(|file| file.unwrap().path())).collect()
    }

    fn start_by(mut command: Command, world: &World, connections: Option<usize>) -> Self {
        let mut child = command
            .envs(connections.map(|most| ("DOORSTEP_TEST_CONNECTIONS", most.to_string())))
            .args(["--exact", "hostile::serve_in_this_process", "--nocapture"])
            .env("DOORSTEP_TEST_SERVER", world.server_folder())
            .env("DOORSTEP_TEST_NOW", world.hands.now().0.to_string())
            // With one arena the figure is the memory that the server holds. With more, freed memory is spread over threads.
            .env("MALLOC_ARENA_MAX", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let addr = lines.by_ref().map_while(Result::ok).find_map(|line| line.strip_prefix("addr=")?.parse().ok()).unwrap();
        Self { child, lines, addr }
    }

    /// Fills the disk of its database, or makes room again.
    pub fn fill_disk(&mut self, is_full: bool) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{}", if is_full { "full" } else { "free" }).unwrap();
        assert!(self.lines.by_ref().map_while(Result::ok).any(|line| line == "done"));
    }

    /// Asks it to stop, and waits until it has ended.
    pub fn stop(mut self) {
        self.child.stdin.take();
        self.child.wait().unwrap();
    }

    /// How many files and sockets it has open.
    pub fn files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// Forgets the peak of its memory so far; what it holds now, in KiB.
    pub fn forget_peak(&self) -> u64 {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").unwrap();
        self.memory("VmRSS")
    }

    /// How much more it held since, at most, in KiB.
    pub fn peak_since(&self, before: u64) -> u64 {
        self.memory("VmHWM").saturating_sub(before)
    }

    /// A line of the kernel's account of its memory, in KiB.
    fn memory(&self, what: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap();
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.stdin.take();
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn at(max_op: u64, seq: u64) -> Position {
    Position { heads: vec![], max_op, seq }
}

fn leb(mut value: u64) -> Vec<u8> {
    let mut out = vec![];
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

/// A pack of one change without dependencies, from its body as it is.
fn pack_of(body: &[u8]) -> Vec<u8> {
    use sha2::Digest;
    let content = [&[0], body].concat();
    let typed = [vec![1], leb(content.len() as u64), content].concat();
    [vec![1, 1, 0], leb(body.len() as u64), body.to_vec(), sha2::Sha256::digest(&typed).to_vec()].concat()
}

/// The body of an honest change, its sequence number and first operation replaced: both are single bytes after the actor.
fn body_with(change: &Change, seq: u64, start_op: u64) -> Vec<u8> {
    let chunk = change.bytes();
    let at = chunk.windows(17).position(|w| w[0] == 16 && w[1..] == *change.install().as_bytes()).unwrap();
    [&chunk[at..at + 17], &leb(seq), &leb(start_op), &chunk[at + 19..]].concat()
}

/// A few bytes that claim so many operations.
fn run_of(install: &InstallId, operations: u64) -> Vec<u8> {
    let columns = [
        (0x15, [leb(operations), vec![18], b"attempt/aaaaaaaa-1".to_vec()].concat()),
        (0x34, leb(operations)),
        (0x42, [leb(operations), vec![0]].concat()),
        (0x56, [leb(operations), vec![0]].concat()),
        (0x70, [leb(operations), vec![0]].concat()),
    ];
    let mut body = [vec![16], install.as_bytes().to_vec(), vec![1, 1, 0, 0, 0, columns.len() as u8]].concat();
    columns.iter().for_each(|(spec, data)| body.extend([*spec, data.len() as u8]));
    columns.iter().for_each(|(_, data)| body.extend(data));
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_changes_of_an_enrolled_device_get_typed_refusals_and_nobody_else_notices() {
    let mut world = World::new().await;
    let (villain, honest) = (world.device("villain", "c1").await, world.device("honest", "c2").await);
    let own = villain.client.identity().unwrap().unwrap().install;
    let case = villain.id(2);
    let write = |install: &InstallId, position: &Position, entries: &[NewEntry]| {
        Change::write(&case, install, position, entries).unwrap()
    };
    let good = write(&own, &at(0, 0), &[first_entry(2, "c1")]);
    let other_case = Change::write(&villain.id(4), &own, &at(0, 0), &[first_entry(4, "c1")]).unwrap();
    let foreign = InstallId::new([0x77; 16]);
    let corpus: Vec<(&str, Vec<u8>, &str)> = vec![
        (
            "a jump of the operation counter",
            pack::elide(&[write(&own, &at(1 << 20, 0), &[first_entry(2, "c1")]).bytes()]).unwrap(),
            "start_op",
        ),
        ("a counter past 2^32", pack_of(&body_with(&good, 1, 1 << 33)), "undecodable"),
        ("a counter near the end of numbers", pack_of(&body_with(&good, 1, u64::MAX >> 1)), "undecodable"),
        ("a sequence number that is not its keys'", pack_of(&body_with(&good, 9, 1)), "entry_key"),
        ("a change of another case", pack::elide(&[other_case.bytes()]).unwrap(), "other_case"),
        ("a foreign actor", pack::elide(&[write(&foreign, &at(0, 0), &[first_entry(2, "c1")]).bytes()]).unwrap(), "actor"),
        (
            "a foreign tag under the own actor",
            pack_of(&[&[16][..], own.as_bytes(), &good_tail(&write(&foreign, &at(0, 0), &[first_entry(2, "c1")]))].concat()),
            "entry_key",
        ),
        ("another person's name", pack::elide(&[write(&own, &at(0, 0), &[first_entry(2, "c2")]).bytes()]).unwrap(), "field"),
        (
            "what only head office's list says",
            pack::elide(&[write(
                &own,
                &at(0, 0),
                &[NewEntry { body: Body::Listed(Listed { since: UnixMs(0) }), ..first_entry(2, "c1") }],
            )
            .bytes()])
            .unwrap(),
            "field",
        ),
        ("a million operations", pack_of(&run_of(&own, 1_000_000)), "op_count"),
        ("more operations than memory", pack_of(&run_of(&own, 1 << 45)), "op_count"),
        ("no change at all", pack_of(&[0; 40]), "undecodable"),
    ];
    // Devices have open connections to it, and must go to the process.
    world.stop_server().await;
    let process = Process::start(&world, None);
    world.link.point_to(process.addr);
    honest.sync().await.unwrap();
    villain.sync().await.unwrap();
    let before = process.forget_peak();

    for (what, pack, code) in &corpus {
        let ack = push(&villain, &process, vec![PushCase { case, pack: pack.clone() }]).await.unwrap();
        assert_eq!(ack.cases[0].quarantined, [(0, RefusalCode::from(*code))], "{what}: {:?}", ack.cases[0]);
    }
    let faulty = push(&villain, &process, vec![PushCase { case, pack: vec![1, 0xff, 0xff, 3] }]).await.unwrap();
    assert!(faulty.cases[0].fault.is_some(), "a pack that rebuilds to nothing");
    // Bodies that inflate, that repeat, that are too many, that are large and honest-looking.
    let auth = villain.bearer();
    let post = async |body: Vec<u8>| raw(process.addr, "POST", "/v1/sync", &[("authorization", &auth)], &body).await.status;
    assert_eq!(post(seal(&vec![0; 1 << 30]).unwrap()).await, 413, "a gigabyte of zeros in a few bytes");
    assert_eq!(
        post(vec![0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0x7f]).await,
        400,
        "a skippable frame that claims two gigabytes"
    );
    assert_eq!(post(seal(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).unwrap()).await, 400, "an array of 2^64");
    let many = vec![PushCase { case, pack: pack_of(&run_of(&own, 5)) }; 5_001];
    assert_eq!(push(&villain, &process, many).await.unwrap_err(), "too_large");
    let deps: Vec<u8> = {
        // 66 bytes of hashes that back references repeat: 10,000 changes of 64 dependencies each.
        let mut pack = [leb(1), leb(10_000)].concat();
        for i in 0..10_000_u64 {
            let deps = i.min(64);
            pack.extend(leb(deps));
            (1..=deps).for_each(|k| pack.extend(leb(k)));
            pack.push(0);
        }
        pack
    };
    let grown = push(&villain, &process, vec![PushCase { case, pack: deps }; 8]).await;
    assert!(
        grown.as_ref().is_err_and(|code| code == "too_large")
            || grown.is_ok_and(|ack| ack.cases.iter().all(|c| c.fault.is_some()))
    );
    for attempt in 0..20 {
        // Thousands of refused changes at once, all kept.
        let noise: Vec<PushCase> =
            (0..500).map(|n| PushCase { case, pack: pack_of(&run_of(&own, 600 + n + 500 * attempt)) }).collect();
        push(&villain, &process, noise).await.unwrap();
    }
    let growth = process.peak_since(before);
    println!("server memory grew by {} KiB at its peak, from {before} KiB", growth);
    assert!(growth < 64 * 1024, "grew by {growth} KiB");

    honest.fail(3, "DF-NOBODY").unwrap();
    honest.sync().await.unwrap();
    honest.agrees_with(&world, 3);
    let kept = world.admin().quarantine(false).unwrap().len();
    assert!(kept > 10_000, "{kept} refused changes are kept, with their rules");
    // The villain's own honest work is still taken.
    villain.fail(6, "DF-NOBODY").unwrap();
    villain.sync().await.unwrap();
    villain.agrees_with(&world, 6);
}

/// What follows the actor in a change's body.
fn good_tail(change: &Change) -> Vec<u8> {
    let chunk = change.bytes();
    let at = chunk.windows(17).position(|w| w[0] == 16 && w[1..] == *change.install().as_bytes()).unwrap();
    chunk[at + 17..].to_vec()
}

/// Signs and sends a batch to the process; the verdicts.
async fn push(device: &Device, process: &Process, cases: Vec<PushCase>) -> Result<doorstep_protocol::Ack, String> {
    let mut request = device.request();
    // A chain of its own for each: what is refused must not depend on numbers.
    request.install = InstallId::new(rand_install());
    (request.chain, request.batch) = (None, None);
    request.batch = Some(device.batch_of(&request, cases));
    let sealed = seal(&encode(&request).unwrap()).unwrap();
    let answer = raw(process.addr, "POST", "/v1/sync", &[("authorization", &device.bearer())], &sealed).await;
    if answer.status != 200 {
        return Err(decode::<doorstep_protocol::ErrorBody>(&answer.body).unwrap().code.to_string());
    }
    let signed: doorstep_protocol::Signed = decode(&open(&answer.body, 1 << 25).unwrap()).unwrap();
    let response: doorstep_protocol::SyncResponse = decode(&signed.body).unwrap();
    Ok(decode(&response.ack.unwrap().body).unwrap())
}

fn rand_install() -> [u8; 16] {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let n = NEXT.fetch_add(1, Ordering::SeqCst);
    let mut bytes = [0x5a; 16];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    bytes
}
