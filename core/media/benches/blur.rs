//! How well a measure tells blurred photos from usable ones: `cargo bench -p doorstep-media --bench blur -- FOLDER`. It changes each
//! JPEG of a folder in ways that leave it usable and in ways that do not, and prints what each measure says, and how often a
//! threshold errs. The first measure is the one of [`doorstep_media::Prepared::clarity`].
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "a benchmark fails loudly")]

use std::path::Path;

use doorstep_media::{Limits, prepare};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, images::Image};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};

/// Pixels of three samples, row by row.
#[derive(Clone)]
struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<f32>,
}

impl Picture {
    fn decode(jpeg: &[u8]) -> Self {
        let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
        let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
        let rgb = decoder.decode().unwrap().into_iter().map(f32::from).collect();
        let (width, height) = decoder.dimensions().unwrap();
        Self { width, height, rgb }
    }

    fn bytes(&self) -> Vec<u8> {
        self.rgb.iter().map(|v| v.round().clamp(0.0, 255.0) as u8).collect()
    }

    fn jpeg(&self, quality: u8) -> Vec<u8> {
        let mut file = vec![];
        let mut encoder = Encoder::new(&mut file, quality);
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder.encode(&self.bytes(), self.width as u16, self.height as u16, ColorType::Rgb).unwrap();
        file
    }

    /// A part of the picture, in the middle, as large as a fraction of each side, in another size.
    fn scaled(&self, part: f64, long: usize) -> Self {
        let (w, h) = (self.width as f64, self.height as f64);
        let scale = long as f64 / (w.max(h) * part);
        let (width, height) = ((w * part * scale).round() as u32, (h * part * scale).round() as u32);
        let source = Image::from_vec_u8(self.width as u32, self.height as u32, self.bytes(), PixelType::U8x3).unwrap();
        let mut target = Image::new(width, height, PixelType::U8x3);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom)).crop(
            w * (1.0 - part) / 2.0,
            h * (1.0 - part) / 2.0,
            w * part,
            h * part,
        );
        Resizer::new().resize(&source, &mut target, &options).unwrap();
        let rgb = target.into_vec().into_iter().map(f32::from).collect();
        Self { width: width as usize, height: height as usize, rgb }
    }

    /// Each pixel becomes the weighed mean of pixels at distances from it.
    fn mean(&self, around: &[(isize, isize, f32)]) -> Self {
        let total: f32 = around.iter().map(|(.., weight)| weight).sum();
        let mut rgb = vec![0.0; self.rgb.len()];
        for (dx, dy, weight) in around {
            for y in 0..self.height {
                let from = y.saturating_add_signed(*dy).min(self.height - 1);
                for x in 0..self.width {
                    let at = (from * self.width + x.saturating_add_signed(*dx).min(self.width - 1)) * 3;
                    let to = (y * self.width + x) * 3;
                    for n in 0..3 {
                        rgb[to + n] += self.rgb[at + n] * weight / total;
                    }
                }
            }
        }
        Self { rgb, ..*self }
    }

    fn gaussian(&self, sigma: f32) -> Self {
        let far = (sigma * 3.0).ceil() as isize;
        let weight = |d: isize| (-((d * d) as f32) / (2.0 * sigma * sigma)).exp();
        let line: Vec<(isize, isize, f32)> = (-far..=far).map(|d| (d, 0, weight(d))).collect();
        let column: Vec<(isize, isize, f32)> = (-far..=far).map(|d| (0, d, weight(d))).collect();
        self.mean(&line).mean(&column)
    }

    /// The camera moved by so many pixels along a direction.
    fn moved(&self, pixels: isize, (dx, dy): (isize, isize)) -> Self {
        self.mean(&(0..pixels).map(|n| ((n - pixels / 2) * dx, (n - pixels / 2) * dy, 1.0)).collect::<Vec<_>>())
    }

    /// A sensor's grain: the sum of four dice is nearly normal.
    fn noisy(&self, sigma: f32) -> Self {
        let mut state = 1u32;
        let mut die = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        let rgb = self.rgb.iter().map(|v| v + (die() + die() + die() + die()) * sigma * 1.732).collect();
        Self { rgb, ..*self }
    }

    fn darker(&self, by: f32) -> Self {
        Self { rgb: self.rgb.iter().map(|v| v * by).collect(), ..*self }
    }

    fn luma(&self) -> Vec<f32> {
        self.rgb.chunks_exact(3).map(|p| 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]).collect()
    }
}

