//! Entries between the delivering and the origin outlet: notices, replies, and marks on them (domain 6).

use serde::{Deserialize, Serialize};

use crate::{
    Customer, EntryKey, OutageReason, OutletCode, Payer, Personal, PhotoId, ReasonCode, Remark, TargetSource, UnixMs, is_visible,
};

/// The notice to the origin outlet (domain 6.2).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Notice {
    /// The addressed outlet.
    pub to: OutletCode,
    /// How the addressed outlet was found.
    pub source: TargetSource,
    /// The decision that is requested.
    pub request: Option<Personal>,
}

/// The phone notice during an outage: X-1 counts only with contact person, number and time (domain 3.5).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Outage {
    /// The cause of the outage.
    pub reason: OutageReason,
    /// Who answered the phone.
    pub contact: Option<Personal>,
    /// The number called.
    pub phone: Option<Personal>,
    /// When the call was, by the device's wall clock.
    pub phoned_at: Option<UnixMs>,
    /// The outlet called.
    pub outlet: Option<OutletCode>,
    /// Notes of the call.
    pub said: Option<Personal>,
}

impl Outage {
    /// Whether all data that X-1 requires are recorded.
    pub fn is_complete(&self) -> bool {
        has_text(self.contact.as_ref()) && has_text(self.phone.as_ref()) && self.phoned_at.is_some()
    }
}

/// Whether a personal value has text that a reader sees. A sealed value counts as text, because it cannot be read here.
pub fn has_text(value: Option<&Personal>) -> bool {
    value.is_some_and(|value| value.text().is_none_or(is_visible))
}

/// The addressed outlet has seen a notice (domain 8.5).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Seen {
    /// The notice.
    pub notice: EntryKey,
}

/// The origin outlet's answer (domain 6.4). The rule pack states which other fields a decision needs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reply {
    /// The notice it answers.
    pub notice: Option<EntryKey>,
    /// Ruling code of the pack, such as `REDELIVER`.
    pub decision: ReasonCode,
    /// The reason or other remarks, in words.
    pub words: Option<Personal>,
    /// Confirmed or corrected phone.
    pub phone: Option<Personal>,
    /// Confirmed or corrected address.
    pub address: Option<Personal>,
    /// Confirmed or corrected contact person.
    pub contact: Option<Personal>,
    /// Company.
    pub company: Option<Personal>,
    /// The data on the label are correct.
    pub same: bool,
    /// The day, or the end of the period, of the decision, by the device's wall clock.
    pub until: Option<UnixMs>,
    /// Where the recipient collects it.
    pub place: Option<Personal>,
    /// The recipient has been told.
    pub informed: bool,
    /// The party that agreed.
    pub agreed_by: Option<Customer>,
    /// The name of the person who agreed (EV-6).
    pub agreed: Option<Personal>,
    /// Who pays.
    pub payer: Option<Payer>,
    /// The photo of the confirmation letter (EV-5).
    pub letter: Option<PhotoId>,
    /// The outlet to which the parcel is to be sent on.
    #[serde(default)]
    pub site: Option<OutletCode>,
}

impl Reply {
    /// A reply with only a decision.
    pub fn of(decision: ReasonCode) -> Self {
        let (notice, words, phone, address, contact, company) = (None, None, None, None, None, None);
        let (until, place, agreed_by, agreed, payer, letter, site) = (None, None, None, None, None, None, None);
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
            site,
        }
    }
}

/// A remark on another person's entry, such as a reply without a decision, a notice to the wrong outlet, or an unclear photo.
/// Both the entry and the mark stay. A mark can be disputed, and head office decides (domain 6.4).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Mark {
    /// The entry.
    pub about: EntryKey,
    /// The remark.
    pub remark: Remark,
    /// Code of the pack's list of reasons, such as `no_decision`.
    pub reason: Option<ReasonCode>,
    /// Why, in words.
    pub words: Option<Personal>,
}
