//! The document crate held against Automerge itself: same bytes, same heads, and every fence doing its work.
#![allow(missing_docs, reason = "tests are named for what they show")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail loudly and read golden files"
)]

use std::num::NonZeroU64;

use automerge::{
    ActorId, ExpandedChange, ObjType, ROOT, ReadDoc, ScalarValue, legacy,
    transaction::{CommitOptions, Transactable},
};
use doorstep_document::{Admission, Change, History, NewEntry, Position, Refusal, merge, pack};
use doorstep_domain::*;
use proptest::prelude::*;

fn case() -> (NetworkCode, Waybill, CaseId) {
    let (network, waybill) = ("QH".parse().unwrap(), Waybill::parse("QH310000000017").unwrap());
    let id = CaseId::of(&network, &waybill);
    (network, waybill, id)
}

fn entry(body: Body, first: bool) -> NewEntry {
    let (network, waybill, _) = case();
    NewEntry {
        author: Author { user: "c1029".parse().unwrap(), role: Role::Courier, outlet: "0412".parse().unwrap() },
        pack_version: 1,
        time: TimeEvidence {
            wall: UnixMs(1_772_413_200_000),
            zone_quarters: 32,
            mono_ms: 86_400_000,
            boot: BootId([1, 2, 3, 4]),
            anchor: None,
        },
        action: None,
        facts: first.then(|| Facts {
            network,
            waybill,
            origin_outlet: Some("0571".parse().unwrap()),
            delivering_outlet: Some("0412".parse().unwrap()),
            cod: Fen(12_800),
            mobile: Some([9; 8]),
            reference: 3,
        }),
        body,
    }
}

fn note(text: &str) -> Body {
    Body::Note { words: Personal::plain(text).unwrap() }
}

fn attempt() -> Body {
    Body::Attempt(Attempt {
        reason: "DF-NOBODY".parse().unwrap(),
        sub: None,
        words: Some(Personal::plain("敲门无人应答").unwrap()),
    })
}

/// What one writer does to its replica.
struct Writer {
    install: InstallId,
    position: Position,
    changes: Vec<Change>,
}

impl Writer {
    fn new(n: u8) -> Self {
        Self { install: InstallId::new([n; 16]), position: Position::default(), changes: vec![] }
    }
    fn write(&mut self, bodies: Vec<Body>) -> Change {
        let first = self.position.seq == 0;
        let entries: Vec<_> = bodies.into_iter().enumerate().map(|(i, b)| entry(b, first && i == 0)).collect();
        let change = Change::write(&case().2, &self.install, &self.position, &entries).unwrap();
        self.position.advance(&change, true);
        self.changes.push(change.clone());
        change
    }
    fn receive(&mut self, change: &Change) {
        self.position.advance(change, false);
        self.changes.push(change.clone());
    }
}

fn heads_by_automerge(changes: &[Change]) -> Vec<ChangeHash> {
    merge(changes.iter().map(Change::bytes)).unwrap().heads
}

/// A change made by Automerge's own transaction on a loaded document, with the same content.
fn by_automerge(install: &InstallId, before: &[Change], like: &Change) -> Vec<u8> {
    let expanded = automerge::Change::from_bytes(like.bytes().to_vec()).unwrap().decode();
    let mut doc = automerge::Automerge::new().with_actor(ActorId::from(install.as_bytes().as_slice()));
    doc.apply_changes(before.iter().map(|c| automerge::Change::from_bytes(c.bytes().to_vec()).unwrap()).collect::<Vec<_>>())
        .unwrap();
    let mut tx = doc.transaction();
    let mut map = None;
    for op in expanded.operations {
        let legacy::Key::Map(key) = op.key else { panic!("map key") };
        match op.action {
            legacy::OpType::Make(kind) => map = Some(tx.put_object(ROOT, key.as_str(), kind).unwrap()),
            legacy::OpType::Put(value) => tx.put(map.as_ref().unwrap(), key.as_str(), value).unwrap(),
            other => panic!("{other:?}"),
        }
    }
    tx.commit_with(CommitOptions::default().with_time(0));
    doc.get_last_local_change().unwrap().raw_bytes().to_vec()
}

