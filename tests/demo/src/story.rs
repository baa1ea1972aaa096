//! The story: one line per event, from the first offline record to the last receipt.

use std::time::Instant;

use doorstep_client::{Act, Recording, SmsWish};
use doorstep_domain::{Attempt, Call, CallResult, CaseId, Customer, Outage, OutageReason, Reply, SmsState, Waybill};
use doorstep_server::admin::Admin;
use doorstep_tests::{
    Link, LinkMode, code, ended, failed, on,
    smsc::{Smsc, SmscOptions},
    text,
};
use serde_json::json;

use crate::{
    cast::{Cast, OUTLETS, PARCELS, PEOPLE, address, expect, notice, waybill},
    chain,
    clock::StoryClock,
    device::Ask,
    photos, rules,
    server::SMSC_PASSWORD,
    sms,
    stage::{Actor, Part, Result, Stage},
    trust, verify,
};

fn case_id(n: u32) -> Result<CaseId> {
    Ok(CaseId::of(&"QH".parse()?, &Waybill::parse(&waybill(n))?))
}

fn fail(n: u32, reason: &str, sub: Option<&str>, words: &str) -> Recording {
    on(waybill(n), Act::Fail(Attempt { sub: sub.map(code), words: Some(text(words)), ..Attempt::of(code(reason)) }))
}

fn by_hand(n: u32) -> Recording {
    let wish = SmsWish::default();
    on(waybill(n), Act::Sms { wish, state: Some(SmsState::HandedOver), fault: None })
}

fn call(n: u32, result: CallResult) -> Recording {
    on(waybill(n), Act::Call(Call::of(result)))
}

fn reply(n: u32, decision: &str, words: &str) -> Recording {
    on(waybill(n), Act::Reply(Reply { words: Some(text(words)), same: true, ..Reply::of(code(decision)) }))
}

/// A change of the address says everything that it needs.
fn new_address(n: u32) -> Recording {
    let (phone, address) = (Some(text("13000001021")), Some(text("青苗街 102 号 12 幢 301 室")));
    let (contact, agreed_by) = (Some(text("客户本人")), Some(Customer::Recipient));
    on(waybill(n), Act::Reply(Reply { phone, address, contact, agreed_by, ..Reply::of(code("ADDR_CHANGE")) }))
}

