//! SMS on the command line: a preview, a modem's spool folder, and what the courier reads.

use serde_json::json;

use crate::{PARCEL, World};

/// A computer with a modem: the folder of an SMS daemon.
fn modem(world: &World) -> std::path::PathBuf {
    let spool = world.path("spool");
    for folder in ["outgoing", "sent", "failed"] {
        std::fs::create_dir_all(spool.join(folder)).unwrap();
    }
    spool
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.extension().is_some_and(|extension| extension == "sms")).collect()
}

#[test]
fn a_preview_shows_the_text_its_segments_and_what_it_lacks() {
    let world = World::new();
    world.enrol();
    world.json(&["fail", PARCEL, "--reason", "DF-NOBODY"]);
    let said = world.run(&["sms", "preview", PARCEL, "--callback", "13800001111"]);
    assert_eq!(said.code, 0, "{}", said.err);
    for shown in [
        "138******34",
        "【青禾速运】",
        PARCEL,
        "电话13800001111",
        "2 条短信，UCS-2",
        "segments",
        "once sent, it counts for today",
    ] {
        assert!(said.out.contains(shown), "{shown}: {}", said.out);
    }
    assert!(!said.out.contains("13800001234"), "the number is masked: {}", said.out);
    let said = world.run(&["sms", "preview", PARCEL, "--text", "您好"]);
    assert!(said.out.contains("full waybill number is missing") && said.out.contains("no template in use"), "{}", said.out);
    assert_eq!(world.run(&["sms", "preview", PARCEL, "--callback", "看a.cn"]).code, 3);
    assert_eq!(world.json(&["sms", "list"])["messages"], json!([]));
}

#[test]
fn without_head_office_the_modem_sends_and_the_courier_reads_how_it_stands() {
    let world = World::new();
    world.enrol();
    world.json(&["fail", PARCEL, "--reason", "DF-NOBODY"]);
    world.cut(true);
    let spool = world.path("spool");
    let spool_arg = spool.to_str().unwrap().to_owned();
    let run = |args: &[&str]| world.run(&[args, &["--sms-spool", &spool_arg]].concat());
    // No daemon, no network: queued.
    let said = run(&["sms", "send", PARCEL]);
    assert!(said.out.contains("已排队：还不算数 / queued: does not count yet"), "{}{}", said.out, said.err);
    modem(&world);
    assert_eq!(run(&["sync"]).code, 4, "head office is away");
    let queue = files(&spool.join("outgoing"));
    assert_eq!(queue.len(), 1);
    let file = std::fs::read_to_string(&queue[0]).unwrap();
    assert!(file.starts_with("To: 86138") && file.contains("Alphabet: UTF-8\n\n王先生/女士"), "{file}");
    let said = run(&["sms", "list", PARCEL]);
    assert!(said.out.contains("handed over") && said.out.contains("[E2]"), "{}", said.out);
    // The daemon has sent it.
    std::fs::rename(&queue[0], spool.join("sent").join(queue[0].file_name().unwrap())).unwrap();
    let said = run(&["sms", "list", PARCEL]);
    assert!(said.out.contains("已发送，算作当天有效派送") && said.out.contains("[E3]"), "{}", said.out);
    assert!(said.out.contains("138******") && !said.out.contains("13800001234"), "{}", said.out);
    assert!(run(&["sms", "list"]).out.contains("没有短信"), "settled");
    assert!(run(&["sync"]).code == 4 && files(&spool.join("outgoing")).is_empty(), "never again");
}

#[test]
fn a_modem_that_fails_says_so_and_a_killed_hand_over_is_uncertain() {
    let world = World::new();
    world.enrol();
    world.json(&["fail", PARCEL, "--reason", "DF-NOBODY"]);
    world.cut(true);
    let spool = modem(&world);
    let args = ["sms", "send", PARCEL, "--sms-spool", spool.to_str().unwrap()];
    world.run(&args);
    let queue = files(&spool.join("outgoing"));
    std::fs::rename(&queue[0], spool.join("failed").join(queue[0].file_name().unwrap())).unwrap();
    let said = world.run(&["sms", "list", PARCEL, "--sms-spool", spool.to_str().unwrap()]);
    assert!(said.out.contains("发送失败") && said.out.contains("运营商未受理"), "{}", said.out);
    // What a daemon took and nobody finds any more: somebody emptied the folder while it was being handed over.
    world.json(&["sms", "record", PARCEL, "--failed", "no_service"]);
    assert_eq!(world.run(&["sms", "record", PARCEL, "--failed", "whatever"]).code, 2);
}
