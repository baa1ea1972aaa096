//! What people do in scenarios, from plain text.

use std::{fmt::Debug, str::FromStr};

use doorstep_client::{Act, Recording};
use doorstep_domain::{Attempt, Close, Personal, Problem, Stage};

/// An act on the parcel of a number.
pub fn on(waybill: impl AsRef<str>, act: Act) -> Recording {
    Recording::of(waybill.as_ref(), act).unwrap()
}

/// A code, an account, an outlet, an entry's key.
pub fn code<T: FromStr<Err: Debug>>(text: impl AsRef<str>) -> T {
    text.as_ref().parse().unwrap()
}

/// A personal value.
pub fn text(words: impl AsRef<str>) -> Personal {
    Personal::plain(words.as_ref()).unwrap()
}

/// A failed delivery for a reason, with nothing else to say.
pub fn failed(waybill: impl AsRef<str>, reason: impl AsRef<str>) -> Recording {
    on(waybill, Act::Fail(Attempt::of(code(reason))))
}

/// Another problem at a stage; without one, where the person's role registers it.
pub fn problem(reason: impl AsRef<str>, stage: Option<&str>) -> Act {
    let named = stage.map(|stage| Stage::from_word(stage).unwrap());
    Act::Problem { problem: Problem::of(code(reason), named.unwrap_or(Stage::Delivery)), usual_stage: named.is_none() }
}

/// The end of a case.
pub fn ended(waybill: impl AsRef<str>, outcome: impl AsRef<str>, words: Option<&str>) -> Recording {
    on(waybill, Act::Close(Close { words: words.map(text), ..Close::of(code(outcome)) }))
}
