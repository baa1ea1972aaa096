//! Pictures and files made up for the tests.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use zune_core::{bytestream::ZCursor, options::DecoderOptions};

/// Pixels of three bytes.
#[derive(Clone, PartialEq, Debug)]
pub struct Rgb {
    pub width: u32,
    pub height: u32,
    pub pixels: Vec<[u8; 3]>,
}

impl Rgb {
    pub fn of(width: u32, height: u32, at: impl Fn(u32, u32) -> [u8; 3]) -> Self {
        let at = &at;
        Self { width, height, pixels: (0..height).flat_map(|y| (0..width).map(move |x| at(x, y))).collect() }
    }

    pub fn at(&self, x: u32, y: u32) -> [u8; 3] {
        self.pixels[(y * self.width + x) as usize]
    }

    /// The decoded pixels of a JPEG.
    pub fn decode(jpeg: &[u8]) -> Self {
        let options = DecoderOptions::default().set_strict_mode(true);
        let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
        let bytes = decoder.decode().unwrap();
        let (width, height) = decoder.dimensions().unwrap();
        let mut pixels = bytes.as_chunks::<3>().0.to_vec();
        if decoder.output_colorspace().unwrap().num_components() == 1 {
            pixels = bytes.iter().map(|v| [*v; 3]).collect();
        }
        Self { width: width as u32, height: height as u32, pixels }
    }

    pub fn map(&self, change: impl Fn(u8) -> u8) -> Self {
        Self { pixels: self.pixels.iter().map(|p| p.map(&change)).collect(), ..*self }
    }

    /// Each pixel becomes the mean of the square around it.
    pub fn blurred(&self, radius: u32) -> Self {
        Self::of(self.width, self.height, |x, y| {
            let (xs, ys) = (
                x.saturating_sub(radius)..=(x + radius).min(self.width - 1),
                y.saturating_sub(radius)..=(y + radius).min(self.height - 1),
            );
            let (mut sums, mut count) = ([0u32; 3], 0);
            for (x, y) in ys.flat_map(|y| xs.clone().map(move |x| (x, y))) {
                self.at(x, y).iter().zip(&mut sums).for_each(|(v, sum)| *sum += u32::from(*v));
                count += 1;
            }
            sums.map(|sum| (sum / count) as u8)
        })
    }

    pub fn jpeg(&self, quality: u8) -> Vec<u8> {
        self.jpeg_as(ColorType::Rgb, |encoder| {
            encoder.set_quality(quality);
            encoder.set_sampling_factor(SamplingFactor::F_2_2);
        })
    }

