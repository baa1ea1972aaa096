//! Every fence against a measured hazard, each with a test that fails without it.

use std::num::NonZeroU64;

use automerge::{ActorId, ExpandedChange, ObjType, ScalarValue, legacy};

use super::*;

/// A hostile change: an honest one, decoded, altered and encoded again with a right checksum.
fn forged(alter: impl FnOnce(&mut ExpandedChange)) -> Vec<u8> {
    let honest = Writer::new(1).write(vec![attempt()]);
    let mut expanded = automerge::Change::from_bytes(honest.bytes().to_vec()).unwrap().decode();
    alter(&mut expanded);
    automerge::Change::from(expanded).raw_bytes().to_vec()
}

fn refusal(bytes: &[u8]) -> String {
    Change::read(&case().2, bytes).expect_err("refused").code().to_string()
}

#[test]
fn a_wrong_checksum_is_refused_where_automerge_does_not_look() {
    let mut bytes = Writer::new(1).write(vec![attempt()]).bytes().to_vec();
    bytes[5] ^= 1;
    assert!(automerge::Change::from_bytes(bytes.clone()).is_ok(), "the hazard is still there");
    assert_eq!(refusal(&bytes), "checksum");
}

/// Every single-bit mutant of an honest change, with a checksum that is right again. Some of them Automerge decodes and
/// would write differently; these are the ones that have poisoned documents, and only encoding again shows them.
#[test]
fn a_change_that_does_not_encode_back_to_its_bytes_is_refused() {
    let honest = Writer::new(1).write(vec![attempt()]);
    let mut codes = std::collections::BTreeSet::new();
    for at in 9..honest.bytes().len() {
        for bit in 0..8 {
            let mut mutant = honest.bytes().to_vec();
            mutant[at] ^= 1 << bit;
            reseal(&mut mutant);
            codes.extend(Change::read(&case().2, &mutant).err().map(|refusal| refusal.code().to_string()));
        }
    }
    for code in ["not_canonical", "undecodable", "actor", "entry_key", "field", "shape"] {
        assert!(codes.contains(code), "{code} is not among {codes:?}");
    }
}

#[test]
fn an_operation_counter_that_jumps_is_refused() {
    let jump = forged(|c| c.start_op = NonZeroU64::new(1 << 20).unwrap());
    let change = Change::read(&case().2, &jump);
    // The entry map's id moves with the counter, so the fields point nowhere; were they moved too, the history refuses.
    assert!(change.is_err());
    let mut writer = Writer::new(1);
    writer.position.max_op = 1 << 20;
    let change = writer.write(vec![attempt()]);
    assert_eq!(History::default().admit(&change), Admission::Refused(Refusal::StartOp { got: (1 << 20) + 1, want: 1 }));
    writer.position.max_op = (1 << 24) - 2;
    assert!(Change::write(&case().2, &writer.install, &writer.position, &[entry(attempt(), true)]).is_err());
}

#[test]
fn a_compressed_change_is_refused_before_it_is_inflated() {
    let mut writer = Writer::new(1);
    let change = writer.write(vec![note(&"重复的话".repeat(300))]);
    let mut parsed = automerge::Change::from_bytes(change.bytes().to_vec()).unwrap();
    let compressed = parsed.bytes().into_owned();
    assert_eq!(compressed[8], 2, "automerge made a compressed chunk");
    assert_eq!(refusal(&compressed), "chunk_type");
    assert_eq!(refusal(&vec![0; 70_000]), "too_large");
}

#[test]
fn a_forged_key_a_foreign_tag_or_another_sequence_is_refused() {
    let rename = |key: &'static str| forged(move |c| c.operations[0].key = legacy::Key::Map(key.into()));
    let other = Tag::of(&InstallId::new([2; 16]));
    assert_eq!(refusal(&rename(Box::leak(format!("attempt/{}-1", other.as_str()).into_boxed_str()))), "entry_key");
    let own = Tag::of(&InstallId::new([1; 16]));
    assert_eq!(refusal(&rename(Box::leak(format!("attempt/{}-2", own.as_str()).into_boxed_str()))), "entry_key");
    assert_eq!(refusal(&rename("title")), "entry_key");
}

