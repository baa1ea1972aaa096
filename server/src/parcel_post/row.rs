//! Reads a row of JSON into a parcel. The fields have the names of a file's columns, and are read as those are.

use std::{borrow::Cow, collections::BTreeMap};

use doorstep_domain::{Day, Details, Fen, Freight, FreightKind, Parcel, Personal, UnixMs, Waybill};
use doorstep_rules::Pack;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::import;

/// The fields that a file does not have.
const DETAILS: [&str; 11] = [
    "sender_name",
    "sender_phone",
    "freight",
    "freight_fen",
    "receipt_no",
    "label_grams",
    "pieces",
    "goods",
    "declared_fen",
    "day",
    "expires",
];
/// The largest number of characters of a name or number, and of the goods' name.
const MOST_NAME: usize = 100;
const MOST_GOODS: usize = 200;
/// The largest number of characters of a run's name.
const MOST_RUN: usize = 60;
/// The largest amount: 10 million yuan.
const MOST_FEN: i64 = 1_000_000_000;
/// The largest weight: 100 tonnes.
const MOST_GRAMS: u32 = 100_000_000;
const MOST_PIECES: u32 = 10_000;

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

    /// The fault that the reading of a file's row gives: `field: what is wrong`.
    fn said(fault: String) -> Self {
        match fault.split_once(": ") {
            // These two repeat what was given.
            Some(("run", _)) => Self::of("run", "no arrival in the outlet's timetable, or theoretical_arrival is no day"),
            Some(("network", _)) => Self::of("network", "no network with a rule pack here"),
            Some((field, what)) if import::names().any(|name| name == field) => Self::of(field, what),
            _ => Self { field: None, fault },
        }
    }
}

/// The day in the network's zone.
pub(super) fn today(pack: &Pack, now: UnixMs) -> Option<Day> {
    pack.day(now).and_then(Day::new)
}

/// Reads a row.
pub(super) fn parcel(given: &Map<String, Value>, pack: &Pack) -> Result<Parcel, Fault> {
    let mut texts = BTreeMap::new();
    for (name, value) in given {
        // An unknown name is not repeated: it could be a value in a wrong place.
        if !import::names().chain(DETAILS).any(|known| known == name) {
            return Err(Fault { field: None, fault: "has a field that is not known".into() });
        }
        texts.insert(name.as_str(), text(value).ok_or_else(|| Fault::of(name, "neither a text nor a whole number"))?);
    }
    let value = |name: &str| texts.get(name).map_or("", |text| text.trim());
    if value("run").chars().count() > MOST_RUN {
        return Err(Fault::of("run", format!("more than {MOST_RUN} characters")));
    }
    Waybill::parse(value("waybill")).map_err(|error| Fault::of("waybill", error.to_string()))?;
    let parcel = import::parcel_of(value, pack).map_err(Fault::said)?;
    let details = details(value, parcel.details, pack)?;
    Ok(Parcel { details, ..parcel })
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

fn details<'v>(value: impl Fn(&str) -> &'v str, known: Details, pack: &Pack) -> Result<Details, Fault> {
    let personal = |name: &str, most: usize| match value(name) {
        "" => Ok(None),
        text if text.chars().count() > most => Err(Fault::of(name, format!("more than {most} characters"))),
        text => Personal::plain(text).map(Some).map_err(|error| Fault::of(name, error.to_string())),
    };
    let whole = |name: &str, most: i64| match value(name) {
        "" => Ok(None),
        text => {
            let number = text.parse().ok().filter(|number| (0..=most).contains(number));
            number.map(Some).ok_or_else(|| Fault::of(name, format!("not a whole number from 0 to {most}")))
        }
    };
    let small = |name: &str, most: u32| -> Result<Option<u32>, Fault> {
        Ok(whole(name, most.into())?.and_then(|number| u32::try_from(number).ok()))
    };
    let amount = whole("freight_fen", MOST_FEN)?.map(Fen);
    let freight = match value("freight") {
        "" if amount.is_some() => return Err(Fault::of("freight", "freight_fen needs freight: prepaid or collect")),
        "" => None,
        word => Some(FreightKind::from_word(word).ok_or_else(|| Fault::of("freight", "neither prepaid nor collect"))?),
    };
    Ok(Details {
        sender_name: personal("sender_name", MOST_NAME)?,
        sender_phone: personal("sender_phone", MOST_NAME)?,
        freight: freight.map(|kind| Freight { kind, amount: amount.unwrap_or_default() }),
        receipt_no: match value("receipt_no") {
            "" => None,
            text => Some(Waybill::parse(text).map_err(|error| Fault::of("receipt_no", error.to_string()))?),
        },
        label_grams: small("label_grams", MOST_GRAMS)?,
        pieces: small("pieces", MOST_PIECES)?,
        goods: personal("goods", MOST_GOODS)?,
        declared: whole("declared_fen", MOST_FEN)?.map(Fen),
        day: match value("day") {
            "" => None,
            text => Some(text.parse().map_err(|_| Fault::of("day", "not a day like 2026-03-02"))?),
        },
        expires_at: match value("expires") {
            "" => None,
            text => Some(import::moment(text, pack).ok_or_else(|| Fault::of("expires", "not a time like 2026-03-16 20:00"))?),
        },
        ..known
    })
}
