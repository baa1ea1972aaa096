//! A data folder that was copied, damaged or put back, with real processes: what is noticed at the start, what is said, and that
//! nothing is changed meanwhile.
#![allow(missing_docs, reason = "tests are named for what they show")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail loudly")]

use std::{
    io::{BufRead, BufReader, Lines},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use doorstep_protocol::{Signed, encode};
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

const DATABASE: &str = "doorstep-server.db";
const LOG: &str = "doorstep-server.db-wal";

struct Site(TempDir);

/// A server process.
struct Server {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Server {
    /// What it says next: its address, and whether it waits for a word.
    fn says(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
    fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep-server"));
    command.args(args);
    command
}

fn serve_args<'a>(data: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    [&["serve", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0", "--json"], more].concat()
}

fn serve(data: &Path, more: &[&str]) -> (Server, bool) {
    let mut child = command(&serve_args(data, more)).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut server = Server { child, lines };
    let waits = server.says()["waits"].as_bool().unwrap();
    (server, waits)
}

/// A start that must fail: what it says.
fn refused(data: &Path) -> String {
    let out = command(&serve_args(data, &[])).output().unwrap();
    assert!(!out.status.success());
    String::from_utf8(out.stderr).unwrap()
}

fn fine(args: &[&str]) -> Output {
    let out = command(args).output().unwrap();
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    out
}

fn copied(from: &Path, name: &str) -> PathBuf {
    let to = from.with_file_name(name);
    assert!(Command::new("cp").arg("-r").args([from, &to]).status().unwrap().success());
    to
}

/// Every file of a folder with its bytes.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(Result::unwrap)
        // An index of the log in shared memory, which every opening makes anew.
        .filter(|entry| entry.path().is_file() && !entry.file_name().to_string_lossy().ends_with("-shm"))
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

impl Site {
    fn new() -> Self {
        let site = Self(tempfile::tempdir().unwrap());
        site.admin(&["outlet", "0412", "--name-zh", "城西", "--name-en", "West", "--phone", "1"]);
        site.admin(&["user", "c1", "--name", "李明", "--role", "courier", "--outlet", "0412"]);
        site
    }
    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }
    fn admin(&self, args: &[&str]) -> String {
        let data = self.data();
        let out = fine(&[&["admin"], args, &["--data", data.to_str().unwrap()]].concat());
        String::from_utf8(out.stdout).unwrap()
    }
    fn restore(&self, data: &Path, more: &[&str]) -> Value {
        let out = fine(&[&["restore", data.to_str().unwrap(), "--json"], more].concat());
        serde_json::from_slice(&out.stdout).unwrap()
    }
    /// A log of several transactions, of a server that was killed.
    fn killed(&self) -> PathBuf {
        let data = self.data();
        let (server, waits) = serve(&data, &[]);
        assert!(!waits);
        for n in 0..4 {
            self.admin(&["outlet", &format!("07{n}0"), "--name-zh", "网点", "--name-en", "Outlet", "--phone", "1"]);
        }
        server.kill();
        data
    }
}

fn sql<T: rusqlite::types::FromSql>(data: &Path, query: &str) -> T {
    Connection::open(data.join(DATABASE)).unwrap().query_row(query, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_restart_a_kill_and_a_renamed_folder_are_no_copies_and_a_copied_folder_is_one() {
    let site = Site::new();
    let data = site.data();
    for _ in 0..2 {
        let (server, waits) = serve(&data, &[]);
        assert!(!waits);
        server.stop();
        let (server, waits) = serve(&data, &[]);
        assert!(!waits);
        server.kill();
    }
    // The administrator's commands on what a kill left do not drop its log.
    site.admin(&["devices"]);
    let (server, waits) = serve(&data, &[]);
    assert!(!waits, "after kill -9");
    server.stop();
    let renamed = data.with_file_name("renamed");
    std::fs::rename(&data, &renamed).unwrap();
    let (server, waits) = serve(&renamed, &[]);
    assert!(!waits, "a rename keeps the file");
    server.stop();
    let (server, waits) = serve(&copied(&renamed, "copy"), &[]);
    assert!(waits);
    server.stop();
}

#[test]
fn a_server_that_waits_goes_on_by_itself_when_its_operator_has_spoken() {
    let site = Site::new();
    let (server, _) = serve(&site.data(), &[]);
    server.stop();
    for (word, name) in [("moved", "one"), ("restore", "two")] {
        let copy = copied(&site.data(), name);
        let (mut server, waits) = serve(&copy, &[]);
        assert!(waits);
        fine(&[word, copy.to_str().unwrap()]);
        assert_eq!(server.says()["waits"], false, "{word}");
        server.stop();
    }
}

#[test]
fn an_unattended_site_says_beforehand_what_a_copy_is() {
    let site = Site::new();
    let (server, _) = serve(&site.data(), &[]);
    server.stop();
    let history = |data: &Path| sql::<Vec<u8>>(data, "SELECT value FROM meta WHERE key = 'history'");
    let ours = history(&site.data());
    for (word, name, is_kept) in [("moved", "one", true), ("restore", "two", false)] {
        let copy = copied(&site.data(), name);
        let (server, waits) = serve(&copy, &["--if-copied", word]);
        assert!(!waits);
        assert_eq!(history(&copy) == ours, is_kept, "{word}");
        server.stop();
        let (server, waits) = serve(&copy, &["--if-copied", word]);
        assert!(!waits);
        assert_eq!(history(&copy) == ours, is_kept, "it is a copy once");
        server.stop();
    }
}

#[test]
fn a_missing_log_of_a_server_that_was_killed_is_named_and_nothing_is_changed() {
    let site = Site::new();
    let data = site.killed();
    std::fs::remove_file(data.join(LOG)).unwrap();
    let before = files(&data);
    for _ in 0..2 {
        let said = refused(&data);
        assert!(
            said.contains(LOG) && said.contains("doorstep-server restore") && said.contains("doorstep-server moved"),
            "{said}"
        );
    }
    let out = command(&["admin", "devices", "--data", data.to_str().unwrap()]).output().unwrap();
    assert!(!out.status.success(), "neither does an administrator's command go on without it");
    assert_eq!(files(&data), before);
    site.restore(&data, &[]);
    let (server, waits) = serve(&data, &[]);
    assert!(!waits);
    // After a stop in order there is nothing in it to miss.
    server.stop();
    std::fs::remove_file(data.join(LOG)).ok();
    let (server, _) = serve(&data, &[]);
    server.stop();
}

#[test]
fn a_good_frame_behind_a_bad_one_is_named_and_what_stands_behind_it_is_kept() {
    let site = Site::new();
    let data = site.killed();
    let mut log = std::fs::read(data.join(LOG)).unwrap();
    assert!(log.len() > 5 * 4_120, "{} bytes", log.len());
    log[32 + 24 + 1_000] ^= 1;
    std::fs::write(data.join(LOG), &log).unwrap();
    let before = files(&data);
    let said = refused(&data);
    assert!(said.contains("frame 1 of") && said.contains("doorstep-server restore"), "{said}");
    assert_eq!(files(&data), before);
    let done = site.restore(&data, &[]);
    assert_eq!(std::fs::read(done["kept_log"].as_str().unwrap()).unwrap(), log);
    let (server, waits) = serve(&data, &[]);
    assert!(!waits);
    server.stop();
}

#[test]
fn a_last_transaction_that_a_power_cut_tore_is_no_damage() {
    let site = Site::new();
    let data = site.killed();
    let log = std::fs::read(data.join(LOG)).unwrap();
    // Cut anywhere in its last frames, and its last frame damaged.
    for cut in [1, 100, 4_120, 6_000] {
        std::fs::write(data.join(LOG), &log[..log.len() - cut]).unwrap();
        let copy = copied(&data, &format!("cut-{cut}"));
        let (server, waits) = serve(&copy, &["--if-copied", "moved"]);
        assert!(!waits);
        server.kill();
    }
    let mut torn = log.clone();
    let at = torn.len() - 500;
    torn[at] ^= 1;
    std::fs::write(data.join(LOG), &torn).unwrap();
    let (server, waits) = serve(&data, &[]);
    assert!(!waits);
    server.kill();
}

#[test]
fn a_broken_structure_is_named_and_nothing_is_changed() {
    let site = Site::new();
    let data = site.killed();
    let root: i64 = sql(&data, "SELECT rootpage FROM sqlite_schema WHERE name = 'outlet'");
    // Whoever looked closed the log into the file; as after a kill all the same.
    std::fs::write(data.join(LOG), []).unwrap();
    let mut bytes = std::fs::read(data.join(DATABASE)).unwrap();
    let page = (usize::try_from(root).unwrap() - 1) * 4_096;
    bytes[page..page + 64].fill(0xff);
    std::fs::write(data.join(DATABASE), &bytes).unwrap();
    let before = files(&data);
    let said = refused(&data);
    assert!(said.contains("structure is broken") && said.contains("doorstep-server restore"), "{said}");
    assert_eq!(files(&data), before);
    // And a file that is none of ours.
    std::fs::write(data.join(DATABASE), vec![7; 8_192]).unwrap();
    let said = refused(&data);
    assert!(said.contains("structure is broken"), "{said}");
}

#[test]
fn restore_begins_a_new_history_under_another_hand_voids_codes_and_says_what_is_to_be_done_again() {
    let site = Site::new();
    let data = site.data();
    let code: Value = serde_json::from_str(&site.admin(&["code", "c1", "--json"])).unwrap();
    assert!(code["code"].is_string());
    let meta = |key: &str| sql::<Vec<u8>>(&data, &format!("SELECT value FROM meta WHERE key = '{key}'"));
    let (history, install, key) = (meta("history"), meta("install"), meta("signing_key"));
    let versions: i64 = sql(&data, "SELECT min(version) FROM reference");
    let done = site.restore(&data, &[]);
    assert!(meta("history") != history && meta("install") != install);
    assert_eq!(meta("signing_key"), key, "devices know the server by it");
    assert_eq!(done["codes_voided"], 1);
    assert_eq!(sql::<i64>(&data, "SELECT count(*) FROM code WHERE expires_at > (unixepoch() + 1) * 1000"), 0);
    assert!(sql::<i64>(&data, "SELECT min(version) FROM reference") >= versions + 1_000_000);
    assert!(done["lost_until"].is_i64() && done["lost_from"].is_null(), "nobody was ever in contact");
    let told = fine(&["restore", data.to_str().unwrap()]);
    let told = String::from_utf8(told.stdout).unwrap();
    for word in [
        "revoke",
        "left",
        "import-parcels",
        "publish-pack",
        "policy",
        "decide",
        "admin sms go",
        "the lost period",
        " UTC",
        "replace-key",
    ] {
        assert!(told.contains(word), "{word}: {told}");
    }
    let nothing = command(&["restore", site.0.path().join("nowhere").to_str().unwrap()]).output().unwrap();
    assert!(!nothing.status.success() && !site.0.path().join("nowhere").exists());
    // SMS are held until somebody says go, once.
    assert!(site.admin(&["sms", "go", "--json"]).contains("\"held\":true"));
    assert!(site.admin(&["sms", "go", "--json"]).contains("\"held\":false"));
}

#[test]
fn a_signed_publication_brings_back_a_version_of_the_rules_and_the_next_one_must_be_above_it() {
    let site = Site::new();
    let (data, file) = (site.data(), site.0.path().join("pack.toml"));
    let older = copied(&data, "older");
    let first = String::from_utf8(doorstep_rules::FIRST_PACK.to_vec()).unwrap();
    let of_version = |n: u32| std::fs::write(&file, first.replacen("version = 1", &format!("version = {n}"), 1)).unwrap();
    of_version(5);
    site.admin(&["publish-pack", file.to_str().unwrap()]);
    // As a device has it.
    let db = Connection::open(data.join(DATABASE)).unwrap();
    let signed = db
        .query_row("SELECT body, sig FROM pack WHERE version = 5", [], |row| Ok(Signed { body: row.get(0)?, sig: row.get(1)? }))
        .unwrap();
    drop(db);
    let publication = site.0.path().join("publication");
    std::fs::write(&publication, encode(&signed).unwrap()).unwrap();
    let altered = site.0.path().join("altered");
    let mut other = signed.clone();
    other.sig[5] ^= 1;
    std::fs::write(&altered, encode(&other).unwrap()).unwrap();
    let history: Vec<u8> = sql(&older, "SELECT value FROM meta WHERE key = 'history'");
    let refused = command(&["restore", older.to_str().unwrap(), "--publication", altered.to_str().unwrap()]).output().unwrap();
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("not signed by this server"));
    assert_eq!(sql::<Vec<u8>>(&older, "SELECT value FROM meta WHERE key = 'history'"), history, "all or nothing");
    let done = site.restore(&older, &["--publication", publication.to_str().unwrap()]);
    assert_eq!((&done["packs_taken"], &done["newest_pack"]), (&serde_json::json!([5]), &serde_json::json!(5)));
    assert_eq!(sql::<Vec<u8>>(&older, "SELECT sig FROM pack WHERE version = 5"), signed.sig, "as it was signed");
}

#[test]
fn a_publication_that_a_replaced_key_signed_is_taken_and_signed_with_the_newest_key() {
    let site = Site::new();
    let (data, file) = (site.data(), site.0.path().join("pack.toml"));
    let first = String::from_utf8(doorstep_rules::FIRST_PACK.to_vec()).unwrap();
    std::fs::write(&file, first.replacen("version = 1", "version = 5", 1)).unwrap();
    // A device pins the key of before: what was published after is signed for it with that one. Here it is published before.
    let lost = copied(&data, "lost");
    let at = lost.to_str().unwrap();
    fine(&["admin", "publish-pack", file.to_str().unwrap(), "--data", at]);
    let signed = Connection::open(lost.join(DATABASE))
        .unwrap()
        .query_row("SELECT body, sig FROM pack WHERE version = 5", [], |row| Ok(Signed { body: row.get(0)?, sig: row.get(1)? }))
        .unwrap();
    let publication = site.0.path().join("publication");
    std::fs::write(&publication, encode(&signed).unwrap()).unwrap();
    site.admin(&["replace-key"]);
    let other = copied(&data, "other");
    let done = site.restore(&data, &["--publication", publication.to_str().unwrap()]);
    assert_eq!((&done["packs_taken"], &done["packs_of_replaced_key"]), (&serde_json::json!([5]), &serde_json::json!([5])));
    let said = command(&["restore", other.to_str().unwrap(), "--publication", publication.to_str().unwrap()]).output().unwrap();
    assert!(String::from_utf8(said.stdout).unwrap().contains("signed with a key that has been replaced"));
    let again = Connection::open(data.join(DATABASE))
        .unwrap()
        .query_row("SELECT body, sig FROM pack WHERE version = 5", [], |row| Ok(Signed { body: row.get(0)?, sig: row.get(1)? }))
        .unwrap();
    assert_eq!(again.body, signed.body);
    assert_ne!(again.sig, signed.sig, "devices that know the newest key verify it with that one");
}

#[test]
fn what_restore_and_moved_have_written_is_in_the_database_itself() {
    let site = Site::new();
    let data = site.killed();
    let done = site.restore(&data, &[]);
    std::fs::remove_file(data.join(LOG)).ok();
    let history: Vec<u8> = sql(&data, "SELECT value FROM meta WHERE key = 'history'");
    let history: String = history.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(done["history"], history.as_str(), "also without its log");
    let (server, waits) = serve(&data, &[]);
    assert!(!waits);
    server.kill();
    let copy = copied(&data, "copy");
    fine(&["moved", copy.to_str().unwrap()]);
    std::fs::remove_file(copy.join(LOG)).ok();
    let (server, waits) = serve(&copy, &[]);
    assert!(!waits);
    server.stop();
}

#[test]
#[cfg(unix)]
fn a_server_whose_words_nobody_can_read_serves_all_the_same() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let (server, _) = serve(data, &[]);
    server.stop();
    // A database open to others is named on standard error at the next start.
    std::fs::set_permissions(data.join(DATABASE), std::fs::Permissions::from_mode(0o644)).unwrap();

    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = command(&serve_args(data, &[])).stdout(Stdio::piped()).stderr(writer).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut server = Server { child, lines };
    assert_eq!(server.says()["waits"], false);
    let mode = std::fs::metadata(data.join(DATABASE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "the server had something to say");
    server.stop();
}

#[test]
#[cfg(unix)]
fn a_command_whose_answer_nobody_reads_ends_as_it_should() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let (server, _) = serve(data, &[]);
    server.stop();
    for args in [vec!["admin".to_owned(), "devices".into()], vec!["admin".into(), "verify-log".into()]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let args = [args, vec!["--data".into(), data.to_str().unwrap().into()]].concat();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let status = command(&args).stdout(writer).stderr(Stdio::null()).status().unwrap();
        assert_eq!(status.code(), Some(0), "{args:?}");
    }
}
