//! The chain between outlets, each on its own device: a missent parcel goes to the right site, a lost one is searched for, a change of
//! COD money has its letter and its line of the ledger, and an assignment changes phones.

use doorstep_client::{Act, Recording};
use doorstep_domain::{Action, Assign, Book, Customer, Fen, Ledger, Problem, Reply, Tick};
use doorstep_rules::ASKS_POLICY;
use doorstep_server::admin::Admin;
use doorstep_tests::{code, failed, on, text};

use crate::{
    cast::{Cast, expect, notice, waybill},
    stage::{Actor, Result, Stage},
};

const QINGHE_2: &str = include_str!("../../../core/rules/packs/qinghe-2.toml");

/// The right site of the missent parcel, and finance of the sender's outlet.
pub const PEOPLE: [(&str, &str, &str, &str); 2] =
    [("s755", "林店长", "outlet", "0755"), ("f571", "钱会计", "outlet_finance", "0571")];

fn problem(n: u32, reason: &str, stage: doorstep_domain::Stage) -> Recording {
    on(waybill(n), Act::Problem { problem: Problem::of(code(reason), stage), usual_stage: false })
}

fn answer(n: u32, result: &str) -> Recording {
    on(waybill(n), Act::Answer { ask: None, result: code(result), found: None, words: None })
}

fn agreed(decision: &str) -> Reply {
    Reply {
        agreed_by: Some(Customer::Sender),
        agreed: Some(text("陈掌柜")),
        words: Some(text("按此处理")),
        ..Reply::of(code(decision))
    }
}

async fn sync(stage: &Stage, day: (i64, i64, i64), actors: &mut [&mut Actor]) -> Result<()> {
    for actor in actors.iter_mut() {
        expect(actor.sync().await?, "everybody syncs")?;
    }
    stage.at(day.0, day.1, day.2)
}

/// The kinds of what a device says is due in a case.
async fn due(actor: &mut Actor, n: u32) -> Result<Vec<String>> {
    let case = actor.case(&waybill(n)).await?;
    let duties = case["judgement"]["duties"].as_array().cloned().unwrap_or_default();
    Ok(duties.iter().filter_map(|duty| duty["kind"].as_str().map(str::to_owned)).collect())
}

fn is_due(duties: &[String], kind: &str) -> bool {
    duties.iter().any(|due| due == kind)
}

/// Head office publishes the rules under which every problem is notified, and the policy of questions.
pub async fn rules(stage: &Stage, cast: &mut Cast, admin: &mut Admin) -> Result<()> {
    println!("\n-- 第八幕 the chain between outlets");
    stage.at(1, 14, 0)?;
    let third = QINGHE_2.replacen("version = 2", "version = 3", 1);
    let published = admin.publish_pack(third.as_bytes(), stage.now())?;
    admin.policy(ASKS_POLICY)?;
    for actor in cast.all() {
        expect(actor.sync().await?, "everybody has the new rules")?;
    }
    stage.say(&format!(
        "head office: version {} of the rules from {}: every problem is notified, outlets ask each other",
        published.version, published.valid_from_local
    ));
    Ok(())
}

/// All of it.
pub async fn scene(stage: &Stage, cast: &mut Cast) -> Result<()> {
    missent(stage, cast).await?;
    lost(stage, cast).await?;
    money(stage, cast).await?;
    assigned(stage, cast).await?;
    for _ in 0..2 {
        for actor in cast.all() {
            expect(actor.sync().await?, "everybody syncs")?;
        }
    }
    Ok(())
}

