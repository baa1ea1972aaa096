//! Bytes from anywhere: an answer, never a panic.

use std::sync::LazyLock;

use doorstep_media::{Limits, MediaError, inspect, inspect_sent, prepare, tells_position};
use jpeg_encoder::{ColorType, SamplingFactor};
use proptest::prelude::*;

use crate::made::{ascii, fractions, quarters, short, tiff, with_exif};

/// Small files of the kinds that are taken.
static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let picture = quarters();
    let told = tiff(
        vec![short(0x112, 6), ascii(0x10f, "Nikon")],
        &[ascii(0x9003, "2026:02:03 04:05:06")],
        &[fractions(2, 5, &[(1, 1)])],
    );
    let mut files = vec![with_exif(&picture.jpeg(80), &told)];
    for kind in [ColorType::Rgb, ColorType::Luma, ColorType::Cmyk, ColorType::CmykAsYcck] {
        for progressive in [false, true] {
            files.push(picture.jpeg_as(kind, |encoder| {
                encoder.set_quality(70);
                encoder.set_progressive(progressive);
                encoder.set_sampling_factor(SamplingFactor::F_2_2);
                encoder.set_restart_interval(if progressive { 2 } else { 0 });
            }));
        }
    }
    let mut file = vec![];
    let mut encoder = png::Encoder::new(&mut file, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(picture.pixels.as_flattened()).unwrap();
    writer.finish().unwrap();
    files.push(file);
    files
});

const LIMITS: Limits = Limits { max_pixels: 100_000, long_edge: 64, thumbnail_edge: 32, photo_bytes: 10_000 };

fn try_all(bytes: &[u8]) {
    let _ = inspect(bytes);
    let _ = inspect_sent(bytes);
    let _ = tells_position(bytes);
    if let Ok(made) = prepare(bytes, 32, &LIMITS) {
        assert!(made.photo.width.max(made.photo.height) <= 64);
        assert!(!tells_position(&made.photo.bytes));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn flipped_cut_and_spliced_files_never_panic(
        which in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
        other in prop::option::of((any::<prop::sample::Index>(), any::<prop::sample::Index>())),
    ) {
        let mut bytes = FILES[which.index(FILES.len())].clone();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Some((file, from)) = other {
            let file = &FILES[file.index(FILES.len())];
            bytes.extend(&file[from.index(file.len())..]);
        }
        try_all(&bytes);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), head in 0usize..3) {
        try_all(&bytes);
        let file = &FILES[head];
        try_all(&[&file[..file.len().min(170)], &bytes[..]].concat());
    }
}

/// What the fuzzer found: a first scan of one component, a second of four, at which zune-jpeg 0.5.15 panics.
#[test]
fn a_panic_of_the_decoder_is_a_damaged_photo() {
    let found = include_bytes!("found/scans-of-one-and-four.jpg");
    assert_eq!(prepare(found, 32, &Limits::default()).unwrap_err(), MediaError::Damaged);
}

/// Every byte of every small head, one at a time: what random ones may miss.
#[test]
fn no_single_byte_of_a_head_panics() {
    for file in FILES.iter() {
        for at in 0..file.len().min(700) {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bytes = file.clone();
                bytes[at] = value;
                try_all(&bytes);
            }
        }
    }
}
