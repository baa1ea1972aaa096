//! Size limits of photos.

/// Largest file taken from a camera, in bytes: a JPEG of 50 megapixels at its best quality.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;
/// Largest photo that is stored and sent, in bytes. A prepared photo has a fraction of it; an original that is kept as well may
/// have all.
pub const MAX_STORED: usize = doorstep_domain::MAX_PHOTO as usize;
/// Largest side in pixels, beyond every phone camera but small enough not to exhaust memory later.
pub const MAX_SIDE: usize = 20_000;
/// Most bytes that a sent photo has for each of its pixels. Noise, which compresses worst, has 0.7 at the best quality with which
/// photos are sent. Files of cameras have 0.2 to 1.7; the most is a picture that is smaller than its metadata.
pub const BYTES_A_PIXEL: u64 = 2;
/// Bytes that a sent photo may have beside those of its pixels: tables and a colour profile, or one metadata segment of the
/// largest size, which another client may leave in.
pub const BYTES_BESIDE: u64 = 64 * 1024;

/// Most bytes of a sent photo of so many pixels.
pub(crate) fn most_bytes(pixels: u64) -> u64 {
    pixels.saturating_mul(BYTES_A_PIXEL).saturating_add(BYTES_BESIDE)
}
