//! Receipts of changes, and the state of an entry in this replica.

use serde::Serialize;

use crate::{ChangeHash, Entry, Reckoning, RefusalCode, UnixMs, words};

words!(
    /// The result of the server's comparison of a change's facts with its own rows. There is one result for all facts together,
    /// because a result for each would show somebody who guesses which facts were right.
    FactsCheck {
        /// The change has no facts, or they came before servers compared them.
        Unchecked = "unchecked",
        /// The facts match the row that was in force when the act happened.
        Equal = "equal",
        /// The facts match a published row that was not in force then, which can happen in good faith.
        Outdated = "outdated",
        /// The facts match no published row.
        Altered = "altered",
        /// The facts have only network and waybill, because their writer had no row of the parcel.
        NoRow = "no_row",
    }
);

/// The server's statement about an accepted change. It is stored beside the document, sent with verdicts and feeds, and decides
/// deadlines (domain 3.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Receipt {
    /// When the server received the change.
    pub received_at: UnixMs,
    /// The server's estimate of when the act happened, with marks about the device's clock.
    #[serde(flatten)]
    pub acted: Reckoning,
    /// Whether the policy permits the change but wants head office to review it.
    pub review: bool,
    /// The comparison of its facts with head office's rows.
    pub facts: FactsCheck,
    /// For an act whose time is not proven: whether another device of the same person was in contact within the gap.
    pub others_in_contact: bool,
    /// If the time is not proven, one plus the number of this person's unproven acts in the 30 days before the sending, at most
    /// 1,000; else 0.
    pub unproven_acts: u16,
    /// For the record of an outage: whether its device was in contact with the server between 15 minutes before the claimed phone
    /// call and the record.
    pub in_contact: bool,
    /// For an attempt: whether the server knew so many other attempts of its person within a minute, on other parcels and each
    /// recorded by itself.
    pub crowded: bool,
    /// For an act with a position: whether the server knew an act of its person in another case, at a place that nobody reaches in
    /// the time between both.
    pub too_fast: bool,
}

const ROLLED_BACK: u16 = 1;
const FOREIGN_ANCHOR: u16 = 1 << 1;
const REVIEW: u16 = 1 << 2;
const ANCHORED: u16 = 1 << 3;
const UNSTEADY: u16 = 1 << 4;
/// Mark: the act is dated before a contact that did not bring it.
pub const PASSED_OVER: u16 = 1 << 5;
/// Mark: the act is dated before an earlier act of the same device in the case.
pub const DISORDERED: u16 = 1 << 6;
const OTHERS_IN_CONTACT: u16 = 1 << 7;
/// Position of the three bits for the index of a [`FactsCheck`] in [`FactsCheck::ALL`]. A new value must be added at the end of
/// that list.
const FACTS_SHIFT: u32 = 8;
const FACTS: u16 = 7 << FACTS_SHIFT;
const IN_CONTACT: u16 = 1 << 11;
const CROWDED: u16 = 1 << 12;
const TOO_FAST: u16 = 1 << 13;

/// The marks of a receipt that devices of version 2 know.
pub const MARKS_OF_VERSION_2: u16 = ROLLED_BACK | FOREIGN_ANCHOR | REVIEW;

impl Receipt {
    /// A receipt without marks: the act's time is proven, its gap began an hour before, and the facts match.
    pub fn of(received_at: UnixMs, acted_at: Option<UnixMs>) -> Self {
        let acted = Reckoning {
            at: acted_at,
            from: acted_at.map(|at| at.plus(-3_600_000)),
            until: acted_at.map(|_| received_at),
            anchored: acted_at.is_some(),
            ..Reckoning::default()
        };
        Self::new(received_at, acted, false, FactsCheck::Equal)
    }

    /// A receipt without information on the person's other acts.
    pub fn new(received_at: UnixMs, acted: Reckoning, review: bool, facts: FactsCheck) -> Self {
        Self {
            received_at,
            acted,
            review,
            facts,
            others_in_contact: false,
            unproven_acts: 0,
            in_contact: false,
            crowded: false,
            too_fast: false,
        }
    }

