//! The table of the ways to cheat in this folder's README, and what is shown of them nowhere else.

use std::path::{Path, PathBuf};

use doorstep_tests::World;
use rusqlite::params;

/// The tests' sources, by file.
fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Whether a source has a test of this name: not just any function.
fn has_test(text: &str, name: &str) -> bool {
    text.match_indices(&format!("fn {name}(")).any(|(at, _)| {
        // Attributes and comments of the function stand right above its own line.
        let above = text[..at].rsplit('\n').skip(1).map(str::trim_start);
        let mut own = above.take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        own.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

#[test]
fn every_way_to_cheat_in_the_table_has_an_answer_and_every_test_that_it_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for folder in ["tests/scenarios", "core/rules/tests", "core/document/tests", "core/store/tests", "server/tests"] {
        sources(&root.join(folder), &mut files);
    }
    let exists = |module: &str, name: &str| {
        files.iter().any(|(path, text)| path.file_stem().is_some_and(|stem| stem == module) && has_test(text, name))
    };
    assert!(!exists("cheats", "sources"), "a helper shows nothing");
    let readme = include_str!("../README.md");
    let section = readme.split_once("## Ways to cheat\n").unwrap().1.split("\n## ").next().unwrap();
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert_eq!(rows.len(), 26);
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [cheat, answer, shown] = cells[..] else { panic!("three cells: {row}") };
        let answers = ["impossible", "refused", "flagged", "decides nothing", "open"];
        assert!(answers.iter().any(|word| answer.starts_with(word)), "{cheat}: {answer}");
        let named: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty() || shown.starts_with("waits for: "), "{cheat}: {shown}");
        for test in named {
            let (module, name) = test.rsplit_once("::").unwrap_or_else(|| panic!("{cheat}: {test}"));
            assert!(exists(module.rsplit("::").next().unwrap(), name), "{cheat}: {test} is no test");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_phones_owner_edits_or_deletes_in_its_store_reaches_nobody() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    for n in [2, 4, 6, 8] {
        phone.fail(n, "DF-NOBODY").unwrap();
    }
    phone.sync().await.unwrap();
    let at_head_office = || [2, 4].map(|n| world.on_server(&phone.id(n)));
    let before = at_head_office();
    let db = phone.database();
    let delete = |table: &str, n: u32| {
        assert!(db.execute(&format!("DELETE FROM {table} WHERE case_id = ?1"), [phone.id(n).as_bytes()]).unwrap() > 0);
    };
    // A letter of what it says: the last bytes are its words.
    let edit = |table: &str, n: u32| {
        let of = |row: &rusqlite::Row<'_>| row.get::<_, Vec<u8>>(0);
        let select = format!("SELECT bytes FROM {table} WHERE case_id = ?1");
        let mut bytes = db.query_row(&select, [phone.id(n).as_bytes()], of).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        let update = format!("UPDATE {table} SET bytes = ?2 WHERE case_id = ?1");
        assert_eq!(db.execute(&update, params![phone.id(n).as_bytes(), bytes]).unwrap(), 1);
    };
    // An edit on the phone changes nothing at head office.
    edit("change", 2);
    delete("change", 4);
    phone.sync().await.ok();
    assert_eq!(at_head_office(), before);
    // An edited change that was not sent yet no longer fits its hash. It is put aside and shown.
    phone.note(6, "第一条").unwrap();
    edit("outbox", 6);
    // The change after a deleted one names the deleted one's hash. It waits for that one and counts for nothing.
    phone.note(8, "第一条").unwrap();
    delete("outbox", 8);
    phone.note(8, "第二条").unwrap();
    phone.sync().await.unwrap();
    for n in [6, 8] {
        assert_eq!(world.on_server(&phone.id(n)).0.len(), 1, "parcel {n}: what it had");
    }
    let status = phone.client.status().unwrap();
    assert_eq!((status.refused.len(), status.unsent.len()), (1, 1), "{status:?}");
}