/// Plays the story and verifies it.
pub async fn play(keep: bool) -> Result<()> {
    let started = Instant::now();
    let root = tempfile::Builder::new().prefix("doorstep-demo-").tempdir()?;
    let data = root.path().join("head-office");
    StoryClock::open(&root.path().join("clock"))?.set(crate::clock::MONDAY)?;
    let mut admin = Admin::open(&data)?;
    for (code, zh, en, phone) in OUTLETS {
        admin.outlet(code, zh, en, phone)?;
    }
    for (id, name, role, outlet) in PEOPLE.into_iter().chain(chain::PEOPLE).chain([rules::REVIEWER]) {
        admin.user(id, name, role, outlet)?;
    }
    let imported = admin.import_parcels(PARCELS, crate::clock::MONDAY)?;
    if !imported.bad.is_empty() {
        return Err(format!("the parcel list has bad rows: {:?}", imported.bad).into());
    }
    let clock = root.path().join("clock");
    let smsc = Smsc::start(SmscOptions { password: SMSC_PASSWORD.into(), ..SmscOptions::default() }).await;
    let smsc_port = smsc.addr().port().to_string();
    let server_args = ["server", path(&data)?, path(&clock)?, smsc_port.as_str()];
    let mut server = Part::start(&server_args)?;
    let hello = server.line().await?;
    let link = Link::to(address(&hello)?).await;
    let stage = Stage::new(root.path(), link)?;
    stage.at(0, 7, 30)?;
    println!("Doorstep 演示 · 青禾速运 Qinghe Express (invented) · Monday 2 March 2026");
    println!("总部页面 head office's page: {}\n", hello["page"].as_str().unwrap_or_default());
    stage.say(&format!(
        "总部 head office: {} parcels imported, server and six devices are processes of their own",
        imported.imported
    ));
    let mut cast = Cast {
        li: Actor::start("李师傅 Li (phone)", "c101", root.path(), 0, 11)?,
        zhou: Actor::start("周师傅 Zhou (phone, clock +3 h)", "c102", root.path(), 180, 12)?,
        west: Actor::start("城西网点 West (tablet)", "s412", root.path(), 0, 13)?,
        yutang: Actor::start("余塘网点 Yutang (tablet)", "s571", root.path(), 0, 14)?,
        qianhu: Actor::start("前湖网点 Qianhu (tablet)", "s755", root.path(), 0, 15)?,
        finance: Actor::start("余塘财务 Yutang's finance (phone)", "f571", root.path(), 0, 16)?,
        copy: None,
    };
    let url = stage.link.url();
    for actor in cast.all() {
        let code = admin.code(actor.person, stage.now())?.code;
        let answer = actor.ask(&Ask::Enrol { server: url.clone(), code }).await?;
        let report = actor.ask(&Ask::Report).await?;
        stage.say(&format!("{} enrolled as {}, {} parcels on board", actor.name, answer["name"], report["parcels"]));
    }
    rules::arrival(&stage, &mut cast).await?;
    first_case(&stage, &mut cast, &admin).await?;
    morning(&stage, &mut cast).await?;
    let kills = kills(&stage, &mut cast).await?;
    network_comes_and_goes(&stage, &mut cast, &admin).await?;
    for round in 0..SERVER_KILLS {
        kill_server(&stage, &mut cast, &mut server, &server_args, round).await?;
    }
    photos::bad_link(&stage, &mut cast, &mut admin, &mut server, &server_args).await?;
    let hello = sms::scene(&stage, &mut cast, &mut admin, (&mut server, &server_args), &smsc).await?;
    replies(&stage, &mut cast, &mut admin).await?;
    let second = rules::new_version(&stage, &mut cast, &mut admin).await?;
    outage(&stage, &mut cast).await?;
    next_morning(&stage, &mut cast).await?;
    rules::liability(&stage, &mut cast, &mut admin).await?;
    trust::copied_phone(&stage, &mut cast, &mut admin, root.path()).await?;
    trust::refused_and_released(&stage, &mut cast, &mut admin).await?;
    chain::rules(&stage, &mut cast, &mut admin).await?;
    chain::scene(&stage, &mut cast).await?;
    // The scenes of the photos and of the SMS each kill a phone and the server once more.
    let kills = kills + SERVER_KILLS as u32 + 4;
    let facts = verify::Facts { admin: &mut admin, stage: &stage, kills, started, second };
    verify::everything(facts, &mut cast).await?;
    if keep {
        println!("\n--keep: {} · stop with Ctrl-C", hello["page"].as_str().unwrap_or_default());
        tokio::signal::ctrl_c().await?;
    }
    let Cast { li, zhou, west, yutang, qianhu, finance, copy } = cast;
    for actor in [li, zhou, west, yutang, qianhu, finance].into_iter().chain(copy) {
        actor.end().await?;
    }
    server.end().await?;
    println!("all replicas agree");
    Ok(())
}

/// How often head office's server is killed.
const SERVER_KILLS: u64 = 4;

/// SIGKILL for head office's server while two phones push, somewhere between the request and the answer; then it starts
/// again on its folder.
async fn kill_server(stage: &Stage, cast: &mut Cast, server: &mut Part, args: &[&str], round: u64) -> Result<()> {
    stage.at(0, 10, 52 + round as i64)?;
    cast.li.record(on(waybill(8), Act::Note(text(format!("总部重启前 {round}")))), &[]).await?;
    cast.zhou.record(on(waybill(33), Act::Note(text(format!("总部重启前 {round}")))), &[]).await?;
    cast.li.begin_sync().await?;
    cast.zhou.begin_sync().await?;
    tokio::time::sleep(std::time::Duration::from_micros(2_500 * round)).await;
    server.kill().await?;
    let went_through = [cast.li.end_sync().await?, cast.zhou.end_sync().await?].iter().filter(|ok| **ok).count();
    *server = Part::start(args)?;
    let hello = server.line().await?;
    stage.link.point_to(address(&hello)?);
    stage.say(&format!(
        "head office's server: SIGKILL while two phones push ({went_through} had their answer), started again on its folder"
    ));
    for actor in [&mut cast.li, &mut cast.zhou] {
        expect(actor.sync().await?, "the phones sync with the server that was started again")?;
    }
    Ok(())
}

