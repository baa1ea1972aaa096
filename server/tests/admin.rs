//! The administrator's commands as processes: what they print, and what they say when something is wrong.
#![allow(missing_docs, reason = "tests are named for what they show")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail loudly")]

use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

struct Office(TempDir);

impl Office {
    fn new() -> Self {
        let office = Self(tempfile::tempdir().unwrap());
        office.fine(&["outlet", "0412", "--name-zh", "城西", "--name-en", "West", "--phone", "1"]);
        office.fine(&["user", "c1", "--name", "李明", "--role", "courier", "--outlet", "0412"]);
        office
    }
    fn run(&self, args: &[&str]) -> Output {
        let data = self.0.path().to_str().unwrap();
        Command::new(env!("CARGO_BIN_EXE_doorstep-server")).arg("admin").args(args).args(["--data", data]).output().unwrap()
    }
    fn fine(&self, args: &[&str]) -> String {
        let out = self.run(args);
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }
    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.fine(&[args, &["--json"]].concat())).unwrap()
    }
    fn refused(&self, args: &[&str]) -> String {
        let out = self.run(args);
        assert!(!out.status.success(), "{args:?}");
        String::from_utf8(out.stderr).unwrap()
    }
}

#[test]
fn an_empty_office_has_empty_lists_and_codes_are_handed_out() {
    let office = Office::new();
    for list in [&["devices"][..], &["quarantine", "list"], &["forks"], &["envelopes", "QH310000000017"]] {
        assert_eq!(office.json(list), json!([]), "{list:?}");
    }
    assert_eq!(office.json(&["refusals"]), json!({}));
    assert_eq!(office.json(&["verify-log", "--found"]), json!({ "looked_at": null, "faults": [] }));
    let looked = office.json(&["verify-log"]);
    assert_eq!((looked["links"].as_u64(), &looked["faults"]), (Some(1), &json!([])));
    assert_eq!(office.json(&["photos", "--all"]), json!([]));
    let found = office.json(&["scrub", "--deep"]);
    assert_eq!((found["sound"].as_u64(), found["missing"].as_u64()), (Some(0), Some(0)));
    assert!(office.refused(&["erase-photo", "zz", "--by", "hq", "--why", "asked"]).contains("64 hexadecimal digits"));
    let unknown = office.refused(&["erase-photo", &"ab".repeat(32), "--by", "hq", "--why", "asked"]);
    assert!(unknown.contains("admin photos --all"), "{unknown}");
    let bucket = office.refused(&["scrub", "--photos", "s3://bucket/prefix"]);
    assert!(bucket.contains("built without S3") || cfg!(feature = "s3"), "{bucket}");
    let code = office.json(&["code", "c1"]);
    assert_eq!(code["code"].as_str().unwrap().len(), 14);
    assert_eq!(office.json(&["left", "c1"]), json!({ "left": "c1" }));
}

#[test]
fn what_is_not_there_or_no_value_is_refused_with_what_to_do() {
    let office = Office::new();
    let cases: [(&[&str], &str); 9] = [
        (&["user", "c2", "--name", "x", "--role", "boss", "--outlet", "0412"], "hq_reviewer"),
        (&["code", "c9"], "admin user"),
        (&["left", "c9"], "not known"),
        (&["revoke", "ab", "--why", "lost"], "admin devices"),
        (&["quarantine", "release", "ab", "--by", "hq"], "quarantine list"),
        (&["quarantine", "discard", "", "--by", "hq", "--why", "no"], "quarantine list"),
        (&["forks", "--seen", "7"], "admin forks"),
        (&["envelopes", "x"], "waybill"),
        (&["verify-log", "x"], "waybill"),
    ];
    for (args, says) in cases {
        let said = office.refused(args);
        assert!(said.contains(says), "{args:?}: {said}");
    }
}

