//! A day's records: kept without a network, sent later, shown and explained.

use super::*;

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
fn a_photo_whose_file_is_away_is_called_missing_and_lost_when_a_person_says_so() {
    let world = World::new();
    world.enrol();
    world.cut(true);
    let photo = world.path("door.png");
    std::fs::write(&photo, png()).unwrap();
    world.json(&["fail", PARCEL, "--reason", "DF-NOBODY", "--photo", photo.to_str().unwrap()]);
    let id = world.json(&["photo", "list"])["photos"][0]["photo"].as_str().unwrap().to_owned();
    let refused = world.run(&["photo", "lost", &id[..12]]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("照片文件还在本机") && refused.err.contains("file is here"), "{}", refused.err);
    let file = world.path("store").join("photos").join(&id[..2]).join(format!("{id}.jpg"));
    let aside = world.path("aside.jpg");
    std::fs::rename(&file, &aside).unwrap();
    world.cut(false);
    world.json(&["sync"]);
    assert_eq!(world.json(&["photo", "list"])["photos"][0]["state"], "missing");
    for said in [world.run(&["photo", "list"]), world.run(&["status"])] {
        assert!(said.out.contains("起找不到本机文件") && said.out.contains("missing since"), "{}", said.out);
    }
    assert_eq!(world.run(&["photo", "lost", "zz"]).code, 2, "no such photo");
    assert_eq!(world.json(&["photo", "lost", &id[..12]])["lost"], true);
    let said = world.run(&["status"]);
    assert!(said.out.contains("本机文件已丢失") && said.out.contains("gone from this device"), "{}", said.out);
    world.json(&["sync"]);
    std::fs::rename(&aside, &file).unwrap();
    assert_eq!(world.json(&["sync"])["report"]["photos"], 1, "its return undoes it");
    assert_eq!(world.json(&["photo", "list", "--all"])["photos"][0]["state"], "stored");
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
fn the_source_of_a_picture_can_be_said_and_the_gallery_is_shown_to_be_asked_about() {
    let world = World::new();
    world.enrol();
    let photo = world.path("door.png");
    std::fs::write(&photo, png()).unwrap();
    world.json(&["fail", PARCEL, "--reason", "DF-NOBODY"]);
    for (source, is_asked) in [("in_app", false), ("gallery", true)] {
        world.json(&["photo", "add", PARCEL, photo.to_str().unwrap(), "--source", source]);
        let shown = world.run(&["show", PARCEL]).out;
        assert_eq!(shown.contains("照片从相册选取"), is_asked, "{source}: {shown}");
    }
    assert_eq!(world.run(&["photo", "add", PARCEL, photo.to_str().unwrap(), "--source", "cloud"]).code, 2);
}

#[test]
fn an_outage_without_its_phone_call_says_whom_to_phone() {
    let world = World::new();
    world.enrol();
    for waybill in [PARCEL, OTHER] {
        world.json(&["fail", waybill, "--reason", "DF-NOBODY"]);
    }
    let bare = ["outage", PARCEL, OTHER, "--reason", "network"];
    let refused = world.run(&bare);
    assert_eq!(refused.code, 3, "{}", refused.out);
    for part in ["--contact", "--phone", "--anyway", "联系人", "contact"] {
        assert!(refused.err.contains(part), "{part}: {}", refused.err);
    }
    let kinds = world.json(&["show", PARCEL]);
    assert_eq!(kinds["timeline"].as_array().unwrap().len(), 1, "nothing was recorded");
    let said = world.run(&[&bare[..], &["--anyway"]].concat());
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
fn a_number_in_no_list_is_recorded_and_questioned() {
    let world = World::new();
    world.enrol();
    let said = world.run(&["fail", "QH310000000071", "--reason", "DF-NOBODY"]);
    assert_eq!(said.code, 0);
    assert!(said.out.contains("请核对单号") && said.out.contains("Waybill in no list"), "{}", said.out);
    assert!(!world.run(&["fail", PARCEL, "--reason", "DF-NOBODY"]).out.contains("请核对单号"));
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
fn parcels_are_assigned_many_at_once_undone_and_never_to_a_stranger() {
    let world = World::new();
    let mut admin = Admin::open(&world.path("server")).unwrap();
    admin.user("s1", "陈静", "outlet", "0412").unwrap();
    admin.user("c2", "赵六", "courier", "0412").unwrap();
    let code = admin.code("s1", now()).unwrap().code;
    world.json(&["enrol", "--server", &format!("http://{}", world.link), "--code", &code]);
    for waybill in [PARCEL, OTHER] {
        world.json(&["fail", waybill, "--reason", "DF-NOBODY"]);
    }
    let refused = world.run(&["assign", PARCEL, OTHER, "--to", "s1"]);
    assert_eq!(refused.code, 3);
    assert!(
        refused.err.contains("c1 李明") && refused.err.contains("c2 赵六") && refused.err.contains("doorstep people"),
        "{}",
        refused.err
    );
    let unknown = world.run(&["assign", PARCEL, "QH310000000055", "--to", "c2"]);
    assert!(unknown.err.contains("QH310000000055：") && unknown.err.contains("nothing was recorded of any"), "{}", unknown.err);
    assert_eq!(world.run(&["assign", PARCEL]).code, 2, "to whom?");
    assert_eq!(world.run(&["assign", PARCEL, "--to", "c2", "--undo"]).code, 2);
    let said = world.json(&["assign", PARCEL, OTHER, "--to", "c2", "--at", "2026-03-03 09:00"]);
    assert_eq!(said["cases"].as_array().unwrap().len(), 2);
    for list in ["cases", "parcels"] {
        let shown = world.run(&[list]).out;
        assert_eq!(shown.matches("assigned to c2 ").count(), 2, "{shown}");
        assert!(shown.contains("03-03 09:00"), "{shown}");
    }
    world.json(&["assign", PARCEL, "--undo"]);
    let rows = world.json(&["cases"])["cases"].clone();
    let of =
        |waybill: &str| rows.as_array().unwrap().iter().find(|row| row["waybill"] == waybill).unwrap()["assigned_to"].clone();
    assert_eq!((of(PARCEL), of(OTHER)), ("c1".into(), "c2".into()));
}
