//! Turns as lists store, show and carry them, and duties by their names.

use doorstep_domain::UnixMs;
use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{Duty, DutyKind, Pack, Side, Turn, Words, words};

/// The time of a turn that has none.
const NO_TIME: UnixMs = UnixMs(i64::MAX);

impl Turn {
    /// The turn of a class with its time; `None` for an unknown class. The inverse of [`Turn::class`] and [`Turn::sorts_at`].
    pub fn of(class: u8, at: UnixMs) -> Option<Self> {
        Some(match class {
            0 => Self::Overdue(at),
            1 => Self::Mine(at),
            2 => Self::Waiting(at),
            3 => Self::Ended,
            _ => return None,
        })
    }

    /// Its number in the order of lists: 0 overdue, 1 the reader's, 2 waiting for others, 3 ended.
    pub fn class(self) -> u8 {
        match self {
            Self::Overdue(_) => 0,
            Self::Mine(_) => 1,
            Self::Waiting(_) => 2,
            Self::Ended => 3,
        }
    }

    /// The time by which it is sorted within its class; the largest value without a time.
    pub fn sorts_at(self) -> UnixMs {
        match self {
            Self::Overdue(at) | Self::Mine(at) | Self::Waiting(at) => at,
            Self::Ended => NO_TIME,
        }
    }

    /// Since when it is overdue, or until when there is time; `None` without a time limit.
    pub fn at(self) -> Option<UnixMs> {
        Some(self.sorts_at()).filter(|at| *at != NO_TIME)
    }

    /// Its class in one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Overdue(_) => "overdue",
            Self::Mine(_) => "mine",
            Self::Waiting(_) => "waiting",
            Self::Ended => "ended",
        }
    }
}

impl Serialize for Turn {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut fields = s.serialize_struct("Turn", 2)?;
        fields.serialize_field("class", self.as_str())?;
        fields.serialize_field("at", &self.at())?;
        fields.end()
    }
}

impl Duty {
    /// What is to be done, in words: the step's name for a step of a card or of the ledger, else the words of the kind.
    pub fn name(&self, pack: Option<&Pack>) -> Words {
        let of_kind = || pack.map_or_else(|| words(self.kind.as_str()), |pack| pack.words(self.kind.as_str()));
        match (&self.step, pack) {
            (Some(step), Some(pack)) if matches!(self.kind, DutyKind::Step | DutyKind::Ledger) => pack.name_of(step),
            _ => of_kind(),
        }
    }

    /// Whether it is an answer that the origin outlet owes: to look at the notice, or to reply to it.
    pub fn is_answer(&self) -> bool {
        self.side == Side::Origin && matches!(self.kind, DutyKind::Look | DutyKind::Reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_stored_as_its_class_and_time_and_sorts_the_same() {
        let at = UnixMs(5);
        let all =
            [Turn::Overdue(at), Turn::Mine(at), Turn::Mine(NO_TIME), Turn::Waiting(at), Turn::Waiting(NO_TIME), Turn::Ended];
        for turn in all {
            assert_eq!(Turn::of(turn.class(), turn.sorts_at()), Some(turn));
        }
        assert!(all.is_sorted() && all.is_sorted_by_key(|turn| (turn.class(), turn.sorts_at())));
        assert_eq!((Turn::of(4, at), Turn::Mine(NO_TIME).at(), Turn::Overdue(at).at()), (None, None, Some(at)));
        let json = serde_json::to_string(&[Turn::Overdue(at), Turn::Mine(NO_TIME)]).unwrap();
        assert_eq!(json, r#"[{"class":"overdue","at":5},{"class":"mine","at":null}]"#);
    }
}
