//! The number to which an SMS goes by default (domain 5.4): one that the origin outlet has given comes first, and one that the case
//! knows as wrong is left out, because a message to it tells a stranger the recipient's name and waybill.

use std::{
    collections::{HashMap, HashSet},
    iter,
};

use doorstep_domain::{
    Body, CallResult, CaseId, EntryKey, Number, NumberFault, Parcel, Personal, Sms, SmsFault, SmsReport, SmsState, Tag, UnixMs,
    is_marked, marks_of, mobile_mark,
};

use super::{Message, SmsLack, reports::given_by};
use crate::{
    Case, Rulebook,
    case::registered,
    case_index::{Act, CaseIndex},
    flags::NO_MOBILE,
};

/// Why there is no number for an SMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoNumber {
    /// Neither label nor origin outlet has one.
    None,
    /// The label has only a virtual one, which has ended.
    Ended,
    /// There is a text for it, which cannot be used as a number.
    Unusable(NumberFault),
    /// The case knows each of them as wrong.
    Wrong,
}

/// The numbers of a case: those that the origin outlet gave, and those that are known as wrong.
#[derive(Debug, Clone)]
pub struct Numbers<'a> {
    case: CaseId,
    /// Oldest first.
    given: Vec<&'a Personal>,
    /// Marks of the numbers that are known as wrong, each with the first act that says so.
    wrong: HashMap<[u8; 8], Source>,
    /// The same with the acts that were corrected since: a number may have been known as wrong for a while.
    once_wrong: HashSet<[u8; 8]>,
    /// The messages that were recorded although their number was known as wrong: a person named it.
    named: HashSet<&'a EntryKey>,
    /// The messages that ended unsent because of what the case says of their number.
    stopped: HashSet<&'a EntryKey>,
}

/// Who says that a number is wrong, and when the server got to know it.
#[derive(Debug, Clone, Copy)]
struct Source {
    tag: Tag,
    received: Option<UnixMs>,
}

impl<'a> Numbers<'a> {
    /// The numbers by the entries of a case.
    ///
    /// A number is wrong if an SMS to it failed because of the number, if a call to it reached a stranger or nobody, or if an attempt
    /// failed because the parcel's number is wrong: then all numbers that were known until the attempt are. A number that the origin
    /// outlet gives after that is right again.
    pub fn of(case: &'a Case, book: &'a Rulebook, now: UnixMs) -> Self {
        let index = CaseIndex::of(case, book, now);
        Self::by(&index, &index.messages)
    }

    /// The numbers by an index whose messages may not be finished.
    fn by(index: &CaseIndex<'a>, messages: &[Message]) -> Self {
        let facts = &index.case.facts;
        let messages: HashMap<&EntryKey, &Message> = messages.iter().map(|message| (&message.entry, message)).collect();
        let mut numbers = Self {
            case: CaseId::of(&facts.network, &facts.waybill),
            given: Vec::new(),
            wrong: HashMap::new(),
            once_wrong: HashSet::new(),
            named: HashSet::new(),
            stopped: HashSet::new(),
        };
        let mut sms: HashMap<&EntryKey, &Sms> = HashMap::new();
        // A failure is looked at after the other acts of its moment, because one of them may be why the message was stopped.
        let mut failures: Vec<(&Act<'a>, &'a SmsReport)> = Vec::new();
        for act in &index.acts {
            let is_next = failures.first().is_some_and(|(first, _)| act.when.at > first.when.at);
            if is_next || matches!(act.body(), Body::Reply(_)) {
                failures.drain(..).for_each(|failure| numbers.take_failure(failure, &messages, &sms));
            }
            match act.body() {
                Body::Sms(body) => {
                    sms.insert(act.key(), body);
                    numbers.take_sms(act, body);
                }
                Body::SmsReport(report) if report.fault == Some(SmsFault::Number) => failures.push((act, report)),
                Body::Reply(_) if act.stands() => numbers.take_given(act),
                _ => numbers.take_wrong(index, act),
            }
        }
        failures.drain(..).for_each(|failure| numbers.take_failure(failure, &messages, &sms));
        numbers
    }

    /// Notes whether the case knew the number of a message as wrong when it was recorded. Its recorder can not have known of an act
    /// that another installation brought to the server only later.
    fn take_sms(&mut self, act: &Act<'a>, sms: &Sms) {
        let is_known =
            |source: &Source| source.tag == act.key().tag || source.received.is_none_or(|received| received <= act.when.latest);
        if !self.wrong.is_empty() && self.marks(sms).any(|mark| self.wrong.get(&mark).is_some_and(is_known)) {
            self.named.insert(act.key());
        }
    }

    /// Takes a report that a message failed because of its number. One that was never handed over proves nothing of the number: it was
    /// stopped because of what the case says.
    fn take_failure(
        &mut self,
        (act, report): (&Act<'a>, &'a SmsReport),
        messages: &HashMap<&EntryKey, &Message>,
        sms: &HashMap<&EntryKey, &Sms>,
    ) {
        let Some((message, sms)) = messages.get(&report.of).zip(sms.get(&report.of)) else { return };
        // Reports by people who could not know are left out of the message's state.
        let failed = matches!(message.state, SmsState::Failed | SmsState::Undelivered);
        if message.fault != report.fault || !failed {
            return;
        }
        let was_handed_over = message.handed_over.contains(&report.round);
        let was_known = || self.marks(sms).any(|mark| self.once_wrong.contains(&mark));
        if !was_handed_over && !self.named.contains(&report.of) && was_known() {
            self.stopped.insert(&report.of);
        } else {
            // A corrected report still counts, because a correction does not make a number exist.
            self.add_wrong(act, [sms.mark], true);
        }
    }