/// Two entries with one place: every replica would show them in the order in which it happened to read them.
#[test]
fn an_entry_whose_key_gives_another_place_than_its_own_is_refused() {
    let two = Writer::new(1).write(vec![attempt(), note("门口")]);
    let tag = Tag::of(&InstallId::new([1; 16]));
    let named = |name: &str| {
        let mut expanded = automerge::Change::from_bytes(two.bytes().to_vec()).unwrap().decode();
        let second = expanded.operations.iter_mut().filter(|op| op.obj == legacy::ObjectId::Root).nth(1).unwrap();
        second.key = legacy::Key::Map(format!("note/{}-1{name}", tag.as_str()).into());
        Change::read(&case().2, automerge::Change::from(expanded).raw_bytes()).map_err(|refusal| refusal.code().to_string())
    };
    assert!(named(".1").is_ok());
    for place in [".0", ".2", ""] {
        assert_eq!(named(place), Err("entry_key".to_owned()), "{place}");
    }
    let lone = forged(|c| c.operations[0].key = legacy::Key::Map(format!("attempt/{}-1.0", tag.as_str()).into()));
    assert_eq!(refusal(&lone), "entry_key");
}

#[test]
fn anything_but_making_and_filling_an_entry_is_refused() {
    let shape = |alter: fn(&mut ExpandedChange)| refusal(&forged(alter));
    assert_eq!(shape(|c| c.operations[0].action = legacy::OpType::Make(ObjType::List)), "shape");
    assert_eq!(shape(|c| c.operations[3].action = legacy::OpType::Delete), "shape");
    assert_eq!(shape(|c| c.operations[3].action = legacy::OpType::Put(ScalarValue::F64(1.0))), "shape");
    assert_eq!(shape(|c| c.operations[3].obj = legacy::ObjectId::Root), "shape");
    assert_eq!(
        shape(|c| {
            let key = c.operations[3].key.clone();
            c.operations[4].key = key
        }),
        "shape"
    );
    assert_eq!(shape(|c| c.operations.clear()), "op_count");
    assert_eq!(shape(|c| c.time = 1_772_413_200), "envelope");
    assert_eq!(shape(|c| c.message = Some("hello".into())), "envelope");
    assert_eq!(shape(|c| c.extra_bytes = vec![7]), "envelope");
    assert_eq!(shape(|c| c.actor_id = ActorId::from([1u8; 12].as_slice())), "actor");
    // A put that overwrites somebody's field names it as predecessor; one without predecessors would still win.
    let actor = ActorId::from([1u8; 16].as_slice());
    let overwrite = forged(|c| c.operations[3].pred = vec![legacy::OpId::new(1, &actor)].into());
    assert_eq!(refusal(&overwrite), "shape");
}

#[test]
fn dependencies_that_are_unsorted_repeated_or_too_many_are_refused() {
    let deps = |deps: Vec<u8>| forged(|c| c.deps = deps.iter().map(|n| automerge::ChangeHash([*n; 32])).collect());
    // Automerge's builder sorts, so unsorted ones come only by hand.
    let mut unsorted = deps(vec![1, 2]);
    let (first, second) = unsorted[12..76].split_at_mut(32);
    first.swap_with_slice(second);
    reseal(&mut unsorted);
    assert_eq!(refusal(&unsorted), "not_canonical");
    assert_eq!(refusal(&deps(vec![1, 1])), "envelope");
    assert_eq!(refusal(&deps((0..65).collect())), "envelope");
    assert!(Change::read(&case().2, &deps((0..64).collect())).is_ok());
}

#[test]
fn more_entries_than_one_action_has_are_refused() {
    let write = |n: usize| {
        let entries: Vec<_> = (0..n).map(|i| entry(note("x"), i == 0)).collect();
        Change::write(&case().2, &InstallId::new([1; 16]), &Position::default(), &entries)
    };
    assert!(write(16).is_ok() && write(17).is_err() && write(0).is_err());
}

#[test]
fn a_writer_that_forgets_its_own_changes_is_refused() {
    let mut phone = Writer::new(1);
    let first = phone.write(vec![attempt()]);
    phone.position = Position { heads: vec![], max_op: 0, seq: 1 };
    let second = phone.write(vec![note("二")]);
    let mut history = History::default();
    assert_eq!(history.admit(&first), Admission::New);
    assert!(matches!(history.admit(&second), Admission::Refused(Refusal::StartOp { got: 1, .. })));
}

