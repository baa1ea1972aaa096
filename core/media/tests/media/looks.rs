//! What the numbers about a picture say.

use doorstep_media::{LOOKS_ALIKE, Limits, Prepared, look_distance, looks, prepare};

use crate::made::{Rgb, scene};

fn made(picture: &Rgb, quality: u8) -> Prepared {
    prepare(&picture.jpeg(quality), 32, &Limits::default()).unwrap()
}

fn half(picture: &Rgb) -> Rgb {
    Rgb::of(picture.width / 2, picture.height / 2, |x, y| picture.at(x * 2, y * 2))
}

/// The picture without some columns at its left and right.
fn cut(picture: &Rgb, left: u32, right: u32) -> Rgb {
    Rgb::of(picture.width - left - right, picture.height, |x, y| picture.at(x + left, y))
}

#[test]
fn the_same_picture_looks_alike_however_it_was_saved() {
    for number in 0..6 {
        let picture = scene(number, 600, 450);
        let look = made(&picture, 95).look;
        let changed = [
            ("saved again", made(&picture, 40).look),
            ("half as large", made(&half(&picture), 90).look),
            ("brighter", made(&picture.map(|v| v.saturating_add(40)), 90).look),
            ("darker", made(&picture.map(|v| v / 2), 90).look),
            ("blurred", made(&picture.blurred(3), 90).look),
        ];
        for (how, changed) in changed {
            let distance = look_distance(look, changed);
            assert!(distance <= LOOKS_ALIKE, "scene {number}, {how}: {distance}");
        }
    }
}

#[test]
fn a_picture_cut_by_a_twentieth_at_one_side_looks_alike() {
    let mut most = 0;
    for number in 0..12 {
        let picture = scene(number, 600, 450);
        let look = made(&picture, 95).look;
        for (side, framed) in [("left", cut(&picture, 30, 0)), ("right", cut(&picture, 0, 30))] {
            let distance = look_distance(look, made(&framed, 90).look);
            assert!(distance <= LOOKS_ALIKE, "scene {number}, {side}: {distance}");
            most = most.max(distance);
        }
    }
    assert!(most > 10, "one of them is far enough to be missed by a narrower limit: {most}");
}

#[test]
fn different_pictures_do_not_look_alike() {
    let looks: Vec<u64> = (0..12).map(|number| made(&scene(number, 300, 225), 90).look).collect();
    for (n, look) in looks.iter().enumerate() {
        for (other, seen) in looks.iter().enumerate().skip(n + 1) {
            let distance = look_distance(*look, *seen);
            assert!(distance > LOOKS_ALIKE, "scenes {n} and {other}: {distance}");
        }
    }
}

#[test]
fn blur_takes_sharpness_away() {
    for number in 0..4 {
        let picture = scene(number, 1000, 750);
        let sharp = made(&picture, 90).clarity.sharpness;
        let soft = made(&picture.blurred(2), 90).clarity.sharpness;
        let blurred = made(&picture.blurred(6), 90).clarity.sharpness;
        assert!(soft * 3 < sharp && blurred * 3 < soft, "scene {number}: {sharp}, {soft}, {blurred}");
    }
}

#[test]
fn sharpness_is_measured_at_one_size() {
    let small = scene(1, 800, 600);
    let twice = Rgb::of(1600, 1200, |x, y| small.at(x / 2, y / 2));
    let (twice, small) = (made(&twice, 95).clarity.sharpness, made(&small, 95).clarity.sharpness);
    assert!(twice.abs_diff(small) * 3 < small, "{twice}, {small}");
}

#[test]
fn light_is_measured() {
    let picture = scene(2, 400, 300);
    let light = |change: fn(u8) -> u8| made(&picture.map(change), 90).clarity.light;
    let (dark, plain, bright) = (light(|v| v / 6), light(|v| v), light(|v| 255 - (255 - v) / 6));
    assert!(dark < 40 && (50..200).contains(&plain) && bright > 215, "{dark}, {plain}, {bright}");
    let black = Rgb::of(64, 64, |_, _| [0; 3]);
    assert_eq!(made(&black, 90).clarity.light, 0);
    assert_eq!(made(&black.map(|_| 255), 90).clarity.light, 255);
}

#[test]
fn a_turned_or_mirrored_picture_looks_like_one_of_the_eight_positions_and_another_picture_like_none() {
    for number in 0..6 {
        let picture = scene(number, 400, 300);
        let positions = looks(&picture.jpeg(90), 1_000_000).unwrap();
        assert!(look_distance(positions[0], made(&picture, 90).look) <= LOOKS_ALIKE, "scene {number}: its own look");
        let (width, height) = (picture.width, picture.height);
        let disguises = [
            ("mirrored", Rgb::of(width, height, |x, y| picture.at(width - 1 - x, y))),
            ("turned by 90 degrees", Rgb::of(height, width, |x, y| picture.at(y, height - 1 - x))),
            ("turned by 180 degrees", Rgb::of(width, height, |x, y| picture.at(width - 1 - x, height - 1 - y))),
            ("turned by 270 degrees", Rgb::of(height, width, |x, y| picture.at(width - 1 - y, x))),
        ];
        for (how, disguise) in disguises {
            let look = made(&disguise, 70).look;
            let nearest = positions.iter().map(|position| look_distance(*position, look)).min().unwrap();
            assert!(nearest <= LOOKS_ALIKE, "scene {number}, {how}: {nearest}");
        }
        let other = made(&scene(number + 1, 400, 300), 90).look;
        assert!(positions.iter().all(|position| look_distance(*position, other) > LOOKS_ALIKE), "scene {number}");
    }
    assert!(looks(&scene(0, 400, 300).jpeg(90), 100_000).is_err(), "more pixels than are measured");
    assert!(looks(b"no picture", 100_000).is_err());
}
