//! The binary against a real server, as a courier uses it: before enrolment, offline, back online, with a broken store.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails loudly")]

mod ahead;
mod asks;
mod ledgers;
mod lists;
mod recording;
mod refusals;
mod sms;
mod store;
mod telling;

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use doorstep_domain::UnixMs;
use doorstep_server::{Config, Running, admin::Admin};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const PARCEL: &str = "QH310000000017";

const OTHER: &str = "QH310000000024";

fn now() -> UnixMs {
    UnixMs(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64)
}

/// A server with two outlets, a courier and two parcels; a link to it that can be cut; one store folder.
struct World {
    folder: TempDir,
    link: SocketAddr,
    up: Arc<AtomicBool>,
    _server: Running,
    _runtime: Runtime,
}

/// What the binary said.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("one JSON document: {:?} {:?}", self.out, self.err))
    }
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("server");
        let mut admin = Admin::open(&data).unwrap();
        admin.outlet("0412", "城西派件部", "Chengxi", "0412-1000").unwrap();
        admin.outlet("0571", "杭州余杭网点", "Hangzhou Yuhang", "0571-88001234").unwrap();
        admin.user("c1", "李明", "courier", "0412").unwrap();
        let mut csv = String::from(
            "waybill,network,origin_outlet,delivering_outlet,courier,recipient_name,recipient_phone,recipient_address,cod_fen,theoretical_arrival\n",
        );
        for waybill in [PARCEL, OTHER] {
            csv += &format!("{waybill},QH,0571,0412,c1,王小花,13800001234,青禾路1号,0,\n");
        }
        assert_eq!(admin.import_parcels(csv.as_bytes(), now()).unwrap().imported, 2);
        let runtime = Runtime::new().unwrap();
        let config = Config::on_loopback(data, Arc::new(now));
        let server = runtime.block_on(doorstep_server::start(config)).unwrap();
        let up = Arc::new(AtomicBool::new(true));
        let link = link(server.addr, up.clone());
        Self { folder, link, up, _server: server, _runtime: runtime }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Said {
        run(&self.path("store"), args)
    }

    /// Runs with `--json`, expects success.
    fn json(&self, args: &[&str]) -> Value {
        let said = self.run(&[args, &["--json"]].concat());
        assert_eq!(said.code, 0, "{args:?}: {}{}", said.out, said.err);
        said.json()
    }

    fn enrol(&self) -> Value {
        let code = Admin::open(&self.path("server")).unwrap().code("c1", now()).unwrap().code;
        self.json(&["enrol", "--server", &format!("http://{}", self.link), "--code", &code])
    }

    fn cut(&self, is_cut: bool) {
        self.up.store(!is_cut, Ordering::SeqCst);
    }
}

fn run(store: &Path, args: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    let output = command
        .env_remove("DOORSTEP_STORE")
        .env_remove("DOORSTEP_CA")
        .env_remove("DOORSTEP_SMS_SPOOL")
        .arg("--store")
        .arg(store)
        .args(args)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// Passes bytes both ways while it is up; drops connections while it is not. Its address stays the same.
fn link(server: SocketAddr, up: Arc<AtomicBool>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for device in listener.incoming().flatten().filter(|_| up.load(Ordering::SeqCst)) {
            let Ok(server) = TcpStream::connect(server) else { continue };
            let (mut from_device, mut to_server) = (device.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from_device, &mut to_server));
            thread::spawn(move || std::io::copy(&mut &server, &mut &device));
        }
    });
    addr
}

/// The smallest file with a PNG's signature and size.
fn png() -> Vec<u8> {
    b"\x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x04\x00\x00\x00\x03\x08\x02\x00\x00\x00\x3b\x96\x39\x91\x00\x00\x00\x10\x49\x44\x41\x54\x78\xda\x63\x38\x91\x62\x04\x47\x0c\x38\x39\x00\x47\x2a\x10\x69\x42\xaa\x14\x25\x00\x00\x00\x00\x49\x45\x4e\x44\xae\x42\x60\x82".to_vec()
}
