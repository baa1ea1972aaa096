//! The customer's SMS: by a phone in a cellar that has no data, by head office's gateway over SMPP, a receipt, an answer; and a phone and
//! a server that die in the middle, after which nobody knows and nobody sends again.

use doorstep_client::{Act, Recording, SmsWish};
use doorstep_domain::Attempt;
use doorstep_server::admin::Admin;
use doorstep_tests::{
    LinkMode, code, on,
    smsc::{Answer, Smsc},
    text,
};
use serde_json::Value;

use crate::{
    cast::{Cast, address, expect, waybill},
    device::Ask,
    stage::{Actor, Part, Result, Stage},
};

fn fail(n: u32) -> Recording {
    on(waybill(n), Act::Fail(Attempt { words: Some(text("敲门无人")), ..Attempt::of(code("DF-NOBODY")) }))
}

fn sms(n: u32) -> Recording {
    on(waybill(n), Act::Sms { wish: SmsWish::default(), state: None, fault: None })
}

/// How the newest SMS of a parcel stands on a device: its state, and what the courier reads.
async fn message(actor: &mut Actor, n: u32) -> Result<(String, String)> {
    let told = actor.ask(&Ask::Messages { waybill: waybill(n) }).await?;
    let last = told["messages"].as_array().and_then(|all| all.last()).ok_or("no SMS")?;
    let text = |key: &str| last[key].as_str().unwrap_or_default().to_owned();
    Ok((text("state"), text("told")))
}

