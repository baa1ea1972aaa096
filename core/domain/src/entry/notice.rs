//! Between the delivering and the origin outlet: notices, replies, and what is said of them (domain 6).

use serde::{Deserialize, Serialize};

use crate::{Customer, EntryKey, OutageReason, OutletCode, Payer, Personal, PhotoId, ReasonCode, Remark, TargetSource, UnixMs};

/// The notice to the origin outlet (domain 6.2).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Notice {
    /// Whom it is for.
    pub to: OutletCode,
    /// Where the target came from.
    pub source: TargetSource,
    /// Which decision is asked for.
    pub request: Option<Personal>,
}

/// The phone notice during an outage: X-1 counts only with contact person, number and time (domain 3.5).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Outage {
    /// What had failed.
    pub reason: OutageReason,
    /// Who answered the phone.
    pub contact: Option<Personal>,
    /// The number called.
    pub phone: Option<Personal>,
    /// When the call was, by the device's wall clock.
    pub phoned_at: Option<UnixMs>,
    /// The outlet called.
    pub outlet: Option<OutletCode>,
    /// What was said.
    pub said: Option<Personal>,
}

impl Outage {
    /// Whether everything that X-1 demands was recorded.
    pub fn is_complete(&self) -> bool {
        has_text(self.contact.as_ref()) && has_text(self.phone.as_ref()) && self.phoned_at.is_some()
    }
}

/// Whether a personal value says something. A sealed one is taken at the writing device's word.
pub fn has_text(value: Option<&Personal>) -> bool {
    value.is_some_and(|value| value.text().is_none_or(|text| !text.trim().is_empty()))
}

/// The addressed outlet has looked at a notice (domain 8.5).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Seen {
    /// The notice.
    pub notice: EntryKey,
}

/// The origin outlet's answer (domain 6.4). What a decision needs beside it is data of the rule pack.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reply {
    /// The notice it answers.
    pub notice: Option<EntryKey>,
    /// Ruling code of the pack, such as `REDELIVER`.
    pub decision: ReasonCode,
    /// The reason, or anything else, in words.
    pub words: Option<Personal>,
    /// Confirmed or corrected phone.
    pub phone: Option<Personal>,
    /// Confirmed or corrected address.
    pub address: Option<Personal>,
    /// Confirmed or corrected contact person.
    pub contact: Option<Personal>,
    /// Company.
    pub company: Option<Personal>,
    /// The label's data are right.
    pub same: bool,
    /// On which day, or until when, by the device's wall clock.
    pub until: Option<UnixMs>,
    /// Where the recipient collects it.
    pub place: Option<Personal>,
    /// The recipient has been told.
    pub informed: bool,
    /// Who agreed.
    pub agreed_by: Option<Customer>,
    /// The name of the person who agreed (EV-6).
    pub agreed: Option<Personal>,
    /// Who pays.
    pub payer: Option<Payer>,
    /// The photo of the confirmation letter (EV-5).
    pub letter: Option<PhotoId>,
}

impl Reply {
    /// A bare decision.
    pub fn of(decision: ReasonCode) -> Self {
        let (notice, words, phone, address, contact, company) = (None, None, None, None, None, None);
        let (until, place, agreed_by, agreed, payer, letter) = (None, None, None, None, None, None);
        let (same, informed) = (false, false);
        Self {
            notice,
            decision,
            words,
            phone,
            address,
            contact,
            company,
            same,
            until,
            place,
            informed,
            agreed_by,
            agreed,
            payer,
            letter,
        }
    }
}

/// What somebody says of another's entry: a reply that decides nothing, a notice that went astray, an unclear photo. The entry
/// stays, the mark too; it can be disputed, and head office decides (domain 6.4).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Mark {
    /// The entry.
    pub about: EntryKey,
    /// What is said of it.
    pub remark: Remark,
    /// Code of the pack's list of reasons, such as `no_decision`.
    pub reason: Option<ReasonCode>,
    /// Why, in words.
    pub words: Option<Personal>,
}
