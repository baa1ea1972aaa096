//! Pictures that lack something that they could do without, or have something that they do not need.

use doorstep_media::{Limits, MediaError, Prepared, inspect_sent, prepare};
use jpeg_encoder::{ColorType, SamplingFactor};

use crate::made::{Rgb, find, quarters, scene, segments, with_segment, without_segments};

fn made(bytes: &[u8]) -> Result<Prepared, MediaError> {
    prepare(bytes, 32, &Limits::default())
}

/// Samsung's blocks behind a picture.
fn samsung(data: &[u8]) -> Vec<u8> {
    let name = b"Image_UTC_Data";
    let block = [&b"\0\0\x01\x0a\x0e\0\0\0"[..], name, data].concat();
    let len = (block.len() as u32).to_le_bytes();
    let list = [&b"SEFH\x6b\0\0\0\x01\0\0\0\0\0\x01\x0a"[..], &len, &len].concat();
    [&block[..], &list, &(list.len() as u32).to_le_bytes(), b"SEFT"].concat()
}

/// A film with every marker of a JPEG in it, also those of rare kinds and of an end.
fn film() -> Vec<u8> {
    let mut film = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42\0\0\0\x08mdat".to_vec();
    for marker in 0..=255 {
        film.extend([0xff, marker, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8]);
    }
    film
}

/// What stands behind a picture: its name and its bytes.
fn trailers() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("nothing", vec![]),
        ("a time by Samsung", samsung(b"1770091506000")),
        ("a film by Samsung", samsung(&film())),
        ("a film by Google", film()),
        ("a film by Google and a time by Samsung", [film(), samsung(b"1770091506000")].concat()),
        ("another picture", scene(9, 80, 60).jpeg(90)),
        ("an empty end of a card's block", vec![0; 4_000]),
        ("an erased end of a card's block", vec![0xff; 4_000]),
    ]
}

#[test]
fn a_picture_is_taken_with_or_without_its_end_mark_whatever_stands_behind_it() {
    for (kind, progressive, restart) in [("baseline", false, 0), ("with restarts", false, 5), ("progressive", true, 0)] {
        let whole = scene(2, 333, 251).jpeg_as(ColorType::Rgb, |encoder| {
            encoder.set_progressive(progressive);
            encoder.set_restart_interval(restart);
            encoder.set_sampling_factor(SamplingFactor::F_2_2);
        });
        let wanted = made(&whole).unwrap();
        let without_end = &whole[..whole.len() - 2];
        for (name, trailer) in trailers() {
            assert_eq!(made(&[&whole[..], &trailer].concat()), Ok(wanted.clone()), "{kind}, {name}");
            assert_eq!(made(&[without_end, &trailer].concat()), Ok(wanted.clone()), "{kind}, without its end, {name}");
        }
    }
}

#[test]
fn an_even_surface_whose_pixels_end_in_zeros_is_taken_without_its_end_mark() {
    for progressive in [false, true] {
        for shade in [0, 128, 255] {
            for optimized in [false, true] {
                let whole = Rgb::of(200, 150, |_, _| [shade; 3]).jpeg_as(ColorType::Rgb, |encoder| {
                    encoder.set_progressive(progressive);
                    encoder.set_optimized_huffman_tables(optimized);
                });
                let wanted = made(&whole);
                assert!(wanted.is_ok());
                let name = format!("progressive {progressive}, shade {shade}, optimized {optimized}");
                assert_eq!(made(&whole[..whole.len() - 2]), wanted, "{name}");
            }
        }
    }
}

#[test]
fn a_picture_that_ends_early_is_refused_whatever_stands_behind_it() {
    for progressive in [false, true] {
        let whole = scene(2, 333, 251).jpeg_as(ColorType::Rgb, |encoder| encoder.set_progressive(progressive));
        let scan = find(&whole, 0xda);
        for part in 0..20 {
            let cut = &whole[..scan + (whole.len() - scan) * part / 20];
            for (name, trailer) in trailers() {
                let made = made(&[cut, &trailer].concat());
                assert!(made.is_err(), "progressive {progressive}, {part} of 20, {name}");
            }
            // Letters decode to pixels of any number.
            let letters = [cut, "all work and no play ".repeat(4_000).as_bytes()].concat();
            assert!(progressive || made(&letters) == Err(MediaError::Truncated), "{part} of 20, letters");
        }
    }
}

