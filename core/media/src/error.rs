//! Why bytes are not accepted as a photo.

use crate::{MAX_BYTES, MAX_SIDE};

/// Why bytes are not accepted as a photo. The texts say what to do then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// No bytes.
    #[error("photo is empty: take it again")]
    Empty,
    /// Over [`MAX_BYTES`].
    #[error("photo has {0} bytes, more than {MAX_BYTES}: set the camera to a smaller picture")]
    TooLarge(usize),
    /// Not JPEG, PNG, WebP, HEIC or AVIF, or cut off before its size can be read.
    #[error("file is not a JPEG or PNG photo, or it is damaged: take it again")]
    NotAPhoto,
    /// A side of 0 or more than [`MAX_SIDE`] pixels: width, height.
    #[error("photo measures {0} x {1} pixels, a side may have 1 to {MAX_SIDE}: take it again with the camera")]
    Dimensions(usize, usize),
    /// More pixels than the limits allow.
    #[error("photo has {pixels} pixels, more than {allowed}: set the camera to a smaller picture")]
    TooManyPixels {
        /// Its pixels.
        pixels: u64,
        /// [`Limits::max_pixels`](crate::Limits::max_pixels).
        allowed: u64,
    },
    /// A JPEG, mostly a progressive one, that cannot be decoded within [`Limits::memory`](crate::Limits::memory).
    #[error("photo needs {needed} bytes of memory, more than {allowed}: take it with the camera, or smaller")]
    TooMuchMemory {
        /// The bytes that decoding would need, by its header.
        needed: u64,
        /// The allowed bytes.
        allowed: u64,
    },
    /// HEIC or HEIF. No maintained decoder is free of C and patents, and both phone platforms can convert it themselves.
    #[error("photo is HEIC: convert it to JPEG first, or set the camera to JPEG (\"most compatible\")")]
    Heif,
    /// AVIF, which some phones make when asked for small pictures. No maintained decoder is free of C.
    #[error("photo is AVIF: convert it to JPEG first, or set the camera to JPEG")]
    Avif,
    /// WebP, which no camera makes.
    #[error("photo is WebP: convert it to JPEG first, or take it with the camera")]
    WebP,
    /// Lossless, hierarchical or arithmetic JPEG, which no camera makes.
    #[error("photo is a rare kind of JPEG: take it with the camera")]
    RareJpeg,
    /// The bytes end before the picture does.
    #[error("photo is cut off: copy it again, or take it again")]
    Truncated,
    /// Bytes follow the end of a picture that was to be sent, as in motion photos. [`prepare`](crate::prepare()) cuts them off.
    #[error("photo has {0} bytes behind its end: take it again with this app")]
    Trailing(usize),
    /// A picture that was to be sent has more bytes than its pixels explain.
    #[error("photo has {bytes} bytes, and {allowed} at most for its size in pixels: take it again with this app")]
    TooManyBytes {
        /// Its bytes.
        bytes: u64,
        /// [`BYTES_A_PIXEL`](crate::BYTES_A_PIXEL) for each pixel and [`BYTES_BESIDE`](crate::BYTES_BESIDE) more.
        allowed: u64,
    },
    /// The bytes are a photo but cannot be decoded.
    #[error("photo is damaged: take it again")]
    Damaged,
    /// A library refused valid input, which is an error in this crate.
    #[error("photo can not be made smaller ({0}): report this")]
    Internal(&'static str),
}
