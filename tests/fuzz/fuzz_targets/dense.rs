//! A dense pack. The first byte says what the others are: 0 a whole pack; else damage to an honest one, as places and bytes. What
//! rebuilds can be packed again, and rebuilds to the same changes.
#![no_main]

use std::sync::LazyLock;

use doorstep_document::{Change, pack::dense};
use doorstep_domain::{CaseId, DocId};
use doorstep_fuzz::{fenced, morning, prepare};
use libfuzzer_sys::fuzz_target;

/// Far less than the fence around the heap.
const LIMIT: usize = 1 << 20;

static HONEST: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let changes = morning();
    let chunks: Vec<&[u8]> = changes.iter().map(Change::bytes).collect();
    let cut = chunks.len() / 2;
    let docs = [(CaseId::new([1; 16]), chunks[..cut].to_vec()), (CaseId::new([2; 16]), chunks[cut..].to_vec())];
    dense::pack(&docs, usize::MAX).expect("honest changes can be packed")
});

fuzz_target!(init: prepare(), |data: &[u8]| {
    fenced(|| match data.split_first() {
        None => {}
        Some((0, pack)) => read(pack),
        Some((_, damage)) => {
            let mut pack = HONEST.clone();
            for edit in damage.chunks_exact(3) {
                let at = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % pack.len();
                pack[at] = edit[2];
            }
            read(&pack);
        }
    });
});

fn read(pack: &[u8]) {
    let Ok(rebuilt) = dense::unpack(pack, LIMIT) else { return };
    let docs: Vec<(DocId, Vec<&[u8]>)> =
        rebuilt.iter().map(|doc| (doc.doc, doc.changes.iter().map(|(_, bytes)| bytes.as_slice()).collect())).collect();
    for doc in &rebuilt {
        doc.changes.iter().for_each(|(_, bytes)| drop(Change::read(&doc.doc, bytes)));
    }
    // Changes beyond a limit of the packer, such as 513 fields, travel in format 2.
    if let Some(again) = dense::pack(&docs, usize::MAX) {
        assert_eq!(dense::unpack(&again, usize::MAX).as_ref(), Ok(&rebuilt));
    }
}
