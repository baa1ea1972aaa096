//! What an SMSC saw.

use std::collections::BTreeMap;

use super::pdu::Fields;

/// What an SMSC saw.
#[derive(Default)]
pub struct Seen {
    /// Connections made.
    pub connections: usize,
    /// Connections that have ended.
    pub ended: usize,
    /// The names that bound, refused ones too, in order.
    pub binds: Vec<String>,
    /// Every PDU that came, byte by byte.
    pub pdus: Vec<Vec<u8>>,
    /// Every submit that came, in order.
    pub submits: Vec<Submit>,
    /// Statuses of answers to deliveries, in order.
    pub delivered: Vec<u32>,
    /// How often the ESME asked whether this lives.
    pub enquiries: usize,
    /// How often it said that it lives.
    pub alive: usize,
    /// How often the ESME unbound, or answered that this did.
    pub unbinds: usize,
    /// Negative acknowledgements that came.
    pub nacks: Vec<u32>,
    /// Submits that are taken and not answered.
    pub unanswered: usize,
    /// The most of them at a time.
    pub most_unanswered: usize,
}

/// A `submit_sm`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submit {
    /// The id that it got, in decimal; `None` if it was not taken.
    pub id: Option<String>,
    /// From which service number.
    pub source: String,
    /// To whom.
    pub destination: String,
    /// Message mode and type.
    pub esm_class: u8,
    /// Alphabet.
    pub data_coding: u8,
    /// Whether a receipt is wanted.
    pub registered_delivery: u8,
    /// Validity as it was written.
    pub validity: String,
    /// The header, if there is one, and the text.
    pub bytes: Vec<u8>,
    /// The whole PDU.
    pub pdu: Vec<u8>,
    /// When it came.
    pub at: std::time::Instant,
}

/// A message, joined of its segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// From which service number.
    pub source: String,
    /// To whom.
    pub destination: String,
    /// What.
    pub text: String,
    /// Ids of its segments, in order.
    pub ids: Vec<String>,
}

impl Submit {
    pub(super) fn read(pdu: &[u8]) -> Self {
        let mut fields = Fields(&pdu[16..]);
        let _service_type = fields.text();
        fields.bytes(2);
        let source = fields.text();
        fields.bytes(2);
        let destination = fields.text();
        let esm_class = fields.byte();
        fields.bytes(2);
        let _schedule = fields.text();
        let validity = fields.text();
        let registered_delivery = fields.byte();
        fields.byte();
        let data_coding = fields.byte();
        fields.byte();
        let length = usize::from(fields.byte());
        let bytes = fields.bytes(length);
        assert!(fields.0.is_empty(), "nothing behind the text");
        let at = std::time::Instant::now();
        Self {
            id: None,
            source,
            destination,
            esm_class,
            data_coding,
            registered_delivery,
            validity,
            bytes,
            pdu: pdu.to_vec(),
            at,
        }
    }

    /// Reference, number of segments and which, and the bytes of the text.
    fn parted(&self) -> (Option<(u8, u8, u8)>, &[u8]) {
        match (&self.bytes[..], self.esm_class & 0x40) {
            ([5, 0, 3, reference, of, number, text @ ..], 0x40) => (Some((*reference, *of, *number)), text),
            (text, _) => (None, text),
        }
    }
}

/// UCS-2, or the septets that are ASCII too. A text with others belongs into a test of its own.
fn decoded(data_coding: u8, bytes: &[u8]) -> String {
    if data_coding == 8 {
        let units: Vec<u16> = bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        String::from_utf16(&units).unwrap()
    } else {
        bytes.iter().map(|byte| char::from(*byte)).collect()
    }
}

impl Seen {
    /// Every whole message that was taken, in the order of their last segments. A message that was taken twice is there twice.
    pub fn messages(&self) -> Vec<Message> {
        let mut messages = Vec::new();
        let mut open: BTreeMap<(&str, &str, u8), BTreeMap<u8, &Submit>> = BTreeMap::new();
        for submit in &self.submits {
            let Some(id) = &submit.id else { continue };
            let (source, destination) = (submit.source.clone(), submit.destination.clone());
            let (place, bytes) = submit.parted();
            let Some((reference, of, number)) = place else {
                let text = decoded(submit.data_coding, bytes);
                messages.push(Message { source, destination, text, ids: vec![id.clone()] });
                continue;
            };
            let key = (submit.source.as_str(), submit.destination.as_str(), reference);
            let parts = open.entry(key).or_default();
            parts.insert(number, submit);
            if parts.len() == usize::from(of) {
                let parts = open.remove(&key).unwrap();
                let bytes: Vec<u8> = parts.values().flat_map(|part| part.parted().1.to_vec()).collect();
                let text = decoded(submit.data_coding, &bytes);
                let ids = parts.values().filter_map(|part| part.id.clone()).collect();
                messages.push(Message { source, destination, text, ids });
            }
        }
        messages
    }

    /// How often a text arrived for a number.
    pub fn count(&self, destination: &str, text: &str) -> usize {
        self.messages().iter().filter(|message| message.destination == destination && message.text == text).count()
    }
}