    /// A JPEG of any kind that the encoder can write.
    pub fn jpeg_as(&self, kind: ColorType, set: impl Fn(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
        let bytes: Vec<u8> = match kind {
            ColorType::Luma => self.pixels.iter().map(|p| p[1]).collect(),
            ColorType::Cmyk | ColorType::CmykAsYcck => self.pixels.iter().flat_map(|p| inks(*p)).collect(),
            _ => self.pixels.as_flattened().to_vec(),
        };
        let mut file = vec![];
        let mut encoder = Encoder::new(&mut file, 95);
        set(&mut encoder);
        encoder.encode(&bytes, self.width as u16, self.height as u16, kind).unwrap();
        file
    }

    /// Mean difference of a sample. Sizes must be the same.
    pub fn difference(&self, other: &Self) -> f64 {
        assert_eq!((self.width, self.height), (other.width, other.height));
        let pairs = self.pixels.as_flattened().iter().zip(other.pixels.as_flattened());
        let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        sum as f64 / (self.pixels.len() * 3) as f64
    }
}

/// A colour as the four inks of print.
fn inks(rgb: [u8; 3]) -> [u8; 4] {
    let [c, m, y] = rgb.map(|v| 255 - v);
    let black = c.min(m).min(y);
    let rest = |ink: u8| (u32::from(ink - black) * 255 / u32::from((255 - black).max(1))) as u8;
    [rest(c), rest(m), rest(y), black]
}

/// Four quarters of which no turn or mirror image looks like another: 96 x 64, smooth enough for halved colours.
pub fn quarters() -> Rgb {
    Rgb::of(96, 64, |x, y| match (x < 48, y < 32) {
        (true, true) => [200, 40, 40],
        (false, true) => [40, 180, 60],
        (true, false) => [40, 60, 200],
        (false, false) => [230, 220, 90],
    })
}

/// A scene of slopes, boxes and print; another number, another scene.
pub fn scene(number: u32, width: u32, height: u32) -> Rgb {
    let mut state = number.wrapping_mul(2_654_435_761).wrapping_add(97);
    let mut next = move |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    let boxes: Vec<[u32; 5]> = (0..14).map(|_| [next(100), next(100), 8 + next(40), 8 + next(40), next(256)]).collect();
    let (left, slope, from) = (next(2), 30 + next(120), next(100));
    Rgb::of(width, height, |x, y| {
        let (px, py) = (x * 100 / width, y * 100 / height);
        let along = if left == 0 { px } else { 100 - px };
        let mut light = from + along * slope / 100 + py * 40 / 100;
        for [x0, y0, w, h, shade] in &boxes {
            if (*x0..x0 + w).contains(&px) && (*y0..y0 + h).contains(&py) {
                light = *shade + py / 4;
            }
        }
        // Print: thin strokes in a part of the scene.
        if (60..80).contains(&py) && (20..70).contains(&px) && (x / 3 + y / 7) % 3 == 0 {
            light /= 3;
        }
        [light, light * 9 / 10, light * 7 / 10 + 30].map(|v| v.min(255) as u8)
    })
}

/// Numbers without any pattern.
pub fn noise(width: u32, height: u32) -> Rgb {
    Rgb::of(width, height, |x, y| {
        let mut state = (x * 7919 + y * 104_729).wrapping_mul(2_654_435_761);
        state ^= state >> 15;
        state = state.wrapping_mul(2_246_822_519);
        [state, state >> 8, state >> 16].map(|v| v as u8)
    })
}

/// A field of EXIF: tag, type, and its value in big endian.
pub struct Field(pub u16, pub u16, pub u32, pub Vec<u8>);

pub fn ascii(tag: u16, text: &str) -> Field {
    Field(tag, 2, text.len() as u32 + 1, [text.as_bytes(), b"\0"].concat())
}

pub fn short(tag: u16, value: u16) -> Field {
    Field(tag, 3, 1, value.to_be_bytes().to_vec())
}

pub fn fractions(tag: u16, kind: u16, values: &[(u32, u32)]) -> Field {
    let bytes = values.iter().flat_map(|(n, of)| [n.to_be_bytes(), of.to_be_bytes()]).flatten().collect();
    Field(tag, kind, values.len() as u32, bytes)
}

/// An IFD that begins at an offset, its longer values behind it.
fn ifd(at: usize, fields: &[Field]) -> Vec<u8> {
    let behind = at + 2 + fields.len() * 12 + 4;
    let (mut entries, mut values) = (vec![], vec![]);
    for Field(tag, kind, count, value) in fields {
        entries.extend([tag.to_be_bytes(), kind.to_be_bytes()].concat());
        entries.extend(count.to_be_bytes());
        let mut inline = value.clone();
        if value.len() > 4 {
            inline = ((behind + values.len()) as u32).to_be_bytes().to_vec();
            values.extend(value);
        }
        inline.resize(4, 0);
        entries.extend(inline);
    }
    [&(fields.len() as u16).to_be_bytes()[..], &entries, &[0; 4], &values].concat()
}

/// A TIFF of the camera's fields, the exposure's and the position's.
pub fn tiff(camera: Vec<Field>, exposure: &[Field], position: &[Field]) -> Vec<u8> {
    let pointer = |tag, at: usize| Field(tag, 4, 1, (at as u32).to_be_bytes().to_vec());
    let mut camera = camera;
    camera.extend([pointer(0x8769, 0), pointer(0x8825, 0)]);
    let exposure_at = 8 + ifd(8, &camera).len();
    let position_at = exposure_at + ifd(exposure_at, exposure).len();
    let len = camera.len();
    camera[len - 2] = pointer(0x8769, exposure_at);
    camera[len - 1] = pointer(0x8825, position_at);
    [b"MM\0\x2a\0\0\0\x08".to_vec(), ifd(8, &camera), ifd(exposure_at, exposure), ifd(position_at, position)].concat()
}

/// A JPEG with another segment at its beginning.
pub fn with_segment(jpeg: &[u8], marker: u8, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &len, payload, &jpeg[2..]].concat()
}

pub fn with_exif(jpeg: &[u8], tiff: &[u8]) -> Vec<u8> {
    with_segment(jpeg, 0xe1, &[b"Exif\0\0", tiff].concat())
}

/// A JPEG without the segments of a marker that stand before its last scan.
pub fn without_segments(jpeg: &[u8], marker: u8) -> Vec<u8> {
    let mut bytes = jpeg.to_vec();
    while let Some(at) = bytes.windows(2).position(|pair| pair == [0xff, marker]) {
        let len = usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        bytes.drain(at..at + 2 + len);
    }
    bytes
}

/// The places of a JPEG's segments, from the one behind its start to its first scan.
pub fn segments(jpeg: &[u8]) -> Vec<usize> {
    let (mut places, mut at) = (vec![], 2);
    while places.last().is_none_or(|last| jpeg[*last + 1] != 0xda) {
        places.push(at);
        at += 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
    }
    places
}

/// The place of a marker.
pub fn find(bytes: &[u8], marker: u8) -> usize {
    bytes.windows(2).position(|pair| pair == [0xff, marker]).unwrap()
}

/// A JPEG of which the header claims another size.
pub fn claiming(jpeg: &[u8], frame: u8, width: u16, height: u16) -> Vec<u8> {
    let mut bytes = jpeg.to_vec();
    let at = find(&bytes, frame) + 5;
    bytes[at..at + 2].copy_from_slice(&height.to_be_bytes());
    bytes[at + 2..at + 4].copy_from_slice(&width.to_be_bytes());
    bytes
}