#[test]
fn writing_without_a_document_gives_automerges_own_bytes() {
    let (mut a, mut b) = (Writer::new(3), Writer::new(200));
    for round in 0..20 {
        let (before_a, before_b) = (a.changes.clone(), b.changes.clone());
        let x = a.write(vec![attempt(), note(&format!("第{round}次"))]);
        assert_eq!(x.bytes(), by_automerge(&a.install, &before_a, &x));
        let y = b.write(vec![note("店员")]);
        assert_eq!(y.bytes(), by_automerge(&b.install, &before_b, &y));
        if round % 3 == 0 {
            // They meet: the next change of each joins two heads.
            a.receive(&y);
            b.receive(&x);
        } else {
            a.changes.pop();
            b.changes.pop();
            a = Writer { install: a.install, position: Position::default(), changes: vec![] };
            b = Writer { install: b.install, position: Position::default(), changes: vec![] };
        }
        assert_eq!(a.position.heads, heads_by_automerge(&a.changes).into_iter().collect::<Vec<_>>());
    }
}

/// A morning of two phones and a tablet that meet now and then.
fn morning(steps: &[(u8, bool)]) -> Vec<Change> {
    let mut writers = [Writer::new(1), Writer::new(2), Writer::new(3)];
    let mut all: Vec<Change> = vec![];
    for (who, meets) in steps {
        let writer = &mut writers[usize::from(*who % 3)];
        if *meets {
            for change in &all {
                if !writer.changes.contains(change) {
                    writer.receive(change);
                }
            }
        }
        all.push(writer.write(vec![if *meets { note("见面") } else { attempt() }]));
    }
    all
}

/// Takes changes as they come, keeping early ones outside, as a replica does.
fn replicate(arrivals: &[Change]) -> (Vec<ChangeHash>, Vec<String>) {
    let (mut history, mut position, mut taken) = (History::default(), Position::default(), vec![]);
    let mut waiting: Vec<Change> = vec![];
    for arrival in arrivals {
        waiting.push(arrival.clone());
        loop {
            let before = waiting.len();
            waiting.retain(|change| match history.admit(change) {
                Admission::New => {
                    position.advance(change, false);
                    taken.extend(change.entries().iter().map(|e| e.key.to_string()));
                    false
                }
                Admission::Known => false,
                Admission::Early => true,
                Admission::Refused(refusal) => panic!("{refusal}"),
            });
            if waiting.len() == before {
                break;
            }
        }
    }
    assert!(waiting.is_empty(), "nothing waits for ever");
    taken.sort();
    (position.heads, taken)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_any_duplication_of_changes_gives_the_same_case(
        steps in proptest::collection::vec((0u8..3, any::<bool>()), 1..14),
        order in proptest::collection::vec(any::<prop::sample::Index>(), 0..60),
    ) {
        let changes = morning(&steps);
        let (heads, keys) = replicate(&changes);
        prop_assert_eq!(&heads, &heads_by_automerge(&changes), "the log and Automerge agree");
        prop_assert_eq!(&keys, &merge(changes.iter().map(Change::bytes)).unwrap().keys);

        // Shuffled with repetitions, then everything once more backwards.
        let mut arrivals: Vec<Change> = order.iter().map(|i| i.get(&changes).clone()).collect();
        arrivals.extend(changes.iter().rev().cloned());
        prop_assert_eq!(replicate(&arrivals), (heads, keys));
    }

    #[test]
    fn a_pack_rebuilds_the_same_bytes(steps in proptest::collection::vec((0u8..3, any::<bool>()), 0..14), skip in 0usize..5) {
        let changes = morning(&steps);
        let chunks: Vec<&[u8]> = changes.iter().skip(skip).map(Change::bytes).collect();
        let restored = pack::restore(&pack::elide(&chunks).unwrap()).unwrap();
        prop_assert_eq!(restored.iter().map(|(_, b)| b.as_slice()).collect::<Vec<_>>(), chunks);
    }

    #[test]
    fn a_damaged_or_hostile_pack_gets_a_typed_error(bytes in proptest::collection::vec(any::<u8>(), 0..300), flip in any::<prop::sample::Index>(), bit in 0u8..8) {
        let _ = pack::restore(&bytes);
        let changes = morning(&[(0, false), (1, false), (0, true)]);
        let mut packed = pack::elide(&changes.iter().map(Change::bytes).collect::<Vec<_>>()).unwrap();
        let at = flip.index(packed.len());
        packed[at] ^= 1 << bit;
        prop_assert!(pack::restore(&packed).is_err(), "a flipped bit at {} is noticed", at);
    }

    #[test]
    fn no_mutation_of_a_change_is_taken_and_none_panics(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let change = Writer::new(1).write(vec![attempt(), note("门口")]);
        let mut bytes = change.bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(Change::read(&case().2, &bytes).is_err());
        // Also with a checksum that is right again: then the shape, the keys or the re-encoding must catch it, or it is an
        // honest-looking change with another hash, which the history or the signature judges.
        reseal(&mut bytes);
        prop_assume!(bytes != change.bytes()); // the flip was in the checksum itself
        if let Ok(mutant) = Change::read(&case().2, &bytes) {
            prop_assert_ne!(mutant.hash(), change.hash());
            prop_assert!(merge([mutant.bytes()]).is_ok() || History::default().admit(&mutant) != Admission::New);
        }
    }
}

