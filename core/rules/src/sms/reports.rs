//! The state of each SMS of a case, by the reports on it, and whether it proves the day's attempt (domain 5.2, 5.3).

use std::collections::{BTreeMap, HashMap, HashSet};

use doorstep_domain::{
    Author, Body, CaseId, EntryKey, Fault, MessageKey, Personal, ReasonCode, Role, Sms, SmsFault, SmsLevel, SmsReport, SmsState,
    SmsWay, Tag, UnixMs, marks_of,
};

use super::{Known, Message, SmsLack, fits, fits::is_neutral};
use crate::case_index::{Act, CaseIndex};

/// A report with its author.
#[derive(Clone, Copy)]
struct Told<'a> {
    report: &'a SmsReport,
    at: UnixMs,
    /// The time that counts for the report. For head office it is the stated time.
    claim: UnixMs,
    tag: Tag,
    by: &'a Author,
}

impl<'a> Told<'a> {
    fn of(act: &Act<'a>, report: &'a SmsReport) -> Self {
        let by = &act.recorded.entry.author;
        let told = Self { report, at: act.when.at, claim: act.when.at, tag: act.key().tag, by };
        if told.is_head_office() { told } else { Self { claim: act.when.claim(), ..told } }
    }
    /// Whether head office wrote the report: the server, or a reviewer who settles an uncertain message.
    fn is_head_office(&self) -> bool {
        self.by.is_server() || self.by.role == Role::HqReviewer
    }
    /// When the message left: the operator's time, else the time of the report. The operator's time counts only in head office's
    /// reports, because only head office is in contact with operators; a device could use it to date a message back to the
    /// attempt's day.
    fn left(&self) -> UnixMs {
        self.report.at.filter(|_| self.is_head_office()).unwrap_or(self.at)
    }
    /// The proven time of leaving.
    fn left_by(&self) -> UnixMs {
        if self.is_head_office() { self.left() } else { self.claim }
    }
}

/// The state of a message, from reports in any order.
#[derive(Clone, Copy)]
struct Progress {
    state: SmsState,
    way: Option<SmsWay>,
    round: u32,
    fault: Option<SmsFault>,
    lease: Option<(Tag, UnixMs)>,
    given_up: bool,
    sent_at: Option<UnixMs>,
    /// The latest proven time of leaving.
    sent_by: Option<UnixMs>,
}

