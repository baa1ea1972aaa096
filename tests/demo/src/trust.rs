//! Whom to trust: a phone that is there twice, and a record that a new policy refuses.

use doorstep_client::Act;
use doorstep_server::admin::Admin;
use doorstep_tests::{LinkMode, ended, on, text};
use serde_json::json;

use crate::{
    cast::{Cast, expect, waybill},
    device::Ask,
    stage::{Actor, Result, Stage},
};

/// A phone is cloned, and both go on recording.
pub async fn copied_phone(stage: &Stage, cast: &mut Cast, admin: &mut Admin, root: &std::path::Path) -> Result<()> {
    println!("\n-- 第八幕 a phone that is there twice");
    stage.at(1, 14, 0)?;
    expect(cast.zhou.sync().await?, "Zhou syncs")?;
    cast.zhou.ask(&Ask::Copy { to: root.join("c102-copy") }).await?;
    let mut copy = Actor::start_in("周师傅 Zhou (the copied phone)", "c102", root, "c102-copy", 180, 12)?;
    stage.say("somebody copies Zhou's phone, key and all");
    stage.at(1, 14, 10)?;
    cast.zhou.record(on(waybill(33), Act::Note(text("原机：客户约明天"))), &[]).await?;
    stage.at(1, 14, 11)?;
    copy.record(on(waybill(33), Act::Note(text("复制机：门口有人"))), &[]).await?;
    copy.record(on(waybill(34), Act::Note(text("复制机：已改约"))), &[]).await?;
    stage.at(1, 14, 20)?;
    expect(cast.zhou.sync().await?, "Zhou syncs")?;
    expect(copy.sync().await?, "the copy syncs")?;
    expect(copy.new_installs == 1, "the copy goes on as a new installation")?;
    let alarms = admin.forks()?;
    expect(alarms.len() == 1, "head office has one alarm")?;
    stage.say(&format!(
        "head office: fork alarm ({}), batch {} came twice; both phones' work is kept, the second goes on as a new installation",
        alarms.first().map_or("", |alarm| alarm.what.as_str()),
        alarms.first().map_or(0, |alarm| alarm.batch)
    ));
    cast.copy = Some(copy);
    for _ in 0..2 {
        for actor in cast.all() {
            expect(actor.sync().await?, "everybody syncs")?;
        }
    }
    Ok(())
}

/// A policy changes while a courier is offline: what it forbids is refused, what depends on it is not, and head office releases it.
pub async fn refused_and_released(stage: &Stage, cast: &mut Cast, admin: &mut Admin) -> Result<()> {
    println!("\n-- 第九幕 refused, and released");
    stage.at(1, 15, 0)?;
    stage.network(LinkMode::Cut, "Li is in a basement");
    cast.li.record(ended(waybill(8), "SIGNED", Some("邻居代收")), &[]).await?;
    stage.at(1, 15, 5)?;
    cast.li.record(on(waybill(8), Act::Note(text("邻居姓王，6 楼"))), &[]).await?;
    stage.say(&format!("Li: closes {} offline, and adds a note", waybill(8)));
    let mut policy: serde_json::Value = serde_json::from_slice(doorstep_rules::FIRST_POLICY)?;
    policy["version"] = json!(2);
    for rule in policy["rules"].as_array_mut().ok_or("a policy without rules")? {
        if rule["roles"].as_array().is_some_and(|roles| roles.contains(&json!("courier"))) {
            rule["kinds"].as_array_mut().ok_or("a rule without kinds")?.retain(|kind| kind != "close");
        }
    }
    admin.policy(&serde_json::to_vec(&policy)?)?;
    stage.at(1, 15, 10)?;
    stage.say("head office: publishes a policy, couriers no longer end a case themselves");
    stage.network(LinkMode::Up, "Li is back");
    expect(cast.li.sync().await?, "Li syncs")?;
    let item = admin.quarantine(false)?.pop().ok_or("nothing is in quarantine")?;
    expect(item.rule.as_deref() == Some("P-99") && item.policy_version == 2, "refused by the new policy")?;
    let report = cast.li.ask(&Ask::Report).await?;
    expect(report["quarantined"] == 1 && report["unsent"] == 0, "Li's note was written anew and is there")?;
    stage.say("head office: the end is refused by rule P-99 and kept in quarantine; the note that followed it was written anew and taken");
    stage.at(1, 15, 40)?;
    admin.release(&item.change.to_string(), "hq-reviewer", stage.now())?;
    stage.say("head office: releases it, with Li as its author and its first receipt");
    for _ in 0..2 {
        for actor in cast.all() {
            expect(actor.sync().await?, "everybody syncs")?;
        }
    }
    Ok(())
}