/// Mean square of a second derivative along some directions, for each tile of the picture at a size.
fn tiles(picture: &Picture, long: usize, tile: usize, directions: &[(isize, isize)]) -> Vec<f64> {
    let picture = if picture.width.max(picture.height) > long { picture.scaled(1.0, long) } else { picture.clone() };
    let (luma, width) = (picture.luma(), picture.width);
    let (mut found, at) = (vec![], |x: usize, y: usize| luma[y * width + x]);
    for top in (1..picture.height.saturating_sub(tile)).step_by(tile) {
        for left in (1..width.saturating_sub(tile)).step_by(tile) {
            let mut squares = 0.0;
            for (y, x) in (top..top + tile).flat_map(|y| (left..left + tile).map(move |x| (y, x))) {
                let edge: f32 = directions
                    .iter()
                    .map(|(dx, dy)| {
                        let (a, b) = (x.saturating_add_signed(*dx), y.saturating_add_signed(*dy));
                        2.0 * at(x, y) - at(a, b) - at(2 * x - a, 2 * y - b)
                    })
                    .sum();
                squares += f64::from(edge * edge);
            }
            found.push(squares / (tile * tile) as f64);
        }
    }
    found.sort_by(f64::total_cmp);
    found
}

const CROSS: [(isize, isize); 2] = [(1, 0), (0, 1)];
const NAMES: [&str; 6] = ["800 px, mean", "400 px, mean", "800 px, 90 %", "800 px, most", "400 px, 90 %", "800, direction"];

fn measures(jpeg: &[u8]) -> [f64; 6] {
    let prepared = prepare(jpeg, 32, &Limits::default()).unwrap();
    let picture = Picture::decode(&prepared.photo.bytes);
    let mean = |tiles: &[f64]| tiles.iter().sum::<f64>() / tiles.len().max(1) as f64;
    let part = |tiles: &[f64], of: f64| tiles.get((tiles.len() as f64 * of) as usize).or(tiles.last()).copied().unwrap_or(0.0);
    let (large, small) = (tiles(&picture, 800, 64, &CROSS), tiles(&picture, 400, 32, &CROSS));
    let along = [(1, 0), (0, 1), (1, 1), (1, -1)].map(|d| part(&tiles(&picture, 800, 64, &[d]), 0.9));
    let least = along.into_iter().fold(f64::INFINITY, f64::min);
    [f64::from(prepared.clarity.sharpness), mean(&small), part(&large, 0.9), part(&large, 1.0), part(&small, 0.9), least]
}

/// What is wrong with a changed picture.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// Nothing: a person can use the photo.
    None,
    /// It is out of focus.
    Focus,
    /// It is out of focus, and the sensor's grain has edges of its own.
    Grain,
    /// The camera moved.
    Motion,
}

/// A change with its name and the fault that it makes.
type Change = (Fault, String, Box<dyn Fn(&Picture) -> Vec<u8>>);

