//! The shape of what comes out: sizes, bytes, sameness.

use doorstep_domain::MAX_PLACEHOLDER;
use doorstep_media::{Format, Limits, MAX_STORED, MAX_THUMBNAIL, inspect, photo_id, prepare};
use jpeg_encoder::ColorType;

use crate::made::{Rgb, noise, quarters, scene};

#[test]
fn a_photo_is_made_smaller_and_never_larger() {
    let large = prepare(&scene(4, 2000, 1500).jpeg(90), 32, &Limits::default()).unwrap();
    assert_eq!((large.photo.width, large.photo.height), (1600, 1200));
    assert_eq!((large.thumbnail.width, large.thumbnail.height), (288, 216));
    let tall = prepare(&scene(4, 900, 1800).jpeg(90), 32, &Limits::default()).unwrap();
    assert_eq!((tall.photo.width, tall.photo.height), (800, 1600));
    let small = prepare(&quarters().jpeg(90), 32, &Limits::default()).unwrap();
    assert_eq!((small.photo.width, small.photo.height), (96, 64));
    assert_eq!((small.thumbnail.width, small.thumbnail.height), (96, 64));
    let line = prepare(&Rgb::of(4000, 1, |x, _| [x as u8; 3]).jpeg(90), 32, &Limits::default()).unwrap();
    assert_eq!((line.photo.width, line.photo.height), (1600, 1));
}

#[test]
fn what_comes_out_says_what_it_is() {
    let made = prepare(&scene(5, 700, 500).jpeg(90), 32, &Limits::default()).unwrap();
    for encoded in [made.photo, made.thumbnail] {
        let seen = inspect(&encoded.bytes).unwrap();
        assert_eq!((seen.format, seen.id), (Format::Jpeg, encoded.id));
        assert_eq!((seen.width, seen.height), (encoded.width as usize, encoded.height as usize));
        assert_eq!(encoded.id, photo_id(&encoded.bytes));
    }
}

#[test]
fn a_photo_can_be_prepared_again() {
    let first = prepare(&scene(6, 2000, 1500).jpeg(90), 32, &Limits::default()).unwrap();
    let again = prepare(&first.photo.bytes, 32, &Limits::default()).unwrap();
    assert_eq!((again.photo.width, again.photo.height), (first.photo.width, first.photo.height));
    assert!(Rgb::decode(&again.photo.bytes).difference(&Rgb::decode(&first.photo.bytes)) < 3.0);
}

#[test]
fn even_noise_gives_a_small_thumbnail_and_a_photo_that_can_be_stored() {
    for limits in [Limits::default(), Limits { thumbnail_edge: 1600, ..Limits::default() }] {
        let made = prepare(&noise(1600, 1200).jpeg(95), 32, &limits).unwrap();
        assert!(made.thumbnail.bytes.len() <= MAX_THUMBNAIL, "{}", made.thumbnail.bytes.len());
        assert!(made.thumbnail.width > 64, "{}", made.thumbnail.width);
        assert!(made.photo.bytes.len() <= MAX_STORED);
    }
}

#[test]
fn a_profile_leaves_room_for_the_thumbnail() {
    let mut profile = [&[0; 16][..], b"RGB ", &[0; 16], b"acsp"].concat();
    profile.resize(4096, 1);
    let bytes = noise(400, 300).jpeg_as(ColorType::Rgb, |encoder| encoder.add_icc_profile(&profile).unwrap());
    let made = prepare(&bytes, 32, &Limits::default()).unwrap();
    assert!((4096..=MAX_THUMBNAIL).contains(&made.thumbnail.bytes.len()), "{}", made.thumbnail.bytes.len());
}

#[test]
fn a_detailed_photo_is_saved_with_less_quality_until_it_is_small() {
    let detailed = scene(7, 1600, 1200);
    let grainy = noise(1600, 1200);
    let mixed = Rgb::of(1600, 1200, |x, y| {
        let (a, b) = (detailed.at(x, y), grainy.at(x, y));
        [0, 1, 2].map(|n| a[n] / 8 * 7 + b[n] / 8)
    });
    let len = |photo_bytes| prepare(&mixed.jpeg(95), 32, &Limits { photo_bytes, ..Limits::default() }).unwrap().photo.bytes.len();
    let (free, held, least) = (len(usize::MAX), len(250_000), len(0));
    assert!(free > 250_000 && held <= 250_000, "{free}, {held}");
    assert!(least < held && least > 100_000, "there is a floor: {least}");
}

#[test]
fn placeholders_are_short_and_tell_the_colours() {
    for (width, height) in [(1, 1), (64, 64), (400, 3), (3, 400), (640, 480)] {
        let made = prepare(&Rgb::of(width, height, |_, _| [200, 30, 30]).jpeg(90), 32, &Limits::default()).unwrap();
        assert!((5..=MAX_PLACEHOLDER).contains(&made.placeholder.len()));
        let (red, green, blue, _) = thumbhash::thumb_hash_to_average_rgba(&made.placeholder).unwrap();
        assert!(red > 0.6 && green < 0.35 && blue < 0.35, "{red} {green} {blue}");
    }
}

#[test]
fn the_same_bytes_give_the_same_result() {
    let bytes = scene(8, 1700, 1300).jpeg(90);
    let first = prepare(&bytes, 32, &Limits::default()).unwrap();
    assert_eq!(prepare(&bytes, 32, &Limits::default()).unwrap(), first);
}
