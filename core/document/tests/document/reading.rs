//! Our reader and writer held against Automerge's: the same bytes, the same operations, and nothing taken that Automerge refuses.

use automerge::{ActorId, legacy};
use doorstep_document::chunk::{Chunk, Map, Value};
use proptest::prelude::*;

use super::{
    made::Made,
    oracle::{self, Oracle},
    *,
};

/// Checks a change of the case by both readers.
fn check(bytes: &[u8]) -> (String, String) {
    oracle::check(&case().2, bytes)
}

/// What texts and bytes of made-up values are cut from.
const SAID: &str =
    "敲门无人应答，knocked three times, 门口没有人; the neighbour says that they are away until Monday. 邻居说他们周一才回来。";

fn value(u: &mut Made) -> Value<'static> {
    let said = &SAID[..SAID.floor_char_boundary(u.below(SAID.len()))];
    match u.below(6) {
        0 => Value::Flag(false),
        1 => Value::Flag(true),
        2 => Value::Int(u.number().cast_signed().wrapping_mul(if u.below(2) == 0 { 1 } else { -1 })),
        3 => Value::Uint(u.number()),
        4 => Value::Text(said),
        _ => Value::Bytes(said.as_bytes()),
    }
}

/// Any maps of any values, also those that no entry has: the same name or value several times in a row, an empty key, no fields.
fn chunk(u: &mut Made) -> Chunk<'static> {
    let field = |u: &mut Made| (["", "a", "a", "words", "门"][u.below(5)], value(u));
    let map = |u: &mut Made| {
        let (key, repeats) = (["", "note/abcdefgh-1", "note/abcdefgh-1.1"][u.below(3)], u.below(4));
        let mut fields: Vec<_> = (0..u.below(20)).map(|_| field(u)).collect();
        let last: Vec<_> = fields.last().copied().into_iter().cycle().take(repeats).collect();
        fields.extend(last);
        Map { key, fields }
    };
    let mut deps: Vec<ChangeHash> = (0..u.below(5)).map(|_| ChangeHash::new([u.number() as u8; 32])).collect();
    deps.sort();
    deps.dedup();
    Chunk {
        deps,
        install: InstallId::new([u.number() as u8; 16]),
        seq: u.number(),
        start_op: 1 + u.number() % 16_000_000,
        maps: (0..=u.below(8)).map(|_| map(u)).collect(),
    }
}

/// A change of entries of any kinds, after others of any number.
fn change(u: &mut Made, kinds: &[Kind]) -> Change {
    let (network, waybill, case) = case();
    let entries: Vec<NewEntry> = kinds
        .iter()
        .map(|kind| {
            let body = u.body(*kind);
            u.entry(Facts::unlisted(network.clone(), waybill.clone()), body)
        })
        .collect();
    let heads = (0..u.below(3) as u8).map(|n| ChangeHash::new([n; 32])).collect();
    let at = Position { heads, max_op: u.number() % 1_000_000, seq: u.number() % 1_000_000 };
    Change::write(&case, &InstallId::new([u.number() as u8; 16]), &at, &entries).unwrap()
}

/// A change made by Automerge's own transaction on a loaded document, with the same entries.
fn by_transaction(like: &Chunk) -> Vec<u8> {
    use automerge::transaction::{CommitOptions, Transactable};
    let mut doc = automerge::Automerge::new().with_actor(ActorId::from(like.install.as_bytes().as_slice()));
    let mut transaction = doc.transaction();
    for map in &like.maps {
        let made = transaction.put_object(automerge::ROOT, map.key, automerge::ObjType::Map).unwrap();
        map.fields.iter().for_each(|(name, value)| transaction.put(&made, *name, oracle::scalar(*value)).unwrap());
    }
    transaction.commit_with(CommitOptions::default().with_time(0));
    doc.get_last_local_change().unwrap().raw_bytes().to_vec()
}

