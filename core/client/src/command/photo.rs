//! A photo on its way into a recording.

use doorstep_domain::{GeoPosition, PhotoId, PhotoPurpose, PhotoSource};

/// A photo to be recorded.
#[derive(Debug, Clone)]
pub struct NewPhoto {
    /// The camera's file: JPEG or PNG.
    pub bytes: Vec<u8>,
    /// What it shows.
    pub shows: PhotoPurpose,
    /// The photo that this one was made from by drawing on it or cutting it.
    pub original: Option<PhotoId>,
    /// Where the device was, if the app may know. What the camera itself wrote comes first.
    pub position: Option<GeoPosition>,
    /// Where the app got the picture from, if it says so.
    pub source: Option<PhotoSource>,
}

impl NewPhoto {
    /// A picture as the camera made it.
    pub fn new(bytes: Vec<u8>, shows: PhotoPurpose) -> Self {
        Self { bytes, shows, original: None, position: None, source: None }
    }
}
