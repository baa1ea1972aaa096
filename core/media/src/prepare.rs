//! Converts a camera's file to a photo, a thumbnail and their measurements.

use std::fmt;

use doorstep_domain::{Capture, Clarity, PhotoId};

use crate::{
    Format, MediaError,
    capture::Told,
    header::Header,
    icc,
    inspect::{format_of, recognise},
    jpeg,
    measure::{self, MEASURED_EDGE},
    photo_id,
    pixels::Picture,
    raster,
};

/// Most bytes of a thumbnail.
pub const MAX_THUMBNAIL: usize = doorstep_domain::MAX_THUMBNAIL as usize;
/// Longer side of the picture whose looks are measured. A look has 72 fields, so more pixels change nothing.
const LOOKED_EDGE: u32 = 288;
/// Bytes that decoding may hold in addition to the pixels: rows, tables, metadata.
const DECODER: u64 = 12 << 20;

/// Limits of the input and the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most pixels of a file. 50 megapixels as phones count them: 8192 x 6144.
    pub max_pixels: u64,
    /// Longer side of the photo, in pixels. Print on a waybill stays readable at 1600.
    pub long_edge: u32,
    /// Longer side of the thumbnail, in pixels; 800 at most.
    pub thumbnail_edge: u32,
    /// Target for the bytes of a photo. A very detailed photo may have more, rather than become unreadable.
    pub photo_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_pixels: 8192 * 6144, long_edge: 1600, thumbnail_edge: 288, photo_bytes: 300_000 }
    }
}

impl Limits {
    /// Most heap that [`prepare`] uses at a time, without the file itself: three bytes a pixel of the largest picture, and 20
    /// MiB. A common picture needs three bytes a pixel. A progressive one needs 6 to 11 bytes a pixel, and is refused if that
    /// exceeds this limit.
    pub fn memory(&self) -> u64 {
        self.max_pixels.saturating_mul(3).saturating_add(20 << 20)
    }
}

/// An encoded file with its size in pixels.
#[derive(Clone, PartialEq, Eq)]
pub struct Encoded {
    /// SHA-256 of the bytes.
    pub id: PhotoId,
    /// A baseline JPEG without metadata except, if colours need it, a profile of at most 4 KiB.
    pub bytes: Vec<u8>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// Does not show the pixels, because a photo shows people's doors, names and numbers.
impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, bytes, width, height } = self;
        write!(f, "Encoded({id}, {} bytes, {width} x {height})", bytes.len())
    }
}

/// A photo prepared for storing and sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The photo: upright, never enlarged.
    pub photo: Encoded,
    /// The thumbnail, which is sent first; at most [`MAX_THUMBNAIL`] bytes.
    pub thumbnail: Encoded,
    /// ThumbHash, at most [`doorstep_domain::MAX_PLACEHOLDER`] bytes.
    pub placeholder: Vec<u8>,
    /// The camera's metadata, which are removed from the bytes.
    pub capture: Capture,
    /// The clarity of the picture.
    pub clarity: Clarity,
    /// Perceptual hash of the upright picture; see [`look_distance`](crate::look_distance).
    pub look: u64,
}

/// Prepares the bytes of a JPEG or PNG for sending. Equal bytes give equal results.
///
/// `zone_quarters` is the device's zone in quarter hours east of UTC, for a camera that wrote the time and no zone. Unreadable
/// metadata are left out. Unreadable pixels are an error.
pub fn prepare(bytes: &[u8], zone_quarters: i8, limits: &Limits) -> Result<Prepared, MediaError> {
    prepare_in_steps(bytes, zone_quarters, limits, &mut |_| {})
}