fn case_kinds() -> Vec<Kind> {
    Kind::ALL.iter().copied().filter(|kind| DocKind::of_entry(kind.as_str()) == Some(DocKind::Case)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_chunk_has_the_bytes_that_automerge_gives_it(seed in any::<u64>()) {
        let chunk = chunk(&mut Made(seed));
        let (hash, bytes) = chunk.write();
        prop_assert_eq!(&bytes, &oracle::written(&chunk));
        prop_assert_eq!(Chunk::read(&bytes), Ok((hash, chunk)));
    }

    #[test]
    fn a_change_of_any_entries_has_automerges_bytes_and_reads_as_automerge_reads_it(
        seed in any::<u64>(), kinds in proptest::collection::vec(proptest::sample::select(case_kinds()), 1..5),
    ) {
        let change = change(&mut Made(seed), &kinds);
        prop_assert_eq!(check(change.bytes()), ("ok".to_owned(), "ok".to_owned()));
    }

    /// The first change of a document, which Automerge can write without others.
    #[test]
    fn a_first_change_of_any_entries_has_the_bytes_of_automerges_own_transaction(
        seed in any::<u64>(), kinds in proptest::collection::vec(proptest::sample::select(case_kinds()), 1..5),
    ) {
        let change = change(&mut Made(seed), &kinds);
        let mut first = Chunk::read(change.bytes()).unwrap().1;
        (first.deps, first.seq, first.start_op) = (vec![], 1, 1);
        prop_assert_eq!(first.write().1, by_transaction(&first));
    }

    /// Bytes flipped, inserted, removed and cut, anywhere in a change, with a checksum and a length that are right again.
    #[test]
    fn what_is_taken_of_a_damaged_change_automerge_takes_as_the_same(
        seed in any::<u64>(), kinds in proptest::collection::vec(proptest::sample::select(case_kinds()), 1..3), edits in 1usize..4,
    ) {
        let u = &mut Made(seed);
        let honest = change(u, &kinds);
        let mut content = content_of(honest.bytes()).to_vec();
        for _ in 0..edits {
            let (at, byte) = (u.below(content.len()), u.number() as u8);
            match u.below(5) {
                0 => content[at] ^= 1 << (byte & 7),
                1 => content[at] = byte,
                2 => content.insert(at, byte),
                3 => drop(content.remove(at)),
                _ => content.truncate(at.max(1)),
            }
        }
        check(&sealed(&content));
        let mut cut = honest.bytes().to_vec();
        cut.truncate(u.below(cut.len()));
        check(&cut);
    }

    #[test]
    fn any_bytes_are_judged_alike(content in proptest::collection::vec(any::<u8>(), 0..200)) {
        check(&content);
        check(&sealed(&content));
    }
}

/// The content of a chunk, after its length.
fn content_of(chunk: &[u8]) -> &[u8] {
    let length = 1 + chunk[9..].iter().position(|byte| *byte < 0x80).unwrap();
    &chunk[9 + length..]
}

fn sealed(content: &[u8]) -> Vec<u8> {
    let mut chunk = vec![0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 1];
    let mut length = content.len();
    while length >= 0x80 {
        chunk.push(length as u8 | 0x80);
        length >>= 7;
    }
    chunk.push(length as u8);
    chunk.extend(content);
    reseal(&mut chunk);
    chunk
}

fn golden(path: &str) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let line = |line: &str| (0..line.len()).step_by(2).map(|i| u8::from_str_radix(&line[i..i + 2], 16).unwrap()).collect();
    text.lines().map(line).collect()
}

/// Every single-bit mutant of the golden changes is judged as before: what was refused for what an entry says is refused for the same
/// reason, and what was refused for its form still is, though the two readers do not look at the parts in the same order.
#[test]
fn every_mutant_of_the_golden_changes_is_judged_as_before() {
    let goldens = ["tests/golden/case-v0.hex", "tests/golden/questions.hex", "../protocol/tests/golden/sheet-change.hex"];
    let form = ["chunk_type", "undecodable", "not_canonical", "actor", "envelope", "op_count", "shape"];
    for bytes in goldens.iter().flat_map(|path| golden(path)) {
        check(&bytes);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut mutant = bytes.clone();
                mutant[at] ^= 1 << bit;
                let plain = Change::read(&case().2, &mutant).unwrap_err();
                assert!(at < 9 || matches!(plain, Refusal::Checksum | Refusal::Undecodable), "{plain} at {at}");
                reseal(&mut mutant);
                let (theirs, ours) = check(&mutant);
                let [theirs_is_form, ours_is_form] = [&theirs, &ours].map(|code| form.contains(&code.as_str()));
                assert!(
                    theirs == ours || theirs == "ok" || (theirs_is_form && ours_is_form),
                    "{theirs}, now {ours}, at {at}.{bit}"
                );
            }
        }
    }
}

/// Fields after another map than their own. The earlier reader took it; no writer ever made one.
#[test]
fn fields_that_do_not_follow_their_map_are_refused_now() {
    let two = Writer::new(1).write(vec![attempt(), note("门口")]);
    let mut expanded = automerge::Change::from_bytes(two.bytes().to_vec()).unwrap().decode();
    let last = expanded.operations.pop().unwrap();
    let second = expanded.operations.iter().rposition(|op| op.obj == legacy::ObjectId::Root).unwrap();
    let first = expanded.operations[1].clone();
    expanded.operations.push(legacy::Op { key: legacy::Key::Map("late".into()), ..first });
    assert!(second > 1);
    expanded.operations.push(last);
    let bytes = automerge::Change::from(expanded).raw_bytes().to_vec();
    assert!(Oracle::read(&bytes).is_ok_and(|oracle| !oracle.is_in_order));
    assert!(matches!(Change::read(&case().2, &bytes), Err(Refusal::Shape(_))));
}

/// The seeds of the fuzz target: whole chunks, contents, and what it makes changes from.
#[test]
fn the_fuzzers_seeds_are_judged_alike() {
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fuzz/corpus/change");
    let mut taken = 0;
    for seed in std::fs::read_dir(seeds).unwrap() {
        let seed = std::fs::read(seed.unwrap().path()).unwrap();
        let Some((first, rest)) = seed.split_first() else { continue };
        let mut bytes = match first {
            0 | 3 => rest.to_vec(),
            _ => sealed(rest),
        };
        if bytes.len() > 8 {
            reseal(&mut bytes);
        }
        check(&bytes);
        taken += u32::from(Chunk::read(&bytes).is_ok());
    }
    assert!(taken > 3, "{taken} seeds are changes");
}