#[test]
fn a_picture_of_one_row_less_is_refused() {
    // Each row of blocks ends with a restart marker: the last row is left out exactly.
    let whole = scene(5, 64, 64).jpeg_as(ColorType::Rgb, |encoder| {
        encoder.set_sampling_factor(SamplingFactor::F_1_1);
        encoder.set_restart_interval(8);
    });
    let rows: Vec<usize> =
        (0..whole.len() - 1).filter(|at| whole[*at] == 0xff && (0xd0..=0xd7).contains(&whole[*at + 1])).collect();
    assert_eq!(rows.len(), 7);
    for at in rows {
        assert_eq!(made(&whole[..at]), Err(MediaError::Truncated));
        assert_eq!(made(&whole[..at + 2]), Err(MediaError::Truncated));
    }
}

#[test]
fn a_frame_of_a_film_is_read_with_the_tables_of_the_standard() {
    for (name, sampling, kind) in [
        ("4:2:2", SamplingFactor::F_2_1, ColorType::Rgb),
        ("4:2:0", SamplingFactor::F_2_2, ColorType::Rgb),
        ("4:4:4", SamplingFactor::F_1_1, ColorType::Rgb),
        ("gray", SamplingFactor::F_1_1, ColorType::Luma),
    ] {
        let whole = quarters().jpeg_as(kind, |encoder| encoder.set_sampling_factor(sampling));
        let frame = without_segments(&whole, 0xc4);
        assert!(frame.len() < whole.len());
        let wanted = made(&whole).unwrap();
        assert_eq!(made(&frame), Ok(wanted.clone()), "{name}");
        assert_eq!(made(&with_segment(&frame, 0xe0, b"AVI1\0\0\0\0")), Ok(wanted.clone()), "{name}, of an AVI");
        assert_eq!(made(&frame[..frame.len() - 2]), Ok(wanted), "{name}, without its end mark");
    }
}

#[test]
fn a_table_that_one_scan_lacks_is_the_standards_and_the_others_are_its_own() {
    let whole = scene(3, 120, 90).jpeg(90);
    let places = segments(&whole);
    let tables: Vec<usize> = places.iter().copied().filter(|at| whole[at + 1] == 0xc4).collect();
    assert_eq!(tables.len(), 4, "one segment for each table");
    for at in tables {
        let len = 2 + usize::from(u16::from_be_bytes([whole[at + 2], whole[at + 3]]));
        let lacking = [&whole[..at], &whole[at + len..]].concat();
        assert_eq!(made(&lacking), made(&whole));
    }
}

#[test]
fn stray_bytes_between_segments_do_no_harm() {
    let whole = scene(4, 150, 100).jpeg(90);
    let wanted = made(&whole).unwrap();
    let strays: [&[u8]; 6] = [&[0], &[0; 7], b"stray bytes", &[0xff, 0, 0xff, 0, 1], &[0xff; 5], &[0xff, 0x41, 0xff, 0xd3, 9]];
    for stray in strays {
        let mut everywhere = whole.clone();
        for at in segments(&whole).into_iter().rev() {
            assert_eq!(made(&[&whole[..at], stray, &whole[at..]].concat()), Ok(wanted.clone()), "{stray:?} at {at}");
            everywhere.splice(at..at, stray.iter().copied());
        }
        assert_eq!(made(&everywhere), Ok(wanted.clone()), "{stray:?} everywhere");
        assert_eq!(made(&everywhere[..everywhere.len() - 2]), Ok(wanted.clone()), "{stray:?}, and no end mark");
    }
}

#[test]
fn what_only_the_phone_mends_is_refused_by_a_server() {
    let whole = scene(2, 333, 251).jpeg(90);
    assert!(inspect_sent(&whole).is_ok());
    assert_eq!(inspect_sent(&whole[..whole.len() - 2]), Err(MediaError::Truncated));
    for (_, trailer) in trailers().into_iter().skip(1) {
        assert_eq!(inspect_sent(&[&whole[..], &trailer].concat()), Err(MediaError::Trailing(trailer.len())));
        let mended = made(&[&whole[..whole.len() - 2], &trailer].concat()).unwrap();
        assert!(inspect_sent(&mended.photo.bytes).is_ok() && inspect_sent(&mended.thumbnail.bytes).is_ok());
    }
}

#[test]
fn a_small_file_that_claims_a_large_picture_is_refused_without_its_end_mark_too() {
    let dot = Rgb::of(16, 16, |_, _| [9; 3]).jpeg(90);
    let claims = crate::made::claiming(&dot, 0xc0, 7_000, 7_000);
    assert_eq!(made(&claims[..claims.len() - 2]), Err(MediaError::Truncated));
}
