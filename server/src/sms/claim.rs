//! Which messages the gateway sends now. One lease for each message, whoever recorded it; what must not be sent is settled, with why.

use doorstep_domain::{Body, CaseId, EntryKey, Sms, SmsFault, SmsReport, SmsState, UnixMs, plain_digits};
use doorstep_rules::{
    Case, Pack, Rulebook, SmsLack, State, TimeOfDay, judge,
    sms::{Segments, fits},
};
use rusqlite::{Connection, params};

use super::outbox::{self, COLUMNS, Queued};
use crate::{error::ApiError, keys::Keys, packs::Rules, project};

/// A message under the gateway's lease.
#[derive(Clone)]
pub(crate) struct Claimed {
    pub case: CaseId,
    pub entry: EntryKey,
    pub round: u32,
    /// Whoever has another one has another row.
    pub fence: i64,
    pub to: String,
    pub text: String,
    pub segments: Segments,
    pub extension: String,
    /// Not after that.
    pub until: UnixMs,
    /// The template allows one more try when nobody knows whether this one left.
    pub resend: bool,
    /// Name of this try for the provider.
    pub reference: String,
    pub pack_version: u32,
}

impl std::fmt::Debug for Claimed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claimed").field("entry", &self.entry).field("round", &self.round).finish_non_exhaustive()
    }
}

/// What is to be done with a due message.
enum Verdict {
    Send { to: String, text: String, resend: bool },
    Later(UnixMs),
    Settle(SmsState, Option<SmsFault>),
}

/// A message whose twin is under somebody's lease is looked at again after so long.
const TWIN_MS: i64 = 30_000;
/// A text longer than that is of no template, in bytes.
const MAX_TEXT: usize = 2_000;

/// Claims at most so many due messages: each is leased, and its case says so, when this is durable. Where nothing is sent (`sends`
/// is false) they are not leased: they wait for a device's lease, or for their end.
pub(crate) fn claim(
    db: &Connection,
    keys: &Keys,
    rules: &Rules,
    (most, extension_digits, sends): (usize, u32, bool),
    now: UnixMs,
) -> Result<Vec<Claimed>, ApiError> {
    let sql = format!("SELECT {COLUMNS} FROM message WHERE state = 'offered' AND due_at <= ?1 ORDER BY due_at LIMIT ?2");
    let due: Vec<Queued> = db
        .prepare_cached(&sql)?
        .query_map(params![now.0, most], outbox::read)?
        .filter_map(Result::transpose)
        .collect::<Result<_, _>>()?;
    let (_, book) = rules.book(db)?;
    let mut claimed = Vec::new();
    for row in due {
        let (verdict, pack_version) = match judged(db, &book, &row, now) {
            // One damaged case must not keep the others waiting.
            Err(ApiError::Damaged) => (Verdict::Later(now.plus(3_600_000)), book.at(now).version),
            other => other?,
        };
        match verdict {
            Verdict::Later(at) => later(db, &row, at)?,
            Verdict::Settle(state, fault) => {
                outbox::set(db, &row, state, row.round, None)?;
                let report = SmsReport { fault, ..outbox::report(&row.entry, state, row.round) };
                outbox::say(db, keys, &row.case, (outbox::server()?, pack_version), vec![Body::SmsReport(report)], now)?;
            }
            Verdict::Send { to, text, resend } => {
                if !sends {
                    later(db, &row, now.plus(NO_GATEWAY_MS))?;
                }
                let extension = extension(db, &row, extension_digits, book.at(now), now)?;
                let until = until(&row, book.at(now));
                if sends {
                    db.prepare_cached(
                    "UPDATE message SET state = 'leased', holder = NULL, fence = fence + 1, told = 0, extension = ?3, until_at = ?4
                     WHERE case_id = ?1 AND entry = ?2",
                )?
                .execute(params![row.case.as_bytes(), row.entry.to_string(), extension, until.0])?;
                    let report = outbox::report(&row.entry, SmsState::Leased, row.round);
                    outbox::say(db, keys, &row.case, (outbox::server()?, pack_version), vec![Body::SmsReport(report)], now)?;
                }
                // Without the operator's signature, which it puts before it: where it cuts then is its own to say.
                let segments = Segments::of(&text);
                claimed.push(Claimed {
                    reference: reference(&row),
                    case: row.case,
                    entry: row.entry,
                    round: row.round,
                    fence: row.fence + 1,
                    to,
                    text,
                    segments,
                    extension,
                    until,
                    resend,
                    pack_version,
                });
            }
        }
    }
    Ok(claimed)
}

