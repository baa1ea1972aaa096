//! SMS on the terminal: the text before it goes, sending, and what became of it.

use doorstep_client::{Act, CaseView, Client, ClientError, Recording, SmsPreview, SmsWish, said};
use doorstep_domain::SmsState;
use doorstep_rules::{
    Message,
    sms::{Alphabet, Language},
};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::{
    answer::Answer,
    args::Wish,
    failure::Failed,
    screen::Screen,
    spool::Spool,
    words::{self, both, say},
};

fn wish(wish: &Wish) -> Result<SmsWish, ClientError> {
    Ok(SmsWish {
        language: wish.en.then_some(Language::En),
        honorific: wish.honorific.as_deref().map(said::word).transpose()?,
        callback: said::words(wish.callback.as_deref())?,
        number: said::words(wish.to.as_deref().map(str::trim))?,
        text: wish.text.as_deref().map(said::said).transpose()?,
    })
}

/// The text as it would be sent.
pub fn preview(client: &Client, waybill: &str, given: &Wish) -> Result<Answer, Failed> {
    let screen = Screen::of(client);
    let preview = client.preview_sms(waybill, &wish(given)?)?;
    let mut text = format!("→ {}\n{}{}\n", preview.number, preview.signature, words::personal(&preview.text));
    text += &(segments(&preview) + "\n");
    text += &match preview.lacks.first() {
        None => say("发出后算作当天有效派送", "once sent, it counts for today") + "\n",
        Some(_) => preview.lacks.iter().map(|lack| format!("! {}\n", screen.key(lack.as_str()))).collect(),
    };
    Ok(Answer { json: json!({ "preview": preview }), text })
}

fn segments(preview: &SmsPreview) -> String {
    let alphabet = match preview.segments.alphabet {
        Alphabet::Gsm7 => "GSM-7",
        Alphabet::Ucs2 => "UCS-2",
    };
    let (count, units) = (preview.segments.count(), preview.segments.units);
    say(&format!("{count} 条短信，{alphabet} {units} 字"), &format!("{count} segments, {alphabet}, {units} units"))
}

/// Records an SMS, then moves it on as far as it goes now.
pub fn send(client: &Client, spool: Option<&Spool>, runtime: &Runtime, waybill: &str, given: &Wish) -> Result<Answer, Failed> {
    let sms = Act::Sms { wish: wish(given)?, state: None, fault: None };
    client.record(&Recording::on(said::waybill(waybill)?, sms), &[])?;
    // Within reach of head office its gateway sends; without, this computer does; so a failed sync is no failure here.
    let synced = runtime.block_on(client.sync()).is_ok();
    if let Some(spool) = spool {
        spool.collect(client)?;
    }
    let mut answer = list(client, Some(waybill))?;
    if !synced {
        answer.text += &(say("连不上总部，已在本机登记", "head office is out of reach; recorded on this device") + "\n");
    }
    Ok(answer)
}

/// Records an SMS that the person sent themselves.
pub fn record(client: &Client, waybill: &str, failed: Option<&str>, given: &Wish) -> Result<Answer, Failed> {
    let state = Some(if failed.is_some() { SmsState::Failed } else { SmsState::HandedOver });
    let sms = Act::Sms { wish: wish(given)?, state, fault: failed.map(said::word).transpose()? };
    client.record(&Recording::on(said::waybill(waybill)?, sms), &[])?;
    list(client, Some(waybill))
}

/// SMS that are not settled, or all of a parcel. Numbers are masked.
pub fn list(client: &Client, waybill: Option<&str>) -> Result<Answer, Failed> {
    let screen = Screen::of(client);
    let views = match waybill {
        Some(waybill) => client.case(waybill)?.into_iter().collect(),
        None => client.open_messages()?,
    };
    let shown = |message: &&Message| waybill.is_some() || message.is_open();
    let mut text = String::new();
    let mut rows = Vec::new();
    for view in &views {
        for message in view.judgement.messages.iter().filter(shown) {
            text += &line(&screen, view, message);
            let told = screen.message(message);
            rows.push(json!({ "waybill": view.case.facts.waybill, "message": message, "told": told }));
        }
    }
    if rows.is_empty() {
        text = say("没有短信", "no SMS") + "\n";
    }
    Ok(Answer { json: json!({ "messages": rows }), text })
}

/// One SMS: to whom, how it stands, and why it does not count.
pub fn line(screen: &Screen, view: &CaseView, message: &Message) -> String {
    let mut text = format!("  {}  {}  {}", view.case.facts.waybill, message.number, both(&screen.message(message)));
    if let Some(fault) = message.fault {
        text += &format!("  ({})", screen.key(fault.as_str()));
    }
    text += &format!("  [{}]  {}\n", message.level.short(), message.entry);
    for lack in message.lacks.iter().filter(|lack| **lack != doorstep_rules::SmsLack::NotSent) {
        text += &format!("    ! {}\n", screen.key(lack.as_str()));
    }
    text
}

/// Gets the lease of an SMS, and sends it.
pub fn lease(client: &Client, spool: Option<&Spool>, runtime: &Runtime, waybill: &str) -> Result<Answer, Failed> {
    runtime.block_on(client.lease_sms(waybill))?;
    if let Some(spool) = spool {
        spool.collect(client)?;
    }
    list(client, Some(waybill))
}
