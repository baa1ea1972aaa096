//! Before the act, reminders, and words that fit the parcel.

use super::*;

#[test]
fn a_reason_is_read_with_its_evidence_its_time_limits_and_the_number_to_phone_before_anything_is_recorded() {
    let world = World::new();
    world.enrol();
    world.cut(true);
    let said = world.run(&["reason", "DF-NOBODY", "--waybill", PARCEL]);
    assert_eq!(said.code, 0, "{}", said.err);
    for words in ["0571-88001234", "SLA-03", "min left", "建议 / suggested", "why no SMS was sent", "and counts"] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    let told = world.json(&["reason", "DF-NOBODY", "--waybill", PARCEL]);
    assert_eq!((told["sms"]["counts"].as_bool(), told["origin_outlet"]["phone"].as_str()), (Some(true), Some("0571-88001234")));
    let all = world.json(&["reason"]);
    assert!(all["reasons"].as_array().unwrap().len() > 10);
    assert_eq!(world.run(&["reason", "DF-NONE"]).code, 3);
    assert_eq!(world.json(&["status"])["unsent"], json!([]));
    assert_eq!(world.json(&["cases", "--all"])["cases"], json!([]));
}

#[test]
fn reminders_name_the_parcel_and_what_to_do_and_with_a_network_nobody_is_told_to_phone() {
    let world = World::new();
    world.enrol();
    world.cut(true);
    assert!(world.run(&["alarms"]).out.contains("没有提醒"));
    world.json(&["fail", PARCEL, "--reason", "DF-NOBODY"]);
    let alarms = world.json(&["alarms"])["alarms"].clone();
    assert_eq!((alarms[0]["kind"].as_str(), alarms[0]["waybill"].as_str()), (Some("notice_ends"), Some(PARCEL)));
    let said = world.run(&["alarms"]);
    assert!(said.out.contains("断网") && said.out.contains("0571-88001234"), "{}", said.out);
    let online = world.run(&["alarms", "--online"]).out;
    assert!(!online.contains("现在断网") && !online.contains("请打电话"), "{online}");
    assert_eq!(world.run(&["alarms", "--until", "tomorrow"]).code, 2);
}

#[test]
fn a_parcel_with_nothing_to_act_on_is_told_why() {
    let world = World::new();
    world.enrol();
    let on_list = world.run(&["note", PARCEL, "x"]);
    assert!(on_list.code == 3 && on_list.err.contains("在您的名单上"), "{}", on_list.err);
    let strange = world.run(&["show", "QH310000000099"]);
    assert!(strange.code == 3 && strange.err.contains("不在您的名单上"), "{}", strange.err);
    world.json(&["fail", PARCEL, "--reason", "DF-NOBODY"]);
    let shown = world.json(&["show", PARCEL]);
    let key = shown["timeline"][0]["entry"]["key"].as_str().unwrap_or_default();
    world.json(&["correct", PARCEL, key, "--fault", "did_not_occur", "--why", "点错了"]);
    let refused = world.run(&["notice", PARCEL]);
    assert!(refused.code == 3 && refused.err.contains("更正撤回"), "{}", refused.err);
}

#[test]
fn a_sync_names_the_cases_that_are_new_or_have_changed_and_how() {
    let world = World::new();
    world.enrol();
    world.json(&["fail", PARCEL, "--reason", "DF-NOBODY"]);
    world.json(&["notice", PARCEL]);
    let synced = world.json(&["sync"]);
    let news = synced["news"].as_array().unwrap();
    assert!(news.iter().any(|news| news["waybill"] == PARCEL && news["en"].as_str().unwrap().starts_with("state: ")), "{news:?}");
    assert_eq!(world.json(&["sync"])["news"], json!([]));
}
