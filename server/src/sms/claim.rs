//! Chooses the messages that the gateway sends now. Each message has one lease, whoever recorded it. A message that must not be
//! sent is settled with a reason.

use doorstep_domain::{Body, CaseId, EntryKey, Number, Sms, SmsFault, SmsReport, SmsState, UnixMs};
use doorstep_protocol::OutletRow;
use doorstep_rules::{
    Case, Message, Pack, Rulebook, SmsLack, State, TimeOfDay, Words, judge,
    sms::{Known, Segments, fits_known},
};

use super::{addressee::Addressee, outbox, queue};
use crate::{
    case_log,
    error::ApiError,
    keys::Keys,
    packs::Rules,
    store::{
        message_moves,
        messages::{self, Queued, Which},
        opt_out, people,
        tx::Tx,
    },
};

/// A message under the gateway's lease.
#[derive(Clone)]
pub(crate) struct Claimed {
    pub case: CaseId,
    pub entry: EntryKey,
    pub round: u32,
    /// The fence of this claim. Another claim of the row has another one.
    pub fence: i64,
    pub to: String,
    pub text: String,
    /// The text with the operator's signature, as the operator cuts it.
    pub segments: Segments,
    /// In how many pieces the provider takes it; `None`: as a whole, and the operator cuts it.
    pub pieces: Option<usize>,
    pub extension: String,
    /// The message must not be sent after this time.
    pub until: UnixMs,
    /// Whether the template allows one more try if this one ends uncertain.
    pub resend: bool,
    /// The name of this try for the provider.
    pub reference: String,
    pub pack_version: u32,
}

impl Claimed {
    /// The key of the message.
    pub(super) fn which(&self) -> Which<'_> {
        (&self.case, &self.entry)
    }
}

impl std::fmt::Debug for Claimed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claimed").field("entry", &self.entry).field("round", &self.round).finish_non_exhaustive()
    }
}

/// The decision on a due message.
pub(super) enum Verdict {
    Send {
        to: String,
        text: String,
        resend: bool,
    },
    /// Postponed until a time, with the reason.
    Later(UnixMs, &'static str),
    Settle(SmsState, Option<SmsFault>),
}

/// How soon a message is judged again if its twin is under a lease.
const TWIN_MS: i64 = 30_000;
/// How long a message waits for a twin that is queued on another phone.
const QUEUED_TWIN_MS: i64 = 15 * 60_000;

/// Claims up to `most` due messages. Each claimed message is leased and its case says so, durably after the commit. If `sends` is
/// false, none is leased: the messages wait for a device's lease, or for their end.
pub(crate) fn claim(
    tx: &Tx<'_>,
    keys: &Keys,
    rules: &Rules,
    (most, extension_digits, sends): (usize, u32, bool),
    now: UnixMs,
) -> Result<Vec<Claimed>, ApiError> {
    let due = messages::due(tx, now, most)?;
    let (_, book) = rules.book(tx)?;
    let mut claimed = Vec::new();
    for row in due {
        let pack = book.at(now);
        let pack_version = pack.version;
        let verdict = match judged(tx, &book, &row, Way::Gateway, now) {
            // One damaged case must not block the others.
            Err(ApiError::Damaged) => Verdict::Later(now.plus(3_600_000), "damaged"),
            other => other?,
        };
        let quiet = quiet_until(pack, now).filter(|_| matches!(verdict, Verdict::Send { .. }));
        match quiet.map_or(verdict, |end| Verdict::Later(end, "quiet")) {
            Verdict::Later(at, _) => message_moves::postpone(tx, row.which(), at)?,
            Verdict::Settle(state, fault) => {
                // A try that was reported as begun ended without being taken. A fault of the number that head office finds after it
                // belongs to the next one: in that try it would say that the network had refused the number.
                let is_next = row.told && fault == Some(SmsFault::Number);
                let round = row.round.saturating_add(u32::from(is_next));
                queue::set(tx, &row, state, round, None)?;
                let report = SmsReport { fault, ..outbox::report(&row.entry, state, round) };
                outbox::say(tx, keys, &row.case, (outbox::server()?, pack_version), Body::SmsReport(report), now)?;
            }
            Verdict::Send { to, text, resend } => {
                let extension = extension(tx, &row, extension_digits, pack, now)?;
                let until = until(&row, pack);
                if sends {
                    message_moves::lease_to_gateway(tx, row.which(), &extension, until)?;
                } else {
                    message_moves::postpone(tx, row.which(), now.plus(NO_GATEWAY_MS))?;
                }
                // A try that was not taken and is repeated has reported the lease before.
                if sends && !row.told {
                    let report = outbox::report(&row.entry, SmsState::Leased, row.round);
                    outbox::say(tx, keys, &row.case, (outbox::server()?, pack_version), Body::SmsReport(report), now)?;
                }
                let segments = Segments::signed(&pack.sms.signature, &text);
                claimed.push(Claimed {
                    reference: reference(&row),
                    case: row.case,
                    entry: row.entry,
                    round: row.round,
                    fence: row.fence + 1,
                    to,
                    text,
                    segments,
                    pieces: None,
                    extension,
                    until,
                    resend: resend && !row.resent,
                    pack_version,
                });
            }
        }
    }
    Ok(claimed)
}

/// Without a gateway a message is judged again after this time.
const NO_GATEWAY_MS: i64 = 10 * 60_000;

/// The name of a try: case and fence, so that no two tries share one.
fn reference(row: &Queued) -> String {
    let case: String = row.case.to_string().chars().take(16).collect();
    format!("{case}{}n{}", row.entry.seq, row.fence + 1)
}

/// The end of a message, counted from when it was left to the gateway.
fn until(row: &Queued, pack: &Pack) -> UnixMs {
    row.offered_at.plus(i64::from(pack.sms.gateway.valid_hours) * 3_600_000)
}

/// Who is to send a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The gateway. It sends only head office's own texts.
    Gateway,
    /// A device that holds the lease.
    Lease,
}

