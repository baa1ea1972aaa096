//! The dense pack rebuilds every chunk byte for byte, costs no reader more than it may, and panics on no bytes.

use doorstep_document::{
    MAX_CHANGE_BYTES,
    pack::{
        PackError,
        dense::{self, LEAST_CHANGE, Rebuilt, unpack},
    },
};
use proptest::prelude::*;

use super::{merging::morning, *};

fn slices(changes: &[Vec<u8>]) -> Vec<&[u8]> {
    changes.iter().map(Vec::as_slice).collect()
}

fn chunks(changes: &[Change]) -> Vec<Vec<u8>> {
    changes.iter().map(|change| change.bytes().to_vec()).collect()
}

/// Packs the documents and gives back the pack, which rebuilds to them.
#[track_caller]
fn packed(docs: &[(DocId, Vec<Vec<u8>>)]) -> Vec<u8> {
    let given: Vec<(DocId, Vec<&[u8]>)> = docs.iter().map(|(doc, changes)| (*doc, slices(changes))).collect();
    let packed = dense::pack(&given, usize::MAX).unwrap();
    let rebuilt = unpack(&packed, usize::MAX).unwrap();
    assert_eq!(rebuilt.len(), docs.len());
    for ((doc, changes), rebuilt) in docs.iter().zip(rebuilt) {
        let hash = |chunk: &Vec<u8>| (pack::hash_of(chunk).unwrap(), chunk.clone());
        assert_eq!(rebuilt, Rebuilt { doc: *doc, changes: changes.iter().map(hash).collect() });
    }
    packed
}

/// A chunk with another key of an entry, which no writer of ours makes.
fn with_key(change: &Change, key: &str) -> Vec<u8> {
    let mut expanded = automerge::Change::from_bytes(change.bytes().to_vec()).unwrap().decode();
    expanded.operations[0].key = automerge::legacy::Key::Map(key.into());
    automerge::Change::from(expanded).raw_bytes().to_vec()
}

fn with_message(change: &Change) -> Vec<u8> {
    let mut expanded = automerge::Change::from_bytes(change.bytes().to_vec()).unwrap().decode();
    expanded.message = Some("of another program".into());
    automerge::Change::from(expanded).raw_bytes().to_vec()
}

fn is_in(pack: &[u8], part: &[u8]) -> bool {
    pack.windows(part.len()).any(|window| window == part)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn documents_rebuild_byte_for_byte(
        docs in proptest::collection::vec((proptest::collection::vec((0u8..3, any::<bool>()), 0..9), 0usize..4, any::<bool>()), 0..5),
    ) {
        let docs: Vec<(DocId, Vec<Vec<u8>>)> = docs
            .iter()
            .map(|(steps, skip, is_foreign)| {
                let mut of_doc = chunks(&morning(steps));
                of_doc.drain(..(*skip).min(of_doc.len()));
                if let (true, Some(first)) = (*is_foreign, morning(steps).first()) {
                    of_doc.push(with_message(first));
                    of_doc.push(with_key(first, "note/abcdefgh-7"));
                }
                (case().2, of_doc)
            })
            .collect();
        packed(&docs);
    }

    #[test]
    fn a_damaged_or_hostile_pack_gets_a_typed_error_or_other_changes(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 0u8..8), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let _ = unpack(&bytes, 1 << 20);
        let _ = unpack(&[&[3], bytes.as_slice()].concat(), 1 << 20);
        let honest = packed(&[(case().2, chunks(&morning(&[(0, false), (1, false), (0, true)])))]);
        prop_assert!(unpack(&honest[..cut.index(honest.len())], 1 << 20).is_err(), "cut");
        let mut damaged = honest.clone();
        for (at, bit) in &flips {
            let at = at.index(damaged.len());
            damaged[at] ^= 1 << bit;
        }
        prop_assume!(damaged != honest);
        // Two spellings may rebuild to the same changes: the digest around the pack, not the pack, is what is signed.
        for Rebuilt { changes, .. } in unpack(&damaged, 1 << 20).unwrap_or_default() {
            for (hash, chunk) in changes {
                prop_assert_eq!(Some(hash), pack::hash_of(&chunk));
                let _ = Change::read(&case().2, &chunk);
            }
        }
    }
}

