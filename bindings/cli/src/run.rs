//! One command, one call of the client, one answer. Only `enrol` and `sync` start a runtime.

use std::{collections::HashMap, sync::Arc};

use doorstep_client::{
    Authorship, CaseNews, CaseRow, Client, ClientError, Filter, Identity, Options, ProvenEntry, Recording, SmsSender, Status,
    Which, http::Roots,
};
use doorstep_domain::Parcel;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    ahead,
    answer::{Answer, note, nothing},
    args::{Args, Command, Part, Photo, Rules, Sms},
    directory,
    failure::Failed,
    ledgers, photos,
    record::{add_photos, record},
    rules,
    screen::Screen,
    sheet, sms,
    spool::Spool,
    words::{self, say},
};

/// Does what the command line asks.
pub fn run(args: &Args) -> Result<Answer, Failed> {
    // Needs neither a device nor a store.
    if let Command::Rules { what: Rules::Check { file } } = &args.command {
        return rules::check(file);
    }
    let roots = match &args.ca {
        Some(file) => {
            Roots::Pem(std::fs::read(file).map_err(|source| Failed::CaFile { file: file.clone(), source: Some(source) })?)
        }
        None => Roots::Mozilla,
    };
    let spool = args.sms_spool.as_deref().map(Spool::at);
    let sender = spool.clone().map(|spool| Arc::new(spool) as Arc<dyn SmsSender>);
    let client = Client::open(&args.store, Options { roots, insecure: args.insecure, sms: sender, ..Options::default() })
        .map_err(|error| match (error, &args.ca) {
            (ClientError::Roots, Some(file)) => Failed::CaFile { file: file.clone(), source: None },
            (error, _) => error.into(),
        })?;
    if client.closed_to_others() > 0 {
        note(&words::closed_to_others(&args.store));
    }
    if let Some(why) = client.left_open_to_others() {
        note(&words::left_open_to_others(&args.store, &why));
    }
    match &args.command {
        Command::Enrol { server, code } => enrol(&client, server, code),
        Command::Parcels { numbers } => parcels(&client, *numbers),
        Command::People => directory::people(&client),
        Command::Calendar => directory::calendar(&client),
        Command::Record(what) => record(&client, what),
        Command::Cases { part, unlisted, unidentified, all, state, find, limit } => {
            let which = match part {
                Part { mine: true, .. } => Which::ToDo,
                Part { answer: true, .. } => Which::ToAnswer,
                Part { waiting: true, .. } => Which::Waiting,
                _ => Which::All,
            };
            let (closed, state, waybill, limit) = (*all, state.clone(), find.clone(), *limit);
            let filter = Filter { closed, which, unidentified: *unidentified, state, waybill, limit, ..Filter::default() };
            cases(&client, *unlisted, &filter)
        }
        Command::Show { waybill } => show(&client, waybill),
        Command::Explain { waybill, only } => explain(&client, waybill, only.as_deref()),
        Command::Verify { waybill } => runtime()?.block_on(verify(&client, waybill)),
        Command::Reason { code, waybill, sub, stage, callback } => match code {
            Some(code) => ahead::reason(&client, (code, waybill.as_deref()), (sub.clone(), stage.clone()), callback.as_deref()),
            None => ahead::reasons(&client, waybill.as_deref()),
        },
        Command::Alarms { until, online } => ahead::alarms(&client, until.as_deref(), *online),
        Command::Rules { what } => rules::show(&client, what),
        Command::Photo { what: Photo::Add { waybill, photos, original, source } } => {
            add_photos(&client, waybill, photos, (original.as_deref(), source.as_deref()))
        }
        Command::Photo { what: Photo::List { all } } => photos::list(&client, *all),
        Command::Photo { what: Photo::Get { photo, thumbnail, to } } => {
            runtime()?.block_on(photos::get(&client, photo, *thumbnail, to.as_deref()))
        }
        Command::Photo { what: Photo::SendNow } => photos::send_now(&client),
        Command::Photo { what: Photo::Lost { photo } } => photos::lost(&client, photo),
        Command::Sms { what } => {
            // The store learns first what the modem has done since the last time. Everything below depends on it.
            spool.as_ref().map_or(Ok(()), |spool| spool.collect(&client))?;
            match what {
                Sms::Preview { waybill, wish } => sms::preview(&client, waybill, wish),
                Sms::Send { waybill, wish } => sms::send(&client, spool.as_ref(), &runtime()?, waybill, wish),
                Sms::Record { waybill, failed, wish } => sms::record(&client, waybill, failed.as_deref(), wish),
                Sms::List { waybill } => sms::list(&client, waybill.as_deref()),
                Sms::Lease { waybill } => sms::lease(&client, spool.as_ref(), &runtime()?, waybill),
            }
        }
        Command::Sheet { day, what } => sheet::sheet(&client, day.as_deref(), what.as_ref()),
        Command::Ledgers { day, from, to, book } => {
            let (first, last) = (from.as_deref().or(day.as_deref()), to.as_deref().or(day.as_deref()));
            ledgers::show(&client, (first, last), book.as_deref())
        }
        Command::Status => status(&client),
        Command::Sync => sync(&client, spool.as_ref()),
        Command::Pin { pin } => done(client.set_pin(pin)?, "密码已设置", "PIN set"),
        Command::Unlock { user, pin } => done(client.unlock(user, pin)?, "已解锁", "unlocked"),
        Command::Lock => done(client.lock()?, "已锁定", "locked"),
    }
}

