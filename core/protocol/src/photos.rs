//! Messages about photos, other than their bytes.

use doorstep_domain::PhotoId;
use minicbor::{Decode, Encode};

use crate::id;

/// Most photos in one query.
pub const MAX_PHOTO_QUERY: usize = 500;

/// Most lost photos in one request, and most wanted ones in one answer.
pub const MAX_LOST_PHOTOS: usize = 64;

/// `POST /v1/photos/states`: asks for the states of photos.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PhotoQuery {
    /// Their hashes, at most [`MAX_PHOTO_QUERY`].
    #[n(0)]
    pub photos: Vec<Sha>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PhotoStates {
    /// One for each photo of the query, in its order.
    #[n(0)]
    pub states: Vec<PhotoState>,
}

/// A photo's hash in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Sha(#[cbor(n(0), with = "id")] pub PhotoId);

/// The state of a photo's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode)]
#[cbor(index_only)]
pub enum PhotoState {
    /// No case that the asking device may read names it.
    #[n(0)]
    Unknown,
    /// Expected; its device has not sent it yet.
    #[n(1)]
    Pending,
    /// Expected and overdue.
    #[n(2)]
    Overdue,
    /// At the server, verified.
    #[n(3)]
    Stored,
    /// Its device no longer has it.
    #[n(4)]
    Lost,
    /// Its device has other bytes than the entry names, so it is void as evidence (EV-1).
    #[n(5)]
    Void,
    /// Head office has erased it; the hash is kept.
    #[n(6)]
    Erased,
}

/// A state of a newer version reads as [`PhotoState::Unknown`].
impl<'b, C> Decode<'b, C> for PhotoState {
    fn decode(decoder: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Ok(match decoder.u32()? {
            1 => Self::Pending,
            2 => Self::Overdue,
            3 => Self::Stored,
            4 => Self::Lost,
            5 => Self::Void,
            6 => Self::Erased,
            _ => Self::Unknown,
        })
    }
}

impl PhotoState {
    /// The spelling, for a screen or a script.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Overdue => "overdue",
            Self::Stored => "stored",
            Self::Lost => "lost",
            Self::Void => "void",
            Self::Erased => "erased",
        }
    }
}

/// A photo that its device cannot deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LostPhoto {
    /// The photo.
    #[cbor(n(0), with = "id")]
    pub photo: PhotoId,
    /// Whether the file exists but has other bytes.
    #[n(1)]
    pub altered: bool,
}
