//! Before the act: what a reason asks for, and the reminders of this device.

use doorstep_client::{Alarm, Client, ReasonAhead, ReasonWish, said};
use doorstep_domain::UnixMs;
use doorstep_rules::{Need, Words};
use serde_json::{Value, json};

use crate::{
    answer::{Answer, nothing},
    failure::Failed,
    record::moment,
    screen::{Screen, line},
    words::{self, both, say},
};

/// A day, for reminders without an end.
const DAY_MS: i64 = 86_400_000;

/// What one reason asks for.
pub fn reason(
    client: &Client,
    (code, waybill): (&str, Option<&str>),
    (sub, stage): (Option<String>, Option<String>),
    callback: Option<&str>,
) -> Result<Answer, Failed> {
    let screen = Screen::of(client);
    let (reason, waybill) = (code.to_owned(), waybill.map(str::to_owned));
    let told = client.ahead(&ReasonWish { reason, sub, stage, waybill, callback: said::words(callback)? })?;
    let mut text = parcel(&screen, &told)?;
    text += &whole(&screen, &told);
    Ok(Answer { json: json(&screen, &told)?, text })
}

/// All reasons in short.
pub fn reasons(client: &Client, waybill: Option<&str>) -> Result<Answer, Failed> {
    let screen = Screen::of(client);
    let all = client.all_ahead(waybill)?;
    let mut text = all.first().map_or_else(|| Ok(String::new()), |told| parcel(&screen, told))?;
    for told in all.iter().filter(|told| told.is_yours) {
        let required = told.ahead.evidence.iter().filter(|row| row.need == Need::Required).map(|row| both(&row.name));
        let required = required.collect::<Vec<_>>().join(", ");
        let first = told.ahead.clocks.iter().find_map(|clock| clock.due_at);
        let first = first.map(|due| format!("  {} {}", say("期限", "due"), words::time(due, screen.zone)));
        text += &format!("{} {}{}\n", told.ahead.code, both(&told.ahead.name), first.unwrap_or_default());
        if !required.is_empty() {
            text += &line(&say("必需证据", "required evidence"), &required);
        }
    }
    if all.is_empty() {
        text = nothing(client, "没有原因代码", "there are no reasons")?;
    }
    let rows = all.iter().map(|told| json(&screen, told)).collect::<Result<Vec<_>, _>>()?;
    Ok(Answer { json: json!({ "reasons": rows }), text })
}

/// The answer as JSON, with the origin outlet from the directory.
fn json(screen: &Screen<'_>, told: &ReasonAhead) -> Result<Value, Failed> {
    let mut json = json!(told);
    if let (Some(sms), Value::Object(fields)) = (&told.sms, &mut json) {
        let lacks: Vec<Words> = sms.lacks.iter().map(|lack| screen.words(lack.as_str())).collect();
        fields.insert("sms_lacks".to_owned(), json!(lacks));
    }
    Ok(json)
}

/// What is known of the parcel: its arrival, its origin outlet with the number to phone, the cash to collect.
fn parcel(screen: &Screen<'_>, told: &ReasonAhead) -> Result<String, Failed> {
    let Some(waybill) = &told.waybill else { return Ok(String::new()) };
    let mut text = format!("{waybill}\n");
    text += &line(&say("寄件网点", "origin outlet"), &screen.outlet(told.ahead.origin.as_ref())?);
    if let Some(arrival) = told.ahead.arrival {
        text += &line(&say("理论到件时间", "theoretical arrival"), &words::time(arrival, screen.zone));
    }
    if told.ahead.cod.0 > 0 {
        text += &line(&say("代收货款", "cash on delivery"), &told.ahead.cod.to_string());
    }
    Ok(text)
}

