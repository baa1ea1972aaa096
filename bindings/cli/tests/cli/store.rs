//! The store's folder: whose it is, what is wrong with it, and who has it unlocked.

use super::*;

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

/// Runs commands one after the other on a small disk of their own. In a mount namespace a small disk needs no rights. `None`: the
/// system gives no such namespace.
fn on_a_small_disk(world: &World, commands: &str) -> Option<String> {
    let script = format!(
        "mount -t tmpfs -o size=24m tmpfs \"$1\" || exit 99
         store=\"$1\"
         d() {{ echo \"== $*\"; \"$BIN\" --store \"$store/store\" \"$@\" 2>&1; echo \"-- $?\"; }}
         {commands}"
    );
    let disk = world.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let output = Command::new("unshare")
        .args(["-Urm", "sh", "-c", &script, "sh"])
        .arg(&disk)
        .env("BIN", env!("CARGO_BIN_EXE_doorstep"))
        .env_remove("DOORSTEP_STORE")
        .output()
        .ok()?;
    (output.status.code() == Some(0)).then(|| String::from_utf8(output.stdout).unwrap())
}

#[test]
fn on_a_full_disk_one_reads_and_sends_and_is_told_what_waits() {
    let world = World::new();
    let code = Admin::open(&world.path("server")).unwrap().code("c1", now()).unwrap().code;
    let link = world.link;
    let commands = format!(
        "d enrol --server http://{link} --code {code}
         d fail {PARCEL} --reason DF-NOBODY
         head -c 24m /dev/zero > \"$store/ballast\" 2>/dev/null
         d cases
         d show {PARCEL}
         d parcels
         d note {PARCEL} later
         d sync
         d status
         rm \"$store/ballast\"
         d sync
         d note {PARCEL} later"
    );
    let Some(said) = on_a_small_disk(&world, &commands) else {
        eprintln!("not shown: this system gives no mount namespace (unshare -Urm)");
        return;
    };
    let steps: Vec<&str> = said.split("== ").skip(1).collect();
    let of = |n: usize, command: &str| {
        assert!(steps[n].starts_with(command), "{said}");
        steps[n]
    };
    for (n, command) in [(2, "cases"), (3, "show"), (4, "parcels")] {
        let step = of(n, command);
        assert!(step.contains("-- 0") && step.contains(PARCEL) && !step.contains("nothing was recorded"), "{step}");
    }
    let refused = of(5, "note");
    assert!(refused.contains("-- 5") && refused.contains("nothing was recorded") && refused.contains("没有登记"), "{refused}");
    for (n, command) in [(6, "sync"), (7, "status")] {
        let step = of(n, command);
        assert!(step.contains("-- 0") && step.contains("未发送 / not sent: 0"), "{step}");
        assert!(step.contains("存储空间不足") && step.contains("the disk is full") && step.contains("wait until there is room"));
        assert!(!step.contains("nothing was recorded"), "{step}");
    }
    assert!(!of(8, "sync").contains("the disk is full") && of(9, "note").contains("-- 0"), "{said}");
}
