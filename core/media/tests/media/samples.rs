//! Real camera files, where the folder of samples is beside the checkout.

use std::{fs, path::PathBuf};

use doorstep_domain::MAX_PLACEHOLDER;
use doorstep_media::{
    LOOKS_ALIKE, Limits, MAX_THUMBNAIL, MediaError, Prepared, inspect_sent, look_distance, prepare, tells_position,
};

use crate::made::Rgb;

#[allow(clippy::disallowed_methods, reason = "a test reads its samples")]
fn samples() -> Vec<(String, Vec<u8>)> {
    let Ok(folder) = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/photos")) else {
        println!("not run: no sample photos beside the checkout");
        return vec![];
    };
    let mut files: Vec<PathBuf> = folder.map(|file| file.unwrap().path()).collect();
    files.sort();
    let named = |file: &PathBuf| (file.file_name().unwrap().to_string_lossy().into_owned(), fs::read(file).unwrap());
    files.iter().filter(|file| file.extension().is_some_and(|e| e == "jpg" || e == "HEIC")).map(named).collect()
}

fn photos() -> Vec<(String, Vec<u8>, Prepared)> {
    let jpegs = samples().into_iter().filter(|(name, _)| name.ends_with(".jpg"));
    let made = |(name, bytes): (String, Vec<u8>)| {
        let made = prepare(&bytes, 32, &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, bytes, made)
    };
    jpegs.map(made).collect()
}

#[test]
fn every_sample_becomes_a_photo_or_says_what_to_do() {
    for (name, bytes) in samples().iter().filter(|(name, _)| name.ends_with(".HEIC")) {
        assert_eq!(prepare(bytes, 32, &Limits::default()).unwrap_err(), MediaError::Heif, "{name}");
    }
    for (name, bytes, made) in photos() {
        let (photo, thumbnail, clarity) = (&made.photo, &made.thumbnail, made.clarity);
        println!("{name}: {} bytes, {photo:?}, {thumbnail:?}, {clarity:?}, {:?}", bytes.len(), made.capture);
        assert!(photo.width.max(photo.height) <= 1600 && photo.bytes.len() <= Limits::default().photo_bytes, "{name}");
        assert!(thumbnail.bytes.len() <= MAX_THUMBNAIL && made.placeholder.len() <= MAX_PLACEHOLDER, "{name}");
        assert!(inspect_sent(&photo.bytes).is_ok() && inspect_sent(&thumbnail.bytes).is_ok(), "{name}");
        // What another client sends as the camera made it, but for what stands behind it.
        assert!(!matches!(inspect_sent(&bytes), Err(MediaError::TooManyBytes { .. })), "{name}");
        assert!(!tells_position(&photo.bytes) && !tells_position(&thumbnail.bytes), "{name}");
        assert_eq!(tells_position(&bytes), made.capture.position.is_some(), "{name}");
    }
}

#[test]
fn the_turned_samples_come_out_as_the_upright_one() {
    let photos = photos();
    let portraits: Vec<&Prepared> = photos.iter().filter(|(name, ..)| name.starts_with("portrait")).map(|p| &p.2).collect();
    for turned in portraits.iter().skip(1) {
        let distance = look_distance(portraits[0].look, turned.look);
        assert!(turned.photo.height > turned.photo.width && distance <= LOOKS_ALIKE, "{distance}");
    }
}

#[test]
fn a_sample_looks_like_itself_and_like_no_other() {
    let photos = photos();
    let (mut same, mut other) = (0, 64);
    for (n, (name, _, made)) in photos.iter().enumerate() {
        let picture = Rgb::decode(&made.photo.bytes);
        let half = Rgb::of(picture.width / 2, picture.height / 2, |x, y| picture.at(x * 2, y * 2));
        let framed = Rgb::of(picture.width * 99 / 100, picture.height * 99 / 100, |x, y| picture.at(x, y));
        for (how, changed) in [
            ("saved again", picture.jpeg(40)),
            ("half as large", half.jpeg(85)),
            ("brighter", picture.map(|v| v.saturating_add(30)).jpeg(85)),
            ("darker", picture.map(|v| v / 2).jpeg(85)),
            ("cut by a hundredth", framed.jpeg(85)),
        ] {
            let distance = look_distance(made.look, prepare(&changed, 32, &Limits::default()).unwrap().look);
            same = same.max(distance);
            assert!(distance <= LOOKS_ALIKE, "{name}, {how}: {distance}");
        }
        // The portraits are one picture, turned.
        for (theirs, _, different) in
            photos.iter().skip(n + 1).filter(|p| !(name.starts_with("portrait") && p.0.starts_with("portrait")))
        {
            let distance = look_distance(made.look, different.look);
            other = other.min(distance);
            assert!(distance > LOOKS_ALIKE, "{name} and {theirs}: {distance}");
        }
    }
    println!("looks: at most {same} bits within a picture, at least {other} between two");
}
