//! The body of a batch: its packs restored, their changes read and taken as a replica takes them.
#![no_main]

use doorstep_document::pack;
use doorstep_domain::{Clocks, UnixMs};
use doorstep_fuzz::{Plan, check_case, fenced, prepare};
use doorstep_protocol::{Push, decode, encode};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

/// Smaller than the server's, so that a pack that grows is over soon.
const LIMIT: usize = 1024 * 1024;

fuzz_target!(init: prepare(), |data: &[u8]| {
    fenced(|| {
        let Ok(push) = decode::<Push>(data) else { return };
        let sent = Clocks { wall: UnixMs(1_772_413_200_000), mono_ms: push.batch, boot: doorstep_domain::BootId([1; 4]) };
        for case in &push.cases {
            let Ok(chunks) = pack::restore_within(&case.pack, LIMIT) else { continue };
            // Its numbers may be spelled longer than need be; once packed by us it stays as it is.
            let bytes: Vec<&[u8]> = chunks.iter().map(|(_, bytes)| bytes.as_slice()).collect();
            let again = pack::elide(&bytes).expect("what was restored can be packed");
            assert_eq!(pack::restore_within(&again, LIMIT).as_ref(), Ok(&chunks));
            check_case(&case.case, &chunks, &sent, UnixMs(1_772_413_260_000));
        }
    });
});

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
    let mut push: Push = decode(bytes).ok()?;
    let nth = (seed >> 8).checked_rem(push.cases.len())?;
    let case = push.cases.get_mut(nth)?;
    let mut plans = Plan::read(&case.pack)?;
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
    case.pack = Plan::write(&plans)?;
    encode(&push).ok()
}