impl Progress {
    /// Combines the reports. Within a try the last state in the order of states counts; among tries one that has left counts,
    /// else the last one.
    fn of(told: &[Told<'_>]) -> Self {
        let mut tries: BTreeMap<u32, &Told<'_>> = BTreeMap::new();
        let rank = |told: &Told<'_>| (told.report.state, told.report.way, told.report.fault);
        for told in told {
            let last = tries.entry(told.report.round).or_insert(told);
            if rank(told) > rank(last) {
                *last = told;
            }
        }
        let left = |told: &&&Told<'_>| told.report.state.has_left();
        let last = tries.values().filter(left).max_by_key(|told| rank(told)).or_else(|| tries.values().next_back()).copied();
        let is = |state: SmsState| move |told: &&Told<'_>| told.report.state == state;
        // A lease lasts until its end, or until the next lease.
        let lease = told.iter().filter(is(SmsState::Leased)).max_by_key(|told| (told.report.round, told.at, told.report.holder));
        Self {
            state: last.map_or(SmsState::Queued, |told| told.report.state),
            way: last.map(|told| told.report.way),
            round: tries.keys().next_back().copied().unwrap_or(0),
            fault: last.and_then(|told| told.report.fault),
            lease: lease.and_then(|told| Some((told.report.holder?, told.report.at.unwrap_or(UnixMs(i64::MAX))))),
            given_up: told.iter().any(|told| told.report.state == SmsState::Offered),
            sent_at: last
                .filter(|told| told.report.state.has_left())
                .map(|last| Self::left_at(told, last.report.round, |told| told.left(), |told| told.at)),
            sent_by: last
                .filter(|told| told.report.state.has_left())
                .map(|last| Self::left_at(told, last.report.round, |told| told.left_by(), |told| told.claim)),
        }
    }

    /// When a try left: when a phone handed it over, or the earliest time in a report that it had left. A report days later does
    /// not make it later. The gateway repeats the handover until the operator accepts it, and knows that time unless the message
    /// became uncertain. `left` and `begun` give the times by one report.
    fn left_at(told: &[Told<'_>], round: u32, left: fn(&Told<'_>) -> UnixMs, begun: fn(&Told<'_>) -> UnixMs) -> UnixMs {
        let of_try = || told.iter().filter(|told| told.report.round == round);
        let known = of_try().filter(|told| told.report.state.has_left()).map(left).min();
        let was_lost = of_try().any(|told| told.report.state == SmsState::Uncertain);
        let is_begun =
            |told: &&Told<'_>| told.report.state == SmsState::Submitting && (told.report.way == SmsWay::Phone || was_lost);
        let started = of_try().filter(is_begun).map(begun).min();
        started.into_iter().chain(known).min().unwrap_or(UnixMs(i64::MAX))
    }
}

/// Every SMS in the timeline's order. A corrected SMS does not count, but it may still have left.
pub(crate) fn messages(index: &CaseIndex<'_>) -> Vec<Message> {
    let facts = &index.case.facts;
    let case = CaseId::of(&facts.network, &facts.waybill);
    // Corrected reports still count, because a correction does not make a message unsent.
    let mut reports: HashMap<&EntryKey, Vec<&Act<'_>>> = HashMap::new();
    for act in &index.acts {
        match act.body() {
            Body::SmsReport(SmsReport { of, .. }) => reports.entry(of).or_default().push(act),
            Body::SmsReply(reply) => reports.entry(&reply.of).or_default().push(act),
            _ => {}
        }
    }
    let given = given(index, &case);
    let all = index.acts.iter().filter_map(|act| match act.body() {
        Body::Sms(sms) => {
            let about = reports.get(act.key()).map(Vec::as_slice).unwrap_or_default();
            Some(message(index, &case, &given, act, sms, about))
        }
        _ => None,
    });
    let mut all: Vec<Message> = all.collect();
    let mut left: HashMap<MessageKey, u32> = HashMap::new();
    for message in &all {
        *left.entry(message.key).or_default() += message.times;
    }
    for message in &mut all {
        message.times = left.get(&message.key).copied().unwrap_or_default();
    }
    all
}

/// The numbers that the origin outlet gave. Messages to them count, as to the label's number and its virtual one (domain 5.4).
fn given(index: &CaseIndex<'_>, case: &CaseId) -> Vec<Given> {
    if !index.acts.iter().any(|act| matches!(act.body(), Body::Sms(_))) {
        return Vec::new();
    }
    let given = |act: &Act<'_>| Some(Given { marks: marks_of(case, given_by(act)?).collect(), until: act.superseded });
    index.acts.iter().filter_map(given).collect()
}

/// A number that the origin outlet gave. A message that left before a correction of the reply was right when it left.
struct Given {
    marks: Vec<[u8; 8]>,
    /// When a correction superseded the reply.
    until: Option<UnixMs>,
}

/// The number in an act, if it is a reply by which the origin outlet gives one.
pub(super) fn given_by<'a>(act: &Act<'a>) -> Option<&'a Personal> {
    match act.body() {
        Body::Reply(reply) if act.facts.origin_outlet.as_ref() == Some(act.outlet()) => reply.phone.as_ref(),
        _ => None,
    }
}