/// [`prepare`], which reports the name of each finished step, for the benchmark.
#[doc(hidden)]
pub fn prepare_in_steps(
    bytes: &[u8],
    zone_quarters: i8,
    limits: &Limits,
    done: &mut dyn FnMut(&'static str),
) -> Result<Prepared, MediaError> {
    let Decoded { picture, told, icc } = decode(bytes, limits)?;
    done("decode");
    let picture = picture.into_shrunk(limits.long_edge)?;
    done("shrink");
    let picture = picture.upright(told.orientation());
    done("turn upright");
    let photo = photo(&picture, icc.as_deref(), limits)?;
    done("encode");
    let picture = picture.into_shrunk(MEASURED_EDGE)?;
    let clarity = measure::clarity(&picture);
    done("clarity");
    let thumbnail = thumbnail(&picture, icc.as_deref(), limits)?;
    done("thumbnail");
    let (placeholder, look) = (measure::placeholder(&picture)?, measure::look(&picture)?);
    done("placeholder, look");
    Ok(Prepared { photo, thumbnail, placeholder, capture: told.capture(zone_quarters), clarity, look })
}

/// The perceptual hashes of a JPEG or PNG in its eight positions: as it is, mirrored, turned and both, in the order of EXIF's
/// orientations. The first is near to [`Prepared::look`] of the same picture. A picture of more than `max_pixels` is refused.
pub fn looks(bytes: &[u8], max_pixels: u64) -> Result<[u64; 8], MediaError> {
    let Decoded { picture, told, .. } = decode(bytes, &Limits { max_pixels, ..Limits::default() })?;
    let picture = picture.into_shrunk(LOOKED_EDGE)?.upright(told.orientation());
    let mut looks = [0; 8];
    for (look, orientation) in looks.iter_mut().zip(1..) {
        *look = measure::look(&picture.clone().upright(orientation))?;
    }
    Ok(looks)
}

struct Decoded {
    picture: Picture,
    told: Told,
    icc: Option<Vec<u8>>,
}

/// Decodes a picture. It refuses by the header whatever it can, before it allocates memory for pixels.
fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, MediaError> {
    // A format that is not decoded is named even if its size cannot be read.
    match format_of(bytes)? {
        Format::Heif => return Err(MediaError::Heif),
        Format::Avif => return Err(MediaError::Avif),
        Format::WebP => return Err(MediaError::WebP),
        Format::Jpeg | Format::Png => {}
    }
    let (format, width, height) = recognise(bytes)?;
    let fits = |pixels: u64| {
        let allowed = limits.max_pixels;
        if pixels > allowed { Err(MediaError::TooManyPixels { pixels, allowed }) } else { Ok(()) }
    };
    fits(width as u64 * height as u64)?;
    match format {
        Format::Jpeg => {
            let header = Header::read(bytes)?;
            // Check this reader's size too, in case the two readers disagree.
            fits(u64::from(header.width) * u64::from(header.height))?;
            let (needed, allowed) = (header.memory, limits.max_pixels.saturating_mul(3).saturating_add(DECODER));
            if needed > allowed {
                return Err(MediaError::TooMuchMemory { needed, allowed });
            }
            let icc = icc::joined(&header.icc).filter(|icc| icc::is_needed(icc));
            Ok(Decoded { picture: jpeg::decode(&header)?, told: Told::read(&header.exif), icc })
        }
        Format::Png => {
            let png = raster::decode(bytes)?;
            let icc = png.icc.filter(|icc| icc::is_needed(icc));
            Ok(Decoded { picture: png.picture, told: Told::read(png.exif.as_deref().as_slice()), icc })
        }
        Format::Heif => Err(MediaError::Heif),
        Format::Avif => Err(MediaError::Avif),
        Format::WebP => Err(MediaError::WebP),
    }
}

/// Qualities to try for a photo. At the last one print of a few pixels' height is still readable.
const PHOTO_QUALITIES: [u8; 5] = [80, 73, 66, 58, 50];
/// Qualities to try for a thumbnail before it is made smaller.
const THUMBNAIL_QUALITIES: [u8; 5] = [70, 60, 50, 40, 30];

fn photo(picture: &Picture, icc: Option<&[u8]>, limits: &Limits) -> Result<Encoded, MediaError> {
    let mut bytes = Vec::new();
    for quality in PHOTO_QUALITIES {
        bytes = jpeg::encode(picture, quality, icc)?;
        if bytes.len() <= limits.photo_bytes {
            break;
        }
    }
    Ok(encoded(picture, bytes))
}

fn thumbnail(picture: &Picture, icc: Option<&[u8]>, limits: &Limits) -> Result<Encoded, MediaError> {
    let mut edge = limits.thumbnail_edge.max(1);
    loop {
        let small = picture.shrunk(edge)?;
        for quality in THUMBNAIL_QUALITIES {
            let bytes = jpeg::encode(&small, quality, icc)?;
            if bytes.len() <= MAX_THUMBNAIL {
                return Ok(encoded(&small, bytes));
            }
        }
        // At 16 pixels a thumbnail has 1 KiB and its profile.
        edge = if edge > 16 { edge * 3 / 4 } else { return Err(MediaError::Internal("thumbnail")) };
    }
}

fn encoded(picture: &Picture, bytes: Vec<u8>) -> Encoded {
    Encoded { id: photo_id(&bytes), bytes, width: picture.width, height: picture.height }
}