fn done((): (), zh: &str, en: &str) -> Result<Answer, Failed> {
    Ok(Answer { json: json!({ "done": en }), text: say(zh, en) + "\n" })
}

fn runtime() -> Result<Runtime, Failed> {
    Runtime::new().map_err(|_| ClientError::Internal("no runtime for the network").into())
}

fn enrol(client: &Client, server: &str, code: &str) -> Result<Answer, Failed> {
    let who = runtime()?.block_on(client.enrol(server, code))?;
    let pack = client.pack()?.map(|pack| pack.version);
    // A tablet that others have locked stays locked for reading until this person has set a PIN of their own.
    let parcels = if client.is_locked()? { 0 } else { client.parcels()?.len() };
    let mut json = person(&who);
    if let Value::Object(fields) = &mut json {
        fields.insert("pack_version".to_owned(), json!(pack));
        fields.insert("parcels".to_owned(), json!(parcels));
    }
    let enrolled = say("已注册", "enrolled");
    let mut text = format!("{enrolled}: {} {} ({}) @{}\n", who.author.user, who.name, who.author.role, who.author.outlet);
    text += &match pack {
        Some(_) => format!("{}: {parcels}\n", say("今日运单", "today's parcels")),
        None => {
            say("规则和名单还没取到，请再同步：doorstep sync", "rules and lists are not here yet; sync again: doorstep sync")
                + "\n"
        }
    };
    Ok(Answer { json, text })
}

/// Who the device is for. Never with the token.
fn person(who: &Identity) -> Value {
    let author = &who.author;
    json!({ "user": author.user, "name": who.name, "role": author.role, "outlet": author.outlet, "server": who.server, "device": who.device })
}

fn parcels(client: &Client, numbers: bool) -> Result<Answer, Failed> {
    let screen = Screen::of(client);
    let parcels = client.parcels()?;
    let cases = client.cases(&Filter { limit: u32::MAX, ..Filter::default() })?;
    let cases: HashMap<&str, &CaseRow> = cases.iter().map(|row| (row.waybill.as_str(), row)).collect();
    let line = |parcel: &Parcel| screen.parcel(parcel, cases.get(parcel.waybill.as_str()).copied(), numbers);
    let mut text: String = parcels.iter().map(line).collect();
    if parcels.is_empty() {
        text = nothing(client, "没有今日运单", "no parcels today")?;
    }
    Ok(Answer { json: json!({ "parcels": parcels }), text })
}

/// The list, and behind it the waybills that are in no list of parcels, so that these push no parcel off the screen.
fn cases(client: &Client, only_unlisted: bool, filter: &Filter) -> Result<Answer, Failed> {
    let screen = Screen::of(client);
    let now = client.now()?;
    let part = |listed| client.cases(&Filter { listed: Some(listed), ..filter.clone() });
    let rows = if only_unlisted { vec![] } else { part(true)? };
    let unlisted = part(false)?;
    let mut text: String = rows.iter().map(|row| screen.row(row, now)).collect();
    if !unlisted.is_empty() {
        text += &format!("{}\n", say("不在名单的单号", "waybills in no list"));
        text += &unlisted.iter().map(|row| screen.row(row, now)).collect::<String>();
    }
    let all: Vec<CaseRow> = rows.into_iter().chain(unlisted).collect();
    if all.is_empty() {
        text = nothing(client, "没有问题件", "no cases")?;
    }
    Ok(Answer { json: json!({ "cases": all }), text })
}

fn show(client: &Client, waybill: &str) -> Result<Answer, Failed> {
    let screen = Screen::of(client);
    let view = client.case(waybill)?.ok_or_else(|| nothing_of(client, waybill))?;
    Ok(Answer { text: screen.whole(&view)?, json: screen.case_json(&view)? })
}

/// Why there is nothing to show of a waybill.
fn nothing_of(client: &Client, waybill: &str) -> Failed {
    client.why_nothing(waybill).map_or_else(|error| error, ClientError::Refused).into()
}

fn explain(client: &Client, waybill: &str, only: Option<&str>) -> Result<Answer, Failed> {
    let mut all = client.explain(waybill)?.ok_or_else(|| nothing_of(client, waybill))?;
    all.retain(|why| only.is_none_or(|only| why.about.contains(only)));
    let mut text = String::new();
    for why in &all {
        text += &format!("{}\n{}\n  {}\n", why.answer.zh, why.answer.en, why.about);
        for link in &why.because {
            text += &format!("  · {}\n    {}\n", link.words.zh, link.words.en);
        }
    }
    if all.is_empty() {
        text = say("没有可说明的", "there is nothing to explain") + "\n";
    }
    Ok(Answer { json: json!({ "explanations": all }), text })
}

