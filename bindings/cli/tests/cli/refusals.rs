//! Refusals and wrong use: each says what to do.

use super::*;

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

#[test]
fn an_enrolment_at_a_wrong_address_names_it_and_says_that_nothing_was_changed() {
    let world = World::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let enrol =
        |server: &str, more: &[&str]| world.run(&[&["enrol", "--server", server, "--code", "ABCD-EFGH-JKLM"], more].concat());
    let refused = enrol(&format!("http://name:secret@{free}"), &[]);
    assert_eq!(refused.code, 4, "{}", refused.err);
    for told in
        [&free.to_string(), "拒绝连接", "本机未作任何改动", "refuses the connection", "nothing was changed on this device"]
    {
        assert!(refused.err.contains(told), "{told}: {}", refused.err);
    }
    assert!(!refused.err.contains("secret") && !refused.err.contains("ABCD") && !refused.err.contains("doorstep sync"));
    let elsewhere = enrol(&format!("http://{}/somewhere", world.link), &["--json"]).json();
    assert_eq!(elsewhere["error"]["kind"], "network");
    assert!(elsewhere["error"]["en"].as_str().unwrap().contains("404"), "{elsewhere}");
    world.cut(true);
    let cut = enrol(&format!("http://{}", world.link), &[]);
    assert!(cut.code == 4 && cut.err.contains("连接中断") && cut.err.contains(&world.link.to_string()), "{}", cut.err);
    world.cut(false);
    world.enrol();
}

#[test]
fn an_empty_note_is_refused_whatever_it_is_made_of() {
    let world = World::new();
    world.enrol();
    world.json(&["fail", PARCEL, "--reason", "DF-NOBODY"]);
    for empty in ["", "   ", "\u{200b}\u{feff}", "\u{3000}\n"] {
        let said = world.run(&["note", PARCEL, empty]);
        assert_eq!((said.code, said.out.as_str()), (3, ""), "{empty:?}");
        assert!(said.err.contains("文字是空的") && said.err.contains("the words are empty"), "{}", said.err);
    }
    assert_eq!(world.json(&["status"])["unsent"].as_array().map(Vec::len), Some(1));
    world.json(&["note", PARCEL, "到"]);
}

#[test]
fn a_lost_device_key_is_told_with_the_command_that_helps_and_enrolling_again_sends_everything() {
    let world = World::new();
    world.enrol();
    world.json(&["fail", PARCEL, "--reason", "DF-NOBODY"]);
    std::fs::remove_file(world.path("store").join("device.key")).unwrap();
    let said = world.run(&["sync"]);
    assert_eq!(said.code, 5, "{}", said.err);
    for told in [
        "新的注册码",
        "已登记的内容都保留",
        "enrol again with a new code",
        "what was recorded is kept",
        "doorstep enrol --server",
    ] {
        assert!(said.err.contains(told), "{told}: {}", said.err);
    }
    world.json(&["note", PARCEL, "还能登记"]);
    assert_eq!(world.json(&["status"])["unsent"].as_array().map(Vec::len), Some(2));
    world.enrol();
    world.json(&["sync"]);
    assert_eq!(world.json(&["status"])["unsent"], Value::Array(vec![]));
}
