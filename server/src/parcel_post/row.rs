//! Reads a row of JSON into a parcel. The fields have the names of a file's columns, and are read as those are.

use std::{borrow::Cow, collections::BTreeSet};

use doorstep_domain::Waybill;
use doorstep_rules::Pack;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::import::{
    cell::Cell,
    columns::Need,
    parcels::{COLUMNS, Draft, DraftFault},
};

/// Why a row is not taken. It has no value of the row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Fault {
    /// The field; none if the row as a whole is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong.
    pub fault: String,
}

impl Fault {
    /// The fault of a field.
    pub(super) fn of(field: &str, fault: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), fault: fault.into() }
    }
}

/// Reads a row. As with the columns of a file, a field that it lacks leaves what is known, and `null` or a blank text takes the value
/// away.
pub(super) fn draft(given: &Map<String, Value>, pack: &Pack) -> Result<Draft, Fault> {
    let (mut draft, mut said) = (Draft::default(), BTreeSet::new());
    // Of one value in two units the blank one says nothing, so it comes last.
    let is_blank = |value: &Value| text(value).is_some_and(|text| text.trim().is_empty());
    let (blank, filled): (Vec<_>, Vec<_>) = given.iter().partition(|(_, value)| is_blank(value));
    for (name, value) in filled.into_iter().chain(blank) {
        // An unknown name is not repeated: it could be a value in a wrong place.
        let Some(column) = COLUMNS.iter().find(|column| column.name == name) else {
            return Err(Fault { field: None, fault: "has a field that is not known".into() });
        };
        let text = text(value).ok_or_else(|| Fault::of(name, "neither a text nor a whole number"))?;
        if !matches!(column.need, Need::Always | Need::May) && !said.insert(column.need.word()) {
            if text.trim().is_empty() {
                continue;
            }
            return Err(Fault::of(name, "is said in another unit too"));
        }
        let set = (column.set)(&mut draft, &Cell::Text(Cow::Borrowed(text.trim())), pack);
        set.map_err(|fault| Fault::of(name, fault.to_string()))?;
    }
    Ok(draft)
}

/// Why a draft is no parcel's row, by its field.
pub(super) fn fault(fault: DraftFault) -> Fault {
    match fault {
        DraftFault::Lacks(field) => Fault::of(field, "not said"),
        DraftFault::Run { .. } => Fault::of("run", "no arrival in the outlet's timetable"),
        DraftFault::Arrival(fault) => Fault::of("theoretical_arrival", fault.to_string()),
        DraftFault::NotOnlyDay => Fault::of("theoretical_arrival", "with a run it names only the day, like 2026-03-02"),
        DraftFault::Freight => Fault::of("freight", "freight_fen needs freight: prepaid or collect"),
    }
}

/// The waybill of a row, if it can be read.
pub(super) fn waybill(given: &Map<String, Value>) -> Option<Waybill> {
    let text = given.get("waybill").and_then(text)?;
    Waybill::parse(&Cell::Text(text).trimmed()).ok()
}

fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => Some(Cow::Borrowed("")),
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) if !number.is_f64() => Some(Cow::Owned(number.to_string())),
        // Child numbers may be a list.
        Value::Array(parts) => {
            let parts = parts.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?;
            Some(Cow::Owned(parts.join(" ")))
        }
        _ => None,
    }
}
