//! Recording: the arguments become what the client records, photos become bytes, the answer says what is next.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeZone};
use doorstep_client::{
    Act, CaseView, Client, NewPhoto, Outcome, Recording,
    said::{self, CodeOf},
};
use doorstep_domain::{
    Action, Assign, Attempt, Call, Close, Consent, Correction, Dispute, Fen, Goods, Handover, Ledger, Outage, PhotoPurpose,
    PhotoSource, Problem, ReasonCode, Reply, Stage, Tick, UnixMs, Waiver, Waybill, is_visible,
};
use doorstep_rules::{Validity, Words};
use serde_json::{Value, json};

use crate::{
    answer::Answer,
    args::Record,
    failure::Failed,
    photos::unclear,
    screen::Screen,
    words::{self, say},
};

/// Past what the client takes as a photo: the client refuses, not this device's memory.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Records, then tells what is next.
pub fn record(client: &Client, what: &Record) -> Result<Answer, Failed> {
    let screen = Screen::of(client);
    let photos = match what {
        Record::Fail { photos, .. } | Record::Register { photos, .. } | Record::Reply { photos, .. } => {
            read_photos(&photos.files)?
        }
        _ => Vec::new(),
    };
    let recording = recording(client, what, screen.zone)?;
    let outcome = if insists(what) { client.record_anyway(&recording, &photos)? } else { client.record(&recording, &photos)? };
    let mut remarks: Vec<Words> = remark(what).into_iter().collect();
    remarks.extend(outcome.cases.iter().flat_map(|view| doubts(&screen, what, view)));
    remarks.extend(unclear(client, &outcome)?);
    recorded(&screen, &outcome, &remarks, matches!(what, Record::Outage { .. }))
}

/// Whether the person insists on what would be refused.
fn insists(what: &Record) -> bool {
    match what {
        Record::Outage { insist, .. } | Record::Reply { insist, .. } | Record::Close { insist, .. } => insist.anyway,
        _ => false,
    }
}

/// Adds photos to a case.
pub fn add_photos(
    client: &Client,
    waybill: &str,
    files: &[PathBuf],
    (original, source): (Option<&str>, Option<&str>),
) -> Result<Answer, Failed> {
    let screen = Screen::of(client);
    let original = original.map(|hash| hash.parse().map_err(|_| Failed::NoPhoto)).transpose()?;
    let source = source.and_then(PhotoSource::from_word);
    let photos: Vec<_> = read_photos(files)?.into_iter().map(|photo| NewPhoto { original, source, ..photo }).collect();
    let outcome = client.record(&Recording::on(said::waybill(waybill)?, Act::Photos), &photos)?;
    recorded(&screen, &outcome, &unclear(client, &outcome)?, false)
}

/// What is said after recording.
fn recorded(screen: &Screen, outcome: &Outcome, remarks: &[Words], is_outage: bool) -> Result<Answer, Failed> {
    let mut text = say("已保存在本机，尚未发送", "on this device, not sent yet") + "\n";
    let mut cases = Vec::with_capacity(outcome.cases.len());
    for view in &outcome.cases {
        text += &screen.after_recording(view, !remarks.is_empty() && is_outage)?;
        let mut case = screen.case_json(view)?;
        if let Value::Object(fields) = &mut case {
            fields.insert("origin".to_owned(), json!(screen.origin(view)?));
        }
        cases.push(case);
    }
    for Words { zh, en } in remarks {
        text += &format!("! {}\n", say(zh, en));
    }
    if !outcome.times_proven {
        text += &words::times_unproven();
    }
    text += &say("联网后请同步：doorstep sync", "when online: doorstep sync");
    text.push('\n');
    Ok(Answer {
        json: json!({
            "kept": "on_this_device",
            "remarks": remarks,
            "times_proven": outcome.times_proven,
            "cases": cases,
        }),
        text,
    })
}

/// What the person must know about an action beside its result.
fn remark(what: &Record) -> Option<Words> {
    let is_blank = |value: &Option<String>| !value.as_deref().is_some_and(is_visible);
    let (zh, en) = match what {
        Record::Outage { contact, phone, .. } if is_blank(contact) || is_blank(phone) => (
            "例外 X-1 尚不成立：缺接电话的人或号码。请打给上列寄件网点，再登记一次并写 --contact 和 --phone",
            "exception X-1 does not hold yet: who answered or the number is missing. Phone the origin outlet above, then record it again with --contact and --phone",
        ),
        Record::Notice { .. } => (
            "通知随下次同步发出，服务器收到才算；若断网，请打电话并登记 doorstep outage",
            "the notice leaves with the next sync and counts when the server has it; without a network, phone and record it: doorstep outage",
        ),
        _ => return None,
    };
    Some(Words { zh: zh.to_owned(), en: en.to_owned() })
}