fn path(path: &std::path::Path) -> Result<&str> {
    path.to_str().ok_or_else(|| "the temporary folder's path is not UTF-8".into())
}

/// One phone, one tablet, one server, one case.
async fn first_case(stage: &Stage, cast: &mut Cast, admin: &Admin) -> Result<()> {
    println!("\n-- 第一幕 one phone, one tablet, one server, one case");
    stage.at(0, 8, 5)?;
    stage.network(LinkMode::Cut, "no signal in the stairwell");
    let answer = cast.li.record(fail(1, "DF-NOBODY", None, "敲门三次无人应答"), &[(1, "door")]).await?;
    stage.say(&format!("Li: {} 送无人 nobody home, 1 photo -> on this phone; next: {}", waybill(1), answer["next_step"]));
    stage.at(0, 8, 6)?;
    cast.li.record(by_hand(1), &[]).await?;
    cast.li.record(notice(1), &[]).await?;
    stage.say("Li: template SMS handed over, notice to the origin outlet written -> on this phone");
    stage.at(0, 8, 20)?;
    stage.network(LinkMode::Up, "signal");
    expect(cast.li.sync().await?, "Li syncs")?;
    expect(cast.yutang.sync().await?, "Yutang syncs")?;
    stage.at(0, 8, 35)?;
    cast.yutang.record(reply(1, "REDELIVER", "客户下午在家，同址再派"), &[]).await?;
    expect(cast.yutang.sync().await?, "Yutang syncs")?;
    expect(cast.li.sync().await?, "Li syncs")?;
    stage.say("Yutang: sees the case with its countdown, replies 再派送 deliver again; Li has the reply");
    let (chunks, _) = admin.log(&case_id(1)?)?;
    let heads = json!(doorstep_document::merge(chunks.iter().map(Vec::as_slice))?.heads);
    for actor in [&mut cast.li, &mut cast.yutang] {
        let report = actor.ask(&Ask::Report).await?;
        let case = report["cases"].as_array().and_then(|cases| cases.iter().find(|c| c["waybill"] == waybill(1).as_str()));
        expect(case.is_some_and(|case| case["heads"] == heads), "the first case is equal everywhere")?;
    }
    stage.say("phone, tablet and server: same heads ✓");
    Ok(())
}

/// A dozen failures with photos and SMS, all offline.
async fn morning(stage: &Stage, cast: &mut Cast) -> Result<()> {
    println!("\n-- 第二幕 the morning round, everybody offline");
    stage.network(LinkMode::Cut, "no network anywhere in the west district");
    rules::late_arrival(stage, cast).await?;
    for (i, n) in [2, 3, 4, 5, 6, 7].into_iter().enumerate() {
        stage.at(0, 8, 40 + 6 * i as i64)?;
        let (reason, what, words) = [
            ("DF-NOBODY", "送无人 nobody home", "敲门三次无人应答"),
            ("DF-NOANSWER", "无人接听 no answer", "拨打两次无人接听"),
            ("DF-REFUSE", "拒收 refused", "外箱压坏，客户拒收"),
        ][i % 3];
        let sub = (reason == "DF-REFUSE").then_some("damaged");
        let shows = if sub.is_some() { "damage_outside" } else { "door" };
        cast.li.record(fail(n, reason, sub, words), &[(n, shows), (n + 100, "label")]).await?;
        if reason != "DF-REFUSE" {
            cast.li.record(call(n, CallResult::NoAnswer), &[]).await?;
            cast.li.record(by_hand(n), &[]).await?;
        }
        stage.say(&format!("Li: {} {what}, 2 photos -> on this phone", waybill(n)));
    }
    for (i, n) in [31, 32, 33, 34, 37].into_iter().enumerate() {
        stage.at(0, 9, 20 + 7 * i as i64)?;
        let (reason, what) = if n == 37 {
            ("DF-PHONE", "面单无手机号 no mobile on the label")
        } else {
            ("DF-NOBODY", "送无人 nobody home")
        };
        let shows = if n == 37 { "label" } else { "door" };
        cast.zhou.record(fail(n, reason, None, "见照片"), &[(n, shows)]).await?;
        if n != 37 {
            cast.zhou.record(by_hand(n), &[]).await?;
        }
        stage.say(&format!("Zhou: {} {what}, 1 photo -> on this phone (its wall clock says three hours later)", waybill(n)));
    }
    stage.at(0, 10, 5)?;
    cast.west.record(fail(3, "DF-ADDR", Some("incomplete"), "客户来电：门牌号有误"), &[]).await?;
    stage.say(&format!("West: records {} too, for another reason: two devices, one parcel", waybill(3)));
    stage.at(0, 10, 10)?;
    cast.li.record(failed("QH319999999901", "DF-NOBODY"), &[]).await?;
    stage.say("Li: QH319999999901 is in no list; recorded all the same, flagged unlisted");
    Ok(())
}

