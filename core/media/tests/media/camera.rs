//! What the camera said is read, and is gone from the bytes.

use doorstep_domain::{Capture, GeoPosition, MAX_CAMERA, UnixMs};
use doorstep_media::{Limits, prepare, tells_position};

use crate::made::{Field, ascii, fractions, quarters, tiff, with_exif, with_segment};

/// 2026-02-03T04:05:06Z.
const AT: i64 = 1_770_091_506_000;

fn position(kind: u16, north: &str) -> Vec<Field> {
    vec![
        ascii(1, north),
        fractions(2, kind, &[(31, 1), (14, 1), (2_712, 100)]),
        ascii(3, "E"),
        fractions(4, kind, &[(121, 1), (2_844, 100)]),
    ]
}

fn full() -> Vec<u8> {
    let camera = vec![ascii(0x10f, "HUAWEI"), ascii(0x110, "Mate 60 Pro")];
    tiff(camera, &[ascii(0x9003, "2026:02:03 12:05:06"), ascii(0x9011, "+08:00"), ascii(0x9291, "25")], &position(5, "N"))
}

fn capture(tiff: &[u8], zone_quarters: i8) -> Capture {
    prepare(&with_exif(&quarters().jpeg(90), tiff), zone_quarters, &Limits::default()).unwrap().capture
}

#[test]
fn what_the_camera_said_goes_to_the_entry() {
    let told = capture(&full(), 0);
    assert_eq!(told.at, Some(UnixMs(AT + 250)));
    assert_eq!(told.position, GeoPosition::new(312_408_667, 1_214_740_000));
    assert_eq!(told.camera.as_deref(), Some("HUAWEI Mate 60 Pro"));
}

#[test]
fn nothing_of_it_stays_in_the_bytes() {
    let xmp = b"http://ns.adobe.com/xap/1.0/\0<x exif:GPSLatitude='31,14.4N'/>";
    let mut bytes = with_exif(&quarters().jpeg(90), &full());
    bytes = with_segment(&bytes, 0xe1, xmp);
    bytes = with_segment(&bytes, 0xfe, b"a comment");
    bytes = with_segment(&bytes, 0xed, b"Photoshop 3.0\0 by a person");
    let made = prepare(&bytes, 32, &Limits::default()).unwrap();
    for encoded in [made.photo, made.thumbnail] {
        for word in [&b"Exif"[..], b"HUAWEI", b"2026", b"http", b"comment", b"person"] {
            assert!(!encoded.bytes.windows(word.len()).any(|part| part == word), "{}", String::from_utf8_lossy(word));
        }
        // A JFIF head, tables, one scan: no other segment.
        let markers: Vec<u8> = encoded.bytes.windows(2).filter(|p| p[0] == 0xff && p[1] >= 0xe0).map(|p| p[1]).collect();
        assert_eq!(markers.iter().filter(|marker| **marker != 0xff).collect::<Vec<_>>(), [&0xe0]);
        assert!(!tells_position(&encoded.bytes));
    }
}

#[test]
fn a_position_is_found_wherever_it_hides() {
    let plain = quarters().jpeg(90);
    let placed = with_exif(&plain, &full());
    assert!(!tells_position(&plain));
    assert!(tells_position(&placed));
    assert!(tells_position(&[&plain[..], &placed].concat()), "in a picture behind the picture");
    assert!(tells_position(&with_segment(&plain, 0xe1, b"http://ns.adobe.com/xap/1.0/\0<exif:GPSLatitude>31,14.4N")));
    let unreadable = tiff(vec![], &[], &[fractions(2, 5, &[(999, 0)])]);
    assert!(tells_position(&with_exif(&plain, &unreadable)), "one that we can not read may be read by another");
    let nowhere = tiff(vec![ascii(0x10f, "HUAWEI")], &[ascii(0x9003, "2026:02:03 12:05:06")], &[]);
    assert!(!tells_position(&with_exif(&plain, &nowhere)));
    for cut in 0..placed.len().min(900) {
        tells_position(&placed[..cut]);
    }
    assert!(!tells_position(b"") && !tells_position(b"Exif\0\0"));
}

#[test]
fn a_time_without_a_zone_is_the_devices() {
    let local = |zone: &str| tiff(vec![], &[ascii(0x9003, "2026:02:03 04:05:06"), ascii(0x9011, zone)], &[]);
    assert_eq!(capture(&local("   :  "), 0).at, Some(UnixMs(AT)));
    assert_eq!(capture(&local("   :  "), 32).at, Some(UnixMs(AT - 8 * 3_600_000)));
    assert_eq!(capture(&local("-03:30"), 32).at, Some(UnixMs(AT + 12_600_000)), "the camera's own zone goes first");
    assert_eq!(capture(&local("+99:00"), -4).at, Some(UnixMs(AT + 3_600_000)), "no zone on earth");
}

#[test]
fn a_zone_is_taken_from_whatever_time_states_it() {
    let taken = ascii(0x9003, "2026:02:03 12:05:06");
    for (tag, zone) in [(0x9011, "+08:00"), (0x9010, "+08:00"), (0x9012, "+08:00"), (0x9010, "+0800")] {
        let told = tiff(vec![], &[Field(taken.0, taken.1, taken.2, taken.3.clone()), ascii(tag, zone)], &[]);
        assert_eq!(capture(&told, 0).at, Some(UnixMs(AT)), "{tag:x} {zone}");
    }
    let both = tiff(vec![], &[taken, ascii(0x9010, "+01:00"), ascii(0x9011, "+08:00")], &[]);
    assert_eq!(capture(&both, 0).at, Some(UnixMs(AT)), "its own zone goes first");
}