/// Decides on a message that was left to others.
pub(super) fn judged(tx: &Tx<'_>, book: &Rulebook, row: &Queued, way: Way, now: UnixMs) -> Result<Verdict, ApiError> {
    let entries = case_log::entries(tx, &row.case)?;
    let pack = book.at(now);
    let settle = |state, fault| Ok(Verdict::Settle(state, fault));
    let Some(case) = Case::fold(entries) else { return settle(SmsState::Cancelled, None) };
    let judged = judge(&case, book, now);
    let Some(message) = judged.messages.iter().find(|message| message.entry == row.entry) else {
        return settle(SmsState::Cancelled, None);
    };
    let Some(sms) = outbox::sms_of(&case.timeline, &row.entry) else { return settle(SmsState::Cancelled, None) };
    if judged.state == State::Closed || message.is_void {
        return settle(SmsState::Cancelled, None);
    }
    // The recorder has sent the message after all, after leaving it to others.
    if message.state.has_left() {
        return settle(SmsState::Covered, None);
    }
    // The row's own hash may be older than today's reading of the number.
    let number = sms.to.text().map(Number::for_sms);
    let recipient = match &number {
        Some(Ok(number)) => queue::hash(tx, &number.dialled())?,
        _ => row.recipient.clone(),
    };
    if opt_out::has(tx, &recipient)? || judged.messages.iter().any(|message| message.opt_out) {
        return settle(SmsState::Failed, Some(SmsFault::OptedOut));
    }
    if pack.day(now).is_none_or(|today| today > message.day) || now > until(row, pack) {
        return settle(SmsState::Expired, None);
    }
    // The case has learnt after the recording that the number is a stranger's.
    if message.turned_wrong {
        return settle(SmsState::Failed, Some(SmsFault::Number));
    }
    let addressee = Addressee::of(tx, &case)?;
    if message.lacks.contains(&SmsLack::OtherNumber) || addressee.as_ref().is_some_and(|known| !known.has(&recipient)) {
        return settle(SmsState::Failed, Some(SmsFault::NotTheLabels));
    }
    if addressee.as_ref().is_some_and(|known| known.is_over(&recipient, now)) {
        return settle(SmsState::Expired, None);
    }
    let name = addressee.as_ref().and_then(|known| known.name.as_deref());
    if way == Way::Gateway && !is_ours(book, &case, (sms, message), name, &outlets(tx)?) {
        return settle(SmsState::Failed, Some(SmsFault::Text));
    }
    // The twin's state from the case or from the outbox, whichever is further.
    let same = || judged.messages.iter().filter(|other| other.key == message.key && other.entry != message.entry);
    let told = same().map(|other| other.state).filter(|state| state.may_have_left()).max();
    match twin(tx, row, same().map(|other| &other.entry), now)?.max(told) {
        Some(state) if state.has_left() => return settle(SmsState::Covered, None),
        // The outcome of the twin decides.
        Some(state) => return Ok(Verdict::Later(now.plus(TWIN_MS), state.as_str())),
        None => {}
    }
    if is_over_limit(tx, row, pack, now)? {
        return settle(SmsState::Failed, Some(SmsFault::Limit));
    }
    let template = sms.template.as_ref().and_then(|id| pack.template(id.as_str(), sms.template_version));
    let to = match number {
        Some(Ok(number)) => number.dialled(),
        // The list's number itself cannot be used: an SMS to the digits that are left of it would reach a stranger.
        Some(Err(_)) => return settle(SmsState::Failed, Some(SmsFault::Number)),
        None => return settle(SmsState::Failed, Some(SmsFault::Text)),
    };
    let Some(text) = sms.text.text() else { return settle(SmsState::Failed, Some(SmsFault::Text)) };
    let resend = template.is_some_and(|template| template.resend);
    Ok(Verdict::Send { to, text: text.to_owned(), resend })
}

