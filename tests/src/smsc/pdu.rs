//! PDUs by hand: SMPP 3.4, chapter 4.

pub const SUBMIT_SM: u32 = 4;
/// The command of a delivery.
pub const DELIVER_SM: u32 = 5;
/// The command of a delivery without a text of its own.
pub const DATA_SM: u32 = 0x103;
pub const UNBIND: u32 = 6;
pub const BIND_TRANSCEIVER: u32 = 9;
pub const ENQUIRE_LINK: u32 = 0x15;
pub const RESP: u32 = 0x8000_0000;

/// A PDU.
pub fn pdu(command: u32, status: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).unwrap();
    let mut bytes: Vec<u8> = [length, command, status, sequence].iter().flat_map(|word| word.to_be_bytes()).collect();
    bytes.extend(body);
    bytes
}

/// A PDU of a header only.
pub fn plain(command: u32, status: u32, sequence: u32) -> Vec<u8> {
    pdu(command, status, sequence, &[])
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Reads fields in order.
pub struct Fields<'a>(pub &'a [u8]);

impl Fields<'_> {
    pub fn text(&mut self) -> String {
        let end = self.0.iter().position(|byte| *byte == 0).expect("a text ends with a zero byte");
        let text = String::from_utf8(self.0[..end].to_vec()).unwrap();
        self.0 = &self.0[end + 1..];
        text
    }

    pub fn byte(&mut self) -> u8 {
        let byte = self.0[0];
        self.0 = &self.0[1..];
        byte
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let (bytes, rest) = self.0.split_at(count);
        self.0 = rest;
        bytes.to_vec()
    }
}

pub fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// A `deliver_sm`, or a `data_sm` if it says so.
pub struct Deliver<'a> {
    pub from: &'a str,
    pub to: &'a str,
    pub esm_class: u8,
    pub data_coding: u8,
    pub bytes: Vec<u8>,
    pub tlvs: Vec<u8>,
    pub is_data: bool,
}

/// An optional field.
pub fn tlv(tag: u16, value: &[u8]) -> Vec<u8> {
    [&tag.to_be_bytes()[..], &u16::try_from(value.len()).unwrap().to_be_bytes(), value].concat()
}

impl<'a> Deliver<'a> {
    /// A delivery with nothing in it.
    fn empty(esm_class: u8) -> Self {
        let (from, to) = ("8613800000001", "10690001");
        Self { from, to, esm_class, data_coding: 0, bytes: Vec::new(), tlvs: Vec::new(), is_data: false }
    }

    pub fn receipt(id: &str, stat: &str, err: &str) -> Self {
        let text = format!("id:{id} sub:001 dlvrd:001 submit date:2611251200 done date:2611251201 stat:{stat} err:{err} text:");
        Self { bytes: text.into_bytes(), ..Self::empty(4) }
    }

    pub fn fields(id: &str, state: u8) -> Self {
        let tlvs = [tlv(0x001e, &[id.as_bytes(), &[0]].concat()), tlv(0x0427, &[state])].concat();
        Self { tlvs, ..Self::empty(4) }
    }

    pub fn text(from: &'a str, to: &'a str, text: &str) -> Self {
        let (data_coding, bytes) = if text.is_ascii() { (1, text.as_bytes().to_vec()) } else { (8, utf16(text)) };
        Self { from, to, data_coding, bytes, ..Self::empty(0) }
    }

    pub fn part(from: &'a str, to: &'a str, text: &str, (reference, of, number): (u8, u8, u8)) -> Self {
        let mut bytes = vec![5, 0, 3, reference, of, number];
        bytes.extend(utf16(text));
        Self { from, to, data_coding: 8, bytes, ..Self::empty(0x40) }
    }

    pub fn bytes(&self, sequence: u32) -> Vec<u8> {
        let mut body = vec![0, 1, 1];
        body.extend(self.from.as_bytes());
        body.extend([0, 1, 1]);
        body.extend(self.to.as_bytes());
        if self.is_data {
            body.extend([0, self.esm_class, 0, self.data_coding]);
            body.extend(&self.tlvs);
            return pdu(DATA_SM, 0, sequence, &body);
        }
        body.extend([0, self.esm_class, 0, 0, 0, 0, 0, 0, self.data_coding, 0, u8::try_from(self.bytes.len()).unwrap()]);
        body.extend(&self.bytes);
        body.extend(&self.tlvs);
        pdu(DELIVER_SM, 0, sequence, &body)
    }
}
