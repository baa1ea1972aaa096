//! What preparing a photo holds of memory, at most. A binary and a test of its own: nothing else may run meanwhile.
#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use doorstep_media::{Limits, MediaError, prepare};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;

/// Slopes: quick to write and to read.
fn pixels(width: usize, height: usize, samples: usize) -> Vec<u8> {
    let row: Vec<u8> = (0..width * samples).map(|n| (n * 200 / (width * samples)) as u8).collect();
    row.repeat(height)
}

fn jpeg(width: u16, height: u16, sampling: SamplingFactor, progressive: bool) -> Vec<u8> {
    let mut file = vec![];
    let mut encoder = Encoder::new(&mut file, 90);
    encoder.set_sampling_factor(sampling);
    encoder.set_progressive(progressive);
    encoder.encode(&pixels(width.into(), height.into(), 3), width, height, ColorType::Rgb).unwrap();
    file
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = vec![];
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_compression(png::Compression::Fastest);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels(width as usize, height as usize, 4)).unwrap();
    writer.finish().unwrap();
    file
}

/// What preparing a file holds beside the file.
fn held(file: &[u8]) -> (usize, Result<(), MediaError>) {
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let made = prepare(file, 32, &Limits::default()).map(|_| ());
    (HEAP.peak_usage() - before, made)
}

#[test]
fn memory_is_three_bytes_a_pixel_and_20_mib() {
    let usual = SamplingFactor::F_2_2;
    for (name, width, height, file) in [
        ("50 megapixels", 8160, 6120, jpeg(8160, 6120, usual, false)),
        ("12 megapixels", 4000, 3000, jpeg(4000, 3000, usual, false)),
        ("hardly to be shrunk", 3190, 3190, jpeg(3190, 3190, SamplingFactor::F_1_1, false)),
        ("not to be shrunk", 1600, 1600, jpeg(1600, 1600, usual, false)),
        ("as wide as can be", 20_000, 1_000, jpeg(20_000, 1_000, usual, false)),
        ("as high as can be", 1_000, 20_000, jpeg(1_000, 20_000, usual, false)),
        ("transparent PNG", 4000, 3000, png(4000, 3000)),
    ] {
        let (held, made) = held(&file);
        made.unwrap();
        let allowed = width * height * 3 + 20 * MIB;
        println!("{name}: {:.1} MiB held, {:.1} allowed", held as f64 / MIB as f64, allowed as f64 / MIB as f64);
        assert!(held <= allowed, "{name}: {held} bytes held, {allowed} allowed");
    }

    let limit = Limits::default().memory() as usize;
    let (progressive, made) = held(&jpeg(6000, 4400, usual, true));
    println!(
        "progressive, 26 megapixels: {:.1} MiB held, {:.1} allowed",
        progressive as f64 / MIB as f64,
        limit as f64 / MIB as f64
    );
    made.unwrap();
    assert!(progressive <= limit, "{progressive} bytes held, {limit} allowed");

    let (refused, made) = held(&jpeg(6400, 4800, usual, true));
    assert!(matches!(made, Err(MediaError::TooMuchMemory { .. })));
    assert!(refused < MIB, "refused before memory is taken: {refused}");
}
