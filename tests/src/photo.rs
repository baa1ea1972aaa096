//! Drawn photos: a door, different for every seed.

use jpeg_encoder::{ColorType, Encoder};

/// Draws a JPEG of a door with light and grain that depend on the seed.
pub fn draw(seed: u32, width: u16, height: u16) -> Vec<u8> {
    let (w, h) = (usize::from(width), usize::from(height));
    let mut pixels = Vec::with_capacity(w * h * 3);
    let mut noise = seed.wrapping_mul(2_654_435_761) | 1;
    let hue = [(seed * 37 % 90) as i32, (seed * 53 % 60) as i32, (seed * 71 % 70) as i32];
    for y in 0..h {
        for x in 0..w {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let grain = (noise >> 28) as i32 - 8;
            let door = x > w / 4 && x < w * 3 / 4 && y > h / 8;
            let handle = x > w * 13 / 20 && x < w * 14 / 20 && y > h / 2 && y < h * 11 / 20;
            let light = (255 * y / h / 4) as i32;
            let base = match (handle, door) {
                (true, _) => [210, 200, 90],
                (_, true) => [110 + hue[0], 70 + hue[1], 50 + hue[2]],
                _ => [190, 195, 200],
            };
            pixels.extend(base.map(|c| (c + grain - light / 2).clamp(0, 255) as u8));
        }
    }
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, 75).encode(&pixels, width, height, ColorType::Rgb).expect("a JPEG");
    jpeg
}

/// A picture that compresses badly, about 300 KB at 1600 x 1200 as it is sent.
pub fn grainy(seed: u32, width: u16, height: u16) -> Vec<u8> {
    let mut noise = seed.wrapping_mul(2_654_435_761) | 1;
    let pixels: Vec<u8> = (0..usize::from(width) * usize::from(height) * 3)
        .map(|n| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let slope = (n / 3 % usize::from(width) / 8 + n / 3 / usize::from(width) / 11) as u32;
            ((slope + (noise >> 27)) % 256) as u8
        })
        .collect();
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, 90).encode(&pixels, width, height, ColorType::Rgb).expect("a JPEG");
    jpeg
}

/// A picture of one gray, 0 to 255: nothing can be seen in it.
pub fn flat(gray: u8) -> Vec<u8> {
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, 90).encode(&[gray; 320 * 240], 320, 240, ColorType::Luma).expect("a JPEG");
    jpeg
}
