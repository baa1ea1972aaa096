//! A file as a camera or the network hands it over, recognised and prepared for sending. What is prepared is small, tells no
//! position, and can be prepared again.
#![no_main]

use doorstep_fuzz::{fenced, prepare};
use doorstep_media::{Limits, MAX_THUMBNAIL, inspect, photo_id, tells_position};
use libfuzzer_sys::fuzz_target;

/// Small, so that many files are tried in a second. [`Limits::memory`] is then 23 MiB.
const LIMITS: Limits = Limits { max_pixels: 1_000_000, long_edge: 64, thumbnail_edge: 32, photo_bytes: 4_000 };

fuzz_target!(init: prepare(), |data: &[u8]| {
    fenced(|| {
        let _ = tells_position(data);
        let seen = inspect(data);
        let Ok(made) = doorstep_media::prepare(data, 32, &LIMITS) else { return };
        assert_eq!(seen.map(|seen| seen.id), Ok(photo_id(data)), "what is prepared was recognised");
        assert!(made.photo.width.max(made.photo.height) <= LIMITS.long_edge);
        assert!(made.thumbnail.bytes.len() <= MAX_THUMBNAIL);
        assert!(made.placeholder.len() <= doorstep_domain::MAX_PLACEHOLDER);
        for encoded in [&made.photo, &made.thumbnail] {
            assert!(!tells_position(&encoded.bytes));
            let again = doorstep_media::prepare(&encoded.bytes, 32, &LIMITS).expect("our own file");
            assert_eq!((again.photo.width, again.photo.height), (encoded.width, encoded.height));
        }
    });
});
