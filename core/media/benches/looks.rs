//! How well the perceptual hash tells the same picture from another: `cargo bench -p doorstep-media --bench looks -- FOLDER`. It
//! changes each JPEG of a folder, and each of six parts of it, in the ways in which a photo is used again, and compares the result
//! with the original and with all other pictures. It prints, for each distance, how many used-again photos are missed and how many
//! pairs of different pictures are called alike.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "a benchmark fails loudly")]

use std::path::Path;

use doorstep_media::{Limits, look_distance, looks, prepare};
use jpeg_encoder::{ColorType, Encoder};
use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};

/// Pixels of three samples, row by row.
struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Picture {
    fn decode(jpeg: &[u8]) -> Self {
        let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
        let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
        let rgb = decoder.decode().unwrap();
        let (width, height) = decoder.dimensions().unwrap();
        Self { width, height, rgb }
    }

    fn jpeg(&self, quality: u8) -> Vec<u8> {
        let mut file = vec![];
        Encoder::new(&mut file, quality).encode(&self.rgb, self.width as u16, self.height as u16, ColorType::Rgb).unwrap();
        file
    }

    /// The picture without a share of its width at the left and right, and of its height above and below.
    fn cut(&self, [left, right, above, below]: [f64; 4]) -> Self {
        let (w, h) = (self.width as f64, self.height as f64);
        let (x, y) = ((w * left) as usize, (h * above) as usize);
        let (width, height) = ((w * (1.0 - left - right)) as usize, (h * (1.0 - above - below)) as usize);
        let rows = (y..y + height).flat_map(|row| self.rgb[(row * self.width + x) * 3..][..width * 3].iter().copied());
        Self { rgb: rows.collect(), width, height }
    }

    fn each(&self, change: impl Fn(f64) -> f64) -> Self {
        Self { rgb: self.rgb.iter().map(|v| change(f64::from(*v)).round().clamp(0.0, 255.0) as u8).collect(), ..*self }
    }
}

/// A change with its name.
type Change = (String, Box<dyn Fn(&Picture) -> Vec<u8>>);

fn changes() -> Vec<Change> {
    let mut all: Vec<Change> = vec![("saved again".into(), Box::new(|p| p.jpeg(40)))];
    for by in [1.3, 0.6] {
        all.push((format!("light x {by}"), Box::new(move |p| p.each(|v| v * by).jpeg(85))));
    }
    all.push(("contrast x 0.7".into(), Box::new(|p| p.each(|v| 128.0 + (v - 128.0) * 0.7).jpeg(85))));
    for share in [0.02, 0.05, 0.1] {
        for (n, side) in ["left", "right", "above", "below"].into_iter().enumerate() {
            let sides = std::array::from_fn(|m| if m == n { share } else { 0.0 });
            all.push((format!("cut {share} {side}"), Box::new(move |p| p.cut(sides).jpeg(85))));
        }
        all.push((format!("cut {share} all round"), Box::new(move |p| p.cut([share; 4]).jpeg(85))));
    }
    all
}

/// The name of a file up to its first low line: the samples `portrait_1` and `portrait_3` are one picture in two positions.
fn motif(file: &Path) -> String {
    file.file_name().unwrap().to_string_lossy().split('_').next().unwrap().to_owned()
}

fn main() {
    let Some(folder) = std::env::args().skip(1).find(|word| !word.starts_with("--")) else {
        println!("not run: name a folder of JPEGs, as in `cargo bench -p doorstep-media --bench looks -- FOLDER`");
        return;
    };
    let mut files: Vec<_> = Path::new(&folder).read_dir().unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end.eq_ignore_ascii_case("jpg") || end.eq_ignore_ascii_case("jpeg")));
    files.sort();
    files.dedup_by_key(|file| motif(file));
    let upright =
        |file: &std::path::PathBuf| Some(prepare(&std::fs::read(file).unwrap(), 32, &Limits::default()).ok()?.photo.bytes);
    let whole: Vec<Picture> = files.iter().filter_map(upright).map(|jpeg| Picture::decode(&jpeg)).collect();
    let part = |n: usize| [(n % 3) as f64 / 3.0, (2 - n % 3) as f64 / 3.0, (n / 3) as f64 / 2.0, (1 - n / 3) as f64 / 2.0];
    let parts: Vec<Picture> = whole.iter().flat_map(|p| (0..6).map(move |n| p.cut(part(n)))).collect();
    for (name, pictures) in [("whole pictures", whole), ("sixth parts", parts)] {
        compare(name, &pictures);
    }
}

fn compare(name: &str, pictures: &[Picture]) {
    let positions = |jpeg: &[u8]| looks(jpeg, 50_000_000).unwrap();
    let originals: Vec<[u64; 8]> = pictures.iter().map(|p| positions(&p.jpeg(85))).collect();
    println!("\n{} {name}", originals.len());
    let mut same: Vec<(String, Vec<u32>)> = vec![];
    let mut other: Vec<u32> = vec![];
    let mut anyhow: Vec<u32> = vec![];
    for (n, one) in originals.iter().enumerate() {
        for two in &originals[n + 1..] {
            other.push(look_distance(one[0], two[0]));
            anyhow.push(two.iter().map(|look| look_distance(one[0], *look)).min().unwrap());
        }
    }
    for (change, made) in changes() {
        let distances = pictures.iter().zip(&originals).map(|(p, own)| look_distance(own[0], positions(&made(p))[0]));
        same.push((change, distances.collect()));
    }
    let limits = [6, 8, 10, 11, 12, 13, 14, 15, 16, 18, 20];
    let missed = |of: &[u32], limit: u32| of.iter().filter(|d| **d > limit).count();
    let row = |title: &str, of: &dyn Fn(u32) -> usize| {
        println!("{title:<34}{}", limits.map(|limit| format!("{:>6}", of(limit))).concat());
    };
    row("distance up to", &|limit| limit as usize);
    for (change, distances) in &same {
        row(&format!("missed: {change}"), &|limit| missed(distances, limit));
    }
    row(&format!("alike of {} other pairs", other.len()), &|limit| other.len() - missed(&other, limit));
    row("the same, one turned or mirrored", &|limit| anyhow.len() - missed(&anyhow, limit));
}
