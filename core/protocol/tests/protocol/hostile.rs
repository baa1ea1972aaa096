//! Bodies that lie: each is refused at once, without a panic and without memory for what it only claims.

use std::collections::BTreeMap;

use minicbor::{Decode, Decoder};

use super::{golden::bytes_of, specification::grammar, *};

fn reads<T: for<'b> Decode<'b, ()>>(bytes: &[u8]) -> bool {
    decode::<T>(bytes).is_ok()
}

type Reads = fn(&[u8]) -> bool;

/// Every golden message with the rule of the grammar that it is an example of.
const MESSAGES: &[(&str, &str, Reads)] = &[
    ("ack", "Ack", reads::<Ack>),
    ("enrol-request", "EnrolRequest", reads::<EnrolRequest>),
    ("enrol-response", "EnrolResponse", reads::<EnrolResponse>),
    ("envelope", "Envelope", reads::<Envelope>),
    ("error-body", "ErrorBody", reads::<ErrorBody>),
    ("feed-page", "FeedPage", reads::<FeedPage>),
    ("nonce-response", "NonceResponse", reads::<NonceResponse>),
    ("push", "Push", reads::<Push>),
    ("refs-outlets", "Refs", reads::<Refs>),
    ("photo-query", "PhotoQuery", reads::<PhotoQuery>),
    ("photo-states", "PhotoStates", reads::<PhotoStates>),
    ("publication", "Publication", reads::<Publication>),
    ("refs-pack", "Refs", reads::<Refs>),
    ("refs-policy", "Refs", reads::<Refs>),
    ("refs-parcels", "Refs", reads::<Refs>),
    ("session-request", "SessionRequest", reads::<SessionRequest>),
    ("session-response", "SessionResponse", reads::<SessionResponse>),
    ("signed", "Signed", reads::<Signed>),
    ("sync-request", "SyncRequest", reads::<SyncRequest>),
    ("sync-request-idle", "SyncRequest", reads::<SyncRequest>),
    ("sync-response", "SyncResponse", reads::<SyncResponse>),
    ("sync-response-idle", "SyncResponse", reads::<SyncResponse>),
];

/// The pairs of a map: key, and key with value as bytes.
fn pairs(bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut decoder = Decoder::new(bytes);
    let count = decoder.map().unwrap().unwrap();
    let mut pairs = Vec::new();
    for _ in 0..count {
        let from = decoder.position();
        let key = decoder.u64().unwrap();
        decoder.skip().unwrap();
        pairs.push((key, bytes[from..decoder.position()].to_vec()));
    }
    pairs
}

fn map_of<'a>(pairs: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let pairs: Vec<_> = pairs.collect();
    assert!(pairs.len() < 24);
    [&[0xa0 | pairs.len() as u8], pairs.concat().as_slice()].concat()
}

#[test]
fn a_message_that_ends_early_or_late_is_refused() {
    for (name, _, reads) in MESSAGES {
        let bytes = bytes_of(name);
        assert!(reads(&bytes), "{name}");
        assert!((0..bytes.len()).all(|end| !reads(&bytes[..end])), "{name} ends early");
        assert!(!reads(&[&bytes[..], &[0]].concat()), "{name} has a byte too many");
        assert!(!reads(&[&bytes[..], &bytes[..]].concat()), "{name} comes twice");
    }
}

#[test]
fn a_missing_key_is_refused_exactly_where_the_grammar_demands_it() {
    let rules = grammar();
    for (name, rule, reads) in MESSAGES {
        let optional: &BTreeMap<u64, bool> = &rules[*rule];
        let pairs = pairs(&bytes_of(name));
        for (left_out, _) in &pairs {
            let without = map_of(pairs.iter().filter(|(key, _)| key != left_out).map(|(_, pair)| pair.as_slice()));
            assert_eq!(reads(&without), optional[left_out], "{name} without {left_out}");
        }
    }
}

#[test]
fn a_value_of_another_type_is_refused() {
    for (name, _, reads) in MESSAGES {
        let pairs = pairs(&bytes_of(name));
        for (spoilt, _) in &pairs {
            let spoil = |(key, pair): &(u64, Vec<u8>)| {
                // A simple value (false) is of no type that any message has at its top level.
                if key == spoilt { vec![*key as u8, 0xf4] } else { pair.clone() }
            };
            let spoilt_pairs: Vec<_> = pairs.iter().map(spoil).collect();
            let is_bool = [("feed-page", 2), ("ack", 1), ("sync-response", 11)].contains(&(*name, *spoilt));
            assert_eq!(reads(&map_of(spoilt_pairs.iter().map(Vec::as_slice))), is_bool, "{name} with another {spoilt}");
        }
        assert!(!reads(&[0x80]) && !reads(&[0xf6]) && !reads(&[0x00]) && !reads(&[]), "{name}");
    }
    // Ids have one length; a map's keys are integers; text is UTF-8; strings have a definite length.
    let link = |hash: usize| [&[0xa2, 0x00, 0x01, 0x01, 0x58, hash as u8][..], &vec![7; hash]].concat();
    assert!(reads::<Link>(&link(32)) && !reads::<Link>(&link(31)) && !reads::<Link>(&link(33)));
    assert!(!reads::<Link>(&[&[0xa2, 0x00, 0x20, 0x01, 0x58, 32][..], &[7; 32]].concat()), "a negative number");
    assert!(!reads::<ErrorBody>(b"\xa2\x61\x30\x61x\x01\x61y"), "a text as key");
    assert!(!reads::<ErrorBody>(b"\xa2\x00\x61\xff\x01\x61y"), "no UTF-8");
    assert!(!reads::<ErrorBody>(b"\xa2\x00\x7f\x61x\xff\x01\x61y"), "an indefinite string");
}

