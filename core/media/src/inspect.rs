//! The format, size and hash of a file, found without decoding a pixel.

use doorstep_domain::PhotoId;
use sha2::{Digest, Sha256};

use crate::{MAX_BYTES, MAX_SIDE, MediaError, header::Header, limits, segments};

/// A photo's format, by its bytes and not by its file name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    WebP,
    /// HEIC or HEIF, which iPhones make.
    Heif,
    /// AVIF.
    Avif,
}

impl Format {
    /// The usual file name extension.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Heif => "heic",
            Self::Avif => "avif",
        }
    }
    /// The media type.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Heif => "image/heic",
            Self::Avif => "image/avif",
        }
    }
}

/// The properties of a photo's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inspected {
    /// SHA-256 of the bytes.
    pub id: PhotoId,
    /// Length in bytes.
    pub len: u64,
    /// Format.
    pub format: Format,
    /// Width in pixels, as stored.
    pub width: usize,
    /// Height in pixels, as stored.
    pub height: usize,
}

/// SHA-256 of a photo's bytes.
pub fn photo_id(bytes: &[u8]) -> PhotoId {
    PhotoId::new(Sha256::digest(bytes).into())
}

/// Recognises, measures and hashes a photo without decoding its pixels.
pub fn inspect(bytes: &[u8]) -> Result<Inspected, MediaError> {
    let (format, width, height) = recognise(bytes)?;
    Ok(Inspected { id: photo_id(bytes), len: bytes.len() as u64, format, width, height })
}

/// [`inspect`] for a photo as devices send it: a JPEG that ends with its picture and has no more bytes than its pixels explain.
/// Anything else is refused, because bytes that no eye sees could fill a server. Another format could also hide a position where
/// [`tells_position`](crate::tells_position) does not look.
pub fn inspect_sent(bytes: &[u8]) -> Result<Inspected, MediaError> {
    let seen = inspect(bytes)?;
    if seen.format != Format::Jpeg {
        return Err(MediaError::NotAPhoto);
    }
    let header = Header::read(bytes)?;
    if !header.is_ended {
        return Err(MediaError::Truncated);
    }
    let behind = bytes.len().saturating_sub(header.picture.len());
    if behind > 0 {
        return Err(MediaError::Trailing(behind));
    }
    let allowed = limits::most_bytes(u64::from(header.width) * u64::from(header.height));
    if seen.len > allowed {
        return Err(MediaError::TooManyBytes { bytes: seen.len, allowed });
    }
    Ok(seen)
}

/// A photo's format, by its first bytes.
pub(crate) fn format_of(bytes: &[u8]) -> Result<Format, MediaError> {
    if bytes.is_empty() {
        return Err(MediaError::Empty);
    }
    if bytes.len() > MAX_BYTES {
        return Err(MediaError::TooLarge(bytes.len()));
    }
    // imagesize 0.14 calls every file of boxes HEIF, also AVIF and films, and a JPEG with a stray byte in front nothing.
    if let Some(brands) = brands_of(bytes) {
        return format_by_brands(brands).ok_or(MediaError::NotAPhoto);
    }
    match imagesize::image_type(bytes) {
        _ if bytes.starts_with(b"\xff\xd8") => Ok(Format::Jpeg),
        Ok(imagesize::ImageType::Png) => Ok(Format::Png),
        Ok(imagesize::ImageType::Webp) => Ok(Format::WebP),
        _ => Err(MediaError::NotAPhoto),
    }
}

/// The format of a file of boxes (ISO/IEC 14496-12) by the first brand that names one. `None`: the brands are those of something
/// else, for example a film.
fn format_by_brands(brands: &[[u8; 4]]) -> Option<Format> {
    // The second is a version.
    let brands = || brands.iter().take(1).chain(brands.iter().skip(2));
    let named = brands().find_map(|brand| match brand {
        b"avif" | b"avis" | b"avio" => Some(Format::Avif),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => Some(Format::Heif),
        _ => None,
    });
    // A picture or sequence whose compression no brand names.
    let is_picture = || brands().any(|brand| matches!(brand, b"mif1" | b"mif2" | b"msf1" | b"miaf"));
    named.or_else(|| is_picture().then_some(Format::Heif))
}

/// The first box of a file of boxes: its brands and a version. `None`: the file begins with something else.
fn brands_of(bytes: &[u8]) -> Option<&[[u8; 4]]> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    let brands = rest.strip_prefix(b"ftyp")?;
    let len = usize::try_from(u32::from_be_bytes(*len)).ok()?.saturating_sub(8).min(brands.len());
    Some(brands.get(..len)?.as_chunks().0)
}

/// A photo's format, width and height.
pub(crate) fn recognise(bytes: &[u8]) -> Result<(Format, usize, usize), MediaError> {
    let format = format_of(bytes)?;
    let (width, height) = match format {
        // imagesize 0.14 stumbles over fill bytes, which the standard allows between segments.
        Format::Jpeg => segments::size(bytes).map(|(width, height)| (width as usize, height as usize)),
        _ => imagesize::blob_size(bytes).ok().map(|size| (size.width, size.height)),
    }
    .ok_or(MediaError::NotAPhoto)?;
    if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
        return Err(MediaError::Dimensions(width, height));
    }
    Ok((format, width, height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The smallest PNG: signature and header of a 3 x 2 image.
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0\x12\x16\xf1\x4d";

    #[test]
    fn a_photo_is_known_by_its_bytes_and_measured() {
        let photo = inspect(PNG).unwrap();
        assert_eq!((photo.format, photo.width, photo.height, photo.len), (Format::Png, 3, 2, PNG.len() as u64));
        assert_eq!(photo.id, photo_id(PNG));
    }

    #[test]
    fn what_is_no_photo_gets_a_typed_error() {
        assert_eq!(inspect(b""), Err(MediaError::Empty));
        assert_eq!(inspect(b"waybill,network"), Err(MediaError::NotAPhoto));
        assert_eq!(inspect(&PNG[..12]), Err(MediaError::NotAPhoto));
        assert_eq!(inspect(&vec![0xff; MAX_BYTES + 1]), Err(MediaError::TooLarge(MAX_BYTES + 1)));
        let mut wide = PNG.to_vec();
        wide[16] = 0x7f;
        assert!(matches!(inspect(&wide), Err(MediaError::Dimensions(..))));
    }

    /// Real camera files, where the folder of samples is present: orientations, GPS, a HEIC.
    #[test]
    #[allow(clippy::disallowed_methods, reason = "a test reads its samples")]
    fn real_camera_files_are_recognised() {
        let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/photos");
        let Ok(dir) = std::fs::read_dir(samples) else {
            println!("not run: no sample photos beside the checkout");
            return;
        };
        let mut seen = 0;
        for file in dir.map(|f| f.unwrap().path()) {
            let known = matches!(file.extension().and_then(|e| e.to_str()), Some("jpg" | "HEIC"));
            if known {
                inspect(&std::fs::read(&file).unwrap()).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
                seen += 1;
            }
        }
        assert!(seen >= 5, "the folder of samples is there and has photos");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..40, head in 0usize..5) {
            let _ = inspect(&bytes);
            let heads: [&[u8]; 5] = [b"\xff\xd8\xff\xe1", b"RIFF\0\0\0\0WEBPVP8 ", b"\0\0\0\x18ftypheic", b"\x89PNG\r\n\x1a\n", b"GIF89a"];
            let _ = inspect(&[heads[head], &bytes].concat());
            let _ = inspect(&PNG[..cut.min(PNG.len())]);
        }
    }
}
