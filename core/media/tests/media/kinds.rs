//! Every kind of file that is taken comes out as the same picture.

use doorstep_media::{Limits, prepare};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use png::{BitDepth, ColorType as Png};

use crate::made::{Rgb, find, quarters, short, tiff, with_exif, with_segment};

/// What is made of a file.
fn made(bytes: &[u8]) -> Rgb {
    Rgb::decode(&prepare(bytes, 32, &Limits::default()).unwrap().photo.bytes)
}

fn assert_like(kind: &str, made: &Rgb, wanted: &Rgb) {
    let difference = made.difference(wanted);
    assert!(difference < 4.0, "{kind}: a sample is {difference:.1} away");
}

#[test]
fn a_jpeg_of_any_sampling_and_order_comes_out_as_it_went_in() {
    let sampled = |sampling: SamplingFactor, progressive: bool, restart: u16| {
        move |encoder: &mut Encoder<&mut Vec<u8>>| {
            encoder.set_sampling_factor(sampling);
            encoder.set_progressive(progressive);
            encoder.set_restart_interval(restart);
        }
    };
    let picture = quarters();
    for progressive in [false, true] {
        for restart in [0, 3] {
            for (name, sampling) in
                [("4:4:4", SamplingFactor::F_1_1), ("4:2:2", SamplingFactor::F_2_1), ("4:2:0", SamplingFactor::F_2_2)]
            {
                let bytes = picture.jpeg_as(ColorType::Rgb, sampled(sampling, progressive, restart));
                assert_like(&format!("{name}, progressive {progressive}, restart {restart}"), &made(&bytes), &picture);
            }
        }
    }
}

#[test]
fn odd_sizes_keep_their_last_row_and_column() {
    let border = Rgb::of(61, 43, |x, y| if x == 60 || y == 42 { [250; 3] } else { [20; 3] });
    let bytes = border.jpeg_as(ColorType::Rgb, |encoder| encoder.set_sampling_factor(SamplingFactor::F_2_2));
    assert_like("odd", &made(&bytes), &border);
    let dot = Rgb::of(1, 1, |_, _| [90, 120, 60]);
    assert_like("one pixel", &made(&dot.jpeg(95)), &dot);
}

#[test]
fn a_gray_jpeg_comes_out_gray() {
    let gray = Rgb { pixels: quarters().pixels.iter().map(|p| [p[1]; 3]).collect(), ..quarters() };
    for progressive in [false, true] {
        let bytes = gray.jpeg_as(ColorType::Luma, |encoder| encoder.set_progressive(progressive));
        assert_like("gray", &made(&bytes), &gray);
    }
}

#[test]
fn a_jpeg_in_printing_inks_comes_out_in_its_colours() {
    for kind in [ColorType::Cmyk, ColorType::CmykAsYcck] {
        let bytes = quarters().jpeg_as(kind, |_| {});
        assert_like(&format!("{kind:?}"), &made(&bytes), &quarters());
    }
}

/// The head of a colour profile; nobody here reads on.
fn profile(name: &[u8], len: usize) -> Vec<u8> {
    let mut profile = [&[0; 16][..], b"RGB ", &[0; 16], b"acsp", &[0; 90], name].concat();
    profile.resize(len, 7);
    profile
}

#[test]
fn only_a_profile_that_colours_need_is_kept() {
    let with = |profile: &[u8]| {
        let bytes = quarters().jpeg_as(ColorType::Rgb, |encoder| encoder.add_icc_profile(profile).unwrap());
        let made = prepare(&bytes, 32, &Limits::default()).unwrap();
        [made.photo.bytes, made.thumbnail.bytes].map(|bytes| bytes.windows(11).any(|part| part == b"ICC_PROFILE"))
    };
    assert_eq!(with(&profile(b"Display P3", 548)), [true; 2]);
    assert_eq!(with(&profile(b"sRGB IEC61966-2.1", 3144)), [false; 2]);
    assert_eq!(with(&profile(b"ProPhoto with a manual", 90_000)), [false; 2]);
}