fn whole(screen: &Screen<'_>, told: &ReasonAhead) -> String {
    let ahead = &told.ahead;
    let mut text = format!("{} {}\n", ahead.code, both(&ahead.name));
    if let Some(stage) = &ahead.stage {
        text += &line(&say("环节", "stage"), &screen.key(stage));
    }
    if !told.is_yours {
        text += &line(&say("注意", "note"), &say("您的岗位不登记这类问题", "your role does not register it"));
    }
    for row in &ahead.evidence {
        let need = if row.need == Need::Required { say("必需", "required") } else { say("建议", "suggested") };
        let subs = row.only_subs.iter().map(|sub| both(&name_of_sub(told, sub))).collect::<Vec<_>>().join(", ");
        let subs = if subs.is_empty() { subs } else { format!("  [{}: {subs}]", say("仅限", "only for")) };
        let have = format!("{}/{}", row.have, row.least);
        text += &line(&say("证据", "evidence"), &format!("{} ({need}, {have}){subs}", both(&row.name)));
        for proof in &row.satisfied_by {
            text += &format!("    · {}\n", both(proof));
        }
        if let Some(waiver) = &row.waiver {
            text += &format!("    {} {}: {}\n", say("可说明理由代替", "may be waived by stating"), row.evidence, both(waiver));
        }
    }
    for clock in &ahead.clocks {
        let due = match (clock.due_at, clock.left_ms) {
            (Some(due), Some(left)) if left < 0 => {
                format!("{}, {}", words::time(due, screen.zone), say("已过期", "passed"))
            }
            (Some(due), left) => format!("{}, {}", words::time(due, screen.zone), words::left(left.unwrap_or_default())),
            (None, _) if clock.missing.is_some() => say("缺时刻表", "schedule missing"),
            (None, _) => say("无时限", "no limit"),
        };
        text += &line(&say("期限", "deadline"), &format!("{} {}: {due}", clock.clock, both(&clock.name)));
    }
    let sms_text = ahead.sms_text.as_ref().map_or_else(|| say("无", "none"), both);
    text += &line(&say("短信原因", "reason in the SMS"), &sms_text);
    if let Some(sms) = &told.sms {
        let lacks = sms.lacks.iter().map(|lack| screen.key(lack.as_str())).collect::<Vec<_>>().join(", ");
        let how = match (&sms.number, &sms.why_not) {
            (Some(number), _) if sms.counts => {
                say(&format!("可发至 {number}，计为证明"), &format!("can go to {number} and counts"))
            }
            (Some(number), _) => {
                format!(
                    "{}: {lacks}",
                    say(&format!("可发至 {number}，但不算证明"), &format!("can go to {number}, and does not count"))
                )
            }
            (None, why) => why.as_ref().map_or_else(|| say("不能发", "can not be sent"), both),
        };
        text += &line(&say("短信", "SMS"), &how);
    }
    for step in &ahead.steps {
        let side = step.side.map(|side| format!(" ({})", screen.key(side.as_str()))).unwrap_or_default();
        text += &format!("  [ ] {} {}{side}\n", step.step, both(&step.name));
    }
    let list = |items: Vec<String>| items.join(", ");
    let subs = list(ahead.subs.iter().map(|sub| format!("{} {}", sub.code, say(&sub.zh, &sub.en))).collect());
    let asks = list(ahead.asks.iter().map(both).collect());
    let outcomes = list(ahead.outcomes.iter().map(|row| format!("{} {}", row.code, say(&row.zh, &row.en))).collect());
    for (label, items) in [(say("子代码", "subs"), subs), (say("询问", "ask"), asks), (say("结果", "outcomes"), outcomes)]
    {
        if !items.is_empty() {
            text += &line(&label, &items);
        }
    }
    text
}

fn name_of_sub(told: &ReasonAhead, code: &str) -> Words {
    let found = told.ahead.subs.iter().find(|sub| sub.code == code);
    found.map_or_else(|| doorstep_rules::words(code), |sub| Words { zh: sub.zh.clone(), en: sub.en.clone() })
}

/// When this device has to remind its person of what.
pub fn alarms(client: &Client, until: Option<&str>, is_online: bool) -> Result<Answer, Failed> {
    let screen = Screen::of(client);
    let until = match until {
        Some(text) => UnixMs(moment(text, screen.zone).ok_or(Failed::Time { flag: "--until" })?),
        None => client.now()?.plus(DAY_MS),
    };
    let alarms = client.alarms_if(is_online, until)?;
    let told = |alarm: &Alarm| {
        let when = words::time(alarm.at, screen.zone);
        format!("{when}  {}  {}\n  → {}\n", alarm.waybill, both(&alarm.text), both(&alarm.to_do))
    };
    let mut text: String = alarms.iter().map(told).collect();
    if alarms.is_empty() {
        text = nothing(client, "没有提醒", "nothing to be reminded of")?;
    }
    Ok(Answer { json: json!({ "alarms": alarms }), text })
}
