//! Recording: the arguments become a command of the client, photos become bytes, the answer says what is next.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeZone};
use doorstep_client::{Client, Command, NewPhoto};
use doorstep_domain::PhotoPurpose;
use serde_json::{Value, json};

use crate::{Answer, args::Record, failure::Failed, screen::Screen, words::say};

/// Past what the client takes as a photo: the client refuses, not this device's memory.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Records, then tells what is next.
pub fn record(client: &Client, what: &Record) -> Result<Answer, Failed> {
    let screen = Screen::of(client);
    let photos = match what {
        Record::Fail { photo, .. } => read_photos(photo)?,
        Record::Photo { photos, .. } => read_photos(photos)?,
        _ => Vec::new(),
    };
    let outcome = client.record(&command(what, screen.zone)?, &photos)?;
    let remark = remark(what);
    let mut text = say("已保存在本机，尚未发送", "on this device, not sent yet") + "\n";
    let mut cases = Vec::with_capacity(outcome.cases.len());
    for view in &outcome.cases {
        text += &screen.after_recording(view, remark.is_some() && matches!(what, Record::Outage { .. }))?;
        let mut case = screen.case_json(view);
        if let Value::Object(fields) = &mut case {
            fields.insert("origin".to_owned(), json!(screen.origin(view)?));
        }
        cases.push(case);
    }
    if let Some((zh, en)) = remark {
        text += &format!("! {}\n", say(zh, en));
    }
    text += &say("联网后请同步：doorstep sync", "when online: doorstep sync");
    text.push('\n');
    let remarks: Vec<Value> = remark.iter().map(|(zh, en)| json!({ "zh": zh, "en": en })).collect();
    Ok(Answer { json: json!({ "kept": "on_this_device", "remarks": remarks, "cases": cases }), text })
}

/// What the person must know about an action beside its result.
fn remark(what: &Record) -> Option<(&'static str, &'static str)> {
    let is_blank = |value: &Option<String>| value.as_ref().is_none_or(|text| text.trim().is_empty());
    match what {
        Record::Outage { contact, phone, .. } if is_blank(contact) || is_blank(phone) => Some((
            "例外 X-1 尚不成立：缺接电话的人或号码。请打给上列寄件网点，再登记一次并写 --contact 和 --phone",
            "exception X-1 does not hold yet: who answered or the number is missing. Phone the origin outlet above, then record it again with --contact and --phone",
        )),
        Record::Notice { .. } => Some((
            "通知随下次同步发出，服务器收到才算；若断网，请打电话并登记 doorstep outage",
            "the notice leaves with the next sync and counts when the server has it; without a network, phone and record it: doorstep outage",
        )),
        _ => None,
    }
}

fn command(what: &Record, zone: FixedOffset) -> Result<Command, Failed> {
    Ok(match what {
        Record::Fail { waybill, reason, sub, note, .. } => Command::Fail {
            waybill: waybill.clone(),
            reason: reason.clone(),
            sub: sub.clone(),
            words: note.clone(),
            photos: Vec::new(),
        },
        Record::Photo { waybill, .. } => Command::Photos { waybill: waybill.clone(), photos: Vec::new() },
        Record::Sms { waybill, text, to, failed } => {
            Command::Sms { waybill: waybill.clone(), text: text.clone(), number: to.clone(), failed: *failed }
        }
        Record::Call { waybill, result, to, note } => {
            Command::Call { waybill: waybill.clone(), result: result.clone(), number: to.clone(), words: note.clone() }
        }
        Record::Note { waybill, text } => Command::Note { waybill: waybill.clone(), words: text.clone() },
        Record::Outage { waybills, reason, contact, phone, at, said } => Command::Outage {
            waybills: waybills.clone(),
            reason: reason.clone(),
            contact: contact.clone(),
            phone: phone.clone(),
            phoned_at: at.as_deref().map(|at| moment(at, zone).ok_or(Failed::At)).transpose()?,
            said: said.clone(),
        },
        Record::Notice { waybill, to, request } => {
            Command::Notice { waybill: waybill.clone(), to: to.clone(), request: request.clone() }
        }
        Record::Reply { waybill, decision, note, phone, address } => Command::Reply {
            waybill: waybill.clone(),
            decision: decision.clone(),
            words: note.clone(),
            phone: phone.clone(),
            address: address.clone(),
        },
        Record::Handover { waybill, to, note } => {
            Command::Handover { waybill: waybill.clone(), to: to.clone(), words: note.clone() }
        }
        Record::Takeover { waybill } => Command::Takeover { waybill: waybill.clone() },
        Record::Close { waybill, outcome, note } => {
            Command::Close { waybill: waybill.clone(), outcome: outcome.clone(), words: note.clone() }
        }
    })
}

/// A time with an offset, or a local one in the network's zone; milliseconds since 1970.
fn moment(text: &str, zone: FixedOffset) -> Option<i64> {
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
            Ok(NewPhoto { bytes, shows })
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
    fn a_time_is_local_to_the_network_unless_it_says_otherwise() {
        let zone = FixedOffset::east_opt(8 * 3600).unwrap();
        assert_eq!(moment("2026-03-02 09:00", zone), Some(1_772_413_200_000));
        assert_eq!(moment("2026-03-02T01:00:00Z", zone), Some(1_772_413_200_000));
        assert_eq!(moment("yesterday", zone), None);
    }
}
