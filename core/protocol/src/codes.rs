//! The stable codes of error bodies, and why a change was refused.

use std::fmt;

use doorstep_domain::RefusalCode;
use minicbor::{Decode, Decoder, Encode, Encoder, decode::Error as DecodeError, encode::Error as EncodeError, encode::Write};

macro_rules! errors {
    ($($(#[$doc:meta])* $variant:ident = $word:literal $statuses:expr),+ $(,)?) => {
        /// The code of an error body. `PROTOCOL.md` lists the codes in section 20. A code that this version does not know is kept
        /// as received, and a device then acts by the status.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)+
            /// A code of a newer server, as received.
            Unknown(String),
        }

        impl ErrorCode {
            /// Every code that this version knows, in the order of the definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The one spelling.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Unknown(code) => code,
                }
            }

            /// The statuses that the server uses with this code, the usual one first; empty for an unknown code.
            pub fn statuses(&self) -> &'static [u16] {
                match self {
                    $(Self::$variant => &$statuses,)+
                    Self::Unknown(_) => &[],
                }
            }
        }

        impl From<&str> for ErrorCode {
            fn from(code: &str) -> Self {
                match code {
                    $($word => Self::$variant,)+
                    _ => Self::Unknown(code.to_owned()),
                }
            }
        }
    };
}

errors!(
    /// A body or a parameter cannot be parsed.
    Malformed = "malformed" [400],
    /// The token is missing, unknown or expired.
    Unauthorized = "unauthorized" [401],
    /// The nonce, key or signature of an enrolment or a session is wrong.
    Proof = "proof" [403],
    /// There is no such code.
    CodeWrong = "code_wrong" [403],
    /// Another device redeemed the code, or this request came before.
    CodeUsed = "code_used" [403],
    /// The code has expired.
    CodeExpired = "code_expired" [403],
    /// A revoked device reads, or enrols with a code that it redeemed before.
    Revoked = "revoked" [403],
    /// The batch is not signed by the device's key.
    Signature = "signature" [403],
    /// The device of the request is not the token's, or the installation not the device's.
    InstallUnknown = "install_unknown" [403],
    /// The server did not sign the answer in the device's proof.
    Witness = "witness" [403],
    /// A stored photo cannot be deleted.
    PhotoStored = "photo_stored" [403],
    /// No such path, kind or photo, or the device may not read the photo.
    NotFound = "not_found" [404],
    /// No byte of the photo was sent.
    UploadUnknown = "upload_unknown" [404],
    /// No byte of the body came for a while, or it broke off.
    Stalled = "stalled" [408],
    /// The device belongs to another person.
    DeviceTaken = "device_taken" [409],
    /// The installation or its tag belongs to another device.
    TagTaken = "tag_taken" [409],
    /// No accepted entry names the photo.
    PhotoUnexpected = "photo_unexpected" [409],
    /// The request's offset is ahead of the upload's, or its bytes differ from the stored ones.
    Offset = "offset" [409],
    /// A newer request continues the upload.
    NewerRequest = "newer_request" [409],
    /// The device names a newer answer than the server has given, and must prove it.
    Prove = "prove" [409],
    /// The upload has expired.
    UploadExpired = "upload_expired" [410],
    /// Head office has erased the photo.
    PhotoErased = "photo_erased" [410],
    /// Body, number of cases, or rebuilt packs.
    TooLarge = "too_large" [413],
    /// The body is no chunk of an upload.
    ContentType = "content_type" [415],
    /// The photo's bytes have another hash than the one that names it; 460 at the end of an upload in pieces.
    PhotoHash = "photo_hash" [422, 460],
    /// The bytes are no photo, or one with too large a side.
    NotAPhoto = "not_a_photo" [422],
    /// The bytes still contain the position where the photo was taken.
    PhotoPosition = "photo_position" [422],
    /// No version of the protocol, or one that may only push.
    Version = "version" [426],
    /// The chunk does not match its checksum.
    Checksum = "checksum" [460],
    /// The device or the address has had more than its share; it goes on after `Retry-After`. Nothing is refused for good.
    SlowDown = "slow_down" [429],
    /// A stored change cannot be read.
    Damaged = "damaged" [500],
    /// Anything else that failed at the server.
    Internal = "internal" [500],
    /// The queue is full, too many devices listen, or the server is reading too many bodies of the device.
    Busy = "busy" [503],
    /// The server's data may be a copy, and its operator has not decided yet.
    Copied = "copied" [503],
    /// The server's database or its storage of photos failed.
    Storage = "storage" [503],
);

impl From<String> for ErrorCode {
    fn from(code: String) -> Self {
        code.as_str().into()
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<C> Encode<C> for ErrorCode {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.str(self.as_str()).map(|_| ())
    }
}

impl<'b, C> Decode<'b, C> for ErrorCode {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        d.str().map(Self::from)
    }
}

/// When a device tries again after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// After a pause that grows with every failure, as without a network.
    Soon,
    /// After the server's `Retry-After`, or after this many seconds if there is none.
    After(u64),
    /// At once, with half the batch.
    Halved,
    /// After minutes, because only a person can help.
    Late,
}

impl Retry {
    /// The device's reaction to a status. For an unknown code the device acts by the status alone, so a new code needs no new
    /// protocol version.
    pub fn of(status: u16) -> Self {
        match status {
            413 => Self::Halved,
            429 => Self::After(5),
            500..=599 => Self::After(1),
            400..=499 if status != 408 => Self::Late,
            _ => Self::Soon,
        }
    }
}

/// CBOR form of refused changes: for each an array of its index in the pack and the code as text.
pub(crate) mod refused {
    use super::*;

    pub fn encode<C, W: Write>(of: &[(u32, RefusalCode)], e: &mut Encoder<W>, ctx: &mut C) -> Result<(), EncodeError<W::Error>> {
        of.iter().map(|(at, code)| (*at, code.to_string())).collect::<Vec<_>>().encode(e, ctx)
    }

    pub fn decode<C>(d: &mut Decoder<'_>, ctx: &mut C) -> Result<Vec<(u32, RefusalCode)>, DecodeError> {
        let of = Vec::<(u32, &str)>::decode(d, ctx)?;
        Ok(of.into_iter().map(|(at, code)| (at, code.into())).collect())
    }
}