#[test]
fn a_policy_is_published_only_if_it_is_one() {
    let office = Office::new();
    let file = office.0.path().join("policy.json");
    let mut policy: Value = serde_json::from_slice(doorstep_rules::FIRST_POLICY).unwrap();
    policy["version"] = json!(7);
    std::fs::write(&file, policy.to_string()).unwrap();
    assert_eq!(office.json(&["policy", file.to_str().unwrap()]), json!({ "version": 7 }));
    policy["rules"].as_array_mut().unwrap().pop();
    std::fs::write(&file, policy.to_string()).unwrap();
    assert!(office.refused(&["policy", file.to_str().unwrap()]).contains("last rule"));
    assert!(office.refused(&["policy", "/nowhere.json"]).contains("nowhere.json"));
}

#[test]
fn a_version_of_the_rules_is_published_once_signed_and_with_notice_and_a_wrong_file_says_where() {
    let office = Office::new();
    let file = office.0.path().join("pack.toml");
    let path = file.to_str().unwrap();
    let first = String::from_utf8(doorstep_rules::FIRST_PACK.to_vec()).unwrap();
    let second = first.replace("version = 1", "version = 2");
    std::fs::write(&file, second.replacen("due = { hours = 24 }", "due = { hours = 0 }", 1)).unwrap();
    let said = office.refused(&["publish-pack", path]);
    assert!(said.contains("line ") && said.contains("1 to 8760"), "{said}");
    assert_eq!(office.json(&["packs"]).as_array().unwrap().len(), 1, "nothing was published");
    // From the first parcel on there are acts to be judged, and rules have to be announced.
    let parcels = office.0.path().join("parcels.csv");
    let header = "waybill,network,origin_outlet,delivering_outlet,courier,recipient_name,recipient_phone,recipient_address,cod_fen,theoretical_arrival";
    std::fs::write(&parcels, format!("{header}\nQH310000000017,QH,0412,0412,c1,王小花,13800001234,青禾路1号,0,\n")).unwrap();
    assert_eq!(office.json(&["import-parcels", parcels.to_str().unwrap()])["imported"], 1);
    std::fs::write(&file, &second).unwrap();
    let published = office.json(&["publish-pack", path]);
    assert_eq!((&published["version"], &published["in_force"]), (&json!(2), &json!(false)));
    let (at, from) = (published["published_at"].as_i64().unwrap(), published["valid_from"].as_i64().unwrap());
    assert_eq!(from - at, 2 * 3_600_000, "two hours of notice: {published}");
    let packs = office.json(&["packs"]);
    assert_eq!(packs.as_array().unwrap().iter().map(|row| row["version"].as_i64().unwrap()).collect::<Vec<_>>(), [2, 1]);
    assert!(office.refused(&["publish-pack", path]).contains('2'), "a version is published once");
    std::fs::write(&file, second.replace("network = \"QH\"", "network = \"ZTO\"").replace("version = 2", "version = 3")).unwrap();
    assert!(office.refused(&["publish-pack", path]).contains("QH"), "another network's rules");
    assert!(office.refused(&["publish-pack", "/nowhere.toml"]).contains("nowhere.toml"));
}