/// The reports of a message that count, and whether there were others.
fn heard<'a>(act: &Act<'_>, attempt: Option<&Act<'_>>, about: &[&'a Act<'a>]) -> (Vec<Told<'a>>, bool) {
    let told = about.iter().filter_map(|act| match act.body() {
        Body::SmsReport(report) => Some(Told::of(act, report)),
        _ => None,
    });
    let told: Vec<Told<'_>> = told.collect();
    let leases = || told.iter().filter(|told| told.is_head_office() && told.report.state == SmsState::Leased);
    let leased: HashSet<Tag> = leases().filter_map(|told| told.report.holder).collect();
    // The recorder of attempt and message may send it; every other sender needs the server's lease. A device that moved to a new
    // installation writes under another tag, so this check compares the person. The decision who may send compares the
    // installation.
    let recorder = &act.recorded.entry.author.user;
    // A correction by somebody else makes the attempt nobody else's.
    let is_own = attempt.is_none_or(|attempt| attempt.registered.entry.author.user == *recorder);
    let may = |told: &&Told<'_>| {
        let is_recorder = told.by.user == *recorder;
        match (told.report.state, told.report.way) {
            _ if told.is_head_office() => true,
            // Only the server leases, and only it knows what its gateway did.
            (SmsState::Leased, _) => false,
            // The recorder may always report that it was not sent.
            (state, _) if !state.may_have_left() => is_recorder || leased.contains(&told.tag),
            (_, SmsWay::Gateway) => false,
            _ => (is_recorder && is_own) || leased.contains(&told.tag),
        }
    };
    let heard: Vec<Told<'_>> = told.iter().filter(may).copied().collect();
    let is_foreign = heard.len() < told.len();
    (heard, is_foreign)
}

fn message<'a>(
    index: &CaseIndex<'a>,
    case: &CaseId,
    given: &[Given],
    act: &Act<'a>,
    sms: &Sms,
    about: &[&'a Act<'a>],
) -> Message {
    let attempt = attempt_of(index, act, sms);
    let (told, foreign) = heard(act, attempt, about);
    let progress = Progress::of(&told);
    let level = progress.way.map_or(SmsLevel::Composed, |way| SmsLevel::of(progress.state, way));
    let left = |told: &&Told<'_>| progress.sent_at.is_some() && told.report.state.has_left();
    let senders: HashSet<Tag> = told.iter().filter(left).map(|told| told.tag).collect();
    let replies = about.iter().filter_map(|act| match act.body() {
        // Only the server receives answers of customers.
        Body::SmsReply(reply) if act.recorded.entry.author.is_server() => Some((act.key().clone(), reply.opt_out)),
        _ => None,
    });
    let replies: Vec<(EntryKey, bool)> = replies.collect();
    // The day in the entry comes from a clock that may be wrong, so the attempt's own day counts.
    let of = attempt.and_then(|attempt| index.pack_of(attempt).day(attempt.when.at));
    let went = attempt.zip(progress.sent_at).and_then(|(attempt, sent)| index.pack_of(attempt).day(sent));
    let proven = attempt.zip(progress.sent_by).and_then(|(attempt, sent)| index.pack_of(attempt).day(sent));
    let day = of.unwrap_or(sms.day);
    // Hash the number that it was sent to; do not trust the writer's hash.
    let its: Vec<[u8; 8]> = marks_of(case, &sms.to).collect();
    let is_other = sms.to.text().is_some() && !its.contains(&sms.mark);
    let is_its = |mark: &[u8; 8]| *mark == sms.mark || its.contains(mark);
    let is_listed = [act.facts.mobile, act.facts.virtual_mobile].iter().flatten().any(is_its);
    let is_known = is_listed
        || given.iter().any(|given| {
            let holds = given.until.is_none_or(|until| progress.sent_at.is_some_and(|sent| sent < until));
            holds && given.marks.contains(&sms.mark)
        });
    let by_word_counts = index.pack_of(act).sms.proves_alone_by_word.unwrap_or(true);
    let mut lacks = text_lacks(index, act, sms);
    let tests = [
        (!level.counts(), SmsLack::NotSent),
        (is_other || !is_known, SmsLack::OtherNumber),
        (attempt.is_none(), SmsLack::NoAttempt),
        (went.is_some() && went != of, SmsLack::OtherDay),
        (went.is_some() && went == of && proven != of, SmsLack::DayUnproven),
        (!level.counts() && foreign, SmsLack::SenderUnauthorised),
        (!act.stands(), SmsLack::Corrected),
        // A customer's answer shows that it arrived.
        (level == SmsLevel::HandedOver && !by_word_counts && replies.is_empty(), SmsLack::WordOnly),
    ];
    lacks.extend(tests.into_iter().filter(|(holds, _)| *holds).map(|(_, lack)| lack));
    lacks.sort_unstable();
    Message {
        entry: act.key().clone(),
        key: MessageKey::of(case, day, sms.template.as_ref().map_or("", ReasonCode::as_str), &sms.mark),
        attempt: attempt.map(|attempt| attempt.key().clone()),
        is_void: !act.stands() || (sms.attempt.is_some() && attempt.is_none()),
        day,
        number: sms.to.masked_number(),
        state: progress.state,
        way: progress.way,
        round: progress.round,
        holder: progress.lease.map(|(holder, _)| holder),
        lease_ends: progress.lease.map(|(_, end)| end),
        given_up: progress.given_up,
        fault: progress.fault,
        handed_over: told.iter().filter(|told| told.report.state.may_have_left()).map(|told| told.report.round).collect(),
        turned_wrong: false,
        sent_at: progress.sent_at,
        level,
        lacks,
        times: u32::try_from(senders.len()).unwrap_or(u32::MAX),
        foreign,
        opt_out: replies.iter().any(|(_, opt_out)| *opt_out),
        replies: replies.into_iter().map(|(key, _)| key).collect(),
        pack_version: index.pack_of(act).version,
    }
}

