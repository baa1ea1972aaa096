//! Real camera files, where the folder of samples is beside the checkout.

use std::{fs, path::PathBuf};

use doorstep_media::{LOOKS_ALIKE, Limits, MAX_THUMBNAIL, MediaError, look_distance, prepare, tells_position};

#[allow(clippy::disallowed_methods, reason = "a test reads its samples")]
fn samples() -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/photos");
    let Ok(folder) = fs::read_dir(folder) else {
        println!("not run: no sample photos beside the checkout");
        return vec![];
    };
    let mut files: Vec<PathBuf> = folder.map(|file| file.unwrap().path()).collect();
    files.sort();
    let named = |file: &PathBuf| (file.file_name().unwrap().to_string_lossy().into_owned(), fs::read(file).unwrap());
    files.iter().filter(|file| file.extension().is_some_and(|e| e == "jpg" || e == "HEIC")).map(named).collect()
}

#[test]
fn every_sample_becomes_a_photo_or_a_typed_error() {
    let mut looks = vec![];
    for (name, bytes) in samples() {
        match prepare(&bytes, 32, &Limits::default()) {
            Ok(made) => {
                println!(
                    "{name}: {} -> {} bytes, {} x {}, thumbnail {}, placeholder {}, {:?}, look {:016x}, {:?}, position told {}",
                    bytes.len(),
                    made.photo.bytes.len(),
                    made.photo.width,
                    made.photo.height,
                    made.thumbnail.bytes.len(),
                    made.placeholder.len(),
                    made.clarity,
                    made.look,
                    made.capture,
                    tells_position(&bytes),
                );
                looks.push((name, made.look));
            }
            Err(error) => println!("{name}: {error}"),
        }
    }
    for (n, (a, look)) in looks.iter().enumerate() {
        for (b, other) in looks.iter().skip(n + 1) {
            println!("{a} {b} {}", look_distance(*look, *other));
        }
    }
}
