//! PDUs: writes ours, and cuts the SMSC's out of the stream.

use std::{io, time::Duration};

use bytes::BytesMut;
use doorstep_rules::sms::{Alphabet, Segments, septets};
use rusmpp::{
    Command, CommandStatus, Pdu,
    decode::DecodeWithLength,
    encode::{Encode, Length},
    pdus::{BindTransceiver, DataSmResp, DeliverSmResp, SubmitSm},
    types::{COctetString, EmptyOrFullCOctetString, OctetString},
    values::{DataCoding, EsmClass, InterfaceVersion, Npi, RegisteredDelivery, Ton},
};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::dest::Dest;
use crate::{Outgoing, RawKind, SmppConfig};

/// The largest PDU that is read, in bytes. The largest text that fits into one (a `message_payload` of a few thousand characters)
/// stays far below; a greater length means that the stream is out of step.
const MAX_PDU: usize = 8192;
const HEADER: usize = 16;

/// A field that SMPP can not carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unfit(pub &'static str);

/// A PDU from the SMSC.
pub(super) enum Incoming {
    Command(Box<Command>),
    /// A delivery, which [`super::delivery`] reads.
    Delivery {
        kind: RawKind,
        sequence: u32,
        body: Vec<u8>,
    },
    /// A PDU whose length is right and whose body is not. Its bytes are dropped, because they may hold numbers and texts.
    Malformed {
        command: u32,
        sequence: u32,
    },
}

/// Cuts PDUs out of a stream.
pub(super) struct Frames<R> {
    from: R,
    buffer: BytesMut,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, buffer: BytesMut::with_capacity(1024) }
    }

    /// The next PDU; `None` at the stream's end. The future may be dropped and made again without losing bytes.
    pub(super) async fn next(&mut self) -> io::Result<Option<Incoming>> {
        loop {
            if let Some(length) = self.length()?
                && self.buffer.len() >= length
            {
                return Ok(Some(read(self.buffer.split_to(length))));
            }
            if self.from.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    fn length(&self) -> io::Result<Option<usize>> {
        let Some(length) = word(&self.buffer, 0) else { return Ok(None) };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if (HEADER..=MAX_PDU).contains(&length) {
            Ok(Some(length))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, "a PDU of impossible length"))
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_be_bytes)
}

fn read(frame: BytesMut) -> Incoming {
    let (command, sequence) = (word(&frame, 4).unwrap_or(0), word(&frame, 12).unwrap_or(0));
    let kind = match command {
        5 => Some(RawKind::DeliverSm),
        0x103 => Some(RawKind::DataSm),
        _ => None,
    };
    if let Some(kind) = kind {
        return Incoming::Delivery { kind, sequence, body: frame.get(HEADER..).unwrap_or_default().to_vec() };
    }
    let body = frame.len() - 4;
    let mut rest = frame;
    bytes::Buf::advance(&mut rest, 4);
    match Command::decode(&mut rest, body) {
        Ok((command, _)) => Incoming::Command(Box::new(command)),
        Err(_) => Incoming::Malformed { command, sequence },
    }
}

/// The bytes of a PDU.
pub(super) fn bytes_of(status: CommandStatus, sequence: u32, pdu: impl Into<Pdu>) -> Vec<u8> {
    let command = Command::new(status, sequence, pdu);
    let length = 4 + command.length();
    let mut bytes = vec![0; length];
    if let Some((head, body)) = bytes.split_at_mut_checked(4) {
        head.copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        command.encode(body);
    }
    bytes
}

/// A text for a field that ends with a zero byte.
fn c_string<const MOST: usize>(text: &str, field: &'static str) -> Result<COctetString<1, MOST>, Unfit> {
    COctetString::from_string(text.to_owned()).map_err(|_| Unfit(field))
}

pub(super) fn bind(config: &SmppConfig, password: &str) -> Result<BindTransceiver, Unfit> {
    Ok(BindTransceiver::builder()
        .system_id(c_string(&config.system_id, "system_id")?)
        .password(c_string(password, "password")?)
        .system_type(c_string(&config.system_type, "system_type")?)
        .interface_version(InterfaceVersion::Smpp3_4)
        .addr_ton(Ton::from(0))
        .addr_npi(Npi::from(0))
        .build())
}