/// What the text itself lacks. For a text that can no longer be read, the writer's statement and the hash count.
fn text_lacks(index: &CaseIndex<'_>, act: &Act<'_>, sms: &Sms) -> Vec<SmsLack> {
    let pack = index.pack_of(act);
    let template = sms.template.as_ref().and_then(|id| pack.template(id.as_str(), sms.template_version));
    let text = sms.text.text();
    let waybill = &index.case.facts.waybill;
    let has_number = sms.has_waybill && text.is_none_or(|text| text.contains(waybill.as_str()));
    let is_theirs = |text: &str| template.is_some_and(|template| !fits(pack, template, waybill, None, text));
    // A writer who says that the surname is there is not believed where the text shows that it is not.
    let is_neutral = |text: &str| template.is_some_and(|template| is_neutral(pack, template, waybill, &Known::default(), text));
    let has_surname = sms.has_surname && !text.is_some_and(is_neutral);
    let is_altered = text.is_some_and(|text| Sms::digest_of(text) != sms.digest || (has_number && is_theirs(text)));
    let tests = [
        (template.is_none_or(|template| !template.active), SmsLack::TemplateInactive),
        (!has_surname, SmsLack::NoSurname),
        (!has_number, SmsLack::NoWaybill),
        (is_altered, SmsLack::TextAltered),
    ];
    tests.into_iter().filter(|(holds, _)| *holds).map(|(_, lack)| lack).collect()
}

/// The failed delivery that a message reports: the one that it names, or the entry that corrected it; if it names none, the last
/// one before it.
fn attempt_of<'r, 'a>(index: &'r CaseIndex<'a>, act: &Act<'_>, sms: &Sms) -> Option<&'r Act<'a>> {
    let attempts = || index.standing().map(|(_, act)| act).filter(|act| matches!(act.body(), Body::Attempt(_)));
    let Some(key) = &sms.attempt else { return attempts().rfind(|attempt| attempt.when.at <= act.when.at) };
    let named = index.act(key).filter(|act| matches!(act.body(), Body::Attempt(_)))?;
    if named.stands() {
        return Some(named);
    }
    if let Some(correct) = attempts().find(|attempt| attempt.original() == named.original()) {
        return Some(correct);
    }
    let correction = index.case.superseded.get(key).and_then(|by| index.case.entry(by))?;
    let Body::Correction(correction) = &correction.entry.body else { return None };
    let day = |act: &Act<'_>| index.pack_of(act).day(act.when.at);
    let is_same = |other: &&Act<'_>| match correction.fault {
        Fault::DidNotOccur => false,
        Fault::SameAs => correction.same_as.as_ref() == Some(other.key()),
        Fault::IncorrectData => other.recorded.entry.author.user == named.recorded.entry.author.user && day(other) == day(named),
    };
    attempts().find(is_same)
}

/// Whether a message proves a failed delivery: it counts, and it left on that day.
pub(crate) fn proves(index: &CaseIndex<'_>, message: &Message, attempt: &Act<'_>) -> bool {
    let pack = index.pack_of(attempt);
    let sent = message.sent_at.and_then(|at| pack.day(at));
    message.counts() && sent.is_some() && sent == pack.day(attempt.when.at)
}
