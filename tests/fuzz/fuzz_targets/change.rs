//! One change of a known document. The first byte says what the others are: 0 a whole chunk of a case, taken as it is and with its
//! checksum made right; 1 what a day of three writers is made up from; 3 a whole chunk of a sheet, with its checksum made right; else a chunk's content, around which the rest is built.
//! What our reader takes is held against what Automerge reads.
#![no_main]

use std::sync::LazyLock;

use doorstep_document::Change;
use doorstep_domain::{BootId, ChangeHash, Clocks, UnixMs};
use doorstep_fuzz::{case, check_case, chunk, day, fenced, morning, prepare, reseal, sheet};
use libfuzzer_sys::{arbitrary::Unstructured, fuzz_target};

#[path = "../../../core/document/tests/document/oracle.rs"]
mod oracle;

/// What a replica has before: the seeds continue it.
static BEFORE: LazyLock<Vec<(ChangeHash, Vec<u8>)>> =
    LazyLock::new(|| morning().iter().take(3).map(|change| (change.hash(), change.bytes().to_vec())).collect());

fuzz_target!(init: prepare(), |data: &[u8]| {
    fenced(|| match data.split_first() {
        None => {}
        Some((0, bytes)) => {
            let mut sealed = bytes.to_vec();
            reseal(&mut sealed);
            let honest = sealed == bytes;
            assert!(honest || Change::read(&case(), bytes).is_err(), "only a right checksum is let through");
            one(sealed);
        }
        Some((1, bytes)) => {
            let day = day(&mut Unstructured::new(bytes));
            check(&day.iter().map(|change| (change.hash(), change.bytes().to_vec())).collect::<Vec<_>>());
        }
        Some((3, bytes)) => {
            let mut sealed = bytes.to_vec();
            reseal(&mut sealed);
            oracle::check(sheet(), &sealed);
            let Ok(read) = Change::read(sheet(), &sealed) else { return };
            let sent = Clocks { wall: UnixMs(1_772_413_200_000), mono_ms: 1 << 36, boot: BootId([1; 4]) };
            check_case(sheet(), &[(read.hash(), sealed)], &sent, UnixMs(1_772_413_260_000));
        }
        Some((_, content)) => one(chunk(content)),
    });
});

/// Alone if it is a first change, else after what it may continue.
fn one(bytes: Vec<u8>) {
    oracle::check(&case(), &bytes);
    let Ok(read) = Change::read(&case(), &bytes) else { return };
    let new = (read.hash(), bytes);
    match read.deps() {
        [] => check(&[new]),
        _ => check(&[BEFORE.as_slice(), &[new]].concat()),
    }
}

fn check(chunks: &[(ChangeHash, Vec<u8>)]) {
    let sent = Clocks { wall: UnixMs(1_772_413_200_000), mono_ms: 1 << 36, boot: BootId([1; 4]) };
    check_case(&case(), chunks, &sent, UnixMs(1_772_413_260_000));
}