#[test]
fn rules_that_enrolled_devices_can_not_read_are_published_on_a_second_word_and_the_devices_are_listed() {
    let office = Office::new();
    let file = |name: &str, text: String| {
        let path = office.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let db = rusqlite::Connection::open(office.0.path().join("doorstep-server.db")).unwrap();
    let sql = "INSERT INTO device (id, public_key, enrolled_at, seen_at) VALUES (?1, x'', 0, 0)";
    db.execute(sql, [[0xab_u8; 16].as_slice()]).unwrap();
    db.execute(
        "INSERT INTO member (device, person, role, outlet) VALUES (?1, 'c1', 'courier', '0412')",
        [[0xab_u8; 16].as_slice()],
    )
    .unwrap();
    let first = String::from_utf8(doorstep_rules::FIRST_PACK.to_vec()).unwrap();
    let pack = file("pack.toml", format!("format = 2\n{first}"));
    let mut policy: Value = serde_json::from_slice(doorstep_rules::FIRST_POLICY).unwrap();
    (policy["format"], policy["version"]) = (json!(2), json!(8));
    let policy = file("policy.json", policy.to_string());
    for command in [["publish-pack", &pack], ["policy", &policy]] {
        let said = office.refused(&command);
        assert!(said.contains(&"ab".repeat(16)) && said.contains("c1") && said.contains("protocol version 2"), "{said}");
        assert!(said.contains("--anyway"), "{said}");
        office.fine(&[&command[..], &["--anyway"]].concat());
    }
}

#[test]
fn a_devices_day_is_shown_and_lifted_by_the_beginning_of_its_id() {
    let office = Office::new();
    let db = rusqlite::Connection::open(office.0.path().join("doorstep-server.db")).unwrap();
    let sql = "INSERT INTO device (id, public_key, enrolled_at, seen_at) VALUES (?1, x'', 0, 0)";
    db.execute(sql, [[0xab_u8; 16].as_slice()]).unwrap();
    let shown = office.json(&["quota", "abab"]);
    assert_eq!((&shown["lifts"], &shown["records_from"], &shown["photos_from"]), (&json!(0), &Value::Null, &Value::Null));
    let quotas: Value = serde_json::from_slice(doorstep_rules::QUOTAS_POLICY).unwrap();
    for of in shown["of"].as_array().unwrap() {
        let name = of["name"].as_str().unwrap();
        assert_eq!(
            (&of["used"], &of["quota"]),
            (&json!(0), &quotas["quotas"][name]),
            "without a policy the shipped ones: {name}"
        );
    }
    let text = office.fine(&["quota", "ab", "--lift"]);
    let changes = format!("changes: 0 / {}", 2 * quotas["quotas"]["changes"].as_u64().unwrap());
    assert!(text.contains("不在名单的单号 waybills in no list: 0 / ") && text.contains(&changes), "{text}");
    assert!(text.contains("lifted today: 1"), "{text}");
    assert!(office.refused(&["quota", "cd"]).contains("admin devices"));
    for list in [&["cases"][..], &["cases", "--unlisted"], &["cases", "--outlet", "0412", "--side", "origin_outlet"]] {
        assert_eq!(office.json(list), json!([]), "{list:?}");
    }
}

#[test]
fn cases_in_no_list_are_printed_apart_as_lines_for_people() {
    let office = Office::new();
    let db = rusqlite::Connection::open(office.0.path().join("doorstep-server.db")).unwrap();
    let parcels = office.0.path().join("parcels.csv");
    let header = "waybill,network,origin_outlet,delivering_outlet,courier,recipient_name,recipient_phone,recipient_address,cod_fen,theoretical_arrival";
    std::fs::write(&parcels, format!("{header}\nQH310000000017,QH,0412,0412,c1,王小花,13800001234,青禾路1号,0,\n")).unwrap();
    assert_eq!(office.json(&["import-parcels", parcels.to_str().unwrap()])["imported"], 1);
    // A case of the parcel in the list, and one of a waybill that somebody invented.
    for (case, waybill) in [(1_u8, "QH310000000017"), (2, "QH900000000001")] {
        let doc = "INSERT INTO doc (case_id, waybill, n, heads, max_op, bytes, notified, closed, first_outlet, first_person, projected_n)
                     VALUES (?1, ?2, 1, x'', 1, 1, 0, 0, '0412', 'c1', 1)";
        let row = "INSERT INTO case_row (case_id, waybill, origin, delivering, state, next_step, reason, decision, attempts, flags, missed,
                     updated_at, closed, due_at, phases, phase_from) VALUES (?1, ?2, '0571', '0412', 'open', 'notify', 'DF-NOBODY', '', 1,
                     '', '', 0, 0, 0, '[]', 0)";
        for sql in [doc, row] {
            db.execute(sql, rusqlite::params![[case; 16].as_slice(), waybill]).unwrap();
        }
    }
    let (listed, unlisted) = (office.fine(&["cases"]), office.fine(&["cases", "--unlisted"]));
    assert!(listed.starts_with("QH310000000017 ") && listed.contains("0412 → 0571") && !listed.contains("QH9"), "{listed}");
    assert!(
        unlisted.starts_with("QH900000000001 ") && unlisted.contains("DF-NOBODY") && !unlisted.contains("QH31"),
        "{unlisted}"
    );
    assert_eq!((listed.lines().count(), unlisted.lines().count()), (1, 1));
}