/// The answer to a delivery.
pub(super) fn delivery_resp(kind: RawKind) -> Pdu {
    match kind {
        RawKind::DataSm => DataSmResp::default().into(),
        _ => DeliverSmResp::default().into(),
    }
}

/// The segments that are submitted: those of the text alone, because the operator puts its signature before it.
pub(super) fn pieces(message: &Outgoing) -> Segments {
    Segments::of(&message.text)
}

/// The PDUs of a message, one for each segment. `reference` ties the segments of one message together on the phone.
pub(super) fn submits(config: &SmppConfig, message: &Outgoing, reference: u8) -> Result<Vec<SubmitSm>, Unfit> {
    let dest = Dest::of(config, &message.to).ok_or(Unfit("number"))?;
    let source = format!("{}{}", config.source_addr, message.extension.as_deref().unwrap_or(""));
    let Segments { alphabet, parts, .. } = pieces(message);
    let count = u8::try_from(parts.len()).map_err(|_| Unfit("text"))?;
    let (coding, alphabet) = match alphabet {
        Alphabet::Gsm7 => (DataCoding::McSpecific, septets as fn(&str) -> Vec<u8>),
        Alphabet::Ucs2 => (DataCoding::Ucs2, big_endian as fn(&str) -> Vec<u8>),
    };
    let template = SubmitSm::builder()
        .source_addr_ton(Ton::from(config.source_ton))
        .source_addr_npi(Npi::from(config.source_npi))
        .source_addr(c_string(&source, "service number")?)
        .dest_addr_ton(Ton::from(dest.ton))
        .dest_addr_npi(Npi::from(config.dest_npi))
        .destination_addr(c_string(&dest.digits, "number")?)
        // The builder's default is 0x08, a delivery acknowledgement.
        .esm_class(EsmClass::from(if count > 1 { 0x40 } else { 0 }))
        .validity_period(relative(message.validity)?)
        .registered_delivery(RegisteredDelivery::from(1))
        .data_coding(coding)
        .build();
    let mut submits = Vec::with_capacity(parts.len());
    for (number, part) in (1..=count).zip(&parts) {
        let mut bytes = if count > 1 { vec![5, 0, 3, reference, count, number] } else { Vec::new() };
        bytes.extend(alphabet(part));
        let mut submit = template.clone();
        submit.set_short_message(OctetString::from_vec(bytes).map_err(|_| Unfit("text"))?);
        submits.push(submit);
    }
    Ok(submits)
}

fn big_endian(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// A duration as SMPP's relative time; empty for zero. It uses days only, because the length of a month is undefined.
fn relative(validity: Duration) -> Result<EmptyOrFullCOctetString<17>, Unfit> {
    let seconds = validity.as_secs().min(30 * 86_400);
    if seconds == 0 {
        return Ok(EmptyOrFullCOctetString::empty());
    }
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let text = format!("0000{days:02}{hours:02}{minutes:02}{:02}000R", seconds % 60);
    EmptyOrFullCOctetString::from_string(text).map_err(|_| Unfit("validity"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validity_is_relative_in_days_and_at_most_thirty() {
        let shown = |seconds| relative(Duration::from_secs(seconds)).unwrap().as_str().to_owned();
        assert_eq!(shown(0), "");
        assert_eq!(shown(86_400), "000001000000000R");
        assert_eq!(shown(90_061), "000001010101000R");
        assert_eq!(shown(u64::MAX), "000030000000000R");
    }

    #[tokio::test]
    async fn a_length_out_of_step_ends_the_link_and_a_bad_body_does_not() {
        let bad_body = [0, 0, 0, 17, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 9, 0xff];
        let enquire = [0, 0, 0, 16, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 10];
        let stream = [&bad_body[..], &enquire, b"GET / HTTP/1.1\r\n"].concat();
        let mut frames = Frames::new(&stream[..]);
        assert!(matches!(frames.next().await, Ok(Some(Incoming::Malformed { command: 4, sequence: 9 }))));
        assert!(matches!(frames.next().await, Ok(Some(Incoming::Command(command))) if command.sequence_number() == 10));
        assert!(frames.next().await.is_err());
    }
}