/// Whether head office may send a message: it is worth sending, and its text is head office's own. The pack that was in force
/// at its recording finds the surname, as its recorder did.
fn is_ours(book: &Rulebook, case: &Case, (sms, message): (&Sms, &Message), name: Option<&str>, outlets: &[Words]) -> bool {
    let pack = &book.version(message.pack_version).unwrap_or_else(|| book.newest()).pack;
    let template = sms.template.as_ref().and_then(|id| pack.template(id.as_str(), sms.template_version));
    let surname = name.and_then(|name| pack.surname(name));
    let known = Known { surname: surname.as_deref(), outlets };
    let fits = |(template, text)| fits_known(pack, template, &case.facts.waybill, &known, text);
    message.is_worth_sending() && template.zip(sms.text.text()).is_some_and(fits)
}

/// The names of all outlets.
fn outlets(tx: &Tx<'_>) -> Result<Vec<Words>, ApiError> {
    let names = |outlet: OutletRow| Words { zh: outlet.name_zh, en: outlet.name_en };
    Ok(people::outlets(tx)?.into_iter().map(names).collect())
}

/// The state of the same message under another entry, if that is being sent or has left. A twin that is queued on its recorder's
/// phone may be sent at any moment, so it is waited for, but not for ever: that phone may be lost.
fn twin<'a>(
    tx: &Tx<'_>,
    row: &Queued,
    same: impl Iterator<Item = &'a EntryKey>,
    now: UnixMs,
) -> Result<Option<SmsState>, ApiError> {
    let waits = now < row.offered_at.plus(QUEUED_TWIN_MS);
    let mut found = None;
    for entry in same {
        let Some(other) = messages::one(tx, (&row.case, entry))? else { continue };
        let is_under_way = match other.state {
            SmsState::Queued => other.own && waits,
            // The twin's earlier try may have left, or a try is running. Of two such messages one goes first.
            SmsState::Offered => (other.told || other.resent) && !(row.told || row.resent),
            state => state == SmsState::Leased || state.may_have_left(),
        };
        found = found.max(Some(other.state).filter(|_| is_under_way));
    }
    Ok(found)
}

/// The end of the quiet hours that it is in now.
fn quiet_until(pack: &Pack, now: UnixMs) -> Option<UnixMs> {
    let quiet = pack.sms.gateway.quiet?;
    let local = pack.local(now)?;
    if !quiet.holds(TimeOfDay(local.time())) {
        return None;
    }
    let today = pack.moment(local.date().and_time(quiet.until.0))?;
    if today > now { Some(today) } else { pack.moment(local.date().succ_opt()?.and_time(quiet.until.0)) }
}

/// Whether the recipient or the asking device has reached the daily limit of the rules. Messages that phones sent without a lease
/// do not count, because nobody could have refused them.
fn is_over_limit(tx: &Tx<'_>, row: &Queued, pack: &Pack, now: UnixMs) -> Result<bool, ApiError> {
    let local = pack.local(now).and_then(|local| pack.moment(local.date().and_hms_opt(0, 0, 0)?));
    let today = local.unwrap_or(now);
    let to_number = messages::count_claimed_to(tx, &row.recipient, today)?;
    let of_device = messages::count_claimed_of(tx, &row.device, today)?;
    let gateway = &pack.sms.gateway;
    Ok(to_number >= gateway.most_to_a_number || of_device >= gateway.most_of_a_device)
}

/// Digits for the service number that none of the recipient's other messages has while it may be answered, so that a reply names
/// its message. Empty if the provider offers no digits, or if all are taken.
fn extension(tx: &Tx<'_>, row: &Queued, digits: u32, pack: &Pack, now: UnixMs) -> Result<String, ApiError> {
    if digits == 0 {
        return Ok(String::new());
    }
    let since = now.plus(-i64::from(pack.sms.gateway.reply_hours) * 3_600_000);
    let taken = messages::extensions_to(tx, &row.recipient, since)?;
    let spelt = |n: u32| format!("{n:0width$}", width = digits as usize);
    let free = (1..10_u32.saturating_pow(digits)).take(1_000).map(spelt).find(|extension| !taken.contains(extension));
    Ok(free.unwrap_or_default())
}