/// SIGKILL between and during recordings.
async fn kills(stage: &Stage, cast: &mut Cast) -> Result<u32> {
    println!("\n-- 第三幕 a phone that keeps dying");
    let (mut kills, mut shown) = (0, 0);
    cast.li.record(fail(8, "DF-NOBODY", None, "无人"), &[(8, "door")]).await?;
    cast.li.record(fail(9, "DF-PHONE", Some("missing_mobile"), "面单无电话"), &[(9, "label")]).await?;
    for round in 0..8_u32 {
        stage.at(0, 10, 15 + i64::from(round))?;
        // Killed after a few answers and a little while: somewhere inside the next recording.
        shown += cast.li.storm_until_killed(&waybill(8 + round % 2), 1 + u64::from(round % 3), u64::from(round) * 437).await?;
        expect(cast.li.ask(&Ask::Report).await?.get("cases").is_some(), "the phone is at work again before it is killed idle")?;
        cast.li.kill_and_restart().await?;
        kills += 2;
    }
    stage.say(&format!("Li's phone: SIGKILL {kills} times ({} during recording, {} between), started again each time; {shown} notes had been shown as recorded", kills / 2, kills / 2));
    Ok(kills)
}

async fn network_comes_and_goes(stage: &Stage, cast: &mut Cast, admin: &Admin) -> Result<()> {
    println!("\n-- 第四幕 the network comes and goes");
    stage.at(0, 10, 40)?;
    for (mode, why) in [
        (LinkMode::Portal, "a captive portal answers with its login page"),
        (LinkMode::CutAfter(3_000), "the request is cut half way"),
        (LinkMode::LoseAnswers, "the server gets the batch, its answer is lost"),
    ] {
        stage.network(mode, why);
        expect(!cast.li.sync().await?, "Li's sync fails")?;
        expect(!cast.zhou.sync().await?, "Zhou's sync fails")?;
        stage.say("Li, Zhou: sync failed; everything is kept");
    }
    // Head office has the batches whose answers were lost; the phones do not know it.
    let taken = |n: u32| Ok::<_, Box<dyn std::error::Error>>(admin.log(&case_id(n)?)?.0.len());
    let before = (taken(2)?, taken(31)?);
    expect(before.0 > 0 && before.1 > 0, "the server has the batches whose answers were lost")?;
    stage.at(0, 10, 50)?;
    stage.network(LinkMode::Up, "network is back");
    for actor in cast.all() {
        expect(actor.sync().await?, "everybody syncs")?;
    }
    expect((taken(2)?, taken(31)?) == before, "the repeat adds nothing")?;
    stage.say("everybody synced: what head office had already was repeated once and is there once");
    Ok(())
}

