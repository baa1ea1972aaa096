//! What one change costs: `cargo bench -p doorstep-document`.
//!
//! A day's changes of one case: a failed delivery with its photo, a call, an SMS with its report, a notice, a reply, a tick. In one
//! run, so that the ratios hold on any machine: reading as the server does (with an encoding again), reading what is stored, the
//! chunk alone, the hash alone, writing, and what Automerge's own parse, legacy structure and encoding take of the same changes.
//!
//! A name after `--` chooses one of them (`-- read`), and `DOORSTEP_ROUNDS` says how often the day is repeated: a few rounds are
//! enough where instructions are counted.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a benchmark fails loudly and reads the clock"
)]

use std::{hint::black_box, time::Instant};

use doorstep_document::{Change, NewEntry, Position, chunk::Chunk};
use doorstep_domain::*;
use sha2::{Digest, Sha256};

/// How often the day is repeated, unless `DOORSTEP_ROUNDS` says so.
const ROUNDS: u32 = 10_000;
/// How often in one run.
const AT_ONCE: u32 = 10;

struct Sample {
    at: Position,
    entries: Vec<NewEntry>,
    change: Change,
    expanded: automerge::ExpandedChange,
}

fn install() -> InstallId {
    InstallId::new([7; 16])
}

fn words(text: &str) -> Personal {
    Personal::plain(text).unwrap()
}

fn bodies() -> Vec<Vec<Body>> {
    let (case, when) = (case(), UnixMs(1_772_413_600_000));
    let photo = Photo {
        thumbnail: Some(Thumbnail { id: PhotoId::new([6; 32]), len: 9_000 }),
        capture: Capture { at: Some(when), ..Capture::default() },
        ..Photo::of(PhotoId::new([5; 32]), 200_000, PhotoPurpose::Door)
    };
    let attempt = Attempt { words: Some(words("敲门三次无人应答")), ..Attempt::of("DF-NOBODY".parse().unwrap()) };
    let call = Call { number: Some(words("13800000000")), called_at: Some(when), ..Call::of(CallResult::NoAnswer) };
    let sms = Sms::worded(&case, 20_514, words("13800000000"), words("王先生，您的快件QH310000000017未能送达")).unwrap();
    let report = SmsReport {
        of: "sms/abcdefgh-3".parse().unwrap(),
        state: SmsState::Leased,
        round: 1,
        way: SmsWay::Phone,
        holder: None,
        fault: None,
        at: Some(when),
        words: None,
    };
    let notice =
        Notice { to: "0571".parse().unwrap(), source: TargetSource::WaybillData, request: Some(words("请联系客户")) };
    let reply = Reply {
        notice: Some("notice/abcdefgh-5".parse().unwrap()),
        words: Some(words("下午再送")),
        phone: Some(words("13800000001")),
        ..Reply::of("REDELIVER".parse().unwrap())
    };
    vec![
        vec![Body::Attempt(attempt), Body::Photo(photo)],
        vec![Body::Call(call)],
        vec![Body::Sms(sms)],
        vec![Body::SmsReport(report)],
        vec![Body::Notice(notice)],
        vec![Body::Reply(reply)],
        vec![Body::Tick(Tick { step: "report_superior".parse().unwrap(), words: None })],
        vec![Body::Note { words: words("门口没有人") }],
    ]
}

fn case() -> CaseId {
    CaseId::of(&"QH".parse().unwrap(), &Waybill::parse("QH310000000017").unwrap())
}