fn changes() -> Vec<Change> {
    let mut all: Vec<Change> = vec![];
    all.push((Fault::None, "as it is".into(), Box::new(|p| p.jpeg(85))));
    for long in [1200, 800, 640, 480] {
        all.push((Fault::None, format!("{long} pixels"), Box::new(move |p| p.scaled(1.0, long).jpeg(85))));
    }
    all.push((Fault::None, "low quality".into(), Box::new(|p| p.jpeg(35))));
    for part in [0.5, 0.33] {
        all.push((Fault::None, format!("close-up of {part}"), Box::new(move |p| p.scaled(part, 1600).jpeg(85))));
    }
    for sigma in [1.0, 1.5] {
        all.push((Fault::None, format!("soft, {sigma}"), Box::new(move |p| p.gaussian(sigma).jpeg(85))));
    }
    all.push((Fault::None, "soft close-up".into(), Box::new(|p| p.gaussian(1.0).scaled(0.5, 1600).jpeg(85))));
    all.push((Fault::None, "soft, 800 pixels".into(), Box::new(|p| p.scaled(1.0, 800).gaussian(1.0).jpeg(85))));
    for sigma in [6.0, 14.0] {
        all.push((Fault::None, format!("noisy, {sigma}"), Box::new(move |p| p.noisy(sigma).jpeg(85))));
    }
    all.push((Fault::None, "dim, soft".into(), Box::new(|p| p.gaussian(1.0).darker(0.5).jpeg(85))));
    for sigma in [4.0, 5.0, 7.0, 10.0] {
        all.push((Fault::Focus, format!("blurred, {sigma}"), Box::new(move |p| p.gaussian(sigma).jpeg(85))));
    }
    for sigma in [2.5, 5.0] {
        all.push((
            Fault::Focus,
            format!("blurred, {sigma} of 800"),
            Box::new(move |p| p.scaled(1.0, 800).gaussian(sigma).jpeg(85)),
        ));
    }
    all.push((Fault::Focus, "tiny and enlarged".into(), Box::new(|p| p.scaled(1.0, 160).scaled(1.0, 1600).jpeg(85))));
    for sigma in [6.0, 14.0] {
        all.push((Fault::Grain, format!("blurred, 5, noisy, {sigma}"), Box::new(move |p| p.gaussian(5.0).noisy(sigma).jpeg(85))));
    }
    for (name, direction) in [("across", (1, 0)), ("down", (0, 1)), ("aslant", (1, 1))] {
        for pixels in [24, 40] {
            all.push((Fault::Motion, format!("moved {pixels} {name}"), Box::new(move |p| p.moved(pixels, direction).jpeg(85))));
        }
    }
    all
}

fn main() {
    let Some(folder) = std::env::args().skip(1).find(|word| !word.starts_with("--")) else {
        println!("not run: name a folder of JPEGs, as in `cargo bench -p doorstep-media --bench blur -- FOLDER`");
        return;
    };
    let mut files: Vec<_> = Path::new(&folder).read_dir().unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end.eq_ignore_ascii_case("jpg") || end.eq_ignore_ascii_case("jpeg")));
    files.sort();
    let upright =
        |file: &std::path::PathBuf| Some(prepare(&std::fs::read(file).unwrap(), 32, &Limits::default()).ok()?.photo.bytes);
    let pictures: Vec<Picture> = files
        .iter()
        .filter_map(upright)
        .map(|jpeg| Picture::decode(&jpeg))
        .map(|p| p.scaled(1.0, p.width.max(p.height)))
        .collect();
    println!("{} pictures; each cell: least to most", pictures.len());
    println!("{:<28}{}", "", NAMES.map(|name| format!("{name:>18}")).concat());
    let mut seen: Vec<(Fault, [f64; 6])> = vec![];
    for (fault, name, change) in changes() {
        let measured: Vec<[f64; 6]> = pictures.iter().map(|picture| measures(&change(picture))).collect();
        let cells: String = (0..NAMES.len())
            .map(|n| {
                let values = || measured.iter().map(|values| values[n]);
                let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
                format!("{:>18}", format!("{least:.0} to {most:.0}"))
            })
            .collect();
        println!("{:<28}{cells}", format!("{} {name}", if fault == Fault::None { '+' } else { '-' }));
        seen.extend(measured.into_iter().map(|values| (fault, values)));
    }
    for (n, name) in NAMES.iter().enumerate() {
        println!("\n{name}\nthreshold  usable refused  out of focus taken  grainy taken  moved taken");
        for threshold in [5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 150, 200, 300, 500, 800] {
            let share = |fault: Fault, is_wrong: fn(f64, f64) -> bool| {
                let all: Vec<f64> = seen.iter().filter(|(of, _)| *of == fault).map(|(_, values)| values[n]).collect();
                let wrong = all.iter().filter(|value| is_wrong(**value, f64::from(threshold))).count();
                format!("{wrong} of {}", all.len())
            };
            let taken = [Fault::Focus, Fault::Grain, Fault::Motion].map(|fault| share(fault, |value, least| value >= least));
            let refused = share(Fault::None, |value, least| value < least);
            println!("{threshold:>9}  {refused:>14}  {:>18}  {:>12}  {:>11}", taken[0], taken[1], taken[2]);
        }
    }
}