#[test]
fn a_picture_comes_out_upright_however_the_camera_was_held() {
    let upright = quarters();
    let (w, h) = (96, 64);
    for orientation in 1..=8u16 {
        // What the sensor saw, by the table of EXIF 2.3: where its first row and column are in the upright picture.
        let stored = match orientation {
            1 => Rgb::of(w, h, |x, y| upright.at(x, y)),
            2 => Rgb::of(w, h, |x, y| upright.at(w - 1 - x, y)),
            3 => Rgb::of(w, h, |x, y| upright.at(w - 1 - x, h - 1 - y)),
            4 => Rgb::of(w, h, |x, y| upright.at(x, h - 1 - y)),
            5 => Rgb::of(h, w, |x, y| upright.at(y, x)),
            6 => Rgb::of(h, w, |x, y| upright.at(w - 1 - y, x)),
            7 => Rgb::of(h, w, |x, y| upright.at(w - 1 - y, h - 1 - x)),
            _ => Rgb::of(h, w, |x, y| upright.at(y, h - 1 - x)),
        };
        let told = tiff(vec![short(0x112, orientation)], &[], &[]);
        let made = prepare(&with_exif(&stored.jpeg(95), &told), 32, &Limits::default()).unwrap();
        for encoded in [&made.photo, &made.thumbnail] {
            assert_eq!((encoded.width, encoded.height), (w, h));
            assert_like(&format!("orientation {orientation}"), &Rgb::decode(&encoded.bytes), &upright);
        }
    }
}

#[test]
fn what_a_motion_photo_has_behind_its_picture_is_left_out() {
    let mut bytes = quarters().jpeg(95);
    bytes.extend(b"\0\0\0\x18ftypmp42 a film");
    bytes.extend(Rgb::of(16, 16, |_, _| [1; 3]).jpeg(50));
    assert_like("motion", &made(&bytes), &quarters());
}

#[test]
fn fill_bytes_and_foreign_segments_do_no_harm() {
    let bytes = with_segment(&quarters().jpeg(95), 0xe5, b"anything");
    let sof = find(&bytes, 0xc0);
    let filled = [&bytes[..sof], b"\xff\xff", &bytes[sof..]].concat();
    assert_like("filled", &made(&filled), &quarters());
}

