//! The rules at work: what is found on arrival, a return, a contested reply, a new version, a contradiction, and who answers.

use doorstep_client::{Act, Recording};
use doorstep_domain::{Action, Customer, Dispute, Fen, Payer, Problem, Remark, Reply, Stands, Tick, UnixMs};
use doorstep_rules::Explanation;
use doorstep_server::admin::{Admin, Decide};
use doorstep_tests::{code, ended, on, text};

use crate::{
    cast::{Cast, expect, notice, waybill},
    stage::{Actor, Result, Stage},
};

/// Head office's reviewer.
pub const REVIEWER: (&str, &str, &str, &str) = ("q000", "郑审核", "hq_reviewer", "0000");

/// A problem that the outlet finds on arrival, with photos of the outside and of the label.
async fn damaged(west: &mut Actor, n: u32) -> Result<()> {
    let words = Some(text("外箱一角压坏"));
    let problem =
        Problem { sub: Some(code("package")), words, ..Problem::of(code("CD-DAMAGE"), doorstep_domain::Stage::Arrival) };
    let command = on(waybill(n), Act::Problem { problem, usual_stage: false });
    west.record(command, &[(n, "damage_outside"), (n + 100, "label")]).await?;
    Ok(())
}

/// Damage on arrival, registered in time.
pub async fn arrival(stage: &Stage, cast: &mut Cast) -> Result<()> {
    println!("\n-- 序幕 on arrival");
    stage.at(0, 7, 45)?;
    damaged(&mut cast.west, 38).await?;
    let told = on(waybill(38), Act::Tick(Tick { step: code("report_superior"), words: Some(text("已报陈店长")) }));
    cast.west.record(told, &[]).await?;
    expect(cast.west.sync().await?, "West syncs")?;
    stage.say(&format!(
        "West: {} 破损 damaged on arrival, 2 photos, superior told: registered within 2 h of the theoretical arrival 07:10",
        waybill(38)
    ));
    Ok(())
}

/// Damage on arrival, registered too late.
pub async fn late_arrival(stage: &Stage, cast: &mut Cast) -> Result<()> {
    stage.at(0, 8, 38)?;
    damaged(&mut cast.west, 39).await?;
    stage.say(&format!("West: {} damaged too, theoretical arrival 06:10: the two hours are over", waybill(39)));
    Ok(())
}

/// A reply that says who agreed to a return and who pays.
pub fn return_reply(n: u32) -> Recording {
    let (agreed_by, payer) = (Some(Customer::Sender), Some(Payer::Sender));
    let words = Some(text("寄件人同意退回，运费寄付"));
    on(waybill(n), Act::Reply(Reply { words, agreed_by, payer, ..Reply::of(code("RETURN")) }))
}

fn decide<'a>(number: &'a str, about: &'a str, stands: Stands, words: &'a str) -> Decide<'a> {
    Decide { waybill: number, about, stands, by: REVIEWER.0, share: None, amount: None, words: Some(words) }
}

/// A reply is marked invalid, the mark is disputed, head office lifts it.
pub async fn contested_reply(stage: &Stage, cast: &mut Cast, admin: &mut Admin) -> Result<()> {
    let number = waybill(31);
    stage.at(0, 12, 0)?;
    let mark = on(
        number.clone(),
        Act::Mark {
            about: None, remark: Remark::Invalid, reason: Some(code("contradictory")), words: Some(text("电话是空号"))
        },
    );
    cast.west.record(mark, &[]).await?;
    expect(cast.west.sync().await?, "West syncs")?;
    stage.say(&format!("West: marks the reply to {number} 无效 invalid: the method of the type is due now"));
    stage.at(0, 12, 20)?;
    expect(cast.yutang.sync().await?, "Yutang syncs")?;
    let case = cast.yutang.case(&number).await?;
    let about = case["judgement"]["replies"][0]["validity"]["by"].as_str().ok_or("the reply is not marked")?.to_owned();
    let dispute = on(number.clone(), Act::Dispute(Dispute { about: code(&about), words: text("号码核对过，可以接通") }));
    cast.yutang.record(dispute, &[]).await?;
    expect(cast.yutang.sync().await?, "Yutang syncs")?;
    stage.say("Yutang: disputes the mark");
    stage.at(0, 14, 0)?;
    admin.decide(&decide(&number, &about, Stands::Lifted, "已回拨，有效"), stage.now())?;
    stage.say("head office: the mark is lifted, the reply counts; reply, mark, dispute and ruling all stay");
    Ok(())
}

