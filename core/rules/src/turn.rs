//! Turns as lists store, show and carry them, and duties by their names.

use doorstep_domain::{OutletCode, UnixMs, UserId};
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
            (Some(step), Some(pack)) if matches!(self.kind, DutyKind::Step | DutyKind::Ledger | DutyKind::Answer) => {
                pack.name_of(step)
            }
            _ => of_kind(),
        }
    }

    /// The duty in one phrase: what is to be done, by which side, outlet and person, and until when or since when it is overdue.
    pub fn told(&self, pack: Option<&Pack>, now: UnixMs) -> Words {
        let (name, side) = (self.name(pack), self.side.as_str());
        let side = pack.map_or_else(|| words(side), |pack| pack.words(side));
        let who = [self.outlet.as_ref().map(OutletCode::as_str), self.person.as_ref().map(UserId::as_str)];
        let who: String = who.into_iter().flatten().map(|who| format!(" {who}")).collect();
        let run = self.run.and_then(|at| pack?.local(at)).map(|at| at.format("%m-%d %H:%M").to_string());
        let run = |words: &str| run.as_ref().map_or_else(String::new, |run| format!("{words} {run}"));
        let time = match (self.missed, self.until) {
            (Some(since), _) => {
                let at = pack
                    .and_then(|pack| pack.local(since))
                    .map_or_else(|| since.to_string(), |at| at.format("%Y-%m-%d %H:%M").to_string());
                Words { zh: format!("，{at} 起超时"), en: format!(", overdue since {at}") }
            }
            (None, Some(until)) => {
                let minutes = until.since(now).max(0) / 60_000;
                let (hours, minutes) = (minutes / 60, minutes % 60);
                Words { zh: format!("，剩{hours}小时{minutes}分"), en: format!(", {hours} h {minutes} min left") }
            }
            (None, None) => Words { zh: String::new(), en: String::new() },
        };
        Words {
            zh: format!("{}（{}{who}{}{}）", name.zh, side.zh, run("，班次"), time.zh),
            en: format!("{} ({}{who}{}{})", name.en, side.en, run(", with the run of"), time.en),
        }
    }

    /// Whether it is an answer that an outlet owes: the origin outlet looks at the notice or replies to it, an asked outlet answers.
    pub fn is_answer(&self) -> bool {
        let is_origins = self.side == Side::Origin && matches!(self.kind, DutyKind::Look | DutyKind::Reply);
        is_origins || self.kind == DutyKind::Answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duty_is_told_in_one_phrase_of_each_language_with_side_outlet_person_and_time() {
        let duty = |until, missed| Duty {
            kind: DutyKind::Step,
            step: Some("ask_recipient".to_owned()),
            side: Side::Delivering,
            by: vec![],
            outlet: "0412".parse().ok(),
            person: "c2".parse().ok(),
            run: None,
            clock: None,
            until,
            missed,
            about: None,
        };
        let pack = Pack::parse(crate::FIRST_PACK).unwrap();
        let name = pack.name_of("ask_recipient");
        let told = |until, missed| duty(until, missed).told(Some(&pack), UnixMs(0));
        let Words { zh, en } = told(Some(UnixMs(89 * 60_000 + 59_999)), None);
        assert_eq!(
            (zh, en),
            (
                format!("{}（派件网点 0412 c2，剩1小时29分）", name.zh),
                format!("{} (delivering outlet 0412 c2, 1 h 29 min left)", name.en)
            )
        );
        let Words { zh, en } = told(None, Some(UnixMs(0)));
        assert!(
            zh.ends_with("0412 c2，1970-01-01 08:00 起超时）") && en.ends_with("0412 c2, overdue since 1970-01-01 08:00)"),
            "{zh} {en}"
        );
        assert!(told(None, None).en.ends_with("(delivering outlet 0412 c2)"));
        let unnamed =
            Duty { step: None, kind: DutyKind::Reply, side: Side::HeadOffice, outlet: None, person: None, ..duty(None, None) };
        assert_eq!(
            unnamed.told(None, UnixMs(0)),
            Words {
                zh: "回复派件网点（总部）".to_owned(), en: "Reply to the delivering outlet (head office)".to_owned()
            }
        );
    }

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