fn later(db: &Connection, row: &Queued, at: UnixMs) -> Result<(), ApiError> {
    db.prepare_cached("UPDATE message SET due_at = ?3 WHERE case_id = ?1 AND entry = ?2")?.execute(params![
        row.case.as_bytes(),
        row.entry.to_string(),
        at.0
    ])?;
    Ok(())
}

/// Without a gateway a message is looked at again after so long.
const NO_GATEWAY_MS: i64 = 10 * 60_000;

/// Name of a try: case and fence, so that no two tries share one.
fn reference(row: &Queued) -> String {
    let case: String = row.case.to_string().chars().take(16).collect();
    format!("{case}{}n{}", row.entry.seq, row.fence + 1)
}

/// When a message is not sent any more: so long after it was left to the gateway.
fn until(row: &Queued, pack: &Pack) -> UnixMs {
    row.offered_at.plus(i64::from(pack.sms.gateway.valid_hours) * 3_600_000)
}

fn judged(db: &Connection, book: &Rulebook, row: &Queued, now: UnixMs) -> Result<(Verdict, u32), ApiError> {
    let (entries, _) = project::entries(db, &row.case)?;
    let pack = book.at(now);
    let settle = |state, fault| Ok((Verdict::Settle(state, fault), pack.version));
    let Some(case) = Case::fold(entries) else { return settle(SmsState::Cancelled, None) };
    let judged = judge(&case, book, now);
    let Some(message) = judged.messages.iter().find(|message| message.entry == row.entry) else {
        return settle(SmsState::Cancelled, None);
    };
    let Some(sms) = outbox::sms_of(&case.timeline, &row.entry) else { return settle(SmsState::Cancelled, None) };
    if judged.state == State::Closed {
        return settle(SmsState::Cancelled, None);
    }
    let opted_out = db.prepare_cached("SELECT 1 FROM opt_out WHERE recipient = ?1")?.exists([&row.recipient])?;
    if opted_out || judged.messages.iter().any(|message| message.opt_out) {
        return settle(SmsState::Failed, Some(SmsFault::OptedOut));
    }
    if pack.day(now).is_none_or(|today| today > message.day) || now > until(row, pack) {
        return settle(SmsState::Expired, None);
    }
    if let Some(fault) = unworthy(book, &case, sms, &message.lacks, message.pack_version) {
        return settle(SmsState::Failed, Some(fault));
    }
    match twin(db, row)? {
        Some(state) if state.may_have_left() => return settle(SmsState::Covered, None),
        Some(_) => return Ok((Verdict::Later(now.plus(TWIN_MS)), pack.version)),
        None => {}
    }
    if let Some(end) = quiet_until(pack, now) {
        return Ok((Verdict::Later(end), pack.version));
    }
    if is_over_limit(db, row, pack, now)? {
        return settle(SmsState::Failed, Some(SmsFault::Limit));
    }
    let template = sms.template.as_ref().and_then(|id| pack.template(id.as_str(), sms.template_version));
    let (Some(to), Some(text)) = (sms.to.text().and_then(plain_digits), sms.text.text()) else {
        return settle(SmsState::Failed, Some(SmsFault::Text));
    };
    let resend = template.is_some_and(|template| template.resend);
    Ok((Verdict::Send { to, text: text.to_owned(), resend }, pack.version))
}

