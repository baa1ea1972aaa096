//! Bytes of a body: CBOR inside one zstd frame, bounded before and after inflating.

use std::io::Read;

/// Why a body cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// More bytes than allowed, encoded or inflated.
    #[error("body is larger than {0} bytes")]
    TooLarge(usize),
    /// Not a zstd frame.
    #[error("body is not zstd")]
    Zstd,
    /// Not the CBOR message expected.
    #[error("body is not the message expected: {0}")]
    Cbor(String),
}

/// A message as CBOR.
pub fn encode<T: minicbor::Encode<()>>(message: &T) -> Result<Vec<u8>, CodecError> {
    minicbor::to_vec(message).map_err(|error| CodecError::Cbor(error.to_string()))
}

/// A message from CBOR. Bytes after the message are an error.
pub fn decode<'b, T: minicbor::Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, CodecError> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let message = decoder.decode().map_err(|error| CodecError::Cbor(error.to_string()))?;
    if decoder.position() == bytes.len() { Ok(message) } else { Err(CodecError::Cbor("bytes after the message".into())) }
}

/// The level of zstd. A dense pack of 20,000 changes has 189, 167 and 156 KB at levels 3, 6 and 9 (`cargo bench -p doorstep-document
/// --bench packs`). Level 9 takes more than twice the time of level 6, and by zstd's parameters more memory for each body in progress.
const LEVEL: i32 = 6;

/// Compresses a body.
pub fn seal(body: &[u8]) -> Result<Vec<u8>, CodecError> {
    zstd::bulk::compress(body, LEVEL).map_err(|_| CodecError::Zstd)
}

/// Inflates a body to at most `limit` bytes. It does not trust the sizes in frames, because 16 KB of zstd can expand to 512 MB.
pub fn open(body: &[u8], limit: usize) -> Result<Vec<u8>, CodecError> {
    if body.len() > MAX_ENCODED_OPEN {
        return Err(CodecError::TooLarge(MAX_ENCODED_OPEN));
    }
    open_stored(body, limit)
}

/// Inflates a body that this program has compressed and stored, to at most `limit` bytes. It may be larger than one that travels, because
/// a batch is stored in another form than it came in.
pub fn open_stored(body: &[u8], limit: usize) -> Result<Vec<u8>, CodecError> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(body).map_err(|_| CodecError::Zstd)?;
    decoder.window_log_max(24).map_err(|_| CodecError::Zstd)?;
    let mut inflated = Vec::new();
    decoder.take(limit as u64 + 1).read_to_end(&mut inflated).map_err(|_| CodecError::Zstd)?;
    if inflated.len() > limit { Err(CodecError::TooLarge(limit)) } else { Ok(inflated) }
}

const MAX_ENCODED_OPEN: usize = crate::MAX_ENCODED;