/// The courier hands it over while the origin outlet has it returned: neither knew of the other.
pub async fn contradiction(stage: &Stage, cast: &mut Cast) -> Result<()> {
    stage.at(0, 15, 25)?;
    let signed = ended(waybill(7), "SIGNED", Some("客户下楼取走"));
    cast.li.record(signed, &[]).await?;
    stage.at(0, 15, 30)?;
    cast.yutang.record(return_reply(7), &[]).await?;
    expect(cast.yutang.sync().await?, "Yutang syncs")?;
    stage.at(0, 15, 40)?;
    expect(cast.li.sync().await?, "Li syncs")?;
    stage.say(&format!(
        "Li: {} signed for; Yutang had just replied 退回 return: a contradiction, both sides are shown",
        waybill(7)
    ));
    Ok(())
}

/// Other rules from six in the evening on.
pub async fn new_version(stage: &Stage, cast: &mut Cast, admin: &mut Admin) -> Result<UnixMs> {
    stage.at(0, 16, 0)?;
    let toml = String::from_utf8(doorstep_rules::FIRST_PACK.to_vec())?;
    let reply = "starts = { on = \"notice\" }\ndue = { hours = 24 }";
    expect(toml.contains(reply), "the pack has the clock of the reply")?;
    let second = toml
        .replace("version = 1", "version = 2")
        .replace(reply, "starts = { on = \"notice\" }\ndue = { hours = 12 }")
        .replace("寄件网点 24 小时内回复", "寄件网点 12 小时内回复")
        .replace("Origin outlet replies within 24 h", "Origin outlet replies within 12 h");
    let published = admin.publish_pack(second.as_bytes(), stage.now())?;
    for actor in cast.all() {
        expect(actor.sync().await?, "everybody has the new rules")?;
    }
    stage.say(&format!(
        "head office: publishes version {} of the rules, a reply is due within 12 h; in force from {}",
        published.version, published.valid_from_local
    ));
    Ok(published.valid_from)
}

/// The return leaves with the run of seven in the evening.
pub async fn first_run(stage: &Stage, cast: &mut Cast) -> Result<()> {
    stage.at(0, 18, 50)?;
    let words = Some(text("随 19:00 频次退回"));
    let action = on(waybill(4), Act::Action(Action { words, ..Action::of(code("RETURN")) }));
    cast.west.record(action, &[]).await?;
    stage.say(&format!("West: {} goes back with the 19:00 run, recorded offline", waybill(4)));
    Ok(())
}

/// Who answers for the notice that nobody phoned: proposed, disputed, decided. And which side of the contradiction stands.
pub async fn liability(stage: &Stage, cast: &mut Cast, admin: &mut Admin) -> Result<()> {
    let (number, other) = (waybill(21), waybill(7));
    stage.at(1, 13, 20)?;
    let case = cast.west.case(&number).await?;
    let finding = case["judgement"]["findings"][0]["id"].as_str().ok_or("nobody answers for parcel 21")?.to_owned();
    let why = "断网无法上报，已于当晚登记";
    cast.west.record(on(number.clone(), Act::Dispute(Dispute { about: code(&finding), words: text(why) })), &[]).await?;
    expect(cast.west.sync().await?, "West syncs")?;
    stage.say(&format!("West: disputes {finding}"));
    stage.at(1, 13, 40)?;
    let half =
        Decide {
            share: Some(50), amount: Some(Fen(2_000)), ..decide(&number, &finding, Stands::Upheld, "无电话记录，减半")
        };
    admin.decide(&half, stage.now())?;
    stage.say("head office: upheld, half of it; a proposal, nobody's money is moved");
    let case = cast.west.case(&other).await?;
    let signed = case["judgement"]["conflicts"][0]["sides"][1].as_str().ok_or("parcel 7 is no contradiction")?.to_owned();
    admin.decide(&decide(&other, &signed, Stands::Upheld, "签收属实"), stage.now())?;
    stage.say(&format!("head office: the signature of {other} stands, the contradiction is settled"));
    for actor in cast.all() {
        expect(actor.sync().await?, "everybody syncs")?;
    }
    for told in admin.explain(&number, stage.now())?.iter().filter(|told| told.about == finding) {
        println!("\n  为什么 why (doorstep explain {number} --only {})", finding.split('@').next().unwrap_or_default());
        tell(told);
    }
    Ok(())
}

fn tell(told: &Explanation) {
    println!("  {}\n  {}", told.answer.zh, told.answer.en);
    for link in &told.because {
        println!("    · {}\n      {}", link.words.zh, link.words.en);
    }
    println!();
}

/// A notice for each of some parcels.
pub async fn notify(west: &mut Actor, parcels: &[u32]) -> Result<()> {
    for n in parcels {
        west.record(notice(*n), &[]).await?;
    }
    Ok(())
}
