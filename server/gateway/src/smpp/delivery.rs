//! Takes a `deliver_sm` or `data_sm` apart.
//!
//! Gateways break the specification in these two PDUs more than elsewhere: ids without their zero byte, a length beyond the text,
//! torn fields behind it. A receipt is worth more than the specification, so this reader takes what can be taken. It fails only
//! if a PDU ends within the fields that every delivery has.

use crate::{Raw, RawKind};

/// A delivery in its fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) class: u8,
    pub(super) coding: u8,
    pub(super) text: Vec<u8>,
    /// The text beside the message, if there is one.
    pub(super) payload: Vec<u8>,
    pub(super) receipted_id: Option<String>,
    pub(super) state: Option<u8>,
    /// The network's type and its error code.
    pub(super) network_code: Option<(u8, u16)>,
    pub(super) reference: Option<u16>,
    pub(super) of: Option<u8>,
    pub(super) number: Option<u8>,
    pub(super) raw: Raw,
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The bytes before the next zero byte.
    fn c_string(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let (text, rest) = self.0.split_at_checked(end)?;
        self.0 = rest.get(1..)?;
        Some(text)
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.get(count..)?;
        Some(())
    }

    /// So many bytes, or those that there are.
    fn most(&mut self, count: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at_checked(count).unwrap_or((self.0, &[]));
        self.0 = rest;
        bytes
    }

    fn address(&mut self) -> Option<String> {
        self.skip(2)?;
        self.c_string().map(shown)
    }

    fn word(&mut self) -> Option<u16> {
        let (word, rest) = self.0.split_first_chunk::<2>()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*word))
    }
}

/// The printable characters of a field.
fn shown(bytes: &[u8]) -> String {
    bytes.iter().take_while(|byte| **byte != 0).filter(|byte| byte.is_ascii_graphic()).map(|byte| char::from(*byte)).collect()
}

impl Delivery {
    /// Reads the body of a PDU behind its header. `None` if it ends within the fields that every delivery has.
    pub(super) fn read(kind: RawKind, body: &[u8]) -> Option<Self> {
        let mut rest = Reader(body);
        let raw = Raw { kind, bytes: body.to_vec() };
        let _service_type = rest.c_string()?;
        let (from, to, class) = (rest.address()?, rest.address()?, rest.byte()?);
        let mut delivery = Self { from, to, class, raw, ..Self::default() };
        if kind == RawKind::DataSm {
            let _registered_delivery = rest.byte()?;
            delivery.coding = rest.byte()?;
        } else {
            // Protocol and priority, times of schedule and validity, registered delivery and replacement.
            rest.skip(2)?;
            rest.c_string()?;
            rest.c_string()?;
            rest.skip(2)?;
            delivery.coding = rest.byte()?;
            rest.skip(1)?;
            let length = usize::from(rest.byte()?);
            delivery.text = rest.most(length).to_vec();
        }
        while let (Some(tag), Some(length)) = (rest.word(), rest.word()) {
            let value = rest.most(usize::from(length));
            delivery.take(tag, value);
        }
        Some(delivery)
    }

    /// Takes an optional field: SMPP 3.4, chapter 5.3.2.
    fn take(&mut self, tag: u16, value: &[u8]) {
        match (tag, value) {
            (0x001e, id) => self.receipted_id = Some(shown(id)).filter(|id| !id.is_empty()),
            (0x0427, [.., state]) => self.state = Some(*state),
            (0x0423, [network, high, low]) => {
                self.network_code = Some((*network, u16::from_be_bytes([*high, *low])));
            }
            (0x0424, payload) => self.payload = payload.to_vec(),
            (0x020c, [high, low]) => self.reference = Some(u16::from_be_bytes([*high, *low])),
            (0x020e, [of]) => self.of = Some(*of),
            (0x020f, [number]) => self.number = Some(*number),
            _ => {}
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The body of a `deliver_sm`.
    pub(in super::super) fn body(class: u8, coding: u8, text: &[u8], fields: &[u8]) -> Vec<u8> {
        let head = [b"\0\x01\x018613800000001\0\x01\x0110690001\0", &[class, 0, 0, 0, 0, 0, 0, coding, 0][..]].concat();
        [&head[..], &[u8::try_from(text.len()).unwrap()], text, fields].concat()
    }

    /// An optional field.
    pub(in super::super) fn field(tag: u16, value: &[u8]) -> Vec<u8> {
        [&tag.to_be_bytes()[..], &u16::try_from(value.len()).unwrap().to_be_bytes(), value].concat()
    }

    fn deliver(body: &[u8]) -> Delivery {
        Delivery::read(RawKind::DeliverSm, body).unwrap()
    }

    #[test]
    fn the_fields_of_a_deliver_sm_are_read() {
        let fields = [field(0x001e, b"abc-7\0"), field(0x0427, &[2]), field(0x0423, &[3, 1, 4]), field(0x0424, b"more")].concat();
        let read = deliver(&body(4, 8, b"text", &fields));
        assert_eq!((read.from.as_str(), read.to.as_str(), read.class, read.coding), ("8613800000001", "10690001", 4, 8));
        assert_eq!((&read.text[..], &read.payload[..], read.state), (&b"text"[..], &b"more"[..], Some(2)));
        assert_eq!((read.receipted_id.as_deref(), read.network_code), (Some("abc-7"), Some((3, 260))));
    }

    #[test]
    fn what_gateways_get_wrong_is_read_all_the_same() {
        // An id without its zero byte, one with two, one with blanks.
        for id in [&b"abc-7"[..], b"abc-7\0\0", b" abc-7 \0"] {
            assert_eq!(deliver(&body(4, 0, b"", &field(0x001e, id))).receipted_id.as_deref(), Some("abc-7"));
        }
        // A length beyond the text, and a field that ends early.
        let mut long = body(4, 0, b"id:7 stat:DELIVRD", &[]);
        let at = long.len() - 18;
        long[at] = 200;
        assert_eq!(deliver(&long).text, b"id:7 stat:DELIVRD");
        assert_eq!(deliver(&body(4, 0, b"", &[0x00, 0x1e, 0, 9, b'7'])).receipted_id.as_deref(), Some("7"));
        // A state of two bytes, an unknown field, a byte too much.
        let odd = [field(0x0427, &[0, 5]), field(0x1403, b"?"), vec![0]].concat();
        assert_eq!(deliver(&body(4, 0, b"", &odd)).state, Some(5));
    }

    #[test]
    fn a_data_sm_has_its_text_beside_it() {
        let head = b"\0\x01\x018613800000001\0\x01\x0110690001\0\x04\x00\x08";
        let read = Delivery::read(RawKind::DataSm, &[&head[..], &field(0x0424, b"id:7")].concat()).unwrap();
        assert_eq!((read.class, read.coding, &read.payload[..], read.text.is_empty()), (4, 8, &b"id:7"[..], true));
    }

    #[test]
    fn a_body_that_ends_within_its_first_fields_is_none() {
        let whole = body(4, 0, b"", &[]);
        for end in 0..whole.len() {
            assert_eq!(Delivery::read(RawKind::DeliverSm, &whole[..end]), None, "{end}");
        }
    }
}