/// Says that the reply just recorded does not count yet, and which parts its decision still needs.
fn doubts(screen: &Screen<'_>, what: &Record, view: &CaseView) -> Option<Words> {
    let Record::Reply { .. } = what else { return None };
    let Validity::Lacks { needs } = &view.judgement.replies.last()?.validity else { return None };
    let name = |lang: fn(&Words) -> &str| {
        let one =
            |need: &String| need.split('|').map(|field| lang(&screen.words(field)).to_owned()).collect::<Vec<_>>().join("/");
        needs.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    Some(Words {
        zh: format!("此回复不算有效回复，缺：{}；请再回复一次并补齐", name(|words| &words.zh)),
        en: format!("this reply does not count, it lacks: {}; reply again with that", name(|words| &words.en)),
    })
}

/// The arguments in the domain's own types.
fn recording(client: &Client, what: &Record, zone: FixedOffset) -> Result<Recording, Failed> {
    let time = |flag, text: &Option<String>| {
        text.as_deref().map(|text| moment(text, zone).map(UnixMs).ok_or(Failed::Time { flag })).transpose()
    };
    let fen = |text: &Option<String>| text.as_deref().map(|text| yuan(text).map(Fen).ok_or(Failed::Yuan)).transpose();
    let on = |waybill: &String, act| Ok(Recording::on(said::waybill(waybill)?, act));
    match what {
        Record::Fail { waybill, reason, sub, note, offered, agreed, waited, .. } => {
            let reason = client.code(reason, CodeOf::Attempt)?;
            let attempt = Attempt {
                sub: sub.as_deref().map(|sub| client.sub_reason(&reason, sub)).transpose()?,
                reason,
                words: said::words(note.as_deref())?,
                piece: None,
                offered: fen(offered)?,
                agreed_at: time("--agreed", agreed)?,
                waited_minutes: *waited,
            };
            on(waybill, Act::Fail(attempt))
        }
        Record::Register { waybill, reason, sub, stage, note, found, count, other, weight, label_weight, .. } => {
            let number = waybill.clone().map_or_else(|| client.provisional_number(), Ok)?;
            let named = stage.as_deref().map(said::word::<Stage>).transpose()?;
            let reason = client.code(reason, CodeOf::Problem)?;
            let problem = Problem {
                sub: sub.as_deref().map(|sub| client.sub_reason(&reason, sub)).transpose()?,
                reason,
                stage: named.unwrap_or(Stage::Delivery),
                found_at: time("--found", found)?,
                count: *count,
                piece: None,
                other: other.as_deref().map(said::waybill).transpose()?,
                weight_g: *weight,
                label_g: *label_weight,
                words: said::words(note.as_deref())?,
            };
            on(&number, Act::Problem { problem, usual_stage: named.is_none() })
        }
        Record::Call { waybill, result, to, at, seconds, note } => {
            let (number, words) = (said::words(to.as_deref())?, said::words(note.as_deref())?);
            let (result, called_at) = (said::word(result)?, time("--at", at)?);
            on(waybill, Act::Call(Call { result, number, called_at, seconds: *seconds, words }))
        }
        Record::Note { waybill, text } => on(waybill, Act::Note(said::said(text)?)),
        Record::Outage { waybills, reason, contact, phone, at, said: told, .. } => {
            let outage = Outage {
                reason: said::word(reason)?,
                contact: said::words(contact.as_deref())?,
                phone: said::words(phone.as_deref())?,
                phoned_at: time("--at", at)?,
                outlet: None,
                said: said::words(told.as_deref())?,
            };
            Ok(Recording { waybills: numbers(waybills)?, act: Act::Outage(outage), photos: Vec::new() })
        }
        Record::Notice { waybill, to, request } => {
            let (to, request) = (to.as_deref().map(said::code).transpose()?, said::words(request.as_deref())?);
            on(waybill, Act::Notice { to, request })
        }
        Record::Seen { waybill } => on(waybill, Act::Seen),
        Record::Reply { waybill, decision, note, phone, address, replied, .. } => {
            let reply = Reply {
                notice: None,
                decision: client.code(decision, CodeOf::Decision)?,
                words: said::words(note.as_deref())?,
                phone: said::words(phone.as_deref())?,
                address: said::words(address.as_deref())?,
                contact: said::words(replied.contact.as_deref())?,
                company: said::words(replied.company.as_deref())?,
                same: replied.same,
                until: time("--until", &replied.until)?,
                place: said::words(replied.place.as_deref())?,
                informed: replied.informed,
                agreed_by: replied.agreed_by.as_deref().map(said::word).transpose()?,
                agreed: said::words(replied.agreed.as_deref())?,
                payer: replied.payer.as_deref().map(said::word).transpose()?,
                letter: None,
                site: replied.site.as_deref().map(said::code).transpose()?,
            };
            on(waybill, Act::Reply(reply))
        }
        Record::Mark { waybill, entry, remark, reason, note } => {
            let mark = Act::Mark {
                about: entry.as_deref().map(said::entry).transpose()?,
                remark: said::word(remark)?,
                reason: reason.as_deref().map(|code| client.code(code, CodeOf::InvalidReply)).transpose()?,
                words: said::words(note.as_deref())?,
            };
            on(waybill, mark)
        }
        Record::Act { waybill, outcome, carrier, to, number, amount, note } => {
            let action = Action {
                outcome: client.code(outcome, CodeOf::Action)?,
                carrier: said::name(carrier.as_deref()),
                number: number.as_deref().map(said::waybill).transpose()?,
                amount: fen(amount)?,
                words: said::words(note.as_deref())?,
                site: to.as_deref().map(said::code).transpose()?,
            };
            on(waybill, Act::Action(action))
        }
        Record::Tick { waybill, step, note } => {
            on(waybill, Act::Tick(Tick { step: said::code(step)?, words: said::words(note.as_deref())? }))
        }
        Record::Assign { waybills, to, run, at, note, .. } => {
            let (planned_at, words) = (time("--at", at)?, said::words(note.as_deref())?);
            let act = match to {
                None if run.is_some() => Act::Dispatch { run: run.clone().unwrap_or_default(), words },
                Some(to) => Act::Assign(Assign { to: said::code(to)?, planned_at, replaces: None, words }),
                None => Act::AssignBack { words },
            };
            Ok(Recording { waybills: numbers(waybills)?, act, photos: Vec::new() })
        }
        Record::Ask { waybill, step, to, note } => {
            let to = to.iter().map(|outlet| said::code(outlet)).collect::<Result<_, _>>()?;
            on(waybill, Act::Ask { step: said::code(step)?, to, words: said::words(note.as_deref())? })
        }
        Record::Answer { waybill, result, ask, found, note } => {
            let found = found.as_deref().map(said::waybill).transpose()?;
            on(waybill, answer(said::code(result)?, ask.as_deref(), found, note.as_deref())?)
        }
        Record::Arrived { waybill, not, ask, note } => {
            let result = said::code(if *not { "not_arrived" } else { "arrived" })?;
            on(waybill, answer(result, ask.as_deref(), None, note.as_deref())?)
        }
        Record::Consent { waybill, by, to, name, note } => {
            let (name, words) = (said::words(name.as_deref())?, said::words(note.as_deref())?);
            let (by, to) = (said::word(by)?, client.code(to, CodeOf::Consent)?);
            on(waybill, Act::Consent(Consent { by, to, name, words }))
        }
        Record::Goods { waybill, name, packing, value, note } => {
            let (name, packing) = (said::words(name.as_deref())?, said::words(packing.as_deref())?);
            on(waybill, Act::Goods(Goods { name, packing, value: fen(value)?, words: said::words(note.as_deref())? }))
        }
        Record::Ledger { waybill, book, change, amount, slip, note } => {
            let ledger = Ledger {
                book: said::word(book)?,
                change: client.code(change, CodeOf::Ledger)?,
                amount: fen(amount)?,
                letter: None,
                slip: *slip,
                words: said::words(note.as_deref())?,
            };
            on(waybill, Act::Ledger(ledger))
        }
        Record::Waive { waybill, evidence, why } => {
            on(waybill, Act::Waive(Waiver { evidence: said::code(evidence)?, words: said::said(why)? }))
        }
        Record::Correct { waybill, entry, fault, same_as, why, reason, sub } => {
            let instead = match reason {
                Some(reason) => {
                    let reason = client.code(reason, CodeOf::Attempt)?;
                    let sub = sub.as_deref().map(|sub| client.sub_reason(&reason, sub)).transpose()?;
                    Some(Box::new(Act::Fail(Attempt { sub, ..Attempt::of(reason) })))
                }
                None => None,
            };
            let correction = Correction {
                of: said::entry(entry)?,
                fault: said::word(fault)?,
                same_as: same_as.as_deref().map(said::entry).transpose()?,
                words: said::said(why)?,
            };
            on(waybill, Act::Correct { correction, instead })
        }
        Record::Dispute { waybill, about, why } => {
            on(waybill, Act::Dispute(Dispute { about: said::about(about)?, words: said::said(why)? }))
        }
        Record::Identify { provisional, waybill } => {
            let waybills = vec![said::waybill(provisional)?, said::waybill(waybill)?];
            Ok(Recording { waybills, act: Act::Identify, photos: Vec::new() })
        }
        Record::Handover { waybill, to, note } => {
            on(waybill, Act::Handover(Handover { to: said::code(to)?, words: said::words(note.as_deref())? }))
        }
        Record::Takeover { waybill } => on(waybill, Act::Takeover),
        Record::Close { waybill, outcome, note, .. } => {
            let (outcome, words) = (client.code(outcome, CodeOf::Close)?, said::words(note.as_deref())?);
            on(waybill, Act::Close(Close { outcome, words, piece: None }))
        }
    }
}

fn answer(result: ReasonCode, ask: Option<&str>, found: Option<Waybill>, note: Option<&str>) -> Result<Act, Failed> {
    Ok(Act::Answer { ask: ask.map(said::entry).transpose()?, result, found, words: said::words(note)? })
}

fn numbers(waybills: &[String]) -> Result<Vec<Waybill>, Failed> {
    Ok(waybills.iter().map(|waybill| said::waybill(waybill)).collect::<Result<_, _>>()?)
}

/// Yuan with at most two decimals, as fen.
fn yuan(text: &str) -> Option<i64> {
    let (whole, cents) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let is_figures = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || cents.len() > 2 || !is_figures(whole) || !is_figures(cents) {
        return None;
    }
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(format!("{cents:0<2}").parse().ok()?)
}

/// A time with an offset, or a local one in the network's zone; milliseconds since 1970.
pub fn moment(text: &str, zone: FixedOffset) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_millis());
    }
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").ok()?;
    Some(zone.from_local_datetime(&local).single()?.timestamp_millis())
}

