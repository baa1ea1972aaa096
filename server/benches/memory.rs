//! What memory the server takes: `cargo bench -p doorstep-server --bench memory`.
//!
//! Starts the server's program on loopback, sends it 1,000 and then 10,000 cases of 20 changes in batches of 5,000 changes from one
//! phone, waits until they are projected, and reads what the system counted for its process. DOORSTEP_CASES measures that many alone.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark fails loudly")]

mod common;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime},
};

use common::{Phone, number, set_up};
use doorstep_domain::UnixMs;
use doorstep_protocol::{CONTENT_TYPE, PROTO_HEADER, PROTO_VERSION};

fn now() -> UnixMs {
    UnixMs(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64)
}

struct Server {
    child: Child,
    addr: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Server {
    fn start(folder: &std::path::Path) -> Self {
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep-server"));
        command.arg("serve").arg("--data").arg(folder).arg("--listen").arg(addr.to_string());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { child, addr };
        while TcpStream::connect(addr).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    fn sync(&self, token: &str, body: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.addr).unwrap();
        let head = format!(
            "POST /v1/sync HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nContent-Length: {}\r\nContent-Type: {CONTENT_TYPE}\r\n\
             Content-Encoding: zstd\r\nAuthorization: Bearer {token}\r\n{PROTO_HEADER}: {PROTO_VERSION}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = vec![];
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
        let split = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        answer.split_off(split + 4)
    }

    /// A line of the process's status, in megabytes.
    fn status(&self, name: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

fn measure(cases: u32) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // The phone has recorded all of it by now.
    let morning = now();
    let (bench, mut phone) = set_up(&data, cases, morning.plus(-3 * 3_600_000 * i64::from(cases / 100 + 1)));
    phone.sign_in(&bench, now());
    let server = Server::start(&data);
    let idle = server.status("VmRSS");
    for batch in Phone::batches(cases) {
        let prepared = phone.record(&bench, batch);
        let sent = prepared.changes;
        let body = phone.request(prepared, now());
        let answer = server.sync(&phone.token, &body);
        assert_eq!(phone.answered(&answer) as u64, sent);
    }
    while bench.behind().unwrap() > 0 {
        std::thread::sleep(Duration::from_millis(50));
    }
    println!(
        "{cases:>6} cases of 20 changes: {:.1} MB at the most, {:.1} MB at the end, {:.1} MB before",
        server.status("VmHWM"),
        server.status("VmRSS"),
        idle
    );
}

fn main() {
    match number("DOORSTEP_CASES", 0) {
        0 => [1_000, 10_000].into_iter().for_each(measure),
        cases => measure(cases),
    }
}
