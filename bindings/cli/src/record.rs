//! Recording: the arguments become a command of the client, photos become bytes, the answer says what is next.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeZone};
use doorstep_client::{AttemptDetails, CaseView, Client, Command, NewPhoto, Outcome, ProblemDetails, ReplyDetails};
use doorstep_domain::PhotoPurpose;
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
    let outcome = client.record(&command(client, what, screen.zone)?, &photos)?;
    let mut remarks: Vec<Words> = remark(what).into_iter().collect();
    remarks.extend(outcome.cases.iter().flat_map(|view| doubts(&screen, what, view)));
    remarks.extend(unclear(client, &outcome)?);
    recorded(&screen, &outcome, &remarks, matches!(what, Record::Outage { .. }))
}

/// Adds photos to a case.
pub fn add_photos(client: &Client, waybill: &str, files: &[PathBuf], original: Option<&str>) -> Result<Answer, Failed> {
    let screen = Screen::of(client);
    let original = original.map(|hash| hash.parse().map_err(|_| Failed::NoPhoto)).transpose()?;
    let photos: Vec<_> = read_photos(files)?.into_iter().map(|photo| NewPhoto { original, ..photo }).collect();
    let outcome = client.record(&Command::Photos { waybill: waybill.to_owned(), photos: Vec::new() }, &photos)?;
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
    let is_blank = |value: &Option<String>| value.as_ref().is_none_or(|text| text.trim().is_empty());
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

/// What was recorded and does not count as it is: a reply that lacks what its decision needs.
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

fn command(client: &Client, what: &Record, zone: FixedOffset) -> Result<Command, Failed> {
    let time =
        |flag, text: &Option<String>| text.as_deref().map(|text| moment(text, zone).ok_or(Failed::Time { flag })).transpose();
    let fen = |text: &Option<String>| text.as_deref().map(|text| yuan(text).ok_or(Failed::Yuan)).transpose();
    Ok(match what {
        Record::Fail { waybill, reason, sub, note, offered, agreed, waited, .. } => Command::Fail {
            waybill: waybill.clone(),
            reason: reason.clone(),
            sub: sub.clone(),
            words: note.clone(),
            photos: Vec::new(),
            details: AttemptDetails { offered_fen: fen(offered)?, agreed_at: time("--agreed", agreed)?, waited_minutes: *waited },
        },
        Record::Register { waybill, reason, sub, stage, note, found, count, other, weight, label_weight, .. } => {
            Command::Problem {
                waybill: match waybill {
                    Some(waybill) => waybill.clone(),
                    None => client.provisional_number()?,
                },
                reason: reason.clone(),
                sub: sub.clone(),
                stage: stage.clone(),
                words: note.clone(),
                photos: Vec::new(),
                details: ProblemDetails {
                    found_at: time("--found", found)?,
                    count: *count,
                    other: other.clone(),
                    weight_g: *weight,
                    label_g: *label_weight,
                },
            }
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
            phoned_at: time("--at", at)?,
            said: said.clone(),
        },
        Record::Notice { waybill, to, request } => {
            Command::Notice { waybill: waybill.clone(), to: to.clone(), request: request.clone() }
        }
        Record::Seen { waybill } => Command::Seen { waybill: waybill.clone() },
        Record::Reply { waybill, decision, note, phone, address, replied, .. } => Command::Reply {
            waybill: waybill.clone(),
            decision: decision.clone(),
            words: note.clone(),
            phone: phone.clone(),
            address: address.clone(),
            details: ReplyDetails {
                contact: replied.contact.clone(),
                company: replied.company.clone(),
                same: replied.same,
                until: time("--until", &replied.until)?,
                place: replied.place.clone(),
                informed: replied.informed,
                agreed_by: replied.agreed_by.clone(),
                agreed: replied.agreed.clone(),
                payer: replied.payer.clone(),
            },
            photos: Vec::new(),
        },
        Record::Mark { waybill, entry, remark, reason, note } => Command::Mark {
            waybill: waybill.clone(),
            entry: entry.clone(),
            remark: remark.clone(),
            reason: reason.clone(),
            words: note.clone(),
        },
        Record::Act { waybill, outcome, carrier, number, amount, note } => Command::Action {
            waybill: waybill.clone(),
            outcome: outcome.clone(),
            carrier: carrier.clone(),
            number: number.clone(),
            amount_fen: fen(amount)?,
            words: note.clone(),
        },
        Record::Tick { waybill, step, note } => {
            Command::Tick { waybill: waybill.clone(), step: step.clone(), words: note.clone() }
        }
        Record::Assign { waybill, to, at, note } => {
            Command::Assign { waybill: waybill.clone(), to: to.clone(), planned_at: time("--at", at)?, words: note.clone() }
        }
        Record::Consent { waybill, by, to, name, note } => {
            Command::Consent { waybill: waybill.clone(), by: by.clone(), to: to.clone(), name: name.clone(), words: note.clone() }
        }
        Record::Goods { waybill, name, packing, value, note } => Command::Goods {
            waybill: waybill.clone(),
            name: name.clone(),
            packing: packing.clone(),
            value_fen: fen(value)?,
            words: note.clone(),
        },
        Record::Ledger { waybill, book, change, amount, slip, note } => Command::Ledger {
            waybill: waybill.clone(),
            book: book.clone(),
            change: change.clone(),
            amount_fen: fen(amount)?,
            slip: *slip,
            words: note.clone(),
        },
        Record::Waive { waybill, evidence, why } => {
            Command::Waive { waybill: waybill.clone(), evidence: evidence.clone(), words: why.clone() }
        }
        Record::Correct { waybill, entry, fault, same_as, why, reason, sub } => {
            let anew = |reason: &String| {
                let mut fail = Command::fail(waybill, reason);
                if let Command::Fail { sub: of, .. } = &mut fail {
                    of.clone_from(sub);
                }
                Box::new(fail)
            };
            Command::Correct {
                waybill: waybill.clone(),
                entry: entry.clone(),
                fault: fault.clone(),
                same_as: same_as.clone(),
                words: why.clone(),
                instead: reason.as_ref().map(anew),
            }
        }
        Record::Dispute { waybill, about, why } => {
            Command::Dispute { waybill: waybill.clone(), about: about.clone(), words: why.clone() }
        }
        Record::Identify { provisional, waybill } => {
            Command::Identify { provisional: provisional.clone(), waybill: waybill.clone() }
        }
        Record::Handover { waybill, to, note } => {
            Command::Handover { waybill: waybill.clone(), to: to.clone(), words: note.clone() }
        }
        Record::Takeover { waybill } => Command::Takeover { waybill: waybill.clone() },
        Record::Close { waybill, outcome, note } => {
            Command::Close { waybill: waybill.clone(), outcome: outcome.clone(), words: note.clone() }
        }
    })
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