fn day() -> Vec<Sample> {
    let mut at = Position::default();
    let author = Author { user: "c1029".parse().unwrap(), role: Role::Courier, outlet: "0412".parse().unwrap() };
    let anchor = Some(Anchor { server: UnixMs(1_772_413_195_000), mono_ms: 86_395_000 });
    let time =
        TimeEvidence { wall: UnixMs(1_772_413_200_000), zone_quarters: 32, mono_ms: 86_400_000, boot: BootId([1; 4]), anchor };
    let facts = Facts {
        origin_outlet: Some("0571".parse().unwrap()),
        delivering_outlet: Some("0412".parse().unwrap()),
        mobile: Some([9; 8]),
        reference: 3,
        ..Facts::unlisted("QH".parse().unwrap(), Waybill::parse("QH310000000017").unwrap())
    };
    let mut samples = Vec::new();
    for bodies in bodies() {
        let first = at.seq == 0;
        let entry = |(i, body)| {
            let facts = (first && i == 0).then(|| facts.clone());
            NewEntry { facts, ..NewEntry::of(author.clone(), 1, time, body) }
        };
        let entries: Vec<NewEntry> = bodies.into_iter().enumerate().map(entry).collect();
        let before = at.clone();
        let change = Change::write(&case(), &install(), &at, &entries).unwrap();
        at.advance(&change, true);
        let expanded = automerge::Change::from_bytes(change.bytes().to_vec()).unwrap().decode();
        samples.push(Sample { at: before, entries, change, expanded });
    }
    samples
}

type Step = (&'static str, &'static str, fn(&CaseId, &Sample));

const STEPS: [Step; 7] = [
    ("read", "Change::read", |case, sample| drop(black_box(Change::read(case, sample.change.bytes()).unwrap()))),
    ("stored", "Change::read_stored", |case, sample| drop(black_box(Change::read_stored(case, sample.change.bytes()).unwrap()))),
    ("chunk", "Chunk::read", |_, sample| drop(black_box(Chunk::read(sample.change.bytes()).unwrap()))),
    ("hash", "SHA-256 alone", |_, sample| {
        black_box(Sha256::digest(&sample.change.bytes()[8..]));
    }),
    ("write", "Change::write", |case, sample| {
        drop(black_box(Change::write(case, &install(), &sample.at, &sample.entries).unwrap()));
    }),
    ("automerge-read", "Automerge: parse, decode, encode again", |_, sample| {
        let expanded = automerge::Change::from_bytes(sample.change.bytes().to_vec()).unwrap().decode();
        drop(black_box((automerge::Change::from(expanded.clone()), expanded)));
    }),
    ("automerge-write", "Automerge: encode", |_, sample| {
        drop(black_box(automerge::Change::from(sample.expanded.clone())));
    }),
];

/// Does a step so many times, for a count of instructions: see `.ci/counts`.
fn count(name: &str, units: usize) {
    let (case, day) = (case(), day());
    let (_, _, step) = STEPS.into_iter().find(|(of, ..)| *of == name).unwrap();
    day.iter().cycle().take(units).for_each(|sample| step(&case, sample));
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--count") {
        return count(&args[at + 1], args[at + 2].parse().unwrap());
    }
    let chosen = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    let rounds = std::env::var("DOORSTEP_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let (case, day) = (case(), day());
    let bytes: usize = day.iter().map(|sample| sample.change.bytes().len()).sum();
    println!("{} changes of {} bytes on average, {rounds} rounds", day.len(), bytes / day.len());
    let mut read = None;
    for (name, what, step) in STEPS.into_iter().filter(|(name, ..)| chosen.as_deref().is_none_or(|chosen| chosen == *name)) {
        let taken = nanoseconds(&case, &day, rounds, step);
        let read = *read.get_or_insert(taken);
        println!("{name:16} {what:40} {taken:8.0} ns a change, {:5.2} of the first", taken / read);
    }
}

/// The least of many short runs, because other work of the machine only adds to them.
fn nanoseconds(case: &CaseId, day: &[Sample], rounds: u32, step: fn(&CaseId, &Sample)) -> f64 {
    let run = |_| {
        let start = Instant::now();
        for _ in 0..AT_ONCE {
            day.iter().for_each(|sample| step(case, sample));
        }
        start.elapsed().as_nanos() as f64 / f64::from(AT_ONCE) / day.len() as f64
    };
    (0..rounds / AT_ONCE).map(run).fold(f64::INFINITY, f64::min)
}
