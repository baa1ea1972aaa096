//! What outlets and hubs were asked, their answers, and the other case of a swap.

use doorstep_rules::{AnswerState, AskState, LinkedCase, Pack};

use crate::words::{Bilingual, named};

/// A question to an outlet or hub, or a parcel that was sent on to it. Times are milliseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct AskRow {
    /// The entry's key, for [`Command::Answer`](crate::Command).
    pub entry: String,
    /// The step.
    pub step: String,
    /// `step` in words.
    pub name: Bilingual,
    /// The outlet or hub that is asked.
    pub to: String,
    /// The account of who asks.
    pub by: String,
    /// The outlet that asks.
    pub from_outlet: String,
    /// When it was asked.
    pub at_ms: i64,
    /// Whether the parcel was sent on to the asked outlet, which confirms its arrival.
    pub forwards: bool,
    /// Whether an answer is due.
    pub open: bool,
    /// The results that an answer can have, in the pack's order.
    pub results: Vec<AskResultRow>,
    /// The answers, in the timeline's order.
    pub answers: Vec<AnswerRow>,
}

/// A result that an answer can have.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct AskResultRow {
    /// The code.
    pub code: String,
    /// `code` in words.
    pub name: Bilingual,
}

/// An answer of the asked outlet.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct AnswerRow {
    /// The entry's key.
    pub entry: String,
    /// The account of who answers.
    pub by: String,
    /// When.
    pub at_ms: i64,
    /// The result.
    pub result: String,
    /// `result` in words.
    pub name: Bilingual,
    /// Whether the parcel is at the answering outlet.
    pub here: bool,
    /// Whether it is the one that counts: of several the one that head office received last.
    pub counts: bool,
}

/// The other case of a swap, as head office told it last.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LinkedRow {
    /// The other parcel.
    pub waybill: String,
    /// Its newest problem; absent if no problem stands in its case.
    pub reason: Option<String>,
    /// `reason` in words.
    pub reason_name: Option<Bilingual>,
    /// The state of its case.
    pub state: String,
    /// `state` in words.
    pub state_name: Bilingual,
}

impl AskRow {
    pub(crate) fn of(ask: AskState, pack: Option<&Pack>) -> Self {
        let AskState { entry, step, to, by, from, at, forwards, open, answers } = ask;
        let rows = pack.and_then(|pack| pack.step(&step)).map(|row| row.results.as_slice()).unwrap_or_default();
        let result = |code: &str| Bilingual::from(pack.map_or_else(|| alike(code), |pack| pack.name_of_result(&step, code)));
        Self {
            entry: entry.to_string(),
            name: pack.map_or_else(|| alike(&step), |pack| pack.name_of(&step)).into(),
            to: to.to_string(),
            by: by.to_string(),
            from_outlet: from.to_string(),
            at_ms: at.0,
            forwards,
            open,
            results: rows.iter().map(|row| AskResultRow { code: row.code.clone(), name: result(&row.code) }).collect(),
            answers: answers
                .into_iter()
                .map(|AnswerState { entry, by, at, result: code, here, counts }| AnswerRow {
                    entry: entry.to_string(),
                    by: by.to_string(),
                    at_ms: at.0,
                    name: result(&code),
                    result: code,
                    here,
                    counts,
                })
                .collect(),
            step,
        }
    }
}

impl LinkedRow {
    pub(crate) fn of(linked: LinkedCase, pack: Option<&Pack>) -> Self {
        let name = |code: &String| Bilingual::from(pack.map_or_else(|| alike(code), |pack| pack.name_of(code)));
        Self {
            waybill: linked.waybill.to_string(),
            reason_name: linked.reason.as_ref().map(name),
            reason: linked.reason,
            state_name: named(pack, &linked.state),
            state: linked.state,
        }
    }
}

fn alike(code: &str) -> doorstep_rules::Words {
    doorstep_rules::Words { zh: code.to_owned(), en: code.to_owned() }
}