fn png(kind: Png, depth: BitDepth, pixels: &[u8], set: impl Fn(&mut png::Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut file = vec![];
    let mut encoder = png::Encoder::new(&mut file, 96, 64);
    encoder.set_color(kind);
    encoder.set_depth(depth);
    set(&mut encoder);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(pixels).unwrap();
    writer.finish().unwrap();
    file
}

#[test]
fn a_png_of_any_kind_comes_out_as_it_went_in() {
    let picture = quarters();
    let bytes = picture.pixels.as_flattened();
    let wide: Vec<u8> = bytes.iter().flat_map(|v| [*v, 99]).collect();
    assert_like("8 bits", &made(&png(Png::Rgb, BitDepth::Eight, bytes, |_| {})), &picture);
    assert_like("16 bits", &made(&png(Png::Rgb, BitDepth::Sixteen, &wide, |_| {})), &picture);

    let gray = Rgb { pixels: picture.pixels.iter().map(|p| [p[0]; 3]).collect(), ..picture };
    let one: Vec<u8> = gray.pixels.iter().map(|p| p[0]).collect();
    assert_like("gray", &made(&png(Png::Grayscale, BitDepth::Eight, &one, |_| {})), &gray);

    let palette = [[200, 40, 40], [40, 180, 60], [40, 60, 200], [230, 220, 90]];
    let picture = quarters();
    let indices: Vec<u8> = picture.pixels.iter().map(|p| palette.iter().position(|c| c == p).unwrap() as u8).collect();
    let packed: Vec<u8> = indices.chunks(4).map(|n| n.iter().fold(0, |byte, index| byte << 2 | index)).collect();
    let bytes = png(Png::Indexed, BitDepth::Two, &packed, |encoder| encoder.set_palette(palette.as_flattened().to_vec()));
    assert_like("palette", &made(&bytes), &picture);
}

#[test]
fn what_is_transparent_shows_white() {
    let picture = quarters();
    let half = Rgb { pixels: picture.pixels.iter().map(|p| p.map(|v| ((u32::from(v) + 255) / 2) as u8)).collect(), ..picture };
    let picture = quarters();
    let clear: Vec<u8> = picture.pixels.iter().flat_map(|[r, g, b]| [*r, *g, *b, 0]).collect();
    let veiled: Vec<u8> = picture.pixels.iter().flat_map(|[r, g, b]| [*r, *g, *b, 128]).collect();
    let white = Rgb::of(96, 64, |_, _| [255; 3]);
    assert_like("clear", &made(&png(Png::Rgba, BitDepth::Eight, &clear, |_| {})), &white);
    assert_like("veiled", &made(&png(Png::Rgba, BitDepth::Eight, &veiled, |_| {})), &half);
    let gray: Vec<u8> = picture.pixels.iter().flat_map(|_| [0, 0]).collect();
    assert_like("gray", &made(&png(Png::GrayscaleAlpha, BitDepth::Eight, &gray, |_| {})), &white);
}

/// The passes of Adam7: first column, first row, columns apart, rows apart.
const PASSES: [[u32; 4]; 7] = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];

/// The encoder writes no interlaced ones: the header of a plain file, and rows in the order of the passes.
fn interlaced(picture: &Rgb) -> Vec<u8> {
    let mut rows = vec![];
    for [x0, y0, dx, dy] in PASSES {
        for y in (y0..picture.height).step_by(dy as usize) {
            rows.push(0);
            rows.extend((x0..picture.width).step_by(dx as usize).flat_map(|x| picture.at(x, y)));
        }
    }
    // zlib without compression.
    let mut stream = vec![0x78, 1];
    let parts: Vec<&[u8]> = rows.chunks(60_000).collect();
    for (n, part) in parts.iter().enumerate() {
        let len = part.len() as u16;
        stream.push(u8::from(n + 1 == parts.len()));
        stream.extend([len.to_le_bytes(), (!len).to_le_bytes()].concat());
        stream.extend(*part);
    }
    let (a, b) = rows.iter().fold((1u32, 0u32), |(a, b), v| ((a + u32::from(*v)) % 65521, (b + a + u32::from(*v)) % 65521));
    stream.extend((b << 16 | a).to_be_bytes());

    let mut file = vec![];
    let mut encoder = png::Encoder::new(&mut file, picture.width, picture.height);
    encoder.set_color(Png::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_chunk(png::chunk::IDAT, &stream).unwrap();
    drop(writer);
    file[28] = 1;
    let check = crc(&file[12..29]);
    file[29..33].copy_from_slice(&check.to_be_bytes());
    file
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[test]
fn an_interlaced_png_is_put_together() {
    let picture = quarters();
    assert_like("interlaced", &made(&interlaced(&picture)), &picture);
}

#[test]
fn a_png_is_turned_upright_too() {
    let told = tiff(vec![short(0x112, 6)], &[], &[]);
    let mut bytes = png(Png::Rgb, BitDepth::Eight, quarters().pixels.as_flattened(), |_| {});
    let check = crc(&[b"eXIf", &told[..]].concat());
    let chunk = [&(told.len() as u32).to_be_bytes()[..], b"eXIf", &told, &check.to_be_bytes()].concat();
    bytes.splice(33..33, chunk);
    let made = prepare(&bytes, 32, &Limits::default()).unwrap();
    assert_eq!((made.photo.width, made.photo.height), (64, 96));
}
