//! A body as it comes over the network: one zstd frame with a message of CBOR in it. What decodes, encodes and decodes to the
//! same message, and nothing in it makes its reader panic.
#![no_main]

use doorstep_domain::UnixMs;
use doorstep_fuzz::{fenced, prepare};
use doorstep_protocol::{
    Ack, EnrolRequest, EnrolResponse, Envelope, ErrorBody, FeedPage, NonceResponse, Push, Refs, SessionRequest, SessionResponse,
    Spoken, SyncRequest, SyncResponse, decode, encode, open, pack_receipts, seal, unpack_receipts, unpack_verdicts,
};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

/// Small, so that a bomb is over soon.
const LIMIT: usize = 256 * 1024;

fuzz_target!(init: prepare(), |data: &[u8]| {
    fenced(|| {
        let Ok(body) = open(data, LIMIT) else { return };
        assert!(body.len() <= LIMIT);
        message::<SyncRequest>(&body);
        message::<Envelope>(&body);
        message::<Push>(&body);
        message::<EnrolRequest>(&body);
        message::<EnrolResponse>(&body);
        message::<SessionRequest>(&body);
        message::<SessionResponse>(&body);
        message::<NonceResponse>(&body);
        message::<Refs>(&body);
        message::<ErrorBody>(&body);
        if let Some(page) = message::<FeedPage>(&body) {
            check_page(&page);
        }
        if let Some(ack) = message::<Ack>(&body) {
            check_ack(&ack);
        }
        if let Some(answer) = message::<SyncResponse>(&body) {
            for part in &answer.feed {
                message::<FeedPage>(&part.body).iter().for_each(check_page);
            }
            answer.ack.iter().filter_map(|part| message::<Ack>(&part.body)).for_each(|ack| check_ack(&ack));
            // Whoever has no key of the server's signs nothing that is believed.
            let _ = answer.verify(&doorstep_domain::DeviceId::new([1; 16]), &[4; 65]);
        }
    });
});

fn message<T>(body: &[u8]) -> Option<T>
where
    T: minicbor::Encode<()> + for<'b> minicbor::Decode<'b, ()> + PartialEq + std::fmt::Debug,
{
    let message: T = decode(body).ok()?;
    let again = encode(&message).expect("what was decoded encodes");
    assert_eq!(decode::<T>(&again).expect("what was encoded decodes"), message);
    assert_eq!(open(&seal(&again).expect("it seals"), again.len()).expect("and opens"), again);
    Some(message)
}

fn monos(rows: usize) -> Vec<u64> {
    (0..rows as u64 + 1).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect()
}

fn check_page(page: &FeedPage) {
    for case in &page.cases {
        let monos = monos(case.receipts.len());
        let monos = monos.get(1..).unwrap_or_default();
        let receipts = unpack_receipts(&case.receipts, monos).expect("a receipt for each change");
        let rows: Vec<_> = receipts.into_iter().zip(monos.iter().copied()).collect();
        assert_eq!(pack_receipts(&rows, Spoken::Version3).len(), rows.len());
    }
}

fn check_ack(ack: &Ack) {
    for case in &ack.cases {
        let monos = monos(case.rows.len());
        let verdicts = unpack_verdicts(UnixMs(ack.received_ms), &case.rows, &case.quarantined, &monos);
        assert_eq!(verdicts.len(), monos.len(), "a verdict for each change that was sent");
    }
}

// Changes the message inside the frame three times of four: a frame with a byte changed seldom opens.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed % 4 == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let mut body = data.get(..size).and_then(|frame| open(frame, LIMIT).ok()).unwrap_or_default();
    let len = body.len();
    body.resize(len + 256, 0);
    let len = fuzzer_mutate(&mut body, len, len + 256);
    match seal(body.get(..len).unwrap_or_default()) {
        Ok(frame) if frame.len() <= max_size => {
            data.iter_mut().zip(&frame).for_each(|(to, from)| *to = *from);
            frame.len()
        }
        _ => fuzzer_mutate(data, size, max_size),
    }
});
