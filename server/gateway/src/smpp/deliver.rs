//! Reads a `deliver_sm`: a receipt, a message, or a segment of one.

use rusmpp::{pdus::DeliverSm, tlvs::TlvValue};

use super::{
    receipt::{Fields, receipt},
    text::{Coding, Place, header},
};
use crate::Receipt;

/// The content of a delivery.
pub(super) enum Delivered {
    Receipt(Receipt),
    /// A message from a customer, or one segment of it.
    Part(Part),
    /// Nothing of interest: an acknowledgement between phones, or a receipt that names no message.
    Nothing,
}

/// A message from a customer, or one segment of it.
pub(super) struct Part {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) id: Option<String>,
    pub(super) place: Option<Place>,
    pub(super) coding: Coding,
    pub(super) bytes: Vec<u8>,
}

pub(super) fn delivered(deliver: &DeliverSm) -> Delivered {
    let class = u8::from(deliver.esm_class);
    let (mut fields, mut payload) = (Fields::default(), None);
    let (mut reference, mut of, mut number) = (None, None, None);
    for tlv in deliver.tlvs() {
        match tlv.value() {
            Some(TlvValue::ReceiptedMessageId(id)) => fields.id = Some(id.as_str().to_owned()).filter(|id| !id.is_empty()),
            Some(TlvValue::MessageState(state)) => fields.state = Some(u8::from(*state)),
            Some(TlvValue::NetworkErrorCode(code)) => {
                fields.code = Some(format!("{}:{}", u8::from(code.network_type), code.error_code))
            }
            Some(TlvValue::MessagePayload(bytes)) => payload = Some(bytes.value.as_ref()),
            Some(TlvValue::SarMsgRefNum(given)) => reference = Some(*given),
            Some(TlvValue::SarTotalSegments(given)) => of = Some(*given),
            Some(TlvValue::SarSegmentSeqnum(given)) => number = Some(*given),
            _ => {}
        }
    }
    let bytes: &[u8] = match payload {
        Some(payload) if deliver.short_message().as_ref().is_empty() => payload,
        _ => deliver.short_message().as_ref(),
    };
    let (place, bytes) = if class & 0x40 == 0 { (None, bytes) } else { header(bytes) };
    match class & 0x3c {
        0 => {}
        // A delivery receipt, or an intermediate notification. Its text is ASCII, whatever the coding says.
        0x04 | 0x20 => {
            let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
            // A receipt comes from the number that the message went to.
            let number = Some(deliver.source_addr.as_str().to_owned()).filter(|number| !number.is_empty());
            return receipt(&text, fields)
                .map_or(Delivered::Nothing, |read| Delivered::Receipt(crate::Receipt { number, ..read }));
        }
        _ => return Delivered::Nothing,
    }
    let beside = reference.zip(of).zip(number).and_then(|((reference, of), number)| Place::new(reference, of, number));
    Delivered::Part(Part {
        from: deliver.source_addr.as_str().to_owned(),
        to: deliver.destination_addr.as_str().to_owned(),
        id: fields.id,
        place: place.or(beside),
        coding: Coding::of(u8::from(deliver.data_coding)),
        bytes: bytes.to_vec(),
    })
}
