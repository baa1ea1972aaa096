//! Entries between the outlets and hubs that look for a parcel or send it on: questions, answers, runs, and what the other case of a
//! swap is (domain 2.6).

use serde::{Deserialize, Serialize};

use crate::{EntryKey, OutletCode, Personal, ReasonCode, UnixMs, Waybill};

/// An outlet or a hub is asked something about the parcel, such as to search for it. It gets the case and a task.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ask {
    /// Step code of the pack, such as `outlet_search`. The pack says which results the step can have.
    pub step: ReasonCode,
    /// The outlet or hub that is asked.
    pub to: OutletCode,
    /// The question in words.
    pub words: Option<Personal>,
}

/// The answer of an outlet or hub that was asked. Only answers of the asked outlet count, and of several the one received last.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Answered {
    /// The question: an [`Ask`], or an [`Action`](crate::Action) that sent the parcel to a site.
    pub ask: EntryKey,
    /// Result code of the pack, such as `found`.
    pub result: ReasonCode,
    /// The parcel is at the answering outlet: it was found there, or has arrived. The writer takes it from the pack's row of the
    /// result, so that head office and all replicas know it without the pack of that time.
    pub here: bool,
    /// More, in words.
    pub words: Option<Personal>,
}

/// The parcel shall leave with a run of the outlet's timetable, instead of with a courier. The newest one counts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Dispatch {
    /// When the run leaves.
    pub leaves_at: UnixMs,
    /// The task in words.
    pub words: Option<Personal>,
}

/// The other case of a swap, as head office knows it. Only the server writes these entries: at first when one case names the other's
/// parcel, and again when its problem or state changes. They tell a reader who may not read the other case no more than this.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Linked {
    /// The other parcel.
    pub waybill: Waybill,
    /// The other case's newest problem; `None` if no problem stands in it.
    pub reason: Option<ReasonCode>,
    /// The other case's state.
    pub state: ReasonCode,
}
