//! The body of a batch, of version 2 or 3: its packs restored, their changes read and taken as a replica takes them.
#![no_main]

use doorstep_document::pack;
use doorstep_domain::{ChangeHash, Clocks, DocRef, UnixMs};
use doorstep_fuzz::{Plan, check_case, fenced, prepare};
use doorstep_protocol::{Batch, BroughtDoc, Header, Push, PushDoc, Sending, decode, encode, signing::doc_digest};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

/// Smaller than the server's, so that a pack that grows is over soon.
const LIMIT: usize = 1024 * 1024;

fuzz_target!(init: prepare(), |data: &[u8]| {
    fenced(|| {
        if let Ok(push) = decode::<Push>(data) {
            push.cases.iter().for_each(|case| document((&case.case).into(), &case.pack, push.batch, |_| true));
        }
        if let Ok(batch) = decode::<Batch>(data) {
            let number = decode::<Header>(&batch.header).map_or(1, |header| header.batch);
            let resent = Batch { sending: vec![], sig: vec![], ..batch.clone() };
            assert_eq!(resent.hash(), batch.hash(), "a sending is part of no batch's hash");
            assert!(batch.sending.is_empty() || resent.message() != batch.message(), "and is signed");
            decode::<Sending>(&batch.sending).iter().for_each(|sending| {
                sending.clocks();
            });
            for doc in &batch.docs {
                let hashes = |chunks: &[Chunk]| doc.is_of(chunks.iter().map(|(hash, _)| hash));
                document(doc.document().unwrap_or((&doc.doc).into()), &doc.pack, number, hashes);
            }
            brought(&batch);
        }
    });
});

/// The links that a batch says it brings of an earlier chain name changes of its own documents, or it brings none.
fn brought(batch: &Batch) {
    let restored = |doc: &PushDoc| pack::restore_within(&doc.pack, LIMIT).unwrap_or_default();
    let changes: Vec<Vec<ChangeHash>> =
        batch.docs.iter().map(|doc| restored(doc).into_iter().map(|(hash, _)| hash).collect()).collect();
    let docs = batch.docs.iter().zip(&changes);
    let docs: Vec<BroughtDoc<'_>> = docs
        .map(|(doc, changes)| BroughtDoc { doc: doc.document().unwrap_or((&doc.doc).into()), digest: &doc.digest, changes })
        .collect();
    let all = changes.concat();
    for (_, named) in batch.brings.iter().filter_map(|brought| brought.chain(&docs)) {
        assert!(named.len() <= all.len() && named.iter().all(|hash| all.contains(hash)));
    }
}

type Chunk = (ChangeHash, Vec<u8>);

/// The changes of one document, if its pack rebuilds to what is signed.
fn document(doc: DocRef, packed: &[u8], mono_ms: u64, is_signed: impl Fn(&[Chunk]) -> bool) {
    let sent = Clocks { wall: UnixMs(1_772_413_200_000), mono_ms, boot: doorstep_domain::BootId([1; 4]) };
    let Ok(chunks) = pack::restore_within(packed, LIMIT) else { return };
    // Its numbers may be spelled longer than need be; once packed by us it stays as it is.
    let bytes: Vec<&[u8]> = chunks.iter().map(|(_, bytes)| bytes.as_slice()).collect();
    let again = pack::elide(&bytes).expect("what was restored can be packed");
    assert_eq!(pack::restore_within(&again, LIMIT).as_ref(), Ok(&chunks));
    if is_signed(&chunks) {
        check_case(doc, &chunks, &sent, UnixMs(1_772_413_260_000));
    }
}

// Changes one change inside a pack, or their order, and makes the hashes right again: a pack with a byte changed is always
// noticed as such.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    match data.get(..size).and_then(|bytes| inside(bytes, seed as usize)).filter(|new| new.len() <= max_size) {
        Some(new) if seed % 8 != 0 => {
            data.iter_mut().zip(&new).for_each(|(to, from)| *to = *from);
            new.len()
        }
        _ => fuzzer_mutate(data, size, max_size),
    }
});

fn inside(bytes: &[u8], seed: usize) -> Option<Vec<u8>> {
    let nth = |count: usize| (seed >> 8).checked_rem(count);
    if let Ok(mut push) = decode::<Push>(bytes) {
        let nth = nth(push.cases.len())?;
        let case = push.cases.get_mut(nth)?;
        case.pack = altered(&case.pack, seed)?;
        return encode(&push).ok();
    }
    let mut batch: Batch = decode(bytes).ok()?;
    let nth = nth(batch.docs.len())?;
    let doc = batch.docs.get_mut(nth)?;
    doc.pack = altered(&doc.pack, seed)?;
    if let Ok(chunks) = pack::restore_within(&doc.pack, LIMIT) {
        doc.digest = doc_digest(doc.document().unwrap_or((&doc.doc).into()), chunks.iter().map(|(hash, _)| hash));
    }
    encode(&batch).ok()
}

fn altered(packed: &[u8], seed: usize) -> Option<Vec<u8>> {
    let mut plans = Plan::read(packed)?;
    let at = (seed >> 12).checked_rem(plans.len())?;
    match seed % 8 {
        1 => {
            plans.remove(at);
        }
        2 => plans.insert(at, plans.get(at)?.clone()),
        3 => {
            let other = (seed >> 20) % plans.len();
            plans.swap(at, other);
        }
        4 => plans.get_mut(at)?.follow(1 + (seed >> 20) % 4),
        _ => {
            let body = &mut plans.get_mut(at)?.body;
            let len = body.len();
            body.resize(len + 64, 0);
            let len = fuzzer_mutate(body, len, len + 64);
            body.truncate(len);
        }
    }
    Plan::write(&plans)
}
