//! Photos in entries. An entry names a photo; the bytes are sent separately, after the entry.

use serde::Serialize;

use crate::{PhotoId, PhotoPurpose, PhotoSource, UnixMs};

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
    /// Where the app got the picture from, as the app says; `None` if it does not say.
    pub source: Option<PhotoSource>,
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
        let (thumbnail, placeholder, original, clarity, look, source) = (None, None, None, None, None, None);
        Self { id, len, purpose, thumbnail, placeholder, original, capture: Capture::default(), clarity, look, source }
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
    /// How far off it may be, in metres, by whoever measured it; `None` if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy_m: Option<u32>,
}

impl GeoPosition {
    /// A position without an accuracy; `None` outside the ranges.
    pub fn new(lat_e7: i32, lon_e7: i32) -> Option<Self> {
        let on_earth = lat_e7.unsigned_abs() <= 900_000_000 && lon_e7.unsigned_abs() <= 1_800_000_000;
        on_earth.then_some(Self { lat_e7, lon_e7, accuracy_m: None })
    }

    /// The least distance to another position, in metres, within the accuracy of both.
    pub fn least_metres_to(&self, other: &Self) -> u32 {
        let off = |position: &Self| position.accuracy_m.unwrap_or(0);
        self.metres_to(other).saturating_sub(off(self)).saturating_sub(off(other))
    }

    /// The distance to another position, in metres, as if both were exact. It is right to one percent up to some hundred
    /// kilometres, and a rough figure beyond. Only additions, products and a square root are used, so that it is the same number on every device.
    pub fn metres_to(&self, other: &Self) -> u32 {
        let degrees = |e7: i32| f64::from(e7) / 1e7;
        let north = degrees(self.lat_e7) - degrees(other.lat_e7);
        let east = (degrees(self.lon_e7) - degrees(other.lon_e7)).abs();
        let east = if east > 180.0 { 360.0 - east } else { east };
        let middle = (degrees(self.lat_e7) + degrees(other.lat_e7)) / 2.0 * (std::f64::consts::PI / 180.0);
        let square = middle * middle;
        // The series of the cosine; the next term is below 0.00001 up to a right angle.
        let cosine =
            1.0 - square / 2.0 * (1.0 - square / 12.0 * (1.0 - square / 30.0 * (1.0 - square / 56.0 * (1.0 - square / 90.0))));
        let east = east * cosine;
        // A cast from a float saturates.
        ((north * north + east * east).sqrt() * METRES_OF_A_DEGREE).round() as u32
    }
}

/// The length of a degree of a great circle, in metres.
const METRES_OF_A_DEGREE: f64 = 111_195.0;

/// The clarity of a picture. The network's rules say which clarity is sufficient.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Clarity {
    /// Sharpness: variance of the Laplacian over the brightness, measured at a fixed size. A blurred picture has a low value.
    pub sharpness: u32,
    /// Mean brightness, 0 (black) to 255 (white).
    pub light: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_distance_is_less_by_the_accuracy_of_both_ends_and_never_below_nothing() {
        let place = |lat_e7, accuracy_m| GeoPosition { lat_e7, lon_e7: 0, accuracy_m };
        let (here, exact) = (place(0, Some(300)), place(0, None));
        for (there, metres) in [(place(100_000, None), 812), (place(100_000, Some(12)), 800), (place(100_000, Some(u32::MAX)), 0)]
        {
            assert_eq!((here.least_metres_to(&there), there.least_metres_to(&here)), (metres, metres));
        }
        assert_eq!(exact.least_metres_to(&place(100_000, None)), exact.metres_to(&place(100_000, None)));
    }

    #[test]
    fn a_distance_is_right_to_a_percent_and_the_same_in_both_directions() {
        let place = |lat: f64, lon: f64| GeoPosition::new((lat * 1e7) as i32, (lon * 1e7) as i32).unwrap();
        // Great-circle distances on a sphere of 6,371,008.8 metres.
        let known = [
            (place(30.0, 120.0), place(30.0045, 120.0), 500.4),
            (place(30.0, 120.0), place(30.0, 120.01), 963.0),
            (place(39.9042, 116.4074), place(31.2304, 121.4737), 1_067_310.0),
            (place(0.0, 179.999), place(0.0, -179.999), 222.4),
            (place(-45.0, 0.0), place(-45.0, 1.0), 78_626.0),
        ];
        for (a, b, metres) in known {
            let found = f64::from(a.metres_to(&b));
            assert!((found - metres).abs() <= metres / 100.0, "{found} for {metres}");
            assert_eq!(a.metres_to(&b), b.metres_to(&a));
            assert_eq!(a.metres_to(&a), 0);
        }
    }
}
