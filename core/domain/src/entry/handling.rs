//! What is done about a problem until the case ends.

use serde::{Deserialize, Serialize};

use crate::{Book, Customer, EntryKey, Fen, Personal, PhotoId, ReasonCode, UnixMs, UserId, Waybill};

/// Something was done with the parcel: it went out with a run, to another site or to a peer carrier, was re-packed, found
/// (domain 2.3). It is recorded when it is done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Action {
    /// Outcome code of the pack, such as `RETURN`, `FORWARD` or `TRANSFER_PEER`.
    pub outcome: ReasonCode,
    /// The peer carrier, or the site that it was forwarded to.
    pub carrier: Option<String>,
    /// The number under which it travels on.
    pub number: Option<Waybill>,
    /// What it cost or was agreed to cost.
    pub amount: Option<Fen>,
    /// How, in words.
    pub words: Option<Personal>,
}

impl Action {
    /// An action without particulars.
    pub fn of(outcome: ReasonCode) -> Self {
        Self { outcome, carrier: None, number: None, amount: None, words: None }
    }
}

/// A step of a card was done, with name and time (domain 2.4, story O-08).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tick {
    /// Step code of the pack, such as `tell_finance`.
    pub step: ReasonCode,
    /// What came of it.
    pub words: Option<Personal>,
}

/// The parcel is given to somebody to act on (domain 11.5). Two that do not know of each other are a conflict for a person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Assign {
    /// Who is to act.
    pub to: UserId,
    /// Planned for, by the device's wall clock.
    pub planned_at: Option<UnixMs>,
    /// The assignment that this one takes the place of, as far as its writer knew.
    pub replaces: Option<EntryKey>,
    /// What is to be done.
    pub words: Option<Personal>,
}

/// Somebody on the customers' side agreed to something (domain 2.6, C-8; EV-6).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Consent {
    /// Who.
    pub by: Customer,
    /// To what: an outcome code of the pack.
    pub to: ReasonCode,
    /// The person's name.
    pub name: Option<Personal>,
    /// What was said: the new address, the amount.
    pub words: Option<Personal>,
}

/// What the sender says of goods that are lost, damaged or swapped (EV-4).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Goods {
    /// Product name.
    pub name: Option<Personal>,
    /// Packaging.
    pub packing: Option<Personal>,
    /// Value.
    pub value: Option<Fen>,
    /// Anything else.
    pub words: Option<Personal>,
}

/// A line of outlet finance's registers (domain 2.7, 9.3).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ledger {
    /// Which register.
    pub book: Book,
    /// Code of the pack, such as `collected` or `paid_out`.
    pub change: ReasonCode,
    /// How much, in fen.
    pub amount: Option<Fen>,
    /// The photo of the confirmation letter.
    pub letter: Option<PhotoId>,
    /// The receipt slip was taken back (回执小联).
    pub slip: bool,
    /// Anything else.
    pub words: Option<Personal>,
}

/// Evidence that can not be had, with the reason (domain 7).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Waiver {
    /// The row of the evidence matrix.
    pub evidence: ReasonCode,
    /// Why not.
    pub words: Personal,
}

/// The parcel is known under another number too: it was registered under a provisional one because its label could not be
/// read. Written in both cases by one action.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Alias {
    /// The other number.
    pub waybill: Waybill,
}

/// The end of a case (domain 8.5).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Close {
    /// Outcome code of the pack, such as `SIGNED`.
    pub outcome: ReasonCode,
    /// Who signed, or why.
    pub words: Option<Personal>,
    /// The piece of a shipment that it ends; `None`: all of it.
    pub piece: Option<Waybill>,
}

impl Close {
    /// The end of the whole case.
    pub fn of(outcome: ReasonCode) -> Self {
        Self { outcome, words: None, piece: None }
    }
}

/// The giving half of a handover of an open parcel (C-23): both sign, so it counts once the other has taken it over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Handover {
    /// The courier who is to take it.
    pub to: UserId,
    /// Why, in words.
    pub words: Option<Personal>,
}

/// The taking half of a handover (C-23).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Takeover {
    /// The handover it answers.
    pub handover: EntryKey,
}