/// What a shell does to `admin ... | head -1` once `head` has its line.
#[cfg(unix)]
#[test]
fn a_command_whose_reader_has_gone_ends_as_if_it_had_been_read() {
    let office = Office::new();
    let data = office.0.path().to_str().unwrap();
    for args in [&["code", "c1"][..], &["packs"], &["cases", "--json"], &["quota", "--help"], &["verify-log"], &["scrub"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep-server"));
        let out = command.arg("admin").args(args).args(["--data", data]).stdout(writer).output().unwrap();
        let said = String::from_utf8(out.stderr).unwrap();
        assert!(out.status.success() && !said.contains("panicked"), "{args:?}: {:?} {said}", out.status);
    }
}

#[test]
fn a_calendar_with_a_bad_line_is_not_taken_and_the_line_is_named() {
    let office = Office::new();
    let file = office.0.path().join("calendar.csv");
    let path = file.to_str().unwrap();
    std::fs::write(&file, "name,date,works\n国庆节,2026-10-01,no\n补班,2026-10-10,perhaps\n").unwrap();
    let out = office.run(&["import-calendar", path]);
    assert_eq!(out.status.code(), Some(3));
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(said.contains("line 3") && said.contains("nothing was taken"), "{said}");
    std::fs::write(&file, "name,date,works\n国庆节,2026-10-01,no\n").unwrap();
    let done = office.json(&["import-calendar", path]);
    assert_eq!((&done["imported"], &done["bad"], &done["lines"]), (&json!(1), &json!([]), &json!(1)));
    std::fs::write(&file, "day,works,name\n").unwrap();
    assert!(office.refused(&["import-calendar", path]).contains("date,works,name"));
}

#[test]
fn a_parcel_list_is_accounted_for_by_its_lines_and_a_line_that_is_not_taken_ends_the_command_with_3() {
    let office = Office::new();
    let file = office.0.path().join("parcels.csv");
    let path = file.to_str().unwrap();
    let row = |n: u32, address: &str| format!("QH31000000000{n};QH;0412;0412;c1;王小花;13800001234;{address};0;\n");
    let header = "运单号;网络;始发网点;派件网点;快递员;收件人;收件电话;收件地址;代收货款(元);应到时间\n";
    let rows = [row(1, "\"青禾路\n1号\""), row(2, "\"青禾路2号"), row(3, "青禾路3号"), row(4, "\"青禾路\n4号\";x")];
    std::fs::write(&file, [header.to_owned(), rows.concat()].concat()).unwrap();
    let checked = office.run(&["import-parcels", path, "--dry-run"]);
    let said = String::from_utf8(checked.stdout).unwrap();
    assert!(checked.status.code() == Some(3) && said.contains("nothing was written"), "{said}");
    let done = office.run(&["import-parcels", path]);
    let said = String::from_utf8(done.stdout).unwrap();
    assert_eq!((done.status.code(), String::from_utf8(done.stderr).unwrap().as_str()), (Some(3), ""), "{said}");
    for words in ["imported: 2", "3 of 6 lines, 3 not taken", "UTF-8", "semicolon", "line 4 left out", "lines 6-7 left out"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains("青禾路"), "{said}");
    std::fs::write(&file, [header, &row(1, "青禾路1号")].concat()).unwrap();
    let done = office.json(&["import-parcels", path]);
    assert_eq!(
        (&done["imported"], &done["lines"], &done["taken"], &done["dry_run"]),
        (&json!(1), &json!(1), &json!(1), &json!(false))
    );
    assert!(office.fine(&["import-parcels", "--help"]).contains("Exit code"));
}

#[test]
fn findings_and_reasons_of_what_nobody_recorded_are_empty_or_said() {
    let office = Office::new();
    assert_eq!(office.json(&["findings"]), json!([]));
    let own = doorstep_rules::FIRST_PACK;
    let file = office.0.path().join("own.toml");
    std::fs::write(&file, own).unwrap();
    assert_eq!(office.json(&["publish-pack", file.to_str().unwrap()])["in_force"], true, "before anything is recorded, at once");
    assert!(office.refused(&["explain", "QH310000000017"]).contains("nothing is recorded"));
    let decide = ["decide", "QH310000000017", "LIA-04@attempt/abcdefgh-1", "--by", "c1"];
    assert!(office.refused(&decide).contains("--uphold"), "one of two must be said");
    assert!(!office.refused(&[&decide[..], &["--uphold"]].concat()).is_empty(), "no case, no reviewer");
}

#[cfg(target_os = "linux")]
#[test]
fn a_serving_program_makes_everything_for_its_own_account_and_keeps_a_second_one_out() {
    use std::{
        io::{BufRead, BufReader},
        process::Stdio,
    };
    let office = Office::new();
    let data = office.0.path().to_str().unwrap();
    let serve = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep-server"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data", data]);
        command
    };
    // The first line that it prints, or nothing if it ends before. Its output stays open: it has more to say.
    let start = || {
        let mut child = serve().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        (child, out, line)
    };
    let (mut first, _out, serves) = start();
    let status = std::fs::read_to_string(format!("/proc/{}/status", first.id())).unwrap();
    let (mut second, _out, refused) = start();
    let list = office.json(&["devices"]);
    for child in [&mut first, &mut second] {
        child.kill().unwrap();
    }
    first.wait().unwrap();
    let second = second.wait_with_output().unwrap();
    assert!(serves.contains("listens") && refused.is_empty(), "{serves} {refused}");
    assert!(status.contains("Umask:\t0077"), "photos and all else: {status}");
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(!second.status.success() && said.contains("another doorstep-server serves it"), "{said}");
    assert_eq!(list, json!([]), "administration goes on");
}

