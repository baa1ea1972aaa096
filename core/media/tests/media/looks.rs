//! What the numbers about a picture say.

use doorstep_media::{LOOKS_ALIKE, Limits, Prepared, look_distance, prepare};

use crate::made::{Rgb, scene};

fn made(picture: &Rgb, quality: u8) -> Prepared {
    prepare(&picture.jpeg(quality), 32, &Limits::default()).unwrap()
}

fn half(picture: &Rgb) -> Rgb {
    Rgb::of(picture.width / 2, picture.height / 2, |x, y| picture.at(x * 2, y * 2))
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
