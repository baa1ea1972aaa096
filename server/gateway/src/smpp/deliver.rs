//! Reads a delivery: a receipt, a message, a segment of one, or something that can not be read.

use super::{
    delivery::Delivery,
    receipt::{Fields, is_receipt, receipt},
    text::{Coding, Place, header, shift},
};
use crate::{Receipt, ReceiptStatus, Unread};

/// The content of a delivery.
pub(super) enum Delivered {
    Receipt(Receipt),
    /// A message from a customer, or one segment of it.
    Part(Part),
    /// A receipt, or something else that is no message of a customer, that can not be read.
    Unread(Unread),
}

/// A message from a customer, or one segment of it.
pub(super) struct Part {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) place: Option<Place>,
    pub(super) coding: Coding,
    /// The data coding as it was given.
    pub(super) given: u8,
    pub(super) bytes: Vec<u8>,
    /// Header and text as they came.
    pub(super) whole: Vec<u8>,
}

/// The type of a delivery, in its class (SMPP 3.4, chapter 5.2.12).
const TYPE: u8 = 0x3c;
const MESSAGE: u8 = 0;
const INTERMEDIATE: u8 = 0x20;
/// The text begins with a header.
const HEADER: u8 = 0x40;

pub(super) fn delivered(delivery: Delivery) -> Delivered {
    let Delivery { class, ref text, ref payload, .. } = delivery;
    let whole = if text.is_empty() { payload } else { text };
    let (place, bytes) = if class & HEADER == 0 { (None, &whole[..]) } else { header(whole) };
    let has_fields = delivery.receipted_id.is_some() || delivery.state.is_some();
    let is_by_text = class & TYPE == MESSAGE && !has_fields;
    if !is_by_text || is_receipt(bytes) || is_receipt(payload) {
        // What looks like a header may be the beginning of the text.
        return told(&delivery, &[bytes, whole, payload], is_by_text);
    }
    let beside = delivery.reference.zip(delivery.of).zip(delivery.number);
    let beside = beside.and_then(|((reference, of), number)| Place::new(reference, of, number));
    let shift = if class & HEADER == 0 { None } else { shift(whole) };
    Delivered::Part(Part {
        place: place.or(beside),
        coding: Coding::of(delivery.coding).shifted(shift),
        given: delivery.coding,
        bytes: bytes.to_vec(),
        whole: whole.clone(),
        from: delivery.from,
        to: delivery.to,
    })
}

