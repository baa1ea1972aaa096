//! Measurements of a picture: clarity, perceptual hash and placeholder.

use doorstep_domain::{Clarity, MAX_PLACEHOLDER};

use crate::{MediaError, pixels::Picture};

/// Longer side of the picture on which [`Clarity`] is measured. At this size a person sees a photo on a phone, and sensor noise
/// has disappeared. A smaller picture is measured as it is.
pub(crate) const MEASURED_EDGE: u32 = 800;

/// Measures sharpness and light. Sharpness is the variance of `4 * centre - left - right - above - below` over the inner pixels:
/// 0 for an even surface, under 20 for a photo out of focus, thousands for print. It uses whole numbers, so equal pixels give equal
/// results on every device.
pub(crate) fn clarity(picture: &Picture) -> Clarity {
    let luma = picture.luma();
    let width = picture.width as usize;
    let (mut count, mut sum, mut squares) = (0i64, 0i64, 0i64);
    let rows = || luma.chunks_exact(width);
    for ((above, row), below) in rows().zip(rows().skip(1)).zip(rows().skip(2)) {
        let around = row.windows(3).zip(above.iter().skip(1)).zip(below.iter().skip(1));
        for ((beside, above), below) in around {
            let [left, centre, right] = *beside else { continue };
            let sides = [left, right, *above, *below].map(i64::from);
            let edge = 4 * i64::from(centre) - sides.iter().sum::<i64>();
            (count, sum, squares) = (count + 1, sum + edge, squares + edge * edge);
        }
    }
    let count = count.max(1);
    // At most 1020 squared; with 50 megapixels the product stays below 2^63.
    let sharpness = squares / count - (sum / count) * (sum / count);
    let light = luma.iter().map(|y| u64::from(*y)).sum::<u64>() / (luma.len() as u64).max(1);
    Clarity { sharpness: u32::try_from(sharpness).unwrap_or(0), light: u8::try_from(light).unwrap_or(255) }
}

/// Computes the perceptual hash, a difference hash. The upright picture is scaled to 9 x 8 gray fields. A bit is set where a
/// field is brighter than the one to its right, row by row, the first in the highest bit. Brightness, size and compression hardly
/// change the hash; framing does.
pub(crate) fn look(picture: &Picture) -> Result<u64, MediaError> {
    let fields = picture.resized(9, 8)?.luma();
    let pairs = fields.chunks_exact(9).flat_map(|row| row.windows(2));
    Ok(pairs.fold(0, |look, pair| look << 1 | u64::from(pair.first() > pair.last())))
}

/// The number of differing bits of two perceptual hashes (Hamming distance).
pub fn look_distance(a: u64, b: u64) -> u32 {
    (a ^ b).count_ones()
}

/// Distance up to which two pictures count as similar. `cargo bench -p doorstep-media --bench looks -- FOLDER` measures it: of nine
/// camera photos and their 54 sixth parts, cut by 5 % at one side, 8 of 252 (3 %) are missed (40 at a distance of 10); saved again or
/// in another light, 3 of 252. Of 1,467 pairs of different pictures it calls none alike, and 4 where one may be turned or mirrored.
/// From a distance of 16 on the pairs called alike grow fast. Cut by a tenth at one side, 87 of 252 (35 %) are missed.
pub const LOOKS_ALIKE: u32 = 14;

/// The ThumbHash of a picture.
pub(crate) fn placeholder(picture: &Picture) -> Result<Vec<u8>, MediaError> {
    // ThumbHash takes at most 100 pixels a side, its time grows with them, and it shows at most 7 waves.
    let small = picture.shrunk(64)?;
    let (pixels, _) = small.rgb.as_chunks::<3>();
    let rgba: Vec<u8> = pixels.iter().flat_map(|[r, g, b]| [*r, *g, *b, 255]).collect();
    let hash = thumbhash::rgba_to_thumb_hash(small.width as usize, small.height as usize, &rgba);
    if hash.len() > MAX_PLACEHOLDER { Err(MediaError::Internal("placeholder")) } else { Ok(hash) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(width: u32, height: u32, at: impl Fn(u32, u32) -> u8) -> Picture {
        let at = &at;
        let rgb = (0..height).flat_map(|y| (0..width).flat_map(move |x| [at(x, y); 3])).collect();
        Picture { width, height, rgb }
    }

    #[test]
    fn clarity_is_what_its_formula_says() {
        assert_eq!(clarity(&gray(8, 8, |_, _| 90)), Clarity { sharpness: 0, light: 90 });
        let board = gray(4, 4, |x, y| if (x + y) % 2 == 0 { 255 } else { 0 });
        assert_eq!(clarity(&board), Clarity { sharpness: 1020 * 1020, light: 127 });
        // Too small to have inner pixels.
        assert_eq!(clarity(&gray(2, 1, |_, _| 7)), Clarity { sharpness: 0, light: 7 });
    }

    #[test]
    fn a_look_is_the_slope_from_left_to_right() {
        assert_eq!(look(&gray(90, 80, |x, _| 255 - x as u8)), Ok(u64::MAX));
        assert_eq!(look(&gray(90, 80, |x, _| x as u8)), Ok(0));
        assert_eq!(look_distance(0b1011, 0b0010), 2);
    }
}