async fn replies(stage: &Stage, cast: &mut Cast, admin: &mut Admin) -> Result<()> {
    println!("\n-- 第五幕 notices, replies, delivery");
    stage.at(0, 11, 0)?;
    rules::notify(&mut cast.west, &[2, 3, 4, 5, 7, 31, 32, 37]).await?;
    expect(cast.west.sync().await?, "West syncs")?;
    stage.say("West: 8 notices to the origin outlet, the same day");
    expect(cast.yutang.sync().await?, "Yutang syncs")?;
    stage.at(0, 11, 40)?;
    cast.yutang.record(reply(2, "REDELIVER", "客户晚上在家"), &[]).await?;
    cast.yutang.record(new_address(3), &[]).await?;
    cast.yutang.record(rules::return_reply(4), &[]).await?;
    cast.yutang.record(reply(31, "REDELIVER", "同号再拨"), &[]).await?;
    cast.yutang.record(reply(37, "REDELIVER", "电话 13000009999"), &[]).await?;
    expect(cast.yutang.sync().await?, "Yutang syncs")?;
    stage.say("Yutang: replies to 5 of them");
    for actor in [&mut cast.li, &mut cast.zhou, &mut cast.west] {
        expect(actor.sync().await?, "the couriers see the replies")?;
    }
    rules::contested_reply(stage, cast, admin).await?;
    stage.at(0, 15, 20)?;
    for n in [1, 2] {
        cast.li.record(ended(waybill(n), "SIGNED", Some("本人签收")), &[]).await?;
    }
    expect(cast.li.sync().await?, "Li syncs")?;
    stage.say("Li: delivers two parcels as the replies say, signed");
    rules::contradiction(stage, cast).await?;
    Ok(())
}

async fn outage(stage: &Stage, cast: &mut Cast) -> Result<()> {
    println!("\n-- 第六幕 the outlet's network fails for the evening");
    stage.at(0, 17, 30)?;
    // From here on the tablet's acts lie between this contact and the next one.
    expect(cast.west.sync().await?, "West syncs before the cable is cut")?;
    stage.network(LinkMode::Cut, "a cable is cut: no network until the small hours");
    for n in [20, 21, 22] {
        cast.west.record(fail(n, "DF-NOBODY", None, "晚间派送无人"), &[(n, "door")]).await?;
    }
    rules::first_run(stage, cast).await?;
    stage.at(0, 21, 0)?;
    cast.west.record(notice(20), &[]).await?;
    let outage = Outage {
        reason: OutageReason::Network,
        contact: Some(text("吴客服")),
        phone: Some(text("0400-0571000")),
        phoned_at: None,
        outlet: None,
        said: Some(text("已电话通知，待网络恢复补登")),
    };
    cast.west.record(on(waybill(20), Act::Outage(outage)), &[]).await?;
    stage.say(&format!(
        "West: {} notice written offline, origin outlet phoned: contact, number and time recorded (X-1)",
        waybill(20)
    ));
    stage.at(0, 21, 30)?;
    cast.west.record(notice(21), &[]).await?;
    stage.say(&format!("West: {} notice written offline, nobody phones", waybill(21)));
    Ok(())
}

async fn next_morning(stage: &Stage, cast: &mut Cast) -> Result<()> {
    println!("\n-- 第七幕 the next morning");
    stage.at(1, 5, 0)?;
    stage.network(LinkMode::Up, "the cable is mended; West's tablet, which is on, syncs by itself");
    expect(cast.west.sync().await?, "West syncs when the cable is mended")?;
    stage.say("West: less than twelve hours lie between two contacts, so its clock proves when it phoned");
    stage.at(1, 8, 0)?;
    cast.west.record(notice(22), &[]).await?;
    stage.say(&format!("West: {} is notified only now", waybill(22)));
    for _ in 0..2 {
        for actor in cast.all() {
            expect(actor.sync().await?, "everybody syncs")?;
        }
    }
    stage.at(1, 13, 0)?;
    cast.yutang.record(reply(5, "REDELIVER", "客户明天在家"), &[]).await?;
    stage.say(&format!("Yutang: replies to {} after more than 24 hours", waybill(5)));
    for _ in 0..2 {
        for actor in cast.all() {
            expect(actor.sync().await?, "everybody syncs")?;
        }
    }
    Ok(())
}
