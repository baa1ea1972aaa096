//! Where a row of `outbox` and a row of `photo` stand. The tables hold a number for each state, the same since the first version of the
//! schema; here each number has its name, for Rust and for statements.
//!
//! A statement takes a state as a literal and not as a parameter where an index covers only some states: SQLite uses such an index
//! only if the statement itself says that it asks for no others.

use doorstep_sql::{FromValue, ToValue, Value, ValueError};

/// States with their numbers. `as`: the macro that gives a state's number as a literal for `concat!`. `else`: how a number that no
/// version writes is read.
macro_rules! states {
    (
        $(#[$about:meta])*
        $name:ident as $literal:ident { $($(#[$of:meta])* $state:ident = $number:literal,)+ } else $other:ident
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum $name {
            $($(#[$of])* $state = $number,)+
        }

        impl $name {
            /// The state of a number; `None`: no version writes it.
            pub(crate) fn known(number: i64) -> Option<Self> {
                match number {
                    $($number => Some(Self::$state),)+
                    _ => None,
                }
            }

            /// The number that the table holds.
            pub(crate) const fn number(self) -> i64 {
                self as i64
            }
        }

        impl ToValue for $name {
            fn to_value(&self) -> Result<Value<'_>, ValueError> {
                Ok(Value::Int(self.number()))
            }
        }

        impl FromValue for $name {
            fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
                Ok(Self::known(i64::from_value(value)?).unwrap_or(Self::$other))
            }
        }

        /// The number of a state: a literal for `concat!`.
        macro_rules! $literal {
            $(($state) => { $number };)+
        }
    };
}

states! {
    /// Where a recorded change stands until the server has it. A number that no version writes is read as quarantined: the change is
    /// kept and shown, and nothing is sent that nobody understands.
    OutboxState as outbox_state {
        /// In no batch. New, or left pending by the server and offered again.
        Unsent = 0,
        /// In the batch whose answer has not come.
        InBatch = 1,
        /// The server refused it, or its bytes are damaged. Kept for a person to judge.
        Quarantined = 2,
        /// Head office has decided that it stays out. Kept with the reason.
        Discarded = 3,
    } else Quarantined
}

states! {
    /// What has become of a photo or thumbnail of this device. A number that no version writes is read as one whose entry is not
    /// accepted: the file is kept, and nothing is sent.
    PhotoState as photo_state {
        /// No entry that names it is accepted yet; it goes after that.
        EntryFirst = 0,
        /// To be sent.
        ToSend = 1,
        /// The server has its bytes, verified.
        Stored = 2,
        /// Its file is gone, and the server does not have it.
        Lost = 3,
        /// Its file holds other bytes than were recorded.
        Void = 4,
        /// The server has it, and its file was deleted here after its retention.
        LetGo = 5,
        /// Head office has discarded the entry that names it. Its file stays.
        Discarded = 6,
    } else EntryFirst
}

/// Rows of `outbox` on which the server has not decided: unsent, or in the open batch.
macro_rules! outbox_waits {
    () => {
        concat!("state < ", outbox_state!(Quarantined))
    };
}

/// Rows of `outbox` that the server has refused, whatever head office said of them since.
macro_rules! outbox_is_refused {
    () => {
        concat!("state >= ", outbox_state!(Quarantined))
    };
}

/// Rows of `outbox` in one of the states but the first, `?1` or another parameter. The index `outbox_moved` covers these.
macro_rules! outbox_is_moved {
    ($state:literal) => {
        concat!("state > ", outbox_state!(Unsent), " AND state = ", $state)
    };
}

/// Rows of `photo` whose bytes the server does not have and may still get. The index `photo_waiting` covers these.
macro_rules! photo_waits {
    () => {
        concat!("state < ", photo_state!(Stored))
    };
}

/// Rows of `photo` whose bytes nobody has: lost or void. The index `photo_spoiled` covers these.
macro_rules! photo_is_spoiled {
    () => {
        concat!("state IN (", photo_state!(Lost), ", ", photo_state!(Void), ")")
    };
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::{
        row::{Statements, params},
        schema::{MIGRATIONS, migrate},
    };

    const OUTBOX: [OutboxState; 4] =
        [OutboxState::Unsent, OutboxState::InBatch, OutboxState::Quarantined, OutboxState::Discarded];
    const PHOTO: [PhotoState; 7] = [
        PhotoState::EntryFirst,
        PhotoState::ToSend,
        PhotoState::Stored,
        PhotoState::Lost,
        PhotoState::Void,
        PhotoState::LetGo,
        PhotoState::Discarded,
    ];

    /// Golden: stores of every version hold these numbers.
    #[test]
    fn each_state_is_stored_as_the_number_that_stores_hold() {
        let numbers = |value: Value<'_>| i64::from_value(&value).unwrap();
        assert_eq!(OUTBOX.map(|state| numbers(state.to_value().unwrap())), [0, 1, 2, 3]);
        assert_eq!(PHOTO.map(|state| numbers(state.to_value().unwrap())), [0, 1, 2, 3, 4, 5, 6]);
        OUTBOX.iter().for_each(|state| assert_eq!(OutboxState::from_value(&state.to_value().unwrap()), Ok(*state)));
        PHOTO.iter().for_each(|state| assert_eq!(PhotoState::from_value(&state.to_value().unwrap()), Ok(*state)));
        let said =
            concat!(outbox_state!(InBatch), " ", outbox_state!(Discarded), " ", photo_state!(ToSend), " ", photo_state!(LetGo));
        assert_eq!(said, "1 3 1 5");
    }

    #[test]
    fn a_number_that_no_version_writes_is_kept_and_never_sent() {
        assert_eq!(OutboxState::from_value(&Value::Int(9)), Ok(OutboxState::Quarantined));
        assert_eq!(PhotoState::from_value(&Value::Int(-1)), Ok(PhotoState::EntryFirst));
        assert!(OutboxState::from_value(&Value::Null).is_err());
    }

    #[test]
    fn a_condition_holds_for_the_states_of_its_name() {
        let db = Connection::open_in_memory().unwrap();
        let holds = |condition: &str, state: &dyn ToValue| {
            db.one("it", &format!("SELECT {condition} FROM (SELECT ?1 AS state)"), params![state], |row| row.get::<bool>(0))
                .unwrap()
        };
        let outbox = |condition: &str| OUTBOX.map(|state| holds(condition, &state));
        assert_eq!(outbox(outbox_waits!()), [true, true, false, false]);
        assert_eq!(outbox(outbox_is_refused!()), [false, false, true, true]);
        let photo = |condition: &str| PHOTO.map(|state| holds(condition, &state));
        assert_eq!(photo(photo_waits!()), [true, true, false, false, false, false, false]);
        assert_eq!(photo(photo_is_spoiled!()), [false, false, false, true, true, false, false]);
    }

    #[test]
    fn what_waits_and_what_is_spoiled_is_found_by_index() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db).unwrap();
        let plan = |sql: &str| db.one("outbox", &format!("EXPLAIN QUERY PLAN {sql}"), params![], |row| row.get::<String>(3));
        let moved = plan(concat!("SELECT id, bytes FROM outbox WHERE ", outbox_is_moved!("1"))).unwrap();
        assert!(moved.contains("outbox_moved"), "{moved}");
        let parked =
            plan("DELETE FROM change INDEXED BY change_parked WHERE case_id = x'01' AND hash = x'02' AND parked IS NOT NULL")
                .unwrap();
        assert!(parked.contains("change_parked"), "{parked}");
        let brought = plan("DELETE FROM named WHERE batch IS NOT NULL").unwrap();
        assert!(brought.contains("named_brought"), "{brought}");
        assert!(MIGRATIONS.iter().any(|text| text.contains(concat!("WHERE ", photo_waits!()))));
        let plan = |condition: &str| {
            let sql = format!("EXPLAIN QUERY PLAN SELECT sha FROM photo WHERE {condition}");
            db.one("photo", &sql, params![], |row| row.get::<String>(3)).unwrap()
        };
        for (condition, index) in [(photo_waits!(), "photo_waiting"), (photo_is_spoiled!(), "photo_spoiled")] {
            let plan = plan(condition);
            assert!(plan.contains(index), "{condition}: {plan}");
        }
    }
}
