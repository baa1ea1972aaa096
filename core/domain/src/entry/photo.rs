//! Photos in entries. An entry names a photo; the bytes are sent separately, after the entry.

use serde::Serialize;

use crate::{PhotoId, PhotoPurpose, UnixMs};

/// A reference to a photo, with the data that are known before its bytes arrive.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Photo {
    /// SHA-256 of the bytes, because an altered photo is void (EV-1).
    pub id: PhotoId,
    /// Length in bytes.
    pub len: u64,
    /// What it shows.
    pub purpose: PhotoPurpose,
    /// The thumbnail, which is sent first.
    pub thumbnail: Option<Thumbnail>,
    /// A ThumbHash of at most [`MAX_PLACEHOLDER`] bytes with colours and shapes, shown until the thumbnail arrives.
    pub placeholder: Option<Vec<u8>>,
    /// The original, if this photo was made by drawing on it or cropping it. The original stays unchanged (domain 7,
    /// immutability).
    pub original: Option<PhotoId>,
    /// The camera's metadata, which are removed from the bytes.
    pub capture: Capture,
    /// Clarity of the picture, measured on the device.
    pub clarity: Option<Clarity>,
    /// Perceptual hash: similar pictures differ in few bits.
    pub look: Option<u64>,
}

/// Longest placeholder, in bytes.
pub const MAX_PLACEHOLDER: usize = 40;
/// Largest photo that an entry may name, in bytes.
pub const MAX_PHOTO: u64 = 12 * 1024 * 1024;
/// Largest thumbnail that an entry may name, in bytes. It must be small, because it is sent automatically and before everything
/// but entries.
pub const MAX_THUMBNAIL: u64 = 12 * 1024;
/// Longest name of a camera, in bytes.
pub const MAX_CAMERA: usize = 64;

impl Photo {
    /// A photo without further data.
    pub fn of(id: PhotoId, len: u64, purpose: PhotoPurpose) -> Self {
        let (thumbnail, placeholder, original, clarity, look) = (None, None, None, None, None);
        Self { id, len, purpose, thumbnail, placeholder, original, capture: Capture::default(), clarity, look }
    }
}

/// A small version of a photo, in a separate file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Thumbnail {
    /// SHA-256 of its bytes.
    pub id: PhotoId,
    /// Length in bytes.
    pub len: u64,
}

/// The camera's statement of when, where and with which camera a picture was taken. It proves little, because anybody with the
/// file can change it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Capture {
    /// The time.
    pub at: Option<UnixMs>,
    /// The position.
    pub position: Option<GeoPosition>,
    /// Make and model, at most [`MAX_CAMERA`] bytes.
    pub camera: Option<String>,
}

/// A position on earth (WGS 84), in ten-millionths of a degree.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct GeoPosition {
    /// Latitude, -900,000,000 to 900,000,000; north is positive.
    pub lat_e7: i32,
    /// Longitude, -1,800,000,000 to 1,800,000,000; east is positive.
    pub lon_e7: i32,
}

impl GeoPosition {
    /// A position; `None` outside the ranges.
    pub fn new(lat_e7: i32, lon_e7: i32) -> Option<Self> {
        let on_earth = lat_e7.unsigned_abs() <= 900_000_000 && lon_e7.unsigned_abs() <= 1_800_000_000;
        on_earth.then_some(Self { lat_e7, lon_e7 })
    }
}

/// The clarity of a picture. The network's rules say which clarity is sufficient.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Clarity {
    /// Sharpness: variance of the Laplacian over the brightness, measured at a fixed size. A blurred picture has a low value.
    pub sharpness: u32,
    /// Mean brightness, 0 (black) to 255 (white).
    pub light: u8,
}