    /// All fields except times and counts, as bits (PROTOCOL.md, section 9): 1 the wall clock was set back, 2 the server did not
    /// give the anchor, 4 for review, 8 anchored, 16 unsteady, 32 passed over, 64 disordered, 128 another device of the person
    /// was in contact; then three bits for the index of [`Receipt::facts`]; 2048 the device of an outage record was in contact,
    /// 4096 many attempts of the person within a minute, 8192 the person was elsewhere too short a time before or after.
    pub fn marks(&self) -> u16 {
        let bit = |set: bool, bit: u16| if set { bit } else { 0 };
        let acted = &self.acted;
        let facts = FactsCheck::ALL.iter().position(|check| *check == self.facts).unwrap_or_default();
        bit(acted.rolled_back, ROLLED_BACK)
            | bit(acted.foreign_anchor, FOREIGN_ANCHOR)
            | bit(self.review, REVIEW)
            | bit(acted.anchored, ANCHORED)
            | bit(acted.unsteady, UNSTEADY)
            | bit(acted.passed_over, PASSED_OVER)
            | bit(acted.disordered, DISORDERED)
            | bit(self.others_in_contact, OTHERS_IN_CONTACT)
            | bit(self.in_contact, IN_CONTACT)
            | bit(self.crowded, CROWDED)
            | bit(self.too_fast, TOO_FAST)
            | (u16::try_from(facts).unwrap_or_default() << FACTS_SHIFT)
    }

    /// Builds a receipt from the parts that are stored and sent.
    pub fn from_parts(parts: ReceiptParts) -> Self {
        let ReceiptParts { received_at, acted_at, slack_ms, from, until, marks, unproven_acts } = parts;
        let has = |bit: u16| marks & bit != 0;
        let acted = Reckoning {
            at: acted_at,
            slack_ms,
            from,
            until,
            rolled_back: has(ROLLED_BACK),
            foreign_anchor: has(FOREIGN_ANCHOR),
            anchored: has(ANCHORED),
            unsteady: has(UNSTEADY),
            passed_over: has(PASSED_OVER),
            disordered: has(DISORDERED),
        };
        let facts = FactsCheck::ALL.get(usize::from((marks & FACTS) >> FACTS_SHIFT)).copied().unwrap_or(FactsCheck::Unchecked);
        Self {
            received_at,
            acted,
            review: has(REVIEW),
            facts,
            others_in_contact: has(OTHERS_IN_CONTACT),
            unproven_acts,
            in_contact: has(IN_CONTACT),
            crowded: has(CROWDED),
            too_fast: has(TOO_FAST),
        }
    }

    /// The parts that are stored and sent.
    pub fn parts(&self) -> ReceiptParts {
        ReceiptParts {
            received_at: self.received_at,
            acted_at: self.acted.at,
            slack_ms: self.acted.slack_ms,
            from: self.acted.from,
            until: self.acted.until,
            marks: self.marks(),
            unproven_acts: self.unproven_acts,
        }
    }
}

/// The stored and sent form of a receipt; see the fields of [`Receipt`] and [`Reckoning`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the fields of `Receipt` and `Reckoning`, one by one")]
pub struct ReceiptParts {
    pub received_at: UnixMs,
    pub acted_at: Option<UnixMs>,
    pub slack_ms: u32,
    pub from: Option<UnixMs>,
    pub until: Option<UnixMs>,
    pub marks: u16,
    pub unproven_acts: u16,
}

/// The state of a change as shown to a person. "Saved" is never shown for a change that only this device has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Standing {
    /// Recorded here, not yet in any request.
    OnThisDevice,
    /// In a batch whose answer has not come back.
    SentNotConfirmed,
    /// Durable at the server.
    Accepted(Receipt),
    /// Refused by the server and kept on both sides.
    Quarantined {
        /// Why.
        reason: RefusalCode,
    },
}

impl Standing {
    /// The server's receipt, if it has accepted the change.
    pub fn receipt(&self) -> Option<Receipt> {
        match self {
            Self::Accepted(receipt) => Some(*receipt),
            _ => None,
        }
    }
}

/// One entry with its change and the state of that change.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Recorded {
    /// The change that wrote the entry.
    pub change: ChangeHash,
    /// The state of the change in this replica.
    pub standing: Standing,
    /// The entry.
    pub entry: Entry,
}

impl Recorded {
    /// The best estimate of when the act happened: the server's estimate, else the entry's anchor, else the wall clock; but never
    /// outside the act's gap.
    pub fn acted_at(&self) -> UnixMs {
        let receipt = self.standing.receipt();
        let reckoned = receipt.and_then(|r| r.acted.at).or_else(|| self.entry.time.anchored());
        let time = reckoned.unwrap_or(self.entry.time.wall);
        receipt.map_or(time, |receipt| {
            let (from, until) = receipt.acted.gap(receipt.received_at);
            from.map_or(time, |from| time.max(from)).min(until)
        })
    }
}
