//! Decoded pictures: shrinking and turning upright. The code works on one strip at a time to bound memory.

use fast_image_resize::{
    FilterType, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::U8x3,
};

use crate::MediaError;

/// Bytes that the resizer may hold between its two passes. It keeps a strip of the source's width and the result's height, so
/// resizing 50 megapixels at once would need 30 MiB more.
const STRIP: usize = 4 << 20;

/// Pixels of three bytes, red, green and blue, row by row. Neither side is 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Pixels a row.
    pub(crate) width: u32,
    /// Rows.
    pub(crate) height: u32,
    /// `width * height * 3` bytes.
    pub(crate) rgb: Vec<u8>,
}

impl Picture {
    /// The size with a longer side of at most `edge`. It never enlarges, and no side becomes 0.
    fn fit(&self, edge: u32) -> (u32, u32) {
        let edge = edge.max(1);
        let long = self.width.max(self.height);
        if long <= edge {
            return (self.width, self.height);
        }
        let scaled = |side: u32| (u64::from(side) * u64::from(edge) + u64::from(long) / 2) / u64::from(long);
        // At most `edge`, which is a u32.
        let side = |side: u32| u32::try_from(scaled(side)).unwrap_or(edge).clamp(1, edge);
        (side(self.width), side(self.height))
    }

    /// The picture with a longer side of `edge` pixels at most.
    pub(crate) fn shrunk(&self, edge: u32) -> Result<Self, MediaError> {
        let (width, height) = self.fit(edge);
        self.resized(width, height)
    }

    /// Like [`Picture::shrunk`], but returns a picture that is already small enough unchanged.
    pub(crate) fn into_shrunk(self, edge: u32) -> Result<Self, MediaError> {
        if self.fit(edge) == (self.width, self.height) { Ok(self) } else { self.shrunk(edge) }
    }

    /// The picture in another size, its sides stretched as needed.
    pub(crate) fn resized(&self, width: u32, height: u32) -> Result<Self, MediaError> {
        let row = width as usize * 3;
        let mut rgb = vec![0; row * height as usize];
        // The typed image avoids compiling the resizer for every kind of pixel.
        let source = TypedImageRef::<U8x3>::from_buffer(self.width, self.height, &self.rgb);
        let source = source.map_err(|_| MediaError::Internal("source"))?;
        let strip_rows = (STRIP / (self.width as usize * 3)).max(16);
        let (scale, mut top) = (f64::from(self.height) / f64::from(height), 0);
        let mut resizer = Resizer::new();
        for strip in rgb.chunks_mut(row * strip_rows) {
            let rows = (strip.len() / row) as u32;
            let from = f64::from(top) * scale;
            let high = (f64::from(rows) * scale).min(f64::from(self.height) - from);
            top += rows;
            // The Hamming filter is as sharp as bicubic at the cost of bilinear. A crop limits the output, not the input of the
            // filter, so strips show no seams (tested).
            let options = ResizeOptions::new()
                .resize_alg(ResizeAlg::Convolution(FilterType::Hamming))
                .crop(0.0, from, f64::from(self.width), high)
                .use_alpha(false);
            let strip = TypedImage::<U8x3>::from_buffer(width, rows, strip);
            let mut strip = strip.map_err(|_| MediaError::Internal("strip"))?;
            resizer.resize_typed(&source, &mut strip, &options).map_err(|_| MediaError::Internal("resize"))?;
        }
        Ok(Self { width, height, rgb })
    }

    /// The picture turned by EXIF's orientation (1 to 8; other values count as upright).
    pub(crate) fn upright(self, orientation: u32) -> Self {
        if !(2..=8).contains(&orientation) {
            return self;
        }
        let (pixels, _) = self.rgb.as_chunks::<3>();
        let rows = || pixels.chunks_exact(self.width as usize);
        let columns = 0..self.width as usize;
        let column = |x: usize| rows().filter_map(move |row| row.get(x));
        let (width, height) = (self.height, self.width);
        let mut turned: Vec<[u8; 3]> = Vec::with_capacity(pixels.len());
        match orientation {
            2 => rows().for_each(|row| turned.extend(row.iter().rev())),
            3 => turned.extend(pixels.iter().rev()),
            4 => rows().rev().for_each(|row| turned.extend(row)),
            5 => columns.for_each(|x| turned.extend(column(x))),
            6 => columns.for_each(|x| turned.extend(column(x).rev())),
            7 => columns.rev().for_each(|x| turned.extend(column(x).rev())),
            _ => columns.rev().for_each(|x| turned.extend(column(x))),
        }
        let rgb = turned.into_flattened();
        if orientation < 5 { Self { rgb, ..self } } else { Self { width, height, rgb } }
    }

    /// Brightness of each pixel, 0 to 255 (BT.601).
    pub(crate) fn luma(&self) -> Vec<u8> {
        let (pixels, _) = self.rgb.as_chunks::<3>();
        let weighed = |&[r, g, b]: &[u8; 3]| 77 * u32::from(r) + 150 * u32::from(g) + 29 * u32::from(b);
        // The weights sum to 256.
        pixels.iter().map(|pixel| (weighed(pixel) >> 8) as u8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Diagonals with fine noise: every row and column differs.
    fn pattern(width: u32, height: u32) -> Picture {
        let at = |x: u32, y: u32| [(x * 7 + y * 3) as u8, (x ^ y) as u8, (x * y / 5) as u8];
        let rgb = (0..height).flat_map(|y| (0..width).flat_map(move |x| at(x, y))).collect();
        Picture { width, height, rgb }
    }

    #[test]
    fn a_picture_is_never_enlarged_and_no_side_vanishes() {
        let picture = Picture { width: 4000, height: 3, rgb: vec![] };
        assert_eq!(picture.fit(1600), (1600, 1));
        assert_eq!(picture.fit(5000), (4000, 3));
        assert_eq!(Picture { width: 3000, height: 4000, rgb: vec![] }.fit(1600), (1200, 1600));
        assert_eq!(pattern(40, 30).into_shrunk(40), Ok(pattern(40, 30)));
    }

    #[test]
    fn strips_show_no_seams() {
        let (wide, height) = (6_000, 700);
        let picture = pattern(wide, height);
        assert!(STRIP / (wide as usize * 3) < 350, "two strips at least");
        let in_strips = picture.resized(600, 350).unwrap();
        let source = TypedImageRef::<U8x3>::from_buffer(wide, height, &picture.rgb).unwrap();
        let mut whole = vec![0; 600 * 350 * 3];
        let mut at_once = TypedImage::<U8x3>::from_buffer(600, 350, &mut whole).unwrap();
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Hamming));
        Resizer::new().resize_typed(&source, &mut at_once, &options).unwrap();
        let most = in_strips.rgb.iter().zip(&whole).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(most <= Some(1), "{most:?}");
    }

    #[test]
    fn two_quarter_turns_and_a_half_turn_come_back() {
        let picture = pattern(5, 3);
        for (there, back) in [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 8), (7, 7), (8, 6)] {
            let turned = picture.clone().upright(there);
            assert_eq!(turned.clone().upright(back), picture, "{there}");
            assert!(there == 1 || turned != picture, "{there}");
        }
        assert_eq!(picture.clone().upright(0), picture);
        assert_eq!(picture.clone().upright(9), picture);
    }
}
