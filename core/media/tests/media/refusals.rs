//! What is not taken, and why.

use doorstep_media::{Limits, MAX_BYTES, MediaError, inspect, prepare};
use jpeg_encoder::{ColorType, SamplingFactor};

use crate::made::{claiming, find, quarters, scene, with_segment, without_segments};

fn refused(bytes: &[u8]) -> MediaError {
    prepare(bytes, 32, &Limits::default()).unwrap_err()
}

#[test]
fn what_is_no_photo_is_refused() {
    assert_eq!(refused(b""), MediaError::Empty);
    assert_eq!(refused(b"<!DOCTYPE html><html><body>Log in to the Wi-Fi</body></html>"), MediaError::NotAPhoto);
    assert_eq!(refused(b"GIF89a\x10\0\x10\0\0\0\0"), MediaError::NotAPhoto);
    assert_eq!(refused(&vec![0xff; MAX_BYTES + 1]), MediaError::TooLarge(MAX_BYTES + 1));
}

#[test]
fn what_the_phone_can_convert_itself_is_named() {
    let heif = [
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        &b"\0\0\0\x31meta\0\0\0\0\0\0\0\x25iprp\0\0\0\x1dipco\0\0\0\x14ispe\0\0\0\0\0\0\0\x10\0\0\0\x10\0"[..],
    ]
    .concat();
    let webp = b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x0f\0\0\x0f\0\0";
    assert_eq!(inspect(&heif).map(|seen| seen.width), Ok(16), "a sound head");
    assert_eq!(refused(&heif), MediaError::Heif);
    assert_eq!(inspect(webp).map(|seen| seen.width), Ok(16), "a sound head");
    assert_eq!(refused(webp), MediaError::WebP);
    assert!(MediaError::Heif.to_string().contains("most compatible"), "says what to do");
}

/// The first box of a file with its brands.
fn boxes(major: &[u8; 4], compatible: &[&[u8; 4]]) -> Vec<u8> {
    let len = (16 + compatible.len() as u32 * 4).to_be_bytes();
    let compatible: Vec<u8> = compatible.iter().copied().flatten().copied().collect();
    [&len[..], b"ftyp", major, b"\0\0\0\0", &compatible].concat()
}

#[test]
fn a_file_of_boxes_is_named_by_its_brands_even_if_nothing_else_of_it_can_be_read() {
    let avif = [
        boxes(b"avif", &[b"mif1", b"miaf"]),
        boxes(b"avis", &[b"avif", b"msf1"]),
        boxes(b"avio", &[b"avif"]),
        boxes(b"mif1", &[b"mif1", b"avif", b"miaf"]),
    ];
    avif.iter().for_each(|file| assert_eq!(refused(file), MediaError::Avif, "{file:?}"));
    assert!(MediaError::Avif.to_string().contains("convert it to JPEG"), "says what to do");
    let heif = [boxes(b"heic", &[b"mif1"]), boxes(b"mif1", &[b"mif1", b"heic"]), boxes(b"hevc", &[]), boxes(b"mif1", &[])];
    heif.iter().for_each(|file| assert_eq!(refused(file), MediaError::Heif, "{file:?}"));
    let films = [boxes(b"mp42", &[b"isom"]), boxes(b"qt  ", &[]), boxes(b"isom", &[b"avc1"]), b"\0\0\0\x03ftyp".to_vec()];
    films.iter().for_each(|file| assert_eq!(refused(file), MediaError::NotAPhoto, "{file:?}"));
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    let small = quarters().jpeg(90);
    assert_eq!(refused(&claiming(&small, 0xc0, 50_000, 50_000)), MediaError::Dimensions(50_000, 50_000));
    let pixels = 12_000 * 12_000;
    let allowed = Limits::default().max_pixels;
    assert_eq!(refused(&claiming(&small, 0xc0, 12_000, 12_000)), MediaError::TooManyPixels { pixels, allowed });
    // 49 megapixels of a few bytes each thousand: no camera's.
    assert_eq!(refused(&claiming(&small, 0xc0, 7_000, 7_000)), MediaError::Truncated);
    assert_eq!(refused(&claiming(&small, 0xc0, 0, 64)), MediaError::Dimensions(0, 64));
}