/// Why a message is not head office's to send: it would not count, or its words are not head office's.
fn unworthy(book: &Rulebook, case: &Case, sms: &Sms, lacks: &[SmsLack], version: u32) -> Option<SmsFault> {
    let pack = &book.version(version).unwrap_or_else(|| book.newest()).pack;
    if lacks.contains(&SmsLack::OtherNumber) {
        return Some(SmsFault::Number);
    }
    let template = sms.template.as_ref().and_then(|id| pack.template(id.as_str(), sms.template_version));
    let text = sms.text.text().filter(|text| text.len() <= MAX_TEXT);
    let is_ours = template.zip(text).is_some_and(|(template, text)| fits(pack, template, &case.facts.waybill, text));
    let lacks = lacks.iter().any(|lack| *lack != SmsLack::NotSent && *lack != SmsLack::SenderUnauthorised);
    (lacks || !is_ours).then_some(SmsFault::Text)
}

/// How far another entry's same message has got, if it is under way or has left.
pub(super) fn twin(db: &Connection, row: &Queued) -> Result<Option<SmsState>, ApiError> {
    let mut query = db.prepare_cached("SELECT state FROM message WHERE key = ?1 AND NOT (case_id = ?2 AND entry = ?3)")?;
    let states = query.query_map(params![row.key, row.case.as_bytes(), row.entry.to_string()], |row| row.get::<_, String>(0))?;
    let mut found = None;
    for state in states {
        let state = SmsState::from_word(&state?).filter(|state| state.may_have_left() || *state == SmsState::Leased);
        found = found.max(state);
    }
    Ok(found)
}

/// When the quiet hours end that it is in now.
fn quiet_until(pack: &Pack, now: UnixMs) -> Option<UnixMs> {
    let quiet = pack.sms.gateway.quiet?;
    let local = pack.local(now)?;
    if !quiet.holds(TimeOfDay(local.time())) {
        return None;
    }
    let today = pack.moment(local.date().and_time(quiet.until.0))?;
    if today > now { Some(today) } else { pack.moment(local.date().succ_opt()?.and_time(quiet.until.0)) }
}

/// Whether the recipient, or the device that asks, has had as many today as the rules allow.
pub(super) fn is_over_limit(db: &Connection, row: &Queued, pack: &Pack, now: UnixMs) -> Result<bool, ApiError> {
    let local = pack.local(now).and_then(|local| pack.moment(local.date().and_hms_opt(0, 0, 0)?));
    let today = local.unwrap_or(now).0;
    let count = |sql: &str, who: &[u8]| -> Result<u32, ApiError> {
        Ok(db.prepare_cached(sql)?.query_row(params![who, today], |row| row.get(0))?)
    };
    let to_number = count(
        "SELECT count(*) FROM message WHERE recipient = ?1 AND (sent_at >= ?2 OR state IN ('leased', 'submitting'))",
        &row.recipient,
    )?;
    let of_device = count(
        "SELECT count(*) FROM message WHERE device = ?1 AND (sent_at >= ?2 OR state IN ('leased', 'submitting'))",
        &row.device,
    )?;
    let gateway = &pack.sms.gateway;
    Ok(to_number >= gateway.most_to_a_number || of_device >= gateway.most_of_a_device)
}

/// Digits for the service number that none of the recipient's other messages has while an answer may come: so the answer names its
/// message. Empty where the provider has none to give, or all are taken.
fn extension(db: &Connection, row: &Queued, digits: u32, pack: &Pack, now: UnixMs) -> Result<String, ApiError> {
    if digits == 0 {
        return Ok(String::new());
    }
    let since = now.plus(-i64::from(pack.sms.gateway.reply_hours) * 3_600_000);
    let mut query = db.prepare_cached(
        "SELECT extension FROM message WHERE recipient = ?1 AND (sent_at >= ?2 OR state IN ('leased', 'submitting', 'uncertain'))",
    )?;
    let taken =
        query.query_map(params![row.recipient, since.0], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    let spelt = |n: u32| format!("{n:0width$}", width = digits as usize);
    let free = (1..10_u32.saturating_pow(digits)).take(1_000).map(spelt).find(|extension| !taken.contains(extension));
    Ok(free.unwrap_or_default())
}
