//! The binary against a real server, as a courier uses it: before enrolment, offline, back online, with a broken store.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails loudly")]

mod sms;
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
        assert_eq!(admin.import_parcels(csv.as_bytes(), doorstep_domain::UnixMs(0)).unwrap().imported, 2);
        let runtime = Runtime::new().unwrap();
        let listen = "127.0.0.1:0".parse().unwrap();
        let config = Config {
            folder: data,
            listen,
            insecure: false,
            shared_folder: false,
            connections: None,
            tls: None,
            photos: None,
            if_copied: None,
            now: Arc::new(now),
            sms: doorstep_server::GatewayConfig::Log,
            versions: doorstep_server::VERSIONS,
        };
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

#[test]
fn recording_before_enrolment_is_refused_with_what_to_do() {
    let world = World::new();
    let said = world.run(&["fail", PARCEL, "--reason", "DF-NOBODY"]);
    assert_eq!((said.code, said.out.as_str()), (3, ""));
    assert!(said.err.contains("doorstep enrol --server") && said.err.contains("尚未注册"), "{}", said.err);
    let said = world.run(&["fail", PARCEL, "--reason", "DF-NOBODY", "--json"]);
    let error = &said.json()["error"];
    assert_eq!((said.code, error["kind"].as_str()), (3, Some("rule")));
    assert!(error["zh"].is_string() && error["en"].is_string());
    assert_eq!(world.json(&["status"])["unsent"], Value::Array(vec![]));
}