#[test]
fn a_pack_that_repeats_hashes_to_grow_is_refused() {
    // 10,000 changes of one byte, each with 64 references to the one before.
    let mut pack = vec![1, 0x90, 0x4e];
    for i in 0..10_000 {
        let deps = if i == 0 { 0 } else { 64 };
        pack.push(deps);
        pack.extend(vec![1; usize::from(deps)]);
        pack.push(1);
    }
    pack.extend(vec![0; 10_000 + 32]);
    assert!(pack.len() < 700_000);
    assert_eq!(pack::restore(&pack), Err(pack::PackError::OverLimit));
}

#[test]
fn a_change_of_another_case_cannot_be_transplanted() {
    let change = Writer::new(1).write(vec![attempt()]);
    let elsewhere = CaseId::of(&"QH".parse().unwrap(), &Waybill::parse("QH310000000018").unwrap());
    assert_eq!(Change::read(&elsewhere, change.bytes()).unwrap_err().code().to_string(), "other_case");
}

#[test]
fn a_first_change_without_the_parcels_facts_is_refused() {
    let written = Change::write(&case().2, &InstallId::new([1; 16]), &Position::default(), &[entry(attempt(), false)]);
    assert_eq!(written.unwrap_err(), Refusal::NoFacts.into());
}

#[test]
fn a_field_of_another_type_is_refused_and_an_unknown_kind_is_kept() {
    let bytes = forged(|c| {
        let reason = c.operations.iter_mut().find(|op| op.key == legacy::Key::Map("reason".into())).unwrap();
        reason.action = legacy::OpType::Put(ScalarValue::Int(7));
    });
    assert_eq!(refusal(&bytes), "field");
    let tag = Tag::of(&InstallId::new([1; 16]));
    let later = forged(|c| c.operations[0].key = legacy::Key::Map(format!("weigh/{}-1", tag.as_str()).into()));
    assert_eq!(Change::read(&case().2, &later).unwrap().entries()[0].body, Body::Unknown { name: "weigh".into() });
}

#[test]
fn a_photo_keeps_where_it_came_from_and_one_that_does_not_say_has_no_field() {
    let photo = |source| Body::Photo(Photo { source, ..Photo::of(PhotoId::new([5; 32]), 9, PhotoPurpose::Door) });
    let mut phone = Writer::new(1);
    phone.write(vec![attempt()]);
    for source in [None, Some(PhotoSource::Camera), Some(PhotoSource::Gallery)] {
        let change = phone.write(vec![photo(source)]);
        let read = Change::read(&case().2, change.bytes()).unwrap();
        assert_eq!(read.entries()[0].body, photo(source));
        let is_named = change.bytes().windows(6).any(|window| window == b"source");
        assert_eq!(is_named, source.is_some(), "older readers get the same bytes as before");
    }
}

#[test]
fn a_photo_keeps_the_accuracy_of_its_position_and_one_without_has_no_field() {
    let photo = |accuracy_m| {
        let position = GeoPosition::new(302_741_512, 1_201_551_512).map(|place| GeoPosition { accuracy_m, ..place });
        let capture = Capture { position, ..Capture::default() };
        Body::Photo(Photo { capture, ..Photo::of(PhotoId::new([5; 32]), 9, PhotoPurpose::Door) })
    };
    let mut phone = Writer::new(1);
    phone.write(vec![attempt()]);
    for accuracy in [None, Some(0), Some(30), Some(u32::MAX)] {
        let change = phone.write(vec![photo(accuracy)]);
        let read = Change::read(&case().2, change.bytes()).unwrap();
        assert_eq!(read.entries()[0].body, photo(accuracy));
        let is_named = change.bytes().windows(6).any(|window| window == b"within");
        assert_eq!(is_named, accuracy.is_some(), "older readers get the same bytes as before");
    }
}

#[test]
fn a_clone_that_reuses_a_sequence_number_is_refused_and_the_first_stays() {
    let mut phone = Writer::new(1);
    let mut clone = Writer::new(1);
    let first = phone.write(vec![attempt()]);
    let second = clone.write(vec![note("克隆")]);
    let mut history = History::default();
    assert_eq!(history.admit(&first), Admission::New);
    assert_eq!(history.admit(&second), Admission::Refused(Refusal::SeqTaken(1)));
    assert_eq!(history.admit(&first), Admission::Known);
}

