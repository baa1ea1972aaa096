//! Ids as CBOR byte strings of their exact length: `#[cbor(n(0), with = "id")]`.

use minicbor::{Decoder, Encoder, decode::Error as DecodeError, encode::Error as EncodeError, encode::Write};

pub fn encode<C, T: AsRef<[u8]>, W: Write>(id: &T, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
    e.bytes(id.as_ref()).map(|_| ())
}
pub fn decode<'b, C, T: TryFrom<&'b [u8]>>(d: &mut Decoder<'b>, _: &mut C) -> Result<T, DecodeError> {
    T::try_from(d.bytes()?).map_err(|_| DecodeError::message("id of another length"))
}