#[test]
#[cfg(unix)]
fn a_store_that_others_could_read_is_said_and_nothing_depends_on_whether_anybody_reads_that() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    world.enrol();
    let file = world.path("store").join("doorstep.db");
    let open_to_others = || std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    open_to_others();
    let said = world.run(&["status"]);
    assert!(said.err.contains("other accounts could read") && said.err.contains("其他账号"), "{}", said.err);
    assert_eq!(world.run(&["status"]).err, "", "once");
    open_to_others();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let fail = ["fail", PARCEL, "--reason", "DF-NOBODY"];
    let status = Command::new(env!("CARGO_BIN_EXE_doorstep"))
        .arg("--store")
        .arg(world.path("store"))
        .args(fail)
        .stdout(std::process::Stdio::null())
        .stderr(writer)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(world.json(&["status"])["unsent"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_morning_without_network_is_kept_and_sent_later() {
    let world = World::new();
    let who = world.enrol();
    assert_eq!((who["user"].as_str(), who["parcels"].as_u64()), (Some("c1"), Some(2)));
    assert!(!who.to_string().contains("token"));
    let parcels = world.json(&["parcels"]);
    assert_eq!(parcels["parcels"][0]["recipient_name"], "王小花");
    let people = world.json(&["people"]);
    assert_eq!((&people["people"][0]["account"], &people["people"][0]["left"]), (&"c1".into(), &false.into()));
    assert_eq!(world.json(&["calendar"])["calendar"].as_array().map(Vec::len), Some(0));

    world.cut(true);
    let photo = world.path("door=1.png");
    std::fs::write(&photo, png()).unwrap();
    let said = world.run(&["fail", PARCEL, "--reason", "DF-NOBODY", "--note", "敲门无人", "--photo", photo.to_str().unwrap()]);
    assert_eq!(said.code, 0, "{}", said.err);
    for words in [
        "已保存在本机，尚未发送",
        "on this device, not sent yet",
        "通知寄件网点",
        "0571-88001234",
        "SLA-03",
        "min left",
        "模板短信",
    ] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    assert!(world.run(&["show", PARCEL]).out.contains("[在本机，尚未发送 / on this device]"));
    let said = world.run(&["sync"]);
    assert_eq!(said.code, 4);
    assert!(said.err.contains("已保存在本机"), "{}", said.err);
    let status = world.json(&["status"]);
    assert_eq!((status["unsent"][0]["waybill"].as_str(), status["photos"].as_u64()), (Some(PARCEL), Some(1)));

    world.cut(false);
    let synced = world.json(&["sync"]);
    assert_eq!((synced["report"]["photos"].as_u64(), synced["status"]["photos"].as_u64()), (Some(1), Some(0)));
    assert_eq!(world.json(&["status"])["unsent"], Value::Array(vec![]));
    let said = world.run(&["show", PARCEL]);
    assert!(said.out.contains("总部已收 / accepted") && said.out.contains("敲门无人"), "{}", said.out);
    let shown = world.json(&["show", PARCEL]);
    assert_eq!(shown["timeline"][0]["standing"]["state"], "accepted");
    assert!(shown["timeline"][0]["acted_at"].is_i64());
    assert_eq!(world.json(&["photo", "list"])["photos"], json!([]));
    let all = world.json(&["photo", "list", "--all"]);
    assert_eq!(all["photos"][0]["state"], "stored");
    assert!(world.run(&["photo", "list", "--all"]).out.contains("总部已存 / at head office"));
    for (what, to) in [(PARCEL, "by-waybill.jpg"), (all["photos"][0]["photo"].as_str().unwrap(), "by-hash.jpg")] {
        let to = world.path(to);
        let got = world.json(&["photo", "get", what, "--to", to.to_str().unwrap()]);
        assert_eq!(got["bytes"].as_u64(), Some(std::fs::metadata(&to).unwrap().len()));
        assert!(std::fs::read(&to).unwrap().starts_with(b"\xff\xd8"));
    }
    let said = world.run(&["photo", "get", "QH310000000099"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("没有这张照片") && said.err.contains("doorstep photo list"), "{}", said.err);
    assert_eq!(world.json(&["photo", "send-now"])["send_now"], true);
    let listed = world.json(&["cases", "--state", "registered", "--find", "0017"]);
    assert_eq!((listed["cases"][0]["waybill"].as_str(), listed["cases"][0]["unsent"].as_u64()), (Some(PARCEL), Some(0)));
}

#[test]
fn every_step_of_a_case_can_be_recorded_on_the_command_line() {
    let world = World::new();
    world.enrol();
    let photo = world.path("label.png");
    std::fs::write(&photo, png()).unwrap();
    let named = format!("label={}", photo.display());
    world.json(&["fail", PARCEL, "--reason", "DF-REFUSE", "--sub", "damaged"]);
    world.json(&["photo", "add", PARCEL, &named]);
    world.json(&["sms", "record", PARCEL, "--text", "您好", "--failed", "number"]);
    world.json(&["call", PARCEL, "--result", "no_answer"]);
    world.json(&["note", PARCEL, "外箱破损"]);
    let told = world.json(&["notice", PARCEL, "--request", "退回？"]);
    assert_eq!((&told["cases"][0]["state"], &told["cases"][0]["next_step"]), (&json!("registered"), &json!("send_notice")));
    assert_eq!(world.run(&["reply", PARCEL, "--decision", "RETURN"]).code, 3, "a courier is not the origin outlet");
    let closed = world.json(&["close", PARCEL, "--outcome", "RETURNED", "--note", "已退"]);
    let kinds: Vec<&str> =
        closed["cases"][0]["timeline"].as_array().unwrap().iter().map(|e| e["entry"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["attempt", "photo", "sms", "sms_report", "call", "note", "notice", "close"]);
    assert_eq!(closed["cases"][0]["timeline"][1]["entry"]["purpose"], "label");
    assert_eq!(world.json(&["cases"])["cases"].as_array().unwrap().len(), 0);
    assert_eq!(world.json(&["cases", "--all"])["cases"][0]["decision"], "RETURNED");
}

#[test]
fn an_outage_without_its_phone_call_says_whom_to_phone() {
    let world = World::new();
    world.enrol();
    for waybill in [PARCEL, OTHER] {
        world.json(&["fail", waybill, "--reason", "DF-NOBODY"]);
    }
    let said = world.run(&["outage", PARCEL, OTHER, "--reason", "network"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("X-1 尚不成立") && said.out.contains("0571-88001234"), "{}", said.out);
    let complete = ["outage", PARCEL, OTHER, "--reason", "network", "--contact", "王芳", "--phone", "0571-88001234"];
    let said = world.json(&complete);
    assert_eq!((said["remarks"].as_array().unwrap().len(), said["cases"].as_array().unwrap().len()), (0, 2));
    assert_eq!(said["cases"][0]["deadlines"][0]["timeliness"], "on_time_by_exception");
    let said = world.run(&[&complete[..], &["--at", "afternoon"]].concat());
    assert_eq!(said.code, 2);
    assert!(said.err.contains("--at"), "{}", said.err);
}

#[test]
fn a_file_of_rules_is_checked_without_any_store_and_a_wrong_one_is_refused_with_line_column_and_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pack.toml");
    let check = |toml: &str, args: &[&str]| {
        std::fs::write(&file, toml).unwrap();
        run(&folder.path().join("none"), &[&["rules", "check", file.to_str().unwrap()], args].concat())
    };
    let toml = String::from_utf8(doorstep_rules::FIRST_PACK.to_vec()).unwrap();
    let fine = check(&toml, &[]);
    assert_eq!(fine.code, 0, "{}", fine.err);
    assert!(fine.out.contains("可用") && fine.out.contains("QH") && fine.out.contains("个期限"), "{}", fine.out);
    assert_eq!(check(&toml, &["--json"]).json()["clocks"], 13);
    let wrong = toml.replacen("due = { hours = 24 }", "due = { hours = 0 }", 1);
    let line = wrong.lines().position(|line| line.contains("hours = 0")).unwrap() + 1;
    let said = check(&wrong, &[]);
    assert_eq!((said.code, said.out.as_str()), (3, ""));
    assert!(said.err.contains(&format!("第 {line} 行")) && said.err.contains(&format!("line {line}")), "{}", said.err);
    assert!(said.err.contains("1 to 8760"), "{}", said.err);
    assert!(check(&wrong, &["--json"]).json()["error"]["en"].as_str().unwrap().contains("1 to 8760"));
    assert_eq!(run(folder.path(), &["rules", "check", "/no/such/file.toml"]).code, 2);
    assert!(!folder.path().join("none").exists(), "checking makes no store");
}

#[test]
fn why_is_told_on_the_terminal_without_a_network() {
    let world = World::new();
    world.enrol();
    world.cut(true);
    world.json(&["fail", PARCEL, "--reason", "DF-NOBODY"]);
    let said = world.run(&["explain", PARCEL]);
    assert_eq!(said.code, 0, "{}", said.err);
    for what in ["SLA-03", "派件当日通知寄件网点", "Same-day notice", "S0:L113-L114", "缺证据", "还在", "still running"]
    {
        let is_there = said.out.contains(what) || what == "还在" && said.out.contains("仍在计时");
        assert!(is_there, "{what}: {}", said.out);
    }
    let told = world.json(&["explain", PARCEL]);
    let first = &told["explanations"][0];
    assert!(first["about"].as_str().unwrap().starts_with("SLA-03@attempt/"), "{told:#}");
    assert!(first["because"].as_array().unwrap().len() >= 4, "{told:#}");
    assert_eq!(world.run(&["explain", "QH310000000099"]).code, 3, "nothing is recorded of it");
    let versions = world.json(&["rules", "versions"]);
    assert_eq!(versions["versions"][0]["in_force"], true);
    let card = world.json(&["rules", "codes", "DF-NOBODY"]);
    assert_eq!(card["codes"].as_array().unwrap().len(), 1, "{card:#}");
}

#[test]
fn a_problem_its_steps_and_a_correction_are_recorded_on_the_command_line() {
    let world = World::new();
    world.enrol();
    let found = world.json(&["register", PARCEL, "--reason", "CD-DAMAGE", "--stage", "delivery"]);
    assert_eq!(found["cases"][0]["state"], "registered", "{found:#}");
    world.json(&["tick", PARCEL, "report_superior"]);
    world.json(&["consent", PARCEL, "--by", "recipient", "--to", "REDELIVER", "--name", "王小花"]);
    world.json(&["waive", PARCEL, "inside", "--why", "客户不让开箱"]);
    world.json(&["act", PARCEL, "--outcome", "RETURN"]);
    let shown = world.json(&["show", PARCEL]);
    let timeline = shown["timeline"].as_array().unwrap();
    let kinds: Vec<&str> = timeline.iter().map(|e| e["entry"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["problem", "tick", "consent", "waiver", "action"]);
    let key = timeline[4]["entry"]["key"].as_str().unwrap();
    world.json(&["correct", PARCEL, key, "--fault", "did_not_occur", "--why", "点错了"]);
    let wrong = world.run(&["act", PARCEL, "--outcome", "NO-SUCH"]);
    assert!(wrong.code == 3 && wrong.err.contains("RETURN"), "the outcomes there are: {}", wrong.err);
    let wrong = world.run(&["register", PARCEL, "--reason", "DF-NOBODY"]);
    assert!(wrong.code == 3 && wrong.err.contains("CD-DAMAGE"), "a failed delivery is recorded with fail: {}", wrong.err);
}

#[test]
fn refusals_and_wrong_use_say_what_to_do_and_record_nothing() {
    let world = World::new();
    world.enrol();
    let said = world.run(&["fail", PARCEL, "--reason", "DF-WEATHER"]);
    assert_eq!(said.code, 3);
    assert!(said.err.contains("DF-NOBODY"), "the codes there are: {}", said.err);
    let wrong: [&[&str]; 5] = [
        &["fail", "12", "--reason", "DF-NOBODY"],
        &["fail", PARCEL, "--reason", "DF-NOBODY", "--photo", "/no/such/file.jpg"],
        &["fail", PARCEL, "--reason", "DF-NOBODY", "--photo", "lable=door.jpg"],
        &["fail", PARCEL],
        &["cases", "--state", "lost"],
    ];
    for args in wrong {
        let said = world.run(args);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{args:?}");
        assert!(!said.err.is_empty());
        let said = world.run(&[args, &["--json"]].concat());
        assert_eq!((said.code, said.json()["error"]["kind"].as_str()), (2, Some("usage")), "{args:?}");
    }
    assert_eq!(world.run(&["show", PARCEL]).code, 3);
    assert_eq!(world.json(&["status"])["unsent"], Value::Array(vec![]));
    assert_eq!(world.json(&["cases", "--all"])["cases"], Value::Array(vec![]));
}

#[test]
fn a_number_in_no_list_is_recorded_and_questioned() {
    let world = World::new();
    world.enrol();
    let said = world.run(&["fail", "QH310000000071", "--reason", "DF-NOBODY"]);
    assert_eq!(said.code, 0);
    assert!(said.out.contains("请核对单号") && said.out.contains("Waybill in no list"), "{}", said.out);
    assert!(!world.run(&["fail", PARCEL, "--reason", "DF-NOBODY"]).out.contains("请核对单号"));
}

#[test]
fn a_file_that_is_no_store_is_reported_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("doorstep.db");
    let garbage = "not a database ".repeat(1000).into_bytes();
    std::fs::write(&file, &garbage).unwrap();
    for args in [&["status"][..], &["fail", PARCEL, "--reason", "DF-NOBODY"], &["sync"]] {
        let said = run(folder.path(), args);
        assert_eq!(said.code, 5, "{args:?}");
        assert!(said.err.contains("请移走该文件"), "{}", said.err);
    }
    assert_eq!(std::fs::read(&file).unwrap(), garbage);
    assert_eq!(run(folder.path(), &["status", "--json"]).json()["error"]["kind"], "storage");
}

#[test]
fn after_a_restart_status_and_records_say_that_times_can_not_be_proven_until_head_office_was_heard() {
    let world = World::new();
    let says = |said: &Said| {
        said.out.contains("时间无法证明") && said.out.contains("times can not be proven until head office was heard once")
    };
    world.enrol();
    assert!(!says(&world.run(&["status"])) && world.json(&["status"])["times_proven"] == true);
    // As a restart leaves it: what was heard was heard in another boot.
    let db = rusqlite::Connection::open(world.path("store").join("doorstep.db")).unwrap();
    let sql = "UPDATE meta SET value = CAST(x'00000000' || substr(value, 5) AS BLOB) WHERE key = 'anchor'";
    assert_eq!(db.execute(sql, []).unwrap(), 1);
    drop(db);
    assert!(says(&world.run(&["status"])) && world.json(&["status"])["times_proven"] == false);
    assert!(says(&world.run(&["fail", PARCEL, "--reason", "DF-NOBODY"])));
    assert_eq!(world.json(&["fail", OTHER, "--reason", "DF-NOBODY"])["times_proven"], Value::from(false));
    world.json(&["sync"]);
    assert!(!says(&world.run(&["status"])));
}

#[test]
fn a_damaged_store_is_repaired_and_the_status_says_so_once() {
    let world = World::new();
    world.enrol();
    assert_eq!(world.run(&["fail", PARCEL, "--reason", "DF-NOBODY"]).code, 0);
    let file = world.path("store").join("doorstep.db");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[..4096].fill(0);
    std::fs::write(&file, bytes).unwrap();
    let said = world.run(&["status"]).out;
    assert!(said.contains("已修复") && said.contains("doorstep-damaged-1") && said.contains(PARCEL), "{said}");
    let said = world.run(&["status"]).out;
    assert!(!said.contains("已修复") && said.contains(PARCEL), "{said}");
    // Head office takes it under the new installation.
    world.json(&["sync"]);
    let status = world.json(&["status"]);
    assert_eq!((&status["unsent"], &status["quarantined"]), (&Value::Array(vec![]), &Value::from(0)));
}

#[test]
fn authorities_that_can_not_be_used_are_named_and_nothing_is_tried() {
    let world = World::new();
    let empty = world.path("empty.pem");
    std::fs::write(&empty, "no certificate here").unwrap();
    for (file, why) in [(&world.path("none.pem"), "can not be read"), (&empty, "no usable certificate")] {
        let said = world.run(&["sync", "--ca", file.to_str().unwrap()]);
        assert_eq!(said.code, 2, "{}", said.err);
        assert!(said.err.contains(why) && said.err.contains("--ca"), "{}", said.err);
    }
}

#[test]
fn the_folder_may_come_from_the_environment_and_help_speaks_both_languages() {
    let folder = tempfile::tempdir().unwrap();
    let bin = env!("CARGO_BIN_EXE_doorstep");
    let output = Command::new(bin).env("DOORSTEP_STORE", folder.path()).args(["cases"]).output().unwrap();
    assert!(output.status.success() && folder.path().join("doorstep.db").exists());
    assert!(String::from_utf8(output.stdout).unwrap().contains("doorstep enrol"));
    let output = Command::new(bin).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && help.contains("登记派送失败 Record a failed delivery") && help.contains("退出码"),
        "{help}"
    );
}

#[test]
fn a_shared_tablet_is_locked_and_unlocked_and_status_says_what_was_refused_and_why() {
    let world = World::new();
    let mut admin = Admin::open(&world.path("server")).unwrap();
    admin.user("s1", "陈静", "outlet", "0412").unwrap();
    let code = admin.code("s1", now()).unwrap().code;
    world.json(&["enrol", "--server", &format!("http://{}", world.link), "--code", &code]);
    assert_eq!(world.run(&["pin", "--pin", "12"]).code, 3, "four digits at least");
    world.json(&["pin", "--pin", "4321"]);
    world.json(&["fail", PARCEL, "--reason", "DF-NOBODY"]);
    world.json(&["handover", OTHER, "--to", "c1"]);
    world.json(&["lock"]);
    let locked = world.run(&["show", PARCEL]);
    assert_eq!(locked.code, 3);
    assert!(locked.err.contains("unlock") && locked.err.contains("锁定"), "{}", locked.err);
    // What is unsent leaves all the same; meanwhile a policy has come that lets an outlet record no failed delivery.
    let mut policy: Value = serde_json::from_slice(doorstep_rules::FIRST_POLICY).unwrap();
    for rule in policy["rules"].as_array_mut().unwrap().iter_mut().filter(|rule| rule["id"] != "P-99") {
        rule["kinds"].as_array_mut().unwrap().retain(|kind| kind != "attempt");
    }
    admin.policy(policy.to_string().as_bytes()).unwrap();
    world.json(&["sync"]);
    assert_eq!(world.run(&["unlock", "s1", "--pin", "0000"]).code, 3);
    world.json(&["unlock", "s1", "--pin", "4321"]);
    let status = world.json(&["status"]);
    assert_eq!(status["refused"][0]["reason"], "rights:P-99");
    assert_eq!((status["quarantined"].as_u64(), status["unsent"].as_array().unwrap().len()), (Some(1), 0));
    let said = world.run(&["status"]);
    assert!(said.out.contains("无权登记") && said.out.contains("P-99"), "{}", said.out);
    let shown = world.run(&["takeover", OTHER]);
    assert_eq!(shown.code, 3, "it is handed over to a courier");
}

#[test]
fn an_outlets_clerk_opens_and_writes_the_sheet_of_the_day_once_head_office_allows_it() {
    let world = World::new();
    let mut admin = Admin::open(&world.path("server")).unwrap();
    admin.user("s1", "陈静", "outlet", "0412").unwrap();
    let code = admin.code("s1", now()).unwrap().code;
    world.json(&["enrol", "--server", &format!("http://{}", world.link), "--code", &code]);
    let refused = world.run(&["sheet", "open"]);
    assert_eq!(refused.code, 3, "the first policy knows no sheets: {}", refused.err);
    admin.policy(doorstep_rules::SHEETS_POLICY).unwrap();
    world.json(&["sync"]);
    assert_eq!(world.json(&["sheet"])["sheet"], Value::Null);
    world.json(&["sheet", "open"]);
    world.json(&["sheet", "note", "09:00 跟件完毕"]);
    let shown = world.run(&["sheet"]);
    assert!(shown.out.contains("「09:00 跟件完毕」") && shown.out.contains("当日开始"), "{}", shown.out);
    world.json(&["sync"]);
    let sheet = world.json(&["sheet"])["sheet"].take();
    let kinds: Vec<&str> = sheet["timeline"].as_array().unwrap().iter().map(|e| e["entry"]["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds, sheet["outlet"].as_str()), (vec!["s_day", "s_note"], Some("0412")));
    let day = sheet["day"].as_str().unwrap().to_owned();
    assert_eq!(world.json(&["sheet", &day])["sheet"], sheet);
    assert_eq!(world.run(&["sheet", "2026-02-30"]).code, 2, "no such day");
    assert_eq!(serde_json::to_value(admin.sheet("0412", &day).unwrap()).unwrap()["timeline"].as_array().unwrap().len(), 2);
    assert!(world.json(&["cases"])["cases"].as_array().unwrap().is_empty(), "it is no case");
}

#[test]
fn plain_http_to_another_machine_is_refused_unless_it_is_said_to_be_meant() {
    let folder = tempfile::tempdir().unwrap();
    let enrol = ["enrol", "--server", "http://hq.invalid:8080", "--code", "ABCD-EFGH-JKLM", "--json"];
    let refused = run(folder.path(), &enrol);
    assert_eq!(refused.code, 2, "{}", refused.out);
    let words = refused.json()["error"].clone();
    assert!(
        words["en"].as_str().unwrap().contains("--insecure") && words["zh"].as_str().unwrap().contains("--insecure"),
        "{words}"
    );
    let meant = run(folder.path(), &[&enrol[..], &["--insecure"]].concat());
    assert_eq!(meant.code, 4, "no such server, but it was tried: {}", meant.out);
}
