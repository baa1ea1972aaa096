//! Entries about handling a problem until the case ends.

use serde::{Deserialize, Serialize};

use crate::{Book, Customer, EntryKey, Fen, OutletCode, Personal, PhotoId, ReasonCode, UnixMs, UserId, Waybill};

/// An action on the parcel: it went out with a run, to another site or to a peer carrier, was re-packed, or was found (domain
/// 2.3). It is recorded when it is done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Action {
    /// Outcome code of the pack, such as `RETURN`, `FORWARD` or `TRANSFER_PEER`.
    pub outcome: ReasonCode,
    /// The peer carrier, or the site that it was forwarded to.
    pub carrier: Option<String>,
    /// The number under which it travels on.
    pub number: Option<Waybill>,
    /// The actual or agreed cost.
    pub amount: Option<Fen>,
    /// Details in words.
    pub words: Option<Personal>,
    /// The outlet to which it was sent on. That outlet gets the case, confirms the arrival with an [`Answered`](crate::Answered), and
    /// delivers the parcel from then on.
    #[serde(default)]
    pub site: Option<OutletCode>,
}

impl Action {
    /// An action without particulars.
    pub fn of(outcome: ReasonCode) -> Self {
        Self { outcome, carrier: None, number: None, amount: None, words: None, site: None }
    }
}

/// A step of a card was done, with name and time (domain 2.4, story O-08).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tick {
    /// Step code of the pack, such as `tell_finance`.
    pub step: ReasonCode,
    /// The result in words.
    pub words: Option<Personal>,
}

/// The parcel is assigned to a courier of the delivering outlet, who has it from then on (domain 11.5). Two assignments that were written without knowledge of each other are a
/// conflict, which a person resolves.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Assign {
    /// The assignee.
    pub to: UserId,
    /// Planned for, by the device's wall clock.
    pub planned_at: Option<UnixMs>,
    /// The assignment that this one replaces, as far as its writer knew.
    pub replaces: Option<EntryKey>,
    /// The task in words.
    pub words: Option<Personal>,
}

/// A consent of the customers' side (domain 2.6, C-8; EV-6).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Consent {
    /// The consenting party.
    pub by: Customer,
    /// The outcome that they agreed to: a code of the pack.
    pub to: ReasonCode,
    /// The person's name.
    pub name: Option<Personal>,
    /// Details, such as the new address or the amount.
    pub words: Option<Personal>,
}

/// The sender's description of goods that are lost, damaged or swapped (EV-4).
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
    /// The register.
    pub book: Book,
    /// Code of the pack, such as `collected` or `paid_out`.
    pub change: ReasonCode,
    /// The amount in fen.
    pub amount: Option<Fen>,
    /// The photo of the confirmation letter.
    pub letter: Option<PhotoId>,
    /// The receipt slip was taken back (回执小联).
    pub slip: bool,
    /// Anything else.
    pub words: Option<Personal>,
}

/// Evidence that cannot be obtained, with the reason (domain 7).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Waiver {
    /// The row of the evidence matrix.
    pub evidence: ReasonCode,
    /// The reason.
    pub words: Personal,
}

/// Another number of the same parcel. A parcel whose label cannot be read is registered under a provisional number; when its own
/// number is known, one action writes an alias in both cases.
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
    /// The piece of a shipment that ends; `None` means the whole shipment.
    pub piece: Option<Waybill>,
}

impl Close {
    /// The end of the whole case.
    pub fn of(outcome: ReasonCode) -> Self {
        Self { outcome, words: None, piece: None }
    }
}

/// A courier hands an open parcel over to another (C-23). Both couriers sign, so it counts once the other has written a
/// [`Takeover`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Handover {
    /// The courier who shall take it over.
    pub to: UserId,
    /// Why, in words.
    pub words: Option<Personal>,
}

/// A courier takes a parcel over from another (C-23).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Takeover {
    /// The handover that it completes.
    pub handover: EntryKey,
}
