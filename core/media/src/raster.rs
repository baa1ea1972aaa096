//! Decodes PNG, mostly screenshots of a waybill.

use std::io::{Cursor, ErrorKind};

use png::{BitDepth, Decoder, DecodingError, InterlaceInfo, Limits, Transformations, expand_interlaced_row};

use crate::{MediaError, pixels::Picture};

/// Bytes that the decoder may hold for profiles and other chunks.
const CHUNKS: usize = 4 << 20;

/// A decoded PNG.
pub(crate) struct Png {
    /// Pixels. Transparent parts are white.
    pub(crate) picture: Picture,
    /// The TIFF of its EXIF.
    pub(crate) exif: Option<Vec<u8>>,
    /// Its colour profile.
    pub(crate) icc: Option<Vec<u8>>,
}

/// Decodes a PNG row by row, because decoding a transparent one at once would need four bytes a pixel.
pub(crate) fn decode(bytes: &[u8]) -> Result<Png, MediaError> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: CHUNKS });
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    let mut reader = decoder.read_info().map_err(refused)?;
    let (color, depth) = reader.output_color_type();
    let (width, height) = reader.info().size();
    let stride = width as usize * 3;
    if depth != BitDepth::Eight || width == 0 || height == 0 {
        return Err(MediaError::Damaged);
    }
    let mut rgb = vec![0; stride * height as usize];
    let mut lines = rgb.chunks_exact_mut(stride);
    if reader.info().interlaced {
        drop(lines);
        let mut line = vec![0; stride];
        while let Some(row) = reader.next_interlaced_row().map_err(refused)? {
            let pixels = row.data().len() / color.samples();
            let line = line.get_mut(..pixels * 3).ok_or(MediaError::Damaged)?;
            over_white(row.data(), color.samples(), line);
            if let InterlaceInfo::Adam7(pass) = row.interlace() {
                expand_interlaced_row(&mut rgb, stride, line, pass, 24);
            }
        }
    } else {
        while let Some(row) = reader.next_row().map_err(refused)? {
            over_white(row.data(), color.samples(), lines.next().ok_or(MediaError::Damaged)?);
        }
    }
    reader.finish().map_err(refused)?;
    let (exif, icc) = (reader.info().exif_metadata.clone(), reader.info().icc_profile.clone());
    let picture = Picture { width, height, rgb };
    Ok(Png { picture, exif: exif.map(|exif| exif.into_owned()), icc: icc.map(|icc| icc.into_owned()) })
}

/// Writes a row of gray, gray and alpha, RGB, or RGB and alpha as RGB.
fn over_white(row: &[u8], samples: usize, line: &mut [u8]) {
    let over = |value: u8, alpha: u8| {
        let (value, alpha) = (u32::from(value), u32::from(alpha));
        // At most 255.
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let (out, _) = line.as_chunks_mut::<3>();
    for (out, pixel) in out.iter_mut().zip(row.chunks_exact(samples.max(1))) {
        *out = match *pixel {
            [gray] => [gray; 3],
            [gray, alpha] => [over(gray, alpha); 3],
            [r, g, b] => [r, g, b],
            [r, g, b, alpha] => [over(r, alpha), over(g, alpha), over(b, alpha)],
            _ => [255; 3],
        };
    }
}

fn refused(error: DecodingError) -> MediaError {
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => MediaError::Truncated,
        _ => MediaError::Damaged,
    }
}