    fn take_given(&mut self, act: &Act<'a>) {
        let Some(given) = given_by(act) else { return };
        if !self.once_wrong.is_empty() {
            for mark in marks_of(&self.case, given) {
                self.wrong.remove(&mark);
                self.once_wrong.remove(&mark);
            }
        }
        self.given.push(given);
    }

    fn take_wrong(&mut self, index: &CaseIndex<'a>, act: &Act<'a>) {
        if let Body::Call(call) = act.body() {
            let is_wrong = matches!(call.result, CallResult::Wrong | CallResult::NotExist);
            let number = call.number.as_ref().filter(|_| is_wrong);
            return self.add_wrong(act, number.and_then(|number| mobile_mark(&self.case, number)), act.stands());
        }
        let Some((code, sub)) = registered(act.body()) else { return };
        // The rules are lenient for reasons that say that the label's number is missing or wrong.
        let is_phone = index.pack_of(act).code(code).is_some_and(|row| row.leniency);
        if is_phone && sub != Some(NO_MOBILE) {
            let given: Vec<[u8; 8]> = self.given.iter().filter_map(|number| mobile_mark(&self.case, number)).collect();
            let listed = [act.facts.mobile, act.facts.virtual_mobile].into_iter().flatten();
            self.add_wrong(act, listed.chain(given), act.stands());
        }
    }

    fn add_wrong(&mut self, act: &Act<'a>, marks: impl IntoIterator<Item = [u8; 8]>, stands: bool) {
        let source = Source { tag: act.key().tag, received: act.when.received };
        for mark in marks {
            self.once_wrong.insert(mark);
            if stands {
                self.wrong.entry(mark).or_insert(source);
            }
        }
    }

    /// The marks of the number of a message.
    fn marks(&self, sms: &Sms) -> impl Iterator<Item = [u8; 8]> + use<> {
        iter::once(sms.mark).chain(marks_of(&self.case, &sms.to))
    }

    /// Whether the case knows a number as wrong.
    pub fn is_wrong(&self, number: &Personal) -> bool {
        marks_of(&self.case, number).any(|mark| self.wrong.contains_key(&mark))
    }

    /// Whether the number of a message became known as wrong after the message was recorded.
    fn has_turned_wrong(&self, message: &Message, sms: &Sms) -> bool {
        !self.named.contains(&message.entry) && self.marks(sms).any(|mark| self.wrong.contains_key(&mark))
    }

    /// Whether the origin outlet gave the number of a mark.
    pub fn is_given(&self, mark: &[u8; 8]) -> bool {
        self.given.iter().any(|number| is_marked(&self.case, number, mark))
    }

    /// The number to which an SMS goes by default: the newest one that the origin outlet gave, else the virtual one until it expires,
    /// else the label's.
    pub fn by_default<'n>(&'n self, row: Option<&'n Parcel>, now: UnixMs) -> Result<&'n Personal, NoNumber> {
        let given = self.given.iter().rev().copied();
        let is_ended = row.and_then(|row| row.virtual_number.as_ref()).is_some_and(|number| number.is_over(now));
        let listed = row.into_iter().flat_map(|row| {
            let alive = row.virtual_number.as_ref().filter(|number| !number.is_over(now));
            alive.map(|number| &number.number).into_iter().chain(&row.recipient_phone)
        });
        let none = if is_ended { NoNumber::Ended } else { NoNumber::None };
        let mut lacks = none;
        for number in given.chain(listed) {
            let lack = match Number::for_sms_of(number) {
                Ok(_) if self.is_wrong(number) => NoNumber::Wrong,
                Ok(_) => return Ok(number),
                Err(fault) => NoNumber::Unusable(fault),
            };
            // A wrong number says more than one that cannot be read, and the first unreadable one is the best one.
            let is_first = lacks == none;
            lacks = if is_first || lack == NoNumber::Wrong { lack } else { lacks };
        }
        Err(lacks)
    }
}

/// Marks the messages that must not go, or did not go, because their number became known as wrong after they were recorded. A number
/// that was known as wrong before is one that a person named.
pub(crate) fn stop_wrong_numbers(index: &CaseIndex<'_>, messages: &mut [Message]) {
    if messages.is_empty() {
        return;
    }
    let numbers = Numbers::by(index, messages);
    if numbers.wrong.is_empty() && numbers.stopped.is_empty() {
        return;
    }
    let sms = index.acts.iter().filter_map(|act| match act.body() {
        Body::Sms(sms) => Some((act.key(), sms)),
        _ => None,
    });
    let sms: HashMap<&EntryKey, &Sms> = sms.collect();
    for message in messages {
        message.turned_wrong = sms.get(&message.entry).is_some_and(|sms| numbers.has_turned_wrong(message, sms));
        let is_stopped = numbers.stopped.contains(&message.entry) || (message.turned_wrong && message.is_open());
        if is_stopped && !message.state.may_have_left() {
            message.lacks.push(SmsLack::NumberWrong);
            message.lacks.sort_unstable();
        }
    }
}
