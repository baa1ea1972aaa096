//! What may be sent and stored: pictures, and no bytes that no eye sees.

use doorstep_media::{BYTES_A_PIXEL, BYTES_BESIDE, Limits, MediaError, inspect_sent, prepare};

use crate::made::{Rgb, noise, quarters, scene, with_segment};

/// A motion photo: a picture with a film behind it.
fn motion() -> Vec<u8> {
    [&scene(4, 640, 480).jpeg(90)[..], b"\0\0\0\x18ftypmp42", &vec![7; 300_000]].concat()
}

#[test]
fn what_stands_behind_a_cameras_picture_is_cut_off_when_it_is_prepared() {
    let (alone, with_film) = (scene(4, 640, 480).jpeg(90), motion());
    let made = prepare(&with_film, 32, &Limits::default()).unwrap();
    for encoded in [&made.photo, &made.thumbnail] {
        assert!(encoded.bytes.ends_with(&[0xff, 0xd9]), "it ends with its picture");
        assert_eq!(inspect_sent(&encoded.bytes).unwrap().id, encoded.id);
    }
    assert_eq!(made, prepare(&alone, 32, &Limits::default()).unwrap(), "the film leaves no trace");
}

#[test]
fn bytes_behind_a_sent_picture_are_refused() {
    let plain = quarters().jpeg(90);
    assert!(inspect_sent(&plain).is_ok());
    assert_eq!(inspect_sent(&motion()), Err(MediaError::Trailing(300_012)));
    assert_eq!(inspect_sent(&[&plain[..], &[0]].concat()), Err(MediaError::Trailing(1)));
    assert_eq!(inspect_sent(&[&plain[..], &plain].concat()), Err(MediaError::Trailing(plain.len())), "a second picture");
    assert_eq!(inspect_sent(&plain[..plain.len() - 2]), Err(MediaError::Truncated));
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0\x12\x16\xf1\x4d";
    assert_eq!(inspect_sent(png), Err(MediaError::NotAPhoto), "only JPEG is sent");
}

#[test]
fn padding_within_a_picture_is_refused_beyond_what_its_pixels_explain() {
    let plain = quarters().jpeg(90);
    let allowed = 96 * 64 * BYTES_A_PIXEL + BYTES_BESIDE;
    let with_comments = |comments: usize| {
        let comment = vec![7; 30_000];
        (0..comments).fold(plain.clone(), |bytes, _| with_segment(&bytes, 0xfe, &comment))
    };
    assert!(inspect_sent(&with_comments(2)).is_ok());
    let much = with_comments(3);
    assert_eq!(inspect_sent(&much), Err(MediaError::TooManyBytes { bytes: much.len() as u64, allowed }));
    // Among the pixels, where a decoder skips it.
    let (head, end) = plain.split_at(plain.len() - 2);
    let among = [head, &vec![0; 100_000], end].concat();
    assert_eq!(inspect_sent(&among), Err(MediaError::TooManyBytes { bytes: among.len() as u64, allowed }));
}

#[test]
fn no_picture_that_is_prepared_comes_near_the_bound_however_it_is_made() {
    let pictures: [Rgb; 4] = [noise(1600, 1200), noise(1600, 3), noise(1, 1), scene(9, 800, 600)];
    for picture in pictures {
        let made = prepare(&picture.jpeg(100), 32, &Limits { photo_bytes: usize::MAX, ..Limits::default() }).unwrap();
        let pixels = f64::from(made.photo.width * made.photo.height);
        let of_pixel = made.photo.bytes.len() as f64 / pixels;
        println!("{} x {}: {} bytes, {of_pixel:.2} a pixel", made.photo.width, made.photo.height, made.photo.bytes.len());
        assert!(pixels < 10_000.0 || of_pixel * 2.0 < BYTES_A_PIXEL as f64, "{of_pixel:.2} bytes a pixel");
        assert!(inspect_sent(&made.photo.bytes).is_ok() && inspect_sent(&made.thumbnail.bytes).is_ok());
    }
}