/// Reads a delivery that is no message of a customer.
fn told(delivery: &Delivery, texts: &[&[u8]], by_text_alone: bool) -> Delivered {
    let Delivery { class, raw, .. } = delivery;
    let (id, state, code) = (delivery.receipted_id.clone(), delivery.state, delivery.network_code);
    let said = match receipt(texts, &Fields { id, state, code }) {
        Ok(said) => said,
        Err(why) => return Delivered::Unread(Unread { raw: raw.clone(), why }),
    };
    // Before the end the network may say that it does not know yet.
    let is_open = class & TYPE == INTERMEDIATE && said.status == ReceiptStatus::Unknown;
    // A receipt comes from the number that the message went to.
    let number = Some(delivery.from.clone()).filter(|number| !number.is_empty());
    Delivered::Receipt(Receipt {
        id: said.id,
        other_id: said.other_id,
        status: if is_open { ReceiptStatus::Accepted } else { said.status },
        code: said.code,
        part: None,
        by_text_alone,
        number,
        done_at: said.done_at,
        raw: raw.clone(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::delivery::tests::{body, field},
        *,
    };
    use crate::RawKind;

    const USUAL: &[u8] = b"id:2587 sub:001 dlvrd:001 submit date:2611251200 done date:2611251201 stat:DELIVRD err:000 text:";

    fn read(body: &[u8]) -> Delivered {
        delivered(Delivery::read(RawKind::DeliverSm, body).unwrap())
    }

    fn read_receipt(body: &[u8]) -> Receipt {
        match read(body) {
            Delivered::Receipt(receipt) => receipt,
            Delivered::Part(_) => panic!("a customer's message"),
            Delivered::Unread(unread) => panic!("{unread:?}"),
        }
    }

    #[test]
    fn a_receipt_is_one_by_its_class_its_fields_or_its_text() {
        let fields = [field(0x001e, b"2587\0"), field(0x0427, &[2])].concat();
        for (class, text, fields, by_text_alone) in [
            (0x04, USUAL, &[][..], false),
            (0x20, USUAL, &[], false),
            (0x44, USUAL, &[], false),
            (0x00, USUAL, &[], true),
            (0x00, b"", &fields, false),
            (0x00, b"anything", &fields, false),
            (0x08, USUAL, &[], false),
            (0x00, b"", &field(0x0424, USUAL), true),
            (0x04, b"", &field(0x0424, USUAL), false),
        ] {
            let receipt = read_receipt(&body(class, 0, text, fields));
            assert_eq!(
                (receipt.id.as_str(), receipt.status, receipt.by_text_alone),
                ("2587", ReceiptStatus::Delivered, by_text_alone)
            );
            assert_eq!(receipt.number.as_deref(), Some("8613800000001"));
        }
    }

    #[test]
    fn before_the_end_unknown_is_no_failure_and_at_the_end_it_is() {
        let text = b"id:2587 stat:UNKNOWN";
        assert_eq!(read_receipt(&body(0x20, 0, text, &[])).status, ReceiptStatus::Accepted);
        assert_eq!(read_receipt(&body(0x04, 0, text, &[])).status, ReceiptStatus::Unknown);
        assert_eq!(read_receipt(&body(0x20, 0, b"id:2587 stat:UNDELIV", &[])).status, ReceiptStatus::Undelivered);
    }

    #[test]
    fn what_is_no_message_and_can_not_be_read_is_kept() {
        for (class, text, fields, why) in [
            (0x04, &b"delivered, thank you"[..], vec![], "no_status"),
            (0x04, b"", vec![], "no_status"),
            (0x04, b"stat:DELIVRD", vec![], "no_id"),
            (0x04, &[0, 0, 1, 0x9c, 0x40], vec![], "no_status"),
            (0x00, b"thank you", field(0x001e, b"2587\0"), "no_status"),
            (0x00, b"", field(0x0427, &[2]), "no_id"),
            (0x10, b"read", vec![], "no_status"),
            (0x00, b"sub:001 dlvrd:001 done date:2611251201 stat:DELIVRD", vec![], "no_id"),
        ] {
            let body = body(class, 0, text, &fields);
            let Delivered::Unread(unread) = read(&body) else { panic!("{class:#x} {text:?}") };
            assert_eq!((unread.why, &unread.raw.bytes), (why, &body), "{class:#x} {text:?}");
        }
    }

    #[test]
    fn a_customers_words_stay_a_message() {
        for text in [&b"TD"[..], b"id: 330106 please", b"what is the status: where?", b""] {
            assert!(matches!(read(&body(0, 0, text, &[])), Delivered::Part(part) if part.bytes == text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_of_a_receipt_are_lost(
            class in prop::sample::select(vec![0x04_u8, 0x20, 0x44, 0x60, 0x24, 0x08, 0x3c]),
            coding in any::<u8>(),
            text in prop::collection::vec(any::<u8>(), 0..=255),
            fields in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let body = body(class, coding, &text, &fields);
            match read(&body) {
                Delivered::Receipt(receipt) => {
                    prop_assert!(!receipt.id.is_empty());
                    prop_assert_eq!(receipt.raw.bytes, body);
                }
                Delivered::Unread(unread) => prop_assert_eq!(unread.raw.bytes, body),
                Delivered::Part(_) => prop_assert!(false, "taken as a customer's message"),
            }
        }

        #[test]
        fn any_body_is_read_or_refused(kind in prop::bool::ANY, body in prop::collection::vec(any::<u8>(), 0..400)) {
            let kind = if kind { RawKind::DeliverSm } else { RawKind::DataSm };
            if let Some(delivery) = Delivery::read(kind, &body) {
                delivered(delivery);
            }
        }

        #[test]
        fn a_receipt_is_found_among_any_blanks_and_order(
            id in "[0-9a-zA-Z]{1,20}",
            gap in "[ \\t]{0,3}",
            between in "[ ,;\\r\\n\\x00]{1,3}",
            swapped in any::<bool>(),
            is_wide in any::<bool>(),
        ) {
            let (first, second) = (format!("id:{gap}{id}"), format!("STAT:{gap}UNDELIV"));
            let text = if swapped { format!("{second}{between}{first}") } else { format!("{first}{between}{second}") };
            let bytes = if is_wide { text.encode_utf16().flat_map(u16::to_be_bytes).collect() } else { text.into_bytes() };
            let receipt = read_receipt(&body(0x04, 0, &bytes, &[]));
            prop_assert_eq!((receipt.id, receipt.status), (id, ReceiptStatus::Undelivered));
        }
    }
}
