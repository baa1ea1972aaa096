//! Who may get a message, by head office's own list of parcels: the author of a message names a number and a surname, and may
//! lie.

use doorstep_domain::{Body, Personal, UnixMs};
use doorstep_rules::Case;

use super::queue;
use crate::{
    error::ApiError,
    store::{
        addressees::{self, Listed},
        tx::Tx,
    },
};

/// The list's facts about a parcel's recipient.
pub(super) struct Addressee {
    /// Keyed hashes of the numbers that count as proof: the label's, its virtual one, and those from the origin outlet.
    numbers: Vec<Vec<u8>>,
    /// The virtual number's hash, and when the number ends.
    virtual_number: Option<(Vec<u8>, UnixMs)>,
    /// The name; `None` if the list has no readable one.
    pub name: Option<String>,
}

impl Addressee {
    /// Reads the recipient of a case from the list. `None`: the parcel is on no list, and the facts in its case apply.
    pub fn of(tx: &Tx<'_>, case: &Case) -> Result<Option<Self>, ApiError> {
        let Some(listed) = addressees::of(tx, &case.facts.waybill)? else { return Ok(None) };
        let Listed { name, phone, virtual_phone, virtual_until } = listed;
        let text = |known: Option<Personal>| known.and_then(|known| known.text().map(str::to_owned));
        let hash = |number: Option<String>| number.map_or(Ok(None), |number| queue::recipient(tx, &number));
        let virtual_number = hash(text(virtual_phone))?;
        let origin = case.facts.origin_outlet.as_ref();
        let given = case.standing().filter_map(|recorded| match &recorded.entry.body {
            Body::Reply(reply) if origin == Some(&recorded.entry.author.outlet) => {
                reply.phone.as_ref()?.text().map(str::to_owned)
            }
            _ => None,
        });
        let mut numbers: Vec<Vec<u8>> = hash(text(phone))?.into_iter().chain(virtual_number.clone()).collect();
        for number in given {
            numbers.extend(hash(Some(number))?);
        }
        Ok(Some(Self { numbers, virtual_number: virtual_number.zip(virtual_until), name: text(name) }))
    }

    /// Whether a number is the recipient's. If the list has no readable number, the facts in the case apply.
    pub fn has(&self, recipient: &[u8]) -> bool {
        self.numbers.is_empty() || self.numbers.iter().any(|number| number == recipient)
    }

    /// Whether a number is a virtual one past its end. It may ring somebody else's phone.
    pub fn is_over(&self, recipient: &[u8], now: UnixMs) -> bool {
        self.virtual_number.as_ref().is_some_and(|(number, end)| number == recipient && now >= *end)
    }
}
