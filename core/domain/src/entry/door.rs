//! Entries that are recorded at the door, and wherever else a problem is found.

use serde::{Deserialize, Serialize};

use crate::{CallResult, Fen, Personal, ReasonCode, Stage, UnixMs, Waybill};

/// A failed delivery (domain 2.4).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// Code of the rule pack, such as `DF-NOBODY`.
    pub reason: ReasonCode,
    /// Sub-reason, without the reason's own code: `refused`.
    pub sub: Option<ReasonCode>,
    /// What happened, in words.
    pub words: Option<Personal>,
    /// The piece of a shipment concerned; `None` means the whole shipment.
    pub piece: Option<Waybill>,
    /// How much the recipient offered to pay, if they refused the full payment (domain 2.7, C-09).
    pub offered: Option<Fen>,
    /// The time agreed for another delivery, by the device's wall clock.
    pub agreed_at: Option<UnixMs>,
    /// How long the courier waited, in minutes (DF-INSPECT).
    pub waited_minutes: Option<u32>,
}

impl Attempt {
    /// A failed delivery of the whole shipment for a reason.
    pub fn of(reason: ReasonCode) -> Self {
        Self { reason, sub: None, words: None, piece: None, offered: None, agreed_at: None, waited_minutes: None }
    }
}

/// A problem other than a failed delivery, as it is registered online (domain 2.5 to 2.8).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// Code of the rule pack, such as `CD-DAMAGE`.
    pub reason: ReasonCode,
    /// Sub-reason.
    pub sub: Option<ReasonCode>,
    /// Where it was found.
    pub stage: Stage,
    /// When it was found, by the device's wall clock; `None` means when it was recorded.
    pub found_at: Option<UnixMs>,
    /// The number of items or pieces concerned, because fines may apply to each. `None` means one.
    pub count: Option<u32>,
    /// The piece of a shipment concerned; `None` means the whole shipment.
    pub piece: Option<Waybill>,
    /// The other parcel: the source of a pollution, the counterpart of a swap.
    pub other: Option<Waybill>,
    /// Weight on the scale, in grams.
    pub weight_g: Option<u32>,
    /// Weight on the label, in grams.
    pub label_g: Option<u32>,
    /// The finding in words.
    pub words: Option<Personal>,
}

impl Problem {
    /// A problem of the whole shipment, found when it is recorded.
    pub fn of(reason: ReasonCode, stage: Stage) -> Self {
        let (sub, found_at, count, piece, other, weight_g, label_g, words) = (None, None, None, None, None, None, None, None);
        Self { reason, sub, stage, found_at, count, piece, other, weight_g, label_g, words }
    }
}

/// A call to the customer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Call {
    /// How it ended.
    pub result: CallResult,
    /// The number called.
    pub number: Option<Personal>,
    /// When it began, by the device's wall clock. `None` if it was recorded when it ended.
    pub called_at: Option<UnixMs>,
    /// How long it was rung or spoken, in seconds.
    pub seconds: Option<u32>,
    /// Notes of the call.
    pub words: Option<Personal>,
}

impl Call {
    /// A call without particulars.
    pub fn of(result: CallResult) -> Self {
        Self { result, number: None, called_at: None, seconds: None, words: None }
    }
}
