//! The number to which an SMS goes by default (domain 5.4): one that the origin outlet has given comes first, and one that the case
//! knows as wrong is left out, because a message to it tells a stranger the recipient's name and waybill.

use doorstep_domain::{
    Body, CallResult, CaseId, Number, NumberFault, Parcel, Personal, SmsFault, SmsState, UnixMs, is_marked, mobile_mark,
};

use super::reports::given_by;
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
    /// Marks of the numbers that are known as wrong.
    wrong: Vec<[u8; 8]>,
}

impl<'a> Numbers<'a> {
    /// The numbers by the entries of a case.
    ///
    /// A number is wrong if an SMS to it failed because of the number, if a call to it reached a stranger or nobody, or if an attempt
    /// failed because the parcel's number is wrong: then all numbers that were known until the attempt are. A number that the origin
    /// outlet gives after that is right again.
    pub fn of(case: &'a Case, book: &'a Rulebook, now: UnixMs) -> Self {
        let index = CaseIndex::of(case, book, now);
        let facts = &case.facts;
        let mut numbers = Self { case: CaseId::of(&facts.network, &facts.waybill), given: Vec::new(), wrong: Vec::new() };
        for act in &index.acts {
            // A corrected report still counts, because a correction does not make a number exist.
            if act.stands() || matches!(act.body(), Body::SmsReport(_)) {
                numbers.take(&index, act);
            }
        }
        numbers
    }

    fn take(&mut self, index: &CaseIndex<'a>, act: &Act<'a>) {
        match act.body() {
            Body::Reply(_) => {
                if let Some(given) = given_by(act) {
                    self.wrong.retain(|mark| !is_marked(&self.case, given, mark));
                    self.given.push(given);
                }
            }
            Body::Call(call) if matches!(call.result, CallResult::Wrong | CallResult::NotExist) => {
                self.wrong.extend(call.number.as_ref().and_then(|number| mobile_mark(&self.case, number)));
            }
            Body::SmsReport(report) if report.fault == Some(SmsFault::Number) => {
                // Reports by people who could not know are left out of the message's state.
                let failed = |state| matches!(state, SmsState::Failed | SmsState::Undelivered);
                let is_heard = |message: &crate::Message| message.fault == report.fault && failed(message.state);
                let sms =
                    index.message(&report.of).filter(|message| is_heard(message)).and_then(|_| index.case.entry(&report.of));
                if let Some(Body::Sms(sms)) = sms.map(|recorded| &recorded.entry.body) {
                    self.wrong.push(sms.mark);
                }
            }
            body => {
                let Some((code, sub)) = registered(body) else { return };
                // The rules are lenient for reasons that say that the label's number is missing or wrong.
                let is_phone = index.pack_of(act).code(code).is_some_and(|row| row.leniency);
                if is_phone && sub != Some(NO_MOBILE) {
                    self.wrong.extend([act.facts.mobile, act.facts.virtual_mobile].into_iter().flatten());
                    self.wrong.extend(self.given.iter().filter_map(|number| mobile_mark(&self.case, number)));
                }
            }
        }
    }

    /// Whether the case knows a number as wrong.
    pub fn is_wrong(&self, number: &Personal) -> bool {
        self.wrong.iter().any(|mark| is_marked(&self.case, number, mark))
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