#[test]
fn the_time_of_the_file_is_taken_if_there_is_no_other() {
    let changed = || ascii(0x132, "2026:02:03 12:05:06");
    let at = |camera: Vec<Field>, exposure: &[Field], zone| capture(&tiff(camera, exposure, &[]), zone).at;
    assert_eq!(at(vec![changed()], &[], 32), Some(UnixMs(AT)));
    assert_eq!(at(vec![changed()], &[ascii(0x9010, "+08:00"), ascii(0x9290, "5")], 0), Some(UnixMs(AT + 500)));
    assert_eq!(at(vec![changed()], &[ascii(0x9003, "0000:00:00 00:00:00")], 32), Some(UnixMs(AT)), "an empty one is none");
    assert_eq!(at(vec![], &[ascii(0x9004, "2026:02:03 12:05:06")], 32), Some(UnixMs(AT)), "the time as a file");
    let taken = [ascii(0x9003, "2026:02:03 12:05:06")];
    assert_eq!(at(vec![ascii(0x132, "2026:03:01 00:00:00")], &taken, 32), Some(UnixMs(AT)), "the camera's own goes first");
}

#[test]
fn what_one_exif_block_does_not_say_another_may() {
    let plain = quarters().jpeg(90);
    let edited = || tiff(vec![ascii(0x131, "an editor"), ascii(0x132, "2026:03:01 00:00:00")], &[], &[]);
    let broken = || b"MM\0\x2a\0\0".to_vec();
    let other = || tiff(vec![ascii(0x10f, "Other")], &[ascii(0x9003, "2020:01:01 00:00:00")], &position(5, "S"));
    let read = |blocks: &[Vec<u8>]| {
        let bytes = blocks.iter().rev().fold(plain.clone(), |bytes, block| with_exif(&bytes, block));
        assert!(tells_position(&bytes));
        prepare(&bytes, 0, &Limits::default()).unwrap().capture
    };
    for blocks in [vec![full()], vec![edited(), full()], vec![broken(), full()], vec![full(), edited()], vec![full(), other()]] {
        let told = read(&blocks);
        assert_eq!(told.at, Some(UnixMs(AT + 250)));
        assert_eq!(told.position, GeoPosition::new(312_408_667, 1_214_740_000));
        assert_eq!(told.camera.as_deref(), Some("HUAWEI Mate 60 Pro"));
    }
}

#[test]
fn a_time_that_can_not_be_is_none() {
    for text in ["0000:00:00 00:00:00", "    :  :     :  :  ", "2026:02:30 04:05:06", "2026:02:03 25:05:06", "yesterday", ""] {
        assert_eq!(capture(&tiff(vec![], &[ascii(0x9003, text)], &[]), 32).at, None, "{text}");
    }
}

#[test]
fn a_position_is_taken_only_if_it_is_one() {
    let place = |fields: Vec<Field>| capture(&tiff(vec![], &[], &fields), 32).position;
    assert_eq!(place(position(5, "S")), GeoPosition::new(-312_408_667, 1_214_740_000));
    assert_eq!(place(position(10, "N")), GeoPosition::new(312_408_667, 1_214_740_000), "as a Nokia writes it");
    assert_eq!(place(position(5, "X")), None);
    let mut without_fix = position(5, "N");
    without_fix.push(ascii(9, "V"));
    assert_eq!(place(without_fix), None);
    let null = |n| vec![ascii(1, "N"), fractions(2, 5, &[n; 3]), ascii(3, "E"), fractions(4, 5, &[n; 3])];
    assert_eq!(place(null((0, 0))), None);
    assert_eq!(place(null((0, 1))), None);
    assert_eq!(place(null((u32::MAX, 1))), None);
    assert_eq!(place(null((100, 1))), None, "a latitude past the pole");
}

#[test]
fn a_position_has_the_accuracy_that_the_camera_says_in_whole_metres() {
    let accuracy = |kind: u16, said: &[(u32, u32)]| {
        let mut fields = position(5, "N");
        fields.push(fractions(0x1f, kind, said));
        capture(&tiff(vec![], &[], &fields), 32).position.unwrap().accuracy_m
    };
    assert_eq!(accuracy(5, &[(4_712, 1_000)]), Some(5), "as an iPhone writes it");
    assert_eq!(accuracy(10, &[(30, 1)]), Some(30));
    assert_eq!(accuracy(5, &[(0, 1)]), Some(0));
    assert_eq!(accuracy(5, &[(u32::MAX, 1)]), Some(u32::MAX));
    assert_eq!((accuracy(5, &[(0, 0)]), accuracy(5, &[(5, 0)]), accuracy(5, &[])), (None, None, None));
    assert_eq!(accuracy(10, &[(u32::MAX, 1)]), None, "less than nothing");
}

#[test]
fn a_cameras_name_is_short_and_printable() {
    let camera = |make: &str, model: &str| capture(&tiff(vec![ascii(0x10f, make), ascii(0x110, model)], &[], &[]), 32).camera;
    assert_eq!(camera("Canon", "Canon EOS R5").as_deref(), Some("Canon EOS R5"));
    assert_eq!(camera(" HMD\x01Global ", "").as_deref(), Some("HMDGlobal"));
    assert_eq!(camera("", ""), None);
    let long = camera(&"华".repeat(40), "x").unwrap();
    assert!(long.len() <= MAX_CAMERA && long.starts_with('华') && long.len() > MAX_CAMERA - 3, "{long}");
}

#[test]
fn broken_metadata_never_cost_a_photo() {
    let whole = full();
    for cut in 0..whole.len() {
        capture(&whole[..cut], 32);
    }
    for at in 0..whole.len() {
        let mut spoilt = whole.clone();
        spoilt[at] ^= 0xff;
        capture(&spoilt, 32);
    }
}
