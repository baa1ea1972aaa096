//! What the server has said of a change, and how an entry stands in this replica.

use serde::Serialize;

use crate::{ChangeHash, Entry, Reckoning, RefusalCode, UnixMs, words};

words!(
    /// What the server found when it compared a change's facts of the parcel with its own rows. One word for all facts together: a
    /// word for each would tell a guesser which one was right.
    FactsCheck {
        /// The change has no facts, or they came before servers compared them.
        Unchecked = "unchecked",
        /// They are the row's that was in force when the act happened.
        Equal = "equal",
        /// They are a published row's that was not in force then: good faith.
        Outdated = "outdated",
        /// They are no published row's.
        Altered = "altered",
        /// They claim nothing of the parcel: whoever wrote them had no row of it.
        NoRow = "no_row",
    }
);

/// The server's word on an accepted change. It lives beside the document, travels with verdicts and feeds, and decides
/// deadlines (domain 3.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Receipt {
    /// When the server received the change.
    pub received_at: UnixMs,
    /// When the act happened by the server's reckoning, and what it found odd about the device's clock.
    #[serde(flatten)]
    pub acted: Reckoning,
    /// Whether the policy lets it pass but wants head office to look at it.
    pub review: bool,
    /// How its facts compare with head office's rows.
    pub facts: FactsCheck,
    /// Of an act whose time is not proven: whether another device of the same person was in contact within the gap.
    pub others_in_contact: bool,
    /// Number of such acts of this person in the 30 days before the sending, plus one; at most 1,000; 0 if the time is proven.
    pub unproven_acts: u16,
}

const ROLLED_BACK: u16 = 1;
const FOREIGN_ANCHOR: u16 = 1 << 1;
const REVIEW: u16 = 1 << 2;
const ANCHORED: u16 = 1 << 3;
const UNSTEADY: u16 = 1 << 4;
/// The mark of an act that lies before a contact which did not bring it.
pub const PASSED_OVER: u16 = 1 << 5;
/// The mark of an act that is dated before an earlier one of its device in its case.
pub const DISORDERED: u16 = 1 << 6;
const OTHERS_IN_CONTACT: u16 = 1 << 7;
/// Three bits for the place of a [`FactsCheck`] in [`FactsCheck::ALL`]: a new word goes to its end.
const FACTS_SHIFT: u32 = 8;
const FACTS: u16 = 7 << FACTS_SHIFT;

/// The marks of a receipt that devices of version 2 know.
pub const MARKS_OF_VERSION_2: u16 = ROLLED_BACK | FOREIGN_ANCHOR | REVIEW;

impl Receipt {
    /// A receipt with nothing odd about it: of an act whose time is proven, an hour after the device had heard the server, with the
    /// parcel's own facts.
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

    /// A receipt without a word on the person's other acts.
    pub fn new(received_at: UnixMs, acted: Reckoning, review: bool, facts: FactsCheck) -> Self {
        Self { received_at, acted, review, facts, others_in_contact: false, unproven_acts: 0 }
    }

    /// Everything but times and counts, as bits (PROTOCOL.md, section 9): 1 the wall clock was set back, 2 the anchor is none of
    /// the server's, 4 for review, 8 anchored, 16 unsteady, 32 passed over, 64 disordered, 128 another device of the person was in
    /// contact; then three bits for the place of [`Receipt::facts`] among its words.
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
            | (u16::try_from(facts).unwrap_or_default() << FACTS_SHIFT)
    }

    /// A receipt from its parts, as it is stored and as it travels.
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
        Self { received_at, acted, review: has(REVIEW), facts, others_in_contact: has(OTHERS_IN_CONTACT), unproven_acts }
    }

    /// Its parts, as it is stored and as it travels.
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

/// A receipt as it is stored and as it travels: see the fields of [`Receipt`] and [`Reckoning`].
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

/// The states a person sees (architecture, section 4). "Saved" is never shown for something only this device has.
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

/// One entry with the change it came in and how that change stands.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Recorded {
    /// The change that wrote the entry.
    pub change: ChangeHash,
    /// How it stands here.
    pub standing: Standing,
    /// The entry.
    pub entry: Entry,
}

impl Recorded {
    /// The best estimate of when the act happened: the server's reckoning, else the entry's anchor, else the wall clock,
    /// but never outside of the gap between two contacts in which the server knows it to lie.
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