/// Syncs until the SMS has come so far.
async fn until(actor: &mut Actor, n: u32, state: &str) -> Result<String> {
    for _ in 0..400 {
        expect(actor.sync().await?, "the phone syncs")?;
        let (now, told) = message(actor, n).await?;
        if now == state {
            return Ok(told);
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    Err(format!("{} never shows {state}", waybill(n)).into())
}

/// Plays the scene; head office's greeting after it was started again.
pub async fn scene(
    stage: &Stage,
    cast: &mut Cast,
    admin: &mut Admin,
    (server, args): (&mut Part, &[&str]),
    smsc: &Smsc,
) -> Result<Value> {
    println!("\n-- 短信 the customer's SMS");
    cellar(stage, cast).await?;
    gateway(stage, cast, smsc).await?;
    phone_dies(stage, cast).await?;
    let hello = server_dies(stage, cast, (server, args), smsc).await?;
    let uncertain = admin.messages(false, 100)?.iter().filter(|row| row.state == "uncertain").count();
    expect(uncertain == 2, "head office lists both of which nobody knows")?;
    // A long message is two segments; the one whose sender died stopped after the first.
    let to = |number: &str| smsc.seen(|seen| seen.submits.iter().filter(|submit| submit.destination == number).count());
    let (whole, cut) = (to("8613000001280"), to("8613000001287"));
    expect((1..=2).contains(&whole) && cut == 1, "nothing reached the operator twice")?;
    stage.say(&format!("head office lists {uncertain} SMS as uncertain for a person; the operator got nothing twice"));
    Ok(hello)
}

async fn cellar(stage: &Stage, cast: &mut Cast) -> Result<()> {
    stage.at(0, 11, 2)?;
    stage.network(LinkMode::Cut, "a cellar: no data, no cellular service");
    cast.li.record(fail(23), &[]).await?;
    cast.li.record(sms(23), &[]).await?;
    expect(!cast.li.sync().await?, "no network")?;
    let (state, told) = message(&mut cast.li, 23).await?;
    expect(state == "queued", "nothing can send it")?;
    stage.say(&format!("Li: {} SMS {told}", waybill(23)));
    stage.at(0, 11, 4)?;
    cast.li.ask(&Ask::Radio { service: true }).await?;
    expect(cast.li.ask(&Ask::Dispatch).await?["sent"] == 1, "the phone sends")?;
    expect(cast.li.ask(&Ask::Air).await?["sent"] == 1, "one message is on the air")?;
    let (state, told) = message(&mut cast.li, 23).await?;
    expect(state == "sent" && told.contains("11:04"), "it counts")?;
    stage.say(&format!("Li: out of the cellar, cellular service and no data: the phone sent it; {told}"));
    stage.network(LinkMode::Up, "data again");
    expect(cast.li.sync().await?, "Li syncs")?;
    Ok(())
}

async fn gateway(stage: &Stage, cast: &mut Cast, smsc: &Smsc) -> Result<()> {
    stage.at(0, 11, 10)?;
    cast.zhou.record(fail(40), &[]).await?;
    cast.zhou.record(sms(40), &[]).await?;
    let told = until(&mut cast.zhou, 40, "sent").await?;
    let submit = smsc.seen(|seen| seen.submits[0].clone());
    expect(submit.esm_class & 0x3c == 0 && submit.data_coding == 8, "UCS-2, and no receipt's class")?;
    stage.say(&format!("Zhou: {} with data, head office's gateway sends over SMPP; {told}", waybill(40)));
    let ids: Vec<String> = smsc.seen(|seen| seen.submits.iter().filter_map(|submit| submit.id.clone()).collect());
    for id in &ids {
        expect(smsc.receipt(id, "DELIVRD", "000").answer().await == Some(0), "the receipt is taken")?;
    }
    let told = until(&mut cast.zhou, 40, "delivered").await?;
    stage.say(&format!("the operator's receipt: {told}"));
    let answer = "放在物业前台，谢谢";
    expect(smsc.inbound("8613000001280", &submit.source, answer).answer().await == Some(0), "the answer is taken")?;
    expect(cast.zhou.sync().await?, "Zhou syncs")?;
    let case = cast.zhou.case(&waybill(40)).await?;
    let timeline = case["case"]["timeline"].as_array().ok_or("no timeline")?;
    let heard = timeline.iter().any(|r| r["entry"]["kind"] == "sms_reply" && r["entry"]["words"] == answer);
    expect(heard, "the answer is in the case")?;
    stage.say(&format!("the customer answers 「{answer}」: in the case, and on Zhou's phone with the next sync"));
    Ok(())
}

async fn phone_dies(stage: &Stage, cast: &mut Cast) -> Result<()> {
    stage.at(0, 11, 20)?;
    stage.network(LinkMode::Cut, "no data");
    cast.li.record(fail(24), &[]).await?;
    cast.li.record(sms(24), &[]).await?;
    expect(cast.li.ask(&Ask::Dispatch).await?["sent"] == 1, "the phone sends")?;
    cast.li.kill_and_restart().await?;
    cast.li.ask(&Ask::Radio { service: true }).await?;
    cast.li.ask(&Ask::Dispatch).await?;
    cast.li.ask(&Ask::Dispatch).await?;
    let (state, told) = message(&mut cast.li, 24).await?;
    expect(state == "uncertain", "nobody knows whether it has left")?;
    let air = std::fs::read_to_string(cast.li.folder.join("air.jsonl"))?;
    expect(air.lines().count() == 2, "and it was handed over once")?;
    stage.say(&format!("Li's phone: SIGKILL while it sends {}: {told}; handed over once, never again by itself", waybill(24)));
    stage.network(LinkMode::Up, "data again");
    expect(cast.li.sync().await?, "Li syncs")?;
    Ok(())
}

async fn server_dies(stage: &Stage, cast: &mut Cast, (server, args): (&mut Part, &[&str]), smsc: &Smsc) -> Result<Value> {
    stage.at(0, 11, 30)?;
    let before = smsc.seen(|seen| seen.submits.len());
    smsc.script([Answer::Held, Answer::Held]);
    cast.zhou.record(fail(41), &[]).await?;
    cast.zhou.record(sms(41), &[]).await?;
    expect(cast.zhou.sync().await?, "Zhou syncs")?;
    smsc.until("the message is at the operator", |seen| seen.submits.len() > before).await;
    server.kill().await?;
    *server = Part::start(args)?;
    let hello = server.line().await?;
    stage.link.point_to(address(&hello)?);
    let told = until(&mut cast.zhou, 41, "uncertain").await?;
    stage.say(&format!("head office's server: SIGKILL between the operator's taking {} and its answer: {told}", waybill(41)));
    expect(cast.west.sync().await? && cast.yutang.sync().await?, "everybody syncs")?;
    Ok(hello)
}