#[test]
fn of_a_key_that_comes_twice_the_last_counts() {
    let error = decode::<ErrorBody>(b"\xa3\x00\x61x\x01\x61y\x00\x61z").unwrap();
    assert_eq!(error, ErrorBody { code: "z".into(), detail: "y".into() });
}

#[test]
fn deep_nesting_costs_neither_stack_nor_time() {
    const DEPTH: usize = 1_000_000;
    let error = |value: Vec<u8>| [b"\xa3\x00\x61x\x01\x61y\x18\x63", value.as_slice()].concat();
    let closed = [vec![0x81; DEPTH], vec![0x00]].concat();
    assert!(reads::<ErrorBody>(&error(closed)), "an unknown field is ignored, however deep");
    let indefinite = [vec![0x9f; DEPTH], vec![0xff; DEPTH]].concat();
    assert!(reads::<ErrorBody>(&error(indefinite)));
    for open in [0x81, 0x9f, 0xa1, 0xbf, 0xc1] {
        assert!(!reads::<ErrorBody>(&error(vec![open; DEPTH])), "{open:#x} without end");
    }
    assert!(!reads::<SyncRequest>(&vec![0x81; DEPTH]));
}

#[test]
fn a_claimed_length_costs_no_memory() {
    const HUGE: [u8; 8] = [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    let claim = |before: &[u8], head: u8| [before, &[head], &HUGE].concat();
    for head in [0x5b, 0x7b, 0x9b, 0xbb] {
        assert!(!reads::<SyncRequest>(&claim(&[], head)));
        assert!(!reads::<ErrorBody>(&claim(&[0xa2, 0x00], head)));
        assert!(!reads::<ErrorBody>(&claim(b"\xa3\x00\x61x\x01\x61y\x09", head)), "in an unknown field");
    }
    assert!(!reads::<SyncRequest>(&claim(&[0xa1, 0x04], 0x9b)), "cursors");
    assert!(!reads::<Push>(&claim(&[0xa1, 0x04], 0x9b)), "cases");
    assert!(!reads::<Push>(&claim(&[0xa1, 0x05], 0x9b)), "batches sent again");
    assert!(!reads::<Refs>(&claim(&[0xa1, 0x01], 0x9b)), "parcels");
    assert!(!reads::<Ack>(&claim(&[0xa1, 0x03], 0x9b)), "cases");
    assert!(!reads::<AckCase>(&claim(&[0xa1, 0x01], 0x9b)), "rows");
    assert!(!reads::<Envelope>(&claim(&[0xa1, 0x00], 0x5b)), "the body");
}

#[test]
fn a_row_may_be_longer_or_end_where_nothing_follows() {
    let row = |bytes: &[u8]| decode::<ReceiptRow>(bytes).unwrap();
    let short =
        ReceiptRow { code: 2, received: 0, offset: None, marks: None, slack: None, from: None, before: None, unproven: None };
    assert_eq!(row(&[0x82, 2, 0]), short);
    assert_eq!(row(&[0x85, 2, 0, 0xf6, 0xf6, 0xf6]), short);
    assert_eq!(row(&[0x89, 2, 0, 0xf6, 0xf6, 0xf6, 0xf6, 0xf6, 0xf6, 9]), short);
    assert!(!reads::<ReceiptRow>(&[0x81, 2]));
}

/// An enumeration can get a new number only in another version of the protocol.
#[test]
fn an_unknown_number_of_an_enumeration_spoils_its_message() {
    assert!(!reads::<RefVersion>(b"\xa2\x00\x06\x01\x01"), "a kind of reference rows");
    let pairs = pairs(&bytes_of("sync-response"));
    let spoilt: Vec<_> = pairs.iter().map(|(key, pair)| if *key == 6 { vec![6, 9] } else { pair.clone() }).collect();
    assert!(!reads::<SyncResponse>(&map_of(spoilt.iter().map(Vec::as_slice))), "a demand");
}