#[test]
fn the_signing_key_is_replaced_by_a_command_that_says_who_still_pins_the_old_one() {
    let office = Office::new();
    assert_eq!(office.json(&["replace-key", "--status"]), json!({ "replaced": false, "keys": [] }));
    let done = office.json(&["replace-key"]);
    assert_eq!((&done["replaced"], &done["keys"][0]["devices"]), (&json!(true), &json!(0)));
    let text = office.fine(&["replace-key", "--status"]);
    assert!(text.contains("devices still pin it"), "{text}");
    assert_eq!(office.json(&["clock-is-right"]), json!({ "was_in_doubt": false }));
}

#[test]
#[cfg(unix)]
fn a_log_has_events_of_the_asked_level_as_text_or_json_and_a_full_volume_takes_none_of_them() {
    use std::os::unix::fs::PermissionsExt;
    let office = Office::new();
    let database = office.0.path().join("doorstep-server.db");
    // The server has something to say about a file that others could read, and ends because the address is not this machine's.
    let serve = |more: &[&str]| {
        std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o644)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep-server"));
        let data = office.0.path().to_str().unwrap();
        command.args(["serve", "--data", data, "--listen", "192.0.2.1:1", "--insecure"]).args(more);
        command
    };
    let said = |more: &[&str]| String::from_utf8(serve(more).output().unwrap().stderr).unwrap();
    let text = said(&[]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() == 2 && lines[0].contains(" WARN doorstep-server: other accounts could read"), "{text}");
    assert!(lines[1].contains("ERROR doorstep-server: the server ends") && lines[1].contains("listen on 192.0.2.1:1"), "{text}");
    let events: Vec<Value> = said(&["--log-json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.iter().map(|event| event["level"].as_str().unwrap()).collect::<Vec<_>>(), ["warn", "error"]);
    assert_eq!(events[0]["path"], office.0.path().to_str().unwrap());
    assert!(events[0]["count"].as_u64() > Some(0), "{events:?}");
    assert_eq!(said(&["--log", "error"]).lines().count(), 1);

    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = serve(&["--log", "debug"]).stderr(full).status().unwrap();
    assert_eq!(status.code(), Some(1), "an error, and no panic");
}
