//! Photos as an entry knows them. The bytes travel apart, after it.

use serde::Serialize;

use crate::{PhotoId, PhotoPurpose, UnixMs};

/// A reference to a photo, with all that is known of the picture before its bytes arrive.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Photo {
    /// SHA-256 of the bytes: altered is void (EV-1).
    pub id: PhotoId,
    /// Length in bytes.
    pub len: u64,
    /// What it shows.
    pub purpose: PhotoPurpose,
    /// The small picture that travels first.
    pub thumbnail: Option<Thumbnail>,
    /// A ThumbHash: colours and shapes in at most [`MAX_PLACEHOLDER`] bytes, to be shown until the thumbnail is there.
    pub placeholder: Option<Vec<u8>>,
    /// The photo that this one was made from by drawing on it or cutting it. The original stays as it is (domain 7, immutability).
    pub original: Option<PhotoId>,
    /// What the camera said, before it was stripped from the bytes.
    pub capture: Capture,
    /// How clear the picture is, as measured on the device.
    pub clarity: Option<Clarity>,
    /// Perceptual hash: pictures that look alike differ in few bits.
    pub look: Option<u64>,
}

/// Longest placeholder, in bytes.
pub const MAX_PLACEHOLDER: usize = 40;
/// Largest photo that an entry may name, in bytes.
pub const MAX_PHOTO: u64 = 12 * 1024 * 1024;
/// Largest thumbnail that an entry may name, in bytes: it travels before everything but facts, and by itself.
pub const MAX_THUMBNAIL: u64 = 12 * 1024;
/// Longest name of a camera, in bytes.
pub const MAX_CAMERA: usize = 64;

impl Photo {
    /// A photo of which nothing but the bytes is known.
    pub fn of(id: PhotoId, len: u64, purpose: PhotoPurpose) -> Self {
        let (thumbnail, placeholder, original, clarity, look) = (None, None, None, None, None);
        Self { id, len, purpose, thumbnail, placeholder, original, capture: Capture::default(), clarity, look }
    }
}

/// A small picture of a photo, a file of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Thumbnail {
    /// SHA-256 of its bytes.
    pub id: PhotoId,
    /// Length in bytes.
    pub len: u64,
}

/// When, where and with what a picture was taken, as its camera says. It proves little: whoever has the file can write it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Capture {
    /// When.
    pub at: Option<UnixMs>,
    /// Where.
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

/// How clear a picture is. What is clear enough is said by the network's rules.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Clarity {
    /// Sharpness: variance of the Laplacian over the brightness, measured at a fixed size. A blurred picture has little.
    pub sharpness: u32,
    /// Mean brightness, 0 (black) to 255 (white).
    pub light: u8,
}
