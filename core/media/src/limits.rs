//! How large a photo may be.

/// Largest file taken from a camera, in bytes: a JPEG of 50 megapixels at its best quality.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;
/// Largest photo stored and sent, in bytes. One that was prepared has a fraction of it; an original kept beside may have all.
pub const MAX_STORED: usize = doorstep_domain::MAX_PHOTO as usize;
/// Largest side in pixels: past every phone camera, below what exhausts memory later.
pub const MAX_SIDE: usize = 20_000;
