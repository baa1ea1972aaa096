//! One SMS of a case: its state, and what it lacks to prove the day's attempt (domain 5.2, 5.3).

use std::collections::BTreeSet;

use doorstep_domain::{EntryKey, MessageKey, SmsFault, SmsLevel, SmsState, SmsWay, Tag, UnixMs, words};
use serde::Serialize;

use crate::{Pack, Words};

words!(
    /// What a message lacks to count for the day.
    SmsLack {
        /// It has not left, as far as is known.
        NotSent = "not_sent",
        /// It has a person's own text, or its template is not in use.
        TemplateInactive = "template_inactive",
        /// The text lacks the recipient's surname.
        NoSurname = "no_surname",
        /// The text lacks the full waybill number.
        NoWaybill = "no_waybill",
        /// It went to another number than the label's, its virtual one, or one that the origin outlet gave.
        OtherNumber = "other_number",
        /// The case knows the number as wrong. A message that is not recorded yet lacks this, and one whose number became known as
        /// wrong before it was sent: it is not sent any more. Once a message has left, its result decides.
        NumberWrong = "number_wrong",
        /// The failed delivery that it reports does not exist.
        NoAttempt = "no_attempt",
        /// It left on another day than the attempt.
        OtherDay = "other_day",
        /// It is not proven that it left on the day of the attempt.
        DayUnproven = "day_unproven",
        /// The text does not match its hash.
        TextAltered = "text_altered",
        /// Its reported sender neither recorded the attempt nor had the lease.
        SenderUnauthorised = "sender_unauthorised",
        /// A correction states that it was wrong.
        Corrected = "corrected",
        /// Only a person's word says that it left, and the network's rules want more.
        WordOnly = "word_only",
    }
);

/// One SMS of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Its entry.
    pub entry: EntryKey,
    /// The key of the message.
    pub key: MessageKey,
    /// The failed delivery that it reports.
    pub attempt: Option<EntryKey>,
    /// Whether the failed delivery that it names no longer stands.
    pub is_void: bool,
    /// The day of the attempt that it proves: days since 1970-01-01 in the network's time zone.
    pub day: i32,
    /// The number that it is sent to, masked.
    pub number: String,
    /// The state.
    pub state: SmsState,
    /// The way of sending.
    pub way: Option<SmsWay>,
    /// The number of the try, from 0.
    pub round: u32,
    /// The installation that has or had the lease.
    pub holder: Option<Tag>,
    /// When that lease ends.
    pub lease_ends: Option<UnixMs>,
    /// Whether its recorder has offered it to others. The recorder then needs a lease too.
    pub given_up: bool,
    /// Why it failed.
    pub fault: Option<SmsFault>,
    /// The tries in which it was handed over, or may have been.
    #[serde(skip)]
    pub(crate) handed_over: BTreeSet<u32>,
    /// Whether its number became known as wrong after it was recorded. Whoever knows that it has not left does not send it.
    #[serde(skip)]
    pub turned_wrong: bool,
    /// When it left, by the best estimate.
    pub sent_at: Option<UnixMs>,
    /// The level of proof.
    pub level: SmsLevel,
    /// What it lacks to count for the day; empty if it counts.
    pub lacks: Vec<SmsLack>,
    /// How many times the same message has left, by any sender.
    pub times: u32,
    /// Whether somebody reports sending it who neither recorded the attempt nor had the lease.
    pub foreign: bool,
    /// The customer's answers.
    pub replies: Vec<EntryKey>,
    /// Whether the customer asks for no more messages.
    pub opt_out: bool,
    /// Version of the pack by which it is judged.
    pub pack_version: u32,
}

impl Message {
    /// Whether it proves the attempt of its day.
    pub fn counts(&self) -> bool {
        self.lacks.is_empty()
    }

    /// Whether the gateway may send it: it would count, or would but for a surname that nobody can read on the label.
    pub fn is_worth_sending(&self) -> bool {
        let is_no_hindrance =
            |lack: &SmsLack| matches!(lack, SmsLack::NotSent | SmsLack::SenderUnauthorised | SmsLack::NoSurname);
        self.lacks.iter().all(is_no_hindrance)
    }

    /// Whether only a person's word, or a handover without a result, says that it left: neither the phone nor an operator has
    /// reported more. It proves less than a message that was reported as sent.
    pub fn is_by_word(&self) -> bool {
        self.level == SmsLevel::HandedOver
    }

    /// Whether it must still be sent, or its result must still be reported.
    pub fn is_open(&self) -> bool {
        let fails = || self.state == SmsState::Failed && self.fault.is_some_and(SmsFault::is_before_sending);
        let open = [SmsState::Queued, SmsState::Offered, SmsState::Leased, SmsState::Submitting, SmsState::Uncertain];
        open.contains(&self.state) || fails()
    }

    /// Its state in words for the courier: `已排队：还不算数`, `14:02 已发送，算作当天有效派送`.
    pub fn told(&self, pack: &Pack) -> Words {
        let state = crate::words(self.state.as_str());
        let time = self.sent_at.and_then(|at| pack.local(at)).map(|at| at.format("%H:%M").to_string());
        let (zh, en) = match time {
            Some(time) => (format!("{time} {}", state.zh), format!("{} {time}", state.en)),
            None => (state.zh, state.en),
        };
        if self.lacks.contains(&SmsLack::NumberWrong) {
            let why = (
                "号码已知有误，不会发送，不算数；请由寄件网点提供正确号码，再发新短信",
                "the number is known to be wrong, so it is not sent and does not count; get the right number from the origin \
                 outlet, then send a new message",
            );
            return Words { zh: format!("{zh}：{}", why.0), en: format!("{en}: {}", why.1) };
        }
        match self.lacks.first() {
            None if self.is_by_word() => Words {
                zh: format!("{zh}（仅凭本人所述），算作当天有效派送"),
                en: format!("{en} (on the person's word), counts for today"),
            },
            None => Words { zh: format!("{zh}，算作当天有效派送"), en: format!("{en}, counts for today") },
            Some(SmsLack::NotSent) => Words { zh: format!("{zh}：还不算数"), en: format!("{en}: does not count yet") },
            Some(_) => Words { zh: format!("{zh}：不算数"), en: format!("{en}: does not count") },
        }
    }
}
