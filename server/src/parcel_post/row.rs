//! Reads a row of JSON into a parcel. The fields have the names of a file's columns, and are read as those are.

use std::{borrow::Cow, collections::BTreeSet};

use doorstep_domain::{Day, Parcel, UnixMs, Waybill};
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

/// The day in the network's zone.
pub(super) fn today(pack: &Pack, now: UnixMs) -> Option<Day> {
    pack.day(now).and_then(Day::new)
}

/// Reads a row. A field that it lacks has no value: a row replaces the one before it as a whole.
pub(super) fn parcel(given: &Map<String, Value>, pack: &Pack) -> Result<Parcel, Fault> {
    let (mut draft, mut said) = (Draft::default(), BTreeSet::new());
    for (name, value) in given {
        // An unknown name is not repeated: it could be a value in a wrong place.
        let Some(column) = COLUMNS.iter().find(|column| column.name == name) else {
            return Err(Fault { field: None, fault: "has a field that is not known".into() });
        };
        let text = text(value).ok_or_else(|| Fault::of(name, "neither a text nor a whole number"))?;
        // Null and a blank text say the same as no field.
        if text.trim().is_empty() {
            continue;
        }
        if !matches!(column.need, Need::Always | Need::May) && !said.insert(column.need.word()) {
            return Err(Fault::of(name, "is said in another unit too"));
        }
        let set = (column.set)(&mut draft, &Cell::Text(Cow::Borrowed(text.trim())), pack);
        set.map_err(|fault| Fault::of(name, fault.to_string()))?;
    }
    draft.cod.get_or_insert_default();
    draft.arrival.get_or_insert_default();
    draft.over(None, pack).map_err(|fault| match fault {
        DraftFault::Lacks(field) => Fault::of(field, "not said"),
        DraftFault::Run { .. } => Fault::of("run", "no arrival in the outlet's timetable"),
        DraftFault::Arrival(fault) => Fault::of("theoretical_arrival", fault.to_string()),
        DraftFault::NotOnlyDay => Fault::of("theoretical_arrival", "with a run it names only the day, like 2026-03-02"),
        DraftFault::Freight => Fault::of("freight", "freight_fen needs freight: prepaid or collect"),
    })
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