fn read_photos(named: &[PathBuf]) -> Result<Vec<NewPhoto>, Failed> {
    named
        .iter()
        .map(|named| {
            let (shows, file) = purpose_and_file(named);
            let mut bytes = Vec::new();
            File::open(file)
                .and_then(|opened| opened.take(MOST_BYTES).read_to_end(&mut bytes))
                .map_err(|source| Failed::PhotoFile { file: file.to_owned(), source })?;
            Ok(NewPhoto::new(bytes, shows))
        })
        .collect()
}

/// `PURPOSE=FILE`, or a file alone. A file name may itself have a `=`: only a known purpose is one.
fn purpose_and_file(named: &Path) -> (PhotoPurpose, &Path) {
    let split = named.to_str().and_then(|text| text.split_once('='));
    match split.and_then(|(word, file)| Some((PhotoPurpose::from_word(word)?, file))) {
        Some((purpose, file)) => (purpose, Path::new(file)),
        None => (PhotoPurpose::Door, named),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_is_named_with_or_without_its_purpose() {
        let read = |text: &'static str| purpose_and_file(Path::new(text));
        assert_eq!(read("a.jpg"), (PhotoPurpose::Door, Path::new("a.jpg")));
        assert_eq!(read("label=a=b.jpg"), (PhotoPurpose::Label, Path::new("a=b.jpg")));
        assert_eq!(read("x=1.jpg"), (PhotoPurpose::Door, Path::new("x=1.jpg")));
    }

    #[test]
    fn an_amount_is_yuan_with_two_decimals_at_most() {
        assert_eq!((yuan("12"), yuan("12.5"), yuan("0.05")), (Some(1200), Some(1250), Some(5)));
        assert!(["", "-1", "1.234", "1,5", "99999999999999", "."].iter().all(|text| yuan(text).is_none()));
    }

    #[test]
    fn a_time_is_local_to_the_network_unless_it_says_otherwise() {
        let zone = FixedOffset::east_opt(8 * 3600).unwrap();
        assert_eq!(moment("2026-03-02 09:00", zone), Some(1_772_413_200_000));
        assert_eq!(moment("2026-03-02T01:00:00Z", zone), Some(1_772_413_200_000));
        assert_eq!(moment("yesterday", zone), None);
    }
}
