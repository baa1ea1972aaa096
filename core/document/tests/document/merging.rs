//! Changes have the bytes and heads that Automerge gives them, in any order of arrival. The golden document still reads.

use automerge::{
    ActorId, ROOT, ReadDoc, legacy,
    transaction::{CommitOptions, Transactable},
};
use proptest::prelude::*;

use super::*;

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
pub(crate) fn morning(steps: &[(u8, bool)]) -> Vec<Change> {
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

/// Entries of kinds that came later, in a file of their own: the golden document above never changes.
#[test]
fn questions_answers_runs_and_links_are_as_specified() {
    let mut tablet = Writer::new(2);
    let site = || Some("0755".parse().unwrap());
    let ask =
        Ask { step: "outlet_search".parse().unwrap(), to: "0755".parse().unwrap(), words: Personal::plain("找一找").ok() };
    let answer = |here: bool| {
        let result = if here { "found" } else { "not_found" }.parse().unwrap();
        Body::Answered(Answered { ask: "ask/abcdefgh-1".parse().unwrap(), result, here, words: None })
    };
    let linked = |reason: Option<&str>| Linked {
        waybill: Waybill::parse("QH310000000025").unwrap(),
        reason: reason.map(|reason| reason.parse().unwrap()),
        state: "registered".parse().unwrap(),
    };
    let changes = [
        tablet.write(vec![Body::Ask(ask)]),
        tablet.write(vec![answer(true), answer(false)]),
        tablet.write(vec![Body::Action(Action { site: site(), ..Action::of("FORWARD".parse().unwrap()) })]),
        tablet.write(vec![Body::Reply(Reply { site: site(), ..Reply::of("FORWARD".parse().unwrap()) })]),
        tablet.write(vec![Body::Dispatch(Dispatch { leaves_at: UnixMs(1_772_450_000_000), words: None })]),
        tablet.write(vec![Body::Linked(linked(Some("LS-SWAP"))), Body::Linked(linked(None))]),
    ];
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let written: String = changes.iter().map(|c| hex(c.bytes()) + "\n").collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/questions.hex");
    if std::env::var("GOLDEN").as_deref() == Ok("write") {
        std::fs::write(path, &written).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), written);
    for change in &changes {
        assert_eq!(&Change::read(&case().2, change.bytes()).unwrap(), change);
    }
}

/// The golden document: bytes that must read the same for as long as format version 0 lives.
/// `GOLDEN=write cargo test -p doorstep-document` writes it anew after a deliberate change of the format.
#[test]
fn the_golden_document_of_format_0_reads_and_writes_the_same() {
    let mut phone = Writer::new(1);
    let mut tablet = Writer::new(2);
    let text = |t: &str| Some(Personal::plain(t).unwrap());
    let photo = Body::Photo(Photo::of(PhotoId::new([5; 32]), 123_456, PhotoPurpose::Door));
    let words = Personal::plain("王先生您好，单号QH310000000017").unwrap();
    let number = Personal::plain("13800000000").unwrap();
    let worded = Sms::worded(&CaseId::new([1; 16]), 20_514, number, words).unwrap();
    let sms = Sms {
        attempt: Some("attempt/abcdefgh-1.0".parse().unwrap()),
        template: Some("failed_delivery".parse().unwrap()),
        template_version: 3,
        has_surname: true,
        has_waybill: true,
        ..worded
    };
    let of: EntryKey = "sms/abcdefgh-2".parse().unwrap();
    let sent = SmsReport {
        of: of.clone(),
        state: SmsState::Leased,
        round: 1,
        way: SmsWay::Phone,
        holder: Some(of.tag),
        fault: Some(SmsFault::NoService),
        at: Some(UnixMs(1_772_450_000_000)),
        words: text("没有信号"),
    };
    let answer = SmsReply { of, words: Personal::plain("放门口").unwrap(), opt_out: true };
    let changes = [
        phone.write(vec![attempt(), photo]),
        phone.write(vec![Body::Sms(sms)]),
        phone.write(vec![Body::SmsReport(sent), Body::SmsReply(answer)]),
        phone.write(vec![Body::Call(Call { number: text("13800000000"), ..Call::of(CallResult::NoAnswer) })]),
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
            words: text("同址再派"),
            phone: None,
            address: None,
            ..Reply::of("REDELIVER".parse().unwrap())
        })]),
        tablet.write(vec![Body::Close(Close::of("SIGNED".parse().unwrap()))]),
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
    assert_eq!(doc.keys(ROOT).count(), 11);
}
