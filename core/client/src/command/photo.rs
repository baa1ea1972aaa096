//! Photos for a recording.

use doorstep_domain::{GeoPosition, PhotoId, PhotoPurpose, PhotoSource};

/// A photo to be recorded.
#[derive(Debug, Clone)]
pub struct NewPhoto {
    /// The camera's file: JPEG or PNG.
    pub bytes: Vec<u8>,
    /// What it shows.
    pub shows: PhotoPurpose,
    /// The original, if this photo was made by drawing on it or cropping it.
    pub original: Option<PhotoId>,
    /// The device's position, if the app may know it. The camera's own position has precedence.
    pub position: Option<GeoPosition>,
    /// Where the app got the picture from, if it says so.
    pub source: Option<PhotoSource>,
}

impl NewPhoto {
    /// A picture directly from the camera.
    pub fn new(bytes: Vec<u8>, shows: PhotoPurpose) -> Self {
        Self { bytes, shows, original: None, position: None, source: None }
    }
}
