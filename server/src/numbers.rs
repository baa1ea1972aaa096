//! Rows of the list whose number cannot be used for an SMS. Neither a note nor a listing shows the number.

use doorstep_domain::{Number, NumberFault, Parcel, Personal, Waybill};
use serde::Serialize;

use crate::store::{
    addressees::{self, NumbersOf},
    tx::{StoreError, Tx},
};

/// A row of the list with a text for its number to which no SMS can go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnusableNumber {
    /// The waybill.
    pub waybill: Waybill,
    /// The column with the text.
    pub column: &'static str,
    /// Why it cannot be used.
    pub fault: NumberFault,
}

/// The fault of a row's numbers, with its column. `None` if an SMS can go to one of them, or if the row has none: a label without
/// a number is no fault of the list.
fn fault(virtual_phone: Option<&Personal>, phone: Option<&Personal>) -> Option<(&'static str, NumberFault)> {
    let texts = [("recipient_phone", phone), ("virtual_phone", virtual_phone)];
    let read = texts.into_iter().filter_map(|(column, text)| Some((column, Number::for_sms_of(text?))));
    let mut first = None;
    for (column, read) in read {
        match read {
            Ok(_) => return None,
            Err(fault) => first = first.or(Some((column, fault))),
        }
    }
    first
}

/// What an import says about the numbers of a row that it takes.
pub(crate) fn note(parcel: &Parcel) -> Option<String> {
    let virtual_phone = parcel.virtual_number.as_ref().map(|number| &number.number);
    let (column, fault) = fault(virtual_phone, parcel.recipient_phone.as_ref())?;
    Some(format!("{column}: no SMS can go to it: {}", doorstep_rules::words(fault.as_str()).en))
}

/// The rows of the stored list whose number cannot be used, in the order of their waybills.
pub(crate) fn unusable(tx: &Tx<'_>) -> Result<Vec<UnusableNumber>, StoreError> {
    let all = addressees::numbers(tx)?;
    let read = all.into_iter().filter_map(|NumbersOf { waybill, phone, virtual_phone }| {
        let (column, fault) = fault(virtual_phone.as_ref(), phone.as_ref())?;
        Some(UnusableNumber { waybill, column, fault })
    });
    Ok(read.collect())
}