fn reseal(chunk: &mut [u8]) {
    use sha2::Digest;
    let hash = sha2::Sha256::digest(&chunk[8..]);
    chunk[4..8].copy_from_slice(&hash[..4]);
}

/// A hostile change: an honest one, decoded, altered and encoded again with a right checksum.
fn forged(alter: impl FnOnce(&mut ExpandedChange)) -> Vec<u8> {
    let honest = Writer::new(1).write(vec![attempt()]);
    let mut expanded = automerge::Change::from_bytes(honest.bytes().to_vec()).unwrap().decode();
    alter(&mut expanded);
    automerge::Change::from(expanded).raw_bytes().to_vec()
}

fn refusal(bytes: &[u8]) -> &'static str {
    Change::read(&case().2, bytes).expect_err("refused").code()
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
            codes.extend(Change::read(&case().2, &mutant).err().map(|refusal| refusal.code()));
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
    assert_eq!(pack::restore(&pack), Err(pack::PackError::TooLarge));
}

#[test]
fn a_change_of_another_case_cannot_be_transplanted() {
    let change = Writer::new(1).write(vec![attempt()]);
    let elsewhere = CaseId::of(&"QH".parse().unwrap(), &Waybill::parse("QH310000000018").unwrap());
    assert_eq!(Change::read(&elsewhere, change.bytes()).unwrap_err().code(), "other_case");
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

/// The golden document: bytes that must read the same for as long as format version 0 lives.
/// `GOLDEN=write cargo test -p doorstep-document` writes it anew after a deliberate change of the format.
#[test]
fn the_golden_document_of_format_0_reads_and_writes_the_same() {
    let mut phone = Writer::new(1);
    let mut tablet = Writer::new(2);
    let text = |t: &str| Some(Personal::plain(t).unwrap());
    let photo = Body::Photo(Photo { id: PhotoId::new([5; 32]), len: 123_456, purpose: PhotoPurpose::Door });
    let sms = Body::Sms(Sms {
        level: SmsLevel::HandedOver,
        to: text("13800000000"),
        text: Personal::plain("王先生您好，单号QH310000000017").unwrap(),
        has_surname: true,
        has_waybill: true,
    });
    let changes = [
        phone.write(vec![attempt(), photo]),
        phone.write(vec![sms]),
        phone.write(vec![Body::Call(Call { result: CallResult::NoAnswer, number: text("13800000000"), words: None })]),
        phone.write(vec![Body::Outage(Outage {
            reason: OutageReason::Network,
            contact: text("李敏"),
            phone: text("0571-8000"),
            phoned_at: Some(UnixMs(1_772_450_000_000)),
            outlet: Some("0571".parse().unwrap()),
            said: None,
        })]),
        tablet.write(vec![Body::Notice(Notice {
            to: "0571".parse().unwrap(),
            source: TargetSource::WaybillData,
            request: None,
        })]),
        tablet.write(vec![Body::Reply(Reply {
            notice: None,
            decision: "REDELIVER".parse().unwrap(),
            words: text("同址再派"),
            phone: None,
            address: None,
        })]),
        tablet.write(vec![Body::Close(Close { outcome: "SIGNED".parse().unwrap(), words: None })]),
        tablet.write(vec![note("完")]),
    ];
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let written: String = changes.iter().map(|c| hex(c.bytes()) + "\n").collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/case-v0.hex");
    if std::env::var("GOLDEN").as_deref() == Ok("write") {
        std::fs::write(path, &written).unwrap();
    }
    let golden = std::fs::read_to_string(path).expect("the golden document is in the repository");
    assert_eq!(golden, written, "this build writes what version 0 wrote");
    for (line, change) in golden.lines().zip(&changes) {
        let bytes: Vec<u8> = (0..line.len()).step_by(2).map(|i| u8::from_str_radix(&line[i..i + 2], 16).unwrap()).collect();
        assert_eq!(&Change::read(&case().2, &bytes).unwrap(), change);
    }
    // Every tool that knows Automerge reads it.
    let merged = merge(changes.iter().map(Change::bytes)).unwrap();
    let doc = automerge::Automerge::load(&merged.saved).unwrap();
    assert_eq!(doc.keys(ROOT).count(), 9);
}
