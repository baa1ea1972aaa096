//! What a photo costs a phone: `cargo bench -p doorstep-media`. CPU time of the thread and heap, step by step, for synthetic
//! pictures; the file itself is the caller's and not counted. The median of some runs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark fails loudly")]

use doorstep_media::{Limits, Prepared, prepare_in_steps};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use peak_alloc::PeakAlloc;
use rustix::time::{ClockId, clock_gettime};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const MIB: f64 = (1 << 20) as f64;

fn main() {
    for (name, width, height, runs) in [("12 MP", 4000, 3000, 9), ("50 MP", 8160, 6120, 3)] {
        let bytes = picture(width, height);
        println!("{name}: {width} x {height}, 4:2:0, quality 90, {} bytes", bytes.len());
        let mut all: Vec<Vec<Step>> = vec![];
        let mut made = None;
        for _ in 0..runs {
            let (steps, prepared) = measured(&bytes);
            all.push(steps);
            made = Some(prepared);
        }
        let made = made.unwrap();
        println!("  {:<20} {:>9} {:>10}", "step", "CPU ms", "heap MiB");
        let median = |pick: &dyn Fn(&[Step]) -> f64| {
            let mut times: Vec<f64> = all.iter().map(|steps| pick(steps)).collect();
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        };
        for (n, (step, _, heap)) in all[0].iter().enumerate() {
            println!("  {step:<20} {:>9.1} {heap:>10.1}", median(&|steps| steps[n].1));
        }
        let heap = all[0].iter().map(|step| step.2).fold(0.0, f64::max);
        println!("  {:<20} {:>9.1} {heap:>10.1}", "total", median(&|steps| steps.iter().map(|step| step.1).sum()));
        println!(
            "  photo {} x {}, {} bytes; thumbnail {} x {}, {} bytes; placeholder {} bytes",
            made.photo.width,
            made.photo.height,
            made.photo.bytes.len(),
            made.thumbnail.width,
            made.thumbnail.height,
            made.thumbnail.bytes.len(),
            made.placeholder.len()
        );
    }
}

/// A step's name, CPU milliseconds and heap peak in MiB.
type Step = (&'static str, f64, f64);

fn measured(bytes: &[u8]) -> (Vec<Step>, Prepared) {
    let mut steps = Vec::with_capacity(16);
    let base = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let mut begun = cpu_ms();
    let prepared = prepare_in_steps(bytes, 32, &Limits::default(), &mut |step| {
        let heap = HEAP.peak_usage().saturating_sub(base) as f64 / MIB;
        steps.push((step, cpu_ms() - begun, heap));
        HEAP.reset_peak_usage();
        begun = cpu_ms();
    });
    (steps, prepared.unwrap())
}

fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// Slopes, edges, lines like print, and a sensor's grain: a file of about the size that a phone makes.
fn picture(width: u32, height: u32) -> Vec<u8> {
    let mut rgb = Vec::with_capacity((width * height * 3) as usize);
    let mut grain = 1u32;
    for y in 0..height {
        for x in 0..width {
            grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (noise, box_edge) = ((grain >> 28) as i32 - 8, (x / 331 + y / 257) % 3 * 40);
            let print = if (x / 5 + y / 9) % 4 == 0 && (y / 180) % 4 == 1 { 90 } else { 0 };
            let slope = (x * 120 / width + y * 60 / height) as i32;
            let base = slope + box_edge as i32 - print + noise;
            rgb.extend([base + 20, base + 10, base + 30 + (y * 40 / height) as i32].map(|v| v.clamp(0, 255) as u8));
        }
    }
    let mut bytes = vec![];
    let mut encoder = Encoder::new(&mut bytes, 90);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.encode(&rgb, width as u16, height as u16, ColorType::Rgb).unwrap();
    bytes
}