#[test]
fn a_progressive_picture_beyond_memory_is_refused_by_its_header() {
    let progressive = |sampling| {
        let small = quarters().jpeg_as(ColorType::Rgb, |encoder| {
            encoder.set_progressive(true);
            encoder.set_sampling_factor(sampling);
        });
        // Enough bytes to be believed.
        let at = small.len() - 2;
        move |width, height| {
            let claimed = claiming(&small, 0xc2, width, height);
            prepare(&[&claimed[..at], &[0; 300_000], &claimed[at..]].concat(), 32, &Limits::default())
        }
    };
    let beyond = |made| matches!(made, Err(MediaError::TooMuchMemory { needed, allowed }) if needed > allowed);
    assert!(beyond(progressive(SamplingFactor::F_2_2)(6_400, 4_800)), "6 bytes a pixel");
    assert!(beyond(progressive(SamplingFactor::F_1_1)(5_000, 4_000)), "9 bytes a pixel");
    // 12 megapixels are decoded; that these are nonsense is another matter.
    assert!(!beyond(progressive(SamplingFactor::F_2_2)(4_000, 3_000)));
}

#[test]
fn a_cut_photo_is_never_half_gray() {
    let picture = scene(1, 400, 300);
    for progressive in [false, true] {
        let whole = picture.jpeg_as(ColorType::Rgb, |encoder| encoder.set_progressive(progressive));
        assert!(prepare(&whole, 32, &Limits::default()).is_ok());
        let scan = find(&whole, 0xda);
        for part in 0..20 {
            let cut = scan + (whole.len() - scan) * part / 20;
            assert_eq!(refused(&whole[..cut]), MediaError::Truncated, "{part} of 20");
            // A full card: the rest is there, and empty.
            let mut emptied = whole.clone();
            emptied[cut..].fill(0);
            assert_eq!(refused(&emptied), MediaError::Truncated, "{part} of 20");
        }
        // Without half of its end mark or all of it, every row is there.
        let made = prepare(&whole, 32, &Limits::default()).unwrap();
        for missing in [1, 2] {
            let cut = &whole[..whole.len() - missing];
            assert_eq!(prepare(cut, 32, &Limits::default()).as_ref(), Ok(&made), "progressive {progressive}, without {missing}");
        }
    }
}

#[test]
fn a_cut_png_is_an_error() {
    let picture = scene(2, 200, 150);
    let mut whole = vec![];
    let mut encoder = png::Encoder::new(&mut whole, 200, 150);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(picture.pixels.as_flattened()).unwrap();
    writer.finish().unwrap();
    assert!(prepare(&whole, 32, &Limits::default()).is_ok());
    for part in 1..20 {
        assert_eq!(refused(&whole[..whole.len() * part / 20]), MediaError::Truncated, "{part} of 20");
    }
    for missing in 1..=16 {
        assert_eq!(refused(&whole[..whole.len() - missing]), MediaError::Truncated, "without its last {missing} bytes");
    }
    let mut spoilt = whole.clone();
    let middle = whole.len() / 2;
    spoilt[middle] ^= 1;
    assert_eq!(refused(&spoilt), MediaError::Damaged);
}

#[test]
fn a_damaged_or_rare_jpeg_is_refused() {
    let whole = scene(3, 400, 300).jpeg(90);
    // Its Huffman tables are gone, and the standard has none for progressive pictures: nothing to read the pixels with.
    let progressive = scene(3, 400, 300).jpeg_as(ColorType::Rgb, |encoder| encoder.set_progressive(true));
    assert_eq!(refused(&without_segments(&progressive, 0xc4)), MediaError::Damaged);
    for frame in [0xc3, 0xc5, 0xc9, 0xcf] {
        let mut rare = whole.clone();
        let at = find(&whole, 0xc0);
        rare[at + 1] = frame;
        assert_eq!(refused(&rare), MediaError::RareJpeg);
    }
}

#[test]
fn a_picture_with_a_damaged_middle_is_never_half_gray() {
    for progressive in [false, true] {
        let mut bytes = scene(4, 400, 300).jpeg_as(ColorType::Rgb, |encoder| encoder.set_progressive(progressive));
        // No Huffman code is all ones.
        let middle = bytes.len() * 2 / 3;
        bytes[middle..middle + 40].as_chunks_mut::<2>().0.fill([0xff, 0]);
        assert_eq!(refused(&bytes), MediaError::Damaged, "progressive {progressive}");
    }
}

#[test]
fn endless_segments_end() {
    let mut bytes = quarters().jpeg(90);
    for _ in 0..1_100 {
        bytes = with_segment(&bytes, 0xe1, b"http://ns.adobe.com/xmp/extension/\0");
    }
    assert_eq!(refused(&bytes), MediaError::Damaged);
}
