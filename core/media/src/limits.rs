//! Size limits of photos.

/// Largest file taken from a camera, in bytes: a JPEG of 50 megapixels at its best quality.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;
/// Largest photo that is stored and sent, in bytes. A prepared photo has a fraction of it; an original that is kept as well may
/// have all.
pub const MAX_STORED: usize = doorstep_domain::MAX_PHOTO as usize;
/// Largest side in pixels, beyond every phone camera but small enough not to exhaust memory later.
pub const MAX_SIDE: usize = 20_000;