#[test]
fn every_kind_of_entry_travels_by_field() {
    for name in ["case-v0", "questions"] {
        let golden = std::fs::read_to_string(format!("{}/tests/golden/{name}.hex", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let read = |line: &str| (0..line.len()).step_by(2).map(|i| u8::from_str_radix(&line[i..i + 2], 16).unwrap()).collect();
        let chunks: Vec<Vec<u8>> = golden.lines().map(read).collect();
        let pack = packed(&[(case().2, chunks.clone())]);
        // The columns of a chunk are nowhere in the pack: no change went verbatim.
        assert!(chunks.iter().all(|chunk| !is_in(&pack, &chunk[chunk.len() - 40..])), "{name}");
        assert!(pack.len() * 2 < chunks.iter().map(Vec::len).sum(), "{name}: {}", pack.len());
    }
}

#[test]
fn what_follows_is_left_out() {
    let mut phone = Writer::new(1);
    let number = Personal::plain("13800000000").unwrap();
    let sms = Sms::worded(&case().2, 20_514, number, Personal::plain("您好").unwrap()).unwrap();
    let digest = sms.digest;
    let changes = [phone.write(vec![attempt()]), phone.write(vec![Body::Sms(sms)]), phone.write(vec![note("一")])];
    let pack = packed(&[(case().2, chunks(&changes))]);
    assert!(!is_in(&pack, case().2.as_bytes()) && !is_in(&pack, &case().2.prefix()), "the id follows from the waybill");
    assert!(changes.iter().all(|change| !is_in(&pack, change.hash().as_bytes())), "what they depend on is in the pack");
    assert!(!is_in(&pack, &digest), "the digest of an SMS follows from its text");
    assert!(!is_in(&pack, Tag::of(&phone.install).as_str().as_bytes()), "the keys of entries follow from the writer");
    // The rest of a document names its id and what is outside of the pack.
    let rest = packed(&[(case().2, chunks(&changes[1..]))]);
    assert!(is_in(&rest, case().2.as_bytes()) && is_in(&rest, changes[0].hash().as_bytes()));
}

#[test]
fn a_change_that_no_writer_of_ours_makes_travels_verbatim() {
    let mut phone = Writer::new(1);
    let (first, second) = (phone.write(vec![attempt()]), phone.write(vec![note("二"), note("三")]));
    let foreign = with_key(&first, "note/abcdefgh-7");
    let body = &foreign[foreign.len() - 40..];
    for foreign in [foreign.clone(), with_message(&first)] {
        packed(&[(case().2, vec![foreign, second.bytes().to_vec()])]);
    }
    assert!(is_in(&packed(&[(case().2, vec![foreign.clone()])]), body));
    // A kind of entry that nobody knows is a shape like any other.
    let unknown = with_key(&first, &format!("weighing/{}-1", Tag::of(&phone.install).as_str()));
    assert!(!is_in(&packed(&[(case().2, vec![unknown.clone()])]), &unknown[unknown.len() - 40..]));
    // A chunk that reads but is not canonical is found out when its pack is rebuilt.
    let mut twice = first.bytes().to_vec();
    let at = twice.len() - 2;
    twice[at..].copy_from_slice(&[0x7f, 0]);
    reseal(&mut twice);
    packed(&[(case().2, vec![twice])]);
    assert_eq!(dense::pack(&[(case().2, vec![b"no chunk at all".as_slice()])], usize::MAX), None);
    assert_eq!(dense::pack(&[(case().2, vec![b"short".as_slice()])], usize::MAX), None);
}

/// A pack by hand: fields, shapes, then streams with their lengths.
fn by_hand(fields: &[(u8, &str)], shapes: &[(&str, &[u8])], streams: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![3, fields.len() as u8];
    for (kind, name) in fields {
        out.extend([*kind, name.len() as u8]);
        out.extend(name.as_bytes());
    }
    out.push(shapes.len() as u8);
    for (kind, fields) in shapes {
        out.push(kind.len() as u8);
        out.extend(kind.as_bytes());
        out.push(fields.len() as u8);
        out.extend(*fields);
    }
    for stream in streams {
        let mut length = stream.len();
        while length >= 0x80 {
            out.push(length as u8 | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
    }
    streams.iter().for_each(|stream| out.extend(*stream));
    out
}

#[test]
fn a_pack_that_grows_is_refused_before_it_has_grown() {
    let id = [7_u8; 16];
    let number = |mut n: usize| {
        let mut out = vec![];
        while n >= 0x80 {
            out.push(n as u8 | 0x80);
            n >>= 7;
        }
        out.push(n as u8);
        out
    };
    // One value of 60,000 bytes, named again by each of 2,000 changes: 8 KB would rebuild to 120 MB.
    let many = 2_000;
    let (value, places) = (vec![1; 60_000], [vec![0], vec![1; many - 1]].concat());
    let docs = number(many * 2 + 1);
    let (ones, zeros) = (vec![1; many], vec![0; many]);
    let writers = [vec![0], vec![1; many - 1]].concat();
    let with = |value: &[u8], places: &[u8], shape: &[u8], field: u8| {
        let lengths = number(value.len());
        by_hand(
            &[(field, "words")],
            &[("note", shape)],
            &[&docs, &id, &zeros, &[], &ones, &writers, &id, &zeros, &zeros, &zeros, &[], &[], places, &lengths, value],
        )
    };
    let of = |places: &[u8], shape: &[u8], field: u8| with(&value, places, shape, field);
    // With its names and its head the change is larger than any other way takes it.
    assert_eq!(unpack(&with(&[1; MAX_CHANGE_BYTES], &places, &[0], 1), usize::MAX), Err(PackError::TooLarge));
    let grown = of(&places, &[0], 1);
    assert!(unpack(&grown, 130 << 20).is_ok(), "it is well formed");
    assert_eq!(unpack(&grown, 8 << 20), Err(PackError::OverLimit));
    // The same value twice in one change.
    let twice = [vec![0], vec![1; many * 2 - 1]].concat();
    assert_eq!(unpack(&of(&twice, &[0, 0], 1), usize::MAX), Err(PackError::TooLarge));
    // Tiny changes count as more than they are: a million of them would take their headers' room.
    let tiny = 100_000;
    let zeros = vec![0; tiny];
    let docs: Vec<u8> = (0..10).flat_map(|_| number(10_000 * 2 + 1)).collect();
    let pack = by_hand(&[], &[], &[&docs, &[7; 160], &zeros, &[], &zeros, &[], &[], &[], &[], &[], &zeros, &[]]);
    assert!(unpack(&pack, tiny * LEAST_CHANGE).is_ok());
    assert_eq!(unpack(&pack, tiny * LEAST_CHANGE - 1), Err(PackError::OverLimit));
    // More changes of one document than a document may have.
    let docs = number(10_001 * 2 + 1);
    let pack = by_hand(&[], &[], &[&docs, &id, &zeros, &[], &zeros, &[], &[], &[], &[], &[], &zeros, &[]]);
    assert_eq!(unpack(&pack, usize::MAX), Err(PackError::TooLarge));
}

#[test]
fn a_pack_with_anything_out_of_range_is_malformed() {
    let id = [7_u8; 16];
    let common = |streams: [&[u8]; 12]| by_hand(&[(3, "cod")], &[("note", &[0])], &[&streams[..], &[&[2]]].concat());
    let good: [&[u8]; 12] = [&[3], &id, &[0], &[], &[1], &[0], &id, &[0], &[0], &[0], &[], &[]];
    assert_eq!(unpack(&common(good), 1 << 20).unwrap()[0].changes.len(), 1);
    let with = |at: usize, stream: &[u8]| {
        let mut streams = good;
        streams[at] = stream;
        unpack(&common(streams), 1 << 20)
    };
    for (at, stream, why) in [
        (0, &[2][..], "no id, and no waybill that it follows from"),
        (0, &[5], "a change more than there is"),
        (0, &[], "a change less"),
        (1, &[7; 15], "a shorter id"),
        (2, &[2, 1], "depends on a change before the first"),
        (2, &[2, 0], "depends on a hash that is not there"),
        (2, &[67], "more dependencies than a change may have"),
        (3, &[1], "a byte left over"),
        (4, &[17], "more entries than a change may have"),
        (4, &[0x81, 0], "a number in a longer form"),
        (5, &[1], "a writer that was not named"),
        (9, &[1], "a shape that is not there"),
        (10, &[0], "a length without a verbatim change"),
    ] {
        assert_eq!(with(at, stream), Err(PackError::Malformed), "{why}");
    }
    for (pack, why) in [
        (by_hand(&[(0, "cod")], &[], &[&[][..]; 12]), "a type of field that is not known"),
        (by_hand(&[(3, "cod")], &[("note", &[1])], &[&[][..]; 13]), "a field that is not there"),
        (by_hand(&[(3, &"n".repeat(33))], &[], &[&[][..]; 13]), "a name that is too long"),
        (by_hand(&[], &[], &[&[][..]; 11]), "a stream less"),
        (by_hand(&[], &[], &[&[][..]; 13]), "a byte after the streams"),
    ] {
        assert_eq!(unpack(&pack, 1 << 20), Err(PackError::Malformed), "{why}");
    }
    assert_eq!(unpack(&by_hand(&[], &[], &[&[][..]; 12]), 0), Ok(vec![]), "nothing is a pack too");
    assert_eq!(unpack(&[], 0), Err(PackError::Format));
    assert_eq!(unpack(&[2, 0], 0), Err(PackError::Format));
}

#[test]
fn heads_beyond_what_a_change_may_join_are_refused() {
    // 66 first changes of one document, and one that depends on all of them.
    let id = [7_u8; 16];
    let deps = [vec![1; 66], vec![0]].concat();
    let docs = [67 * 2 + 1, 1];
    let bodies: Vec<u8> = (0..67).collect();
    let pack = by_hand(&[], &[], &[&docs, &id, &deps, &[], &[0; 67], &[], &[], &[], &[], &[], &[1; 67], &bodies]);
    assert_eq!(unpack(&pack, 1 << 20), Err(PackError::Malformed));
}

/// The dense pack of the specification's example and of the sheet, which must be written and read the same for as long as the format
/// lives.
#[test]
fn the_dense_packs_of_the_specification_are_as_specified() {
    let of = |name: &str| {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../protocol/tests/golden/{name}.hex"));
        let text = std::fs::read_to_string(file).unwrap();
        let text = text.trim_end();
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect::<Vec<u8>>()
    };
    let case_changes = pack::restore(&of("pack")).unwrap().into_iter().map(|(_, chunk)| chunk).collect();
    let sheet: DocId = "21db365626bfb61ef0ae5871ad37c8c6".parse().unwrap();
    let sheet_changes = pack::restore(&of("sheet-pack")).unwrap().into_iter().map(|(_, chunk)| chunk).collect();
    let docs = [(case().2, case_changes), (sheet, sheet_changes)];
    sheets::golden("pack-dense", &packed(&docs));
}