#[test]
fn a_gap_in_the_sequence_waits_outside_and_is_never_applied() {
    let mut phone = Writer::new(1);
    phone.write(vec![attempt()]);
    let second = phone.write(vec![note("二")]);
    assert_eq!(History::default().admit(&second), Admission::Early);
    // Without dependencies the gap shows only in the sequence number; Automerge panics on it.
    let mut lone = Writer::new(1);
    lone.position.seq = 4;
    let lone = lone.write(vec![note("五")]);
    assert_eq!(History::default().admit(&lone), Admission::Early);
}

#[test]
fn a_panic_inside_automerge_is_an_error_of_that_case_only() {
    let mut gap = Writer::new(1);
    gap.position.seq = 4;
    let gap = gap.write(vec![note("五")]);
    assert!(merge([gap.bytes()]).is_err(), "the hazard is contained");
}

/// A change of few bytes that claims many operations: every column is one run.
fn run_of(operations: u64) -> Vec<u8> {
    let leb = |mut value: u64| {
        let mut out = vec![];
        loop {
            let byte = (value & 0x7f) as u8;
            value >>= 7;
            if value == 0 {
                out.push(byte);
                return out;
            }
            out.push(byte | 0x80);
        }
    };
    // Signed LEB128 of a positive number: one more bit for the sign.
    let sleb = |value: u64| {
        let mut out = leb(value);
        if out.last().is_some_and(|last| last & 0x40 != 0) {
            *out.last_mut().unwrap() |= 0x80;
            out.push(0);
        }
        out
    };
    let key = b"attempt/aaaaaaaa-1";
    let columns: Vec<(u64, Vec<u8>)> = vec![
        (0x15, [sleb(operations), leb(key.len() as u64), key.to_vec()].concat()), // key, as text
        (0x34, leb(operations)),                                                  // insert: all false
        (0x42, [sleb(operations), vec![0]].concat()),                             // action: make a map
        (0x56, [sleb(operations), vec![0]].concat()),                             // value: null
        (0x70, [sleb(operations), vec![0]].concat()),                             // no predecessors
    ];
    let mut body = vec![0]; // no dependencies
    body.push(16);
    body.extend([1; 16]);
    body.extend([1, 1, 0, 0, 0]); // seq, start_op, time, message, other actors
    body.extend(leb(columns.len() as u64));
    for (spec, data) in &columns {
        body.extend(leb(*spec));
        body.extend(leb(data.len() as u64));
    }
    columns.iter().for_each(|(_, data)| body.extend(data));
    let mut chunk = vec![0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 1];
    chunk.extend(leb(body.len() as u64));
    chunk.extend(body);
    reseal(&mut chunk);
    chunk
}

#[test]
fn a_change_of_few_bytes_that_claims_many_operations_is_refused_before_they_are_unrolled() {
    // Automerge unrolls them: the hazard is still there.
    let change = automerge::Change::from_bytes(run_of(1_000)).unwrap();
    assert_eq!(change.decode().operations.len(), 1_000);
    for claimed in [513, 1_000_000, 1 << 40, 1 << 60] {
        let bytes = run_of(claimed);
        assert!(bytes.len() < 120);
        assert_eq!(refusal(&bytes), "op_count", "{claimed}");
    }
    assert_ne!(refusal(&run_of(512)), "op_count");
}

#[test]
fn compressed_columns_and_predecessors_are_refused_before_decoding() {
    let with = |spec: u8| {
        let mut bytes = run_of(1);
        let at = bytes.iter().position(|b| *b == 0x42).unwrap();
        bytes[at] = spec;
        reseal(&mut bytes);
        bytes
    };
    assert_eq!(refusal(&with(0x4a)), "chunk_type");
    assert_eq!(refusal(&with(0x71)), "shape");
}

#[test]
fn a_listed_row_reads_as_it_was_written_and_one_that_says_whose_nothing_is_refused() {
    let body = || Body::Listed(Listed { since: UnixMs(1_772_400_000_000) });
    let written = Change::write(&case().2, &InstallId::new([1; 16]), &Position::default(), &[entry(body(), true)]).unwrap();
    let read = Change::read(&case().2, written.bytes()).unwrap();
    assert_eq!((&read.entries()[0].body, &read.entries()[0].facts), (&body(), &entry(body(), true).facts));
    let (network, waybill, _) = case();
    let nothing = NewEntry { facts: Some(Facts::unlisted(network, waybill)), ..entry(body(), true) };
    let refused = Change::write(&case().2, &InstallId::new([1; 16]), &Position::default(), &[nothing]).unwrap_err();
    assert!(format!("{refused:?}").contains("org"), "{refused:?}");
}