async fn missent(stage: &Stage, cast: &mut Cast) -> Result<()> {
    stage.at(1, 16, 10)?;
    let Cast { west, yutang, qianhu, .. } = cast;
    west.record(problem(11, "RT-MISSENT", doorstep_domain::Stage::Arrival), &[(111, "label")]).await?;
    west.record(notice(11), &[]).await?;
    sync(stage, (1, 16, 20), &mut [west, yutang]).await?;
    let forward = Reply { site: Some(code("0755")), ..agreed("FORWARD") };
    yutang.record(on(waybill(11), Act::Reply(forward)), &[]).await?;
    sync(stage, (1, 16, 30), &mut [yutang, west]).await?;
    west.record(on(waybill(11), Act::Action(Action::of(code("FORWARD")))), &[]).await?;
    sync(stage, (1, 16, 40), &mut [west, qianhu]).await?;
    expect(is_due(&due(qianhu, 11).await?, "answer_ask"), "the right site is to say whether the parcel has arrived")?;
    qianhu.record(answer(11, "arrived"), &[]).await?;
    sync(stage, (1, 16, 45), &mut [qianhu, west]).await?;
    stage.say(&format!(
        "{} 错发 missent: Yutang names 0755, West sends it on, Qianhu confirms it and delivers it now",
        waybill(11)
    ));
    Ok(())
}

async fn lost(stage: &Stage, cast: &mut Cast) -> Result<()> {
    let Cast { west, yutang, qianhu, .. } = cast;
    west.record(problem(13, "LS-LOST", doorstep_domain::Stage::Service), &[]).await?;
    west.record(notice(13), &[]).await?;
    sync(stage, (1, 16, 50), &mut [west, yutang]).await?;
    let ask = Act::Ask { step: code("outlet_search"), to: vec![code("0755")], words: Some(text("请在库内找一找")) };
    yutang.record(on(waybill(13), ask), &[]).await?;
    sync(stage, (1, 16, 55), &mut [yutang, qianhu]).await?;
    expect(is_due(&due(qianhu, 13).await?, "answer_ask"), "the asked outlet searches")?;
    qianhu.record(answer(13, "not_found"), &[]).await?;
    sync(stage, (1, 17, 0), &mut [qianhu, yutang]).await?;
    expect(!is_due(&due(yutang, 13).await?, "answer_ask"), "the outlet that asked has its answer")?;
    stage.say(&format!("{} 遗失 lost: Yutang asks 0755 to search, Qianhu answers: not here", waybill(13)));
    Ok(())
}

async fn money(stage: &Stage, cast: &mut Cast) -> Result<()> {
    let Cast { west, yutang, finance, .. } = cast;
    west.record(problem(12, "MN-COD", doorstep_domain::Stage::Delivery), &[]).await?;
    west.record(notice(12), &[]).await?;
    sync(stage, (1, 17, 5), &mut [west, yutang]).await?;
    yutang.record(on(waybill(12), Act::Tick(Tick { step: code("verify_letter"), words: None })), &[]).await?;
    yutang.record(on(waybill(12), Act::Reply(agreed("PAY_CHANGE"))), &[(112, "letter")]).await?;
    sync(stage, (1, 17, 10), &mut [yutang, finance]).await?;
    expect(is_due(&due(finance, 12).await?, "write_ledger"), "finance has its task")?;
    let line = Ledger {
        book: Book::Cod,
        change: code("cod_change"),
        amount: Some(Fen(9_900)),
        letter: None,
        slip: false,
        words: Some(text("代收改为 99 元")),
    };
    finance.record(on(waybill(12), Act::Ledger(line)), &[]).await?;
    sync(stage, (1, 17, 15), &mut [finance, west]).await?;
    expect(!is_due(&due(finance, 12).await?, "write_ledger"), "finance has written its line")?;
    stage.say(&format!("{} 改代收货款 COD changed: letter photographed, finance of Yutang writes the ledger", waybill(12)));
    Ok(())
}

async fn assigned(stage: &Stage, cast: &mut Cast) -> Result<()> {
    let Cast { li, zhou, west, .. } = cast;
    li.record(failed(waybill(14), "DF-NOBODY"), &[(114, "door")]).await?;
    sync(stage, (1, 17, 20), &mut [li, west]).await?;
    let to_zhou = Assign { to: code("c102"), planned_at: None, replaces: None, words: None };
    west.record(on(waybill(14), Act::Assign(to_zhou)), &[]).await?;
    sync(stage, (1, 17, 25), &mut [west, zhou, li]).await?;
    expect(zhou.case(&waybill(14)).await?.get("judgement").is_some(), "the case is on Zhou's phone")?;
    stage.say(&format!("{}: West gives it to Zhou; it is on his phone and has left Li's", waybill(14)));
    Ok(())
}