async fn verify(client: &Client, waybill: &str) -> Result<Answer, Failed> {
    let entries = client.prove(waybill).await?.ok_or_else(|| nothing_of(client, waybill))?;
    let line = |entry: &ProvenEntry| {
        let by = match &entry.by {
            Authorship::Device { device, .. } => {
                say(&format!("设备签名有效 {device}"), &format!("signed by the device {device}"))
            }
            Authorship::HeadOffice => say("总部自记，以总部为准", "head office says that it wrote this itself"),
            Authorship::NotProven => say("无法证明作者", "its author can not be proven"),
            Authorship::NotAccepted => say("尚未被总部接收", "not accepted yet"),
        };
        format!("  {}  {}  {by}\n", entry.entry, entry.author)
    };
    let text: String = entries.iter().map(line).collect();
    Ok(Answer { json: json!({ "entries": entries }), text })
}

fn status(client: &Client) -> Result<Answer, Failed> {
    let status = client.status()?;
    let who = client.identity()?;
    let mut text = String::new();
    if let Some(who) = &who {
        text += &format!("{} {} @{}\n", who.author.user, who.name, who.author.outlet);
    } else {
        text += &(say("本设备尚未注册", "this device is not enrolled") + "\n");
    }
    if let Some(salvage) = client.salvage() {
        text += &words::salvage(salvage);
    }
    text += &status_lines(client, &status);
    let times_proven = client.times_proven()?;
    if who.is_some() && !times_proven {
        text += &words::times_unproven();
    }
    let mut json = json!(status);
    if let Value::Object(fields) = &mut json {
        fields.insert("times_proven".to_owned(), json!(times_proven));
        fields.insert("salvage".to_owned(), json!(client.salvage()));
        fields.insert("person".to_owned(), who.as_ref().map_or(Value::Null, person));
    }
    Ok(Answer { json, text })
}

fn status_lines(client: &Client, status: &Status) -> String {
    let screen = Screen::of(client);
    let mut text = format!("{}: {}\n", say("未发送", "not sent"), status.unsent.len());
    for intent in &status.unsent {
        let standing = match (intent.sent, intent.pending) {
            (true, _) => say("已发送，未确认", "sent, not confirmed"),
            (_, true) => say("等待前一条到达总部", "waits for what comes before it"),
            _ => say("在本机", "on this device"),
        };
        let when = words::time(intent.recorded_at, screen.zone);
        text += &format!("  {when}  {}  {}  [{standing}]\n", intent.waybill, words::action(&intent.what));
    }
    let title = say("照片待传", "photos waiting");
    text += &match status.photos {
        0 => format!("{title}: 0\n"),
        waiting => format!("{title}: {waiting} ({})\n", words::size(status.photo_bytes)) + &photos::waiting_lines(client),
    };
    if status.photos_lost > 0 {
        text += &photos::lost_line(client, status.photos_lost);
    }
    text += &format!("{}: {}\n", say("待总部审核", "quarantined for review"), status.quarantined);
    for intent in &status.refused {
        let when = words::time(intent.recorded_at, screen.zone);
        text += &format!("  {when}  {}  {}  [{}]\n", intent.waybill, words::action(&intent.what), words::reason(&intent.reason));
        for words in intent.recording.iter().flat_map(Recording::words) {
            text += &format!("    {}\n", words::personal(words));
        }
    }
    if status.waits_for_room {
        text += &words::waits_for_room();
    }
    if status.revoked {
        text += &(say(
            "本设备已被总部停用，只送交已登记的记录",
            "head office has revoked this device; it only delivers what it has recorded",
        ) + "\n");
    }
    let last = status.last_answer.map_or_else(|| say("从未", "never"), |at| words::time(at, screen.zone));
    text + &format!("{}: {last}\n", say("服务器最近应答", "server last answered"))
}

fn sync(client: &Client, spool: Option<&Spool>) -> Result<Answer, Failed> {
    let collect = || spool.map_or(Ok(()), |spool| spool.collect(client));
    collect()?;
    // A device that is locked syncs and shows nothing.
    client.news().ok();
    let report = runtime()?.block_on(photos::sync_with_progress(client));
    // Handed to the modem in there, whether or not head office was reached.
    collect()?;
    let report = report?;
    let status = client.status()?;
    let mut text = format!(
        "{}: {} {}, ↑{} ↓{}, {} {}\n",
        say("已同步", "synced"),
        report.requests,
        say("次请求", "requests"),
        words::size(report.sent_bytes),
        words::size(report.received_bytes),
        report.photos,
        say("张照片", "photos")
    );
    let news = client.news().unwrap_or_default();
    for CaseNews { waybill, told } in &news {
        text += &format!("  {waybill}  {}\n", words::both(told));
    }
    text += &status_lines(client, &status);
    Ok(Answer { json: json!({ "report": report, "news": news, "status": status }), text })
}
