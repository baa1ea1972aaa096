//! What judging costs: `cargo bench -p doorstep-rules`.
//!
//! 10,000 cases of 20 entries by four people, by two versions of the pack, in one run so that the ratios hold on any machine:
//! folding, the judgement, the judgement with every phase that a list row takes by itself, and explaining.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a benchmark fails loudly and reads the clock"
)]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use doorstep_domain::*;
use doorstep_rules::{Case, FIRST_PACK, Pack, Phase, Published, Rulebook, explain, judge};

/// How many cases are judged, unless `DOORSTEP_CASES` says so.
const CASES: u32 = 10_000;
const ENTRIES: u32 = 20;
/// Monday 2026-03-02, 09:00 in Asia/Shanghai.
const MORNING: UnixMs = UnixMs(1_772_413_200_000);
const MINUTE: i64 = 60_000;

fn code(text: &str) -> ReasonCode {
    text.parse().unwrap()
}

fn author(n: u32) -> Author {
    let (user, role, outlet) = [
        ("c1029", Role::Courier, "0412"),
        ("s0412", Role::Outlet, "0412"),
        ("s0571", Role::Outlet, "0571"),
        ("c1030", Role::Courier, "0412"),
    ][n as usize % 4];
    Author { user: user.parse().unwrap(), role, outlet: outlet.parse().unwrap() }
}

fn words() -> Personal {
    Personal::plain("敲门三次无人应答").unwrap()
}

fn body(case: u32, n: u32) -> Body {
    let reason = ["DF-NOBODY", "DF-PHONE", "DF-REFUSE", "DF-NOMONEY", "CD-DAMAGE"][case as usize % 5];
    match n % 10 {
        0 if reason.starts_with("CD") => {
            Body::Problem(Problem { found_at: Some(MORNING), ..Problem::of(code(reason), Stage::Arrival) })
        }
        0 | 5 => Body::Attempt(Attempt { words: Some(words()), ..Attempt::of(code(reason)) }),
        1 => Body::Photo(Photo::of(PhotoId::new([n as u8; 32]), 200_000, PhotoPurpose::Door)),
        2 => Body::Sms(Sms {
            attempt: None,
            day: 20_514,
            template: Some(code("failed_delivery")),
            template_version: 1,
            to: words(),
            mark: [9; 8],
            text: words(),
            digest: Sms::digest_of("敲门三次无人应答"),
            has_surname: true,
            has_waybill: true,
        }),
        3 => Body::Notice(Notice { to: "0571".parse().unwrap(), source: TargetSource::WaybillData, request: None }),
        4 => Body::Call(Call::of(CallResult::NoAnswer)),
        6 => Body::Reply(Reply { phone: Some(words()), ..Reply::of(code("REDELIVER")) }),
        7 => Body::Tick(Tick { step: code("report_superior"), words: None }),
        8 => Body::Action(Action::of(code("RETURN"))),
        _ => Body::Note { words: words() },
    }
}

/// One case: two rounds over three days, most of it received at once.
fn entries(case: u32) -> Vec<Recorded> {
    let facts = Facts {
        network: "QH".parse().unwrap(),
        waybill: Waybill::parse(&format!("QH{case:012}")).unwrap(),
        origin_outlet: Some("0571".parse().unwrap()),
        delivering_outlet: Some("0412".parse().unwrap()),
        cod: Fen(i64::from(case % 3) * 100),
        mobile: None,
        virtual_mobile: None,
        arrival: Some(MORNING),
        entered: None,
        reference: 1,
    };
    let entry = |n: u32| {
        let when = MORNING.plus(i64::from(n) * 211 * MINUTE);
        let received = when.plus(i64::from((case + n) % 7) * 40 * MINUTE);
        let mut change = [0; 32];
        change[..4].copy_from_slice(&case.to_be_bytes());
        change[4..8].copy_from_slice(&n.to_be_bytes());
        let body = body(case, n);
        Recorded {
            change: ChangeHash::new(change),
            standing: Standing::Accepted(Receipt::of(received, Some(when))),
            entry: Entry {
                key: EntryKey {
                    kind: body.kind().into(),
                    tag: Tag::of(&InstallId::new([n as u8 % 4; 16])),
                    seq: u64::from(n),
                    index: None,
                },
                author: author(n),
                pack_version: 1,
                time: TimeEvidence { wall: when, zone_quarters: 32, mono_ms: u64::from(n), boot: BootId([0; 4]), anchor: None },
                action: None,
                facts: (n < 4).then(|| facts.clone()),
                release: None,
                sheet: None,
                rewrites: None,
                body,
            },
        }
    };
    (0..ENTRIES).map(entry).collect()
}

fn book() -> Rulebook {
    let first = Pack::parse(FIRST_PACK).unwrap();
    let second = Pack { version: 2, ..first.clone() };
    let published = |valid_from, pack| Published { valid_from, pack };
    Rulebook::of(vec![published(UnixMs(i64::MIN), first), published(MORNING.plus(36 * 60 * MINUTE), second)]).unwrap()
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let done = work();
    (done, begun.elapsed())
}

/// Judges so many of 40 cases as a list row needs it, for a count of instructions: see `.ci/counts`.
fn counted(step: &str, units: usize) {
    assert_eq!(step, "judge");
    let (book, midway) = (book(), MORNING.plus(20 * 60 * MINUTE));
    let cases: Vec<Case> = (0..40).map(|case| Case::fold(entries(case)).unwrap()).collect();
    for case in &cases[..units] {
        black_box(Phase::ahead(case, &book, midway));
    }
}

fn main() {
    if std::env::args().any(|arg| arg == "--list" || arg == "--test") {
        return;
    }
    let args: Vec<String> = std::env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--count") {
        return counted(&args[at + 1], args[at + 2].parse().unwrap());
    }
    let (book, parsed) = timed(|| black_box(book()));
    let count = std::env::var("DOORSTEP_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(CASES);
    let all: Vec<Vec<Recorded>> = (0..count).map(entries).collect();
    let now = MORNING.plus(4 * 24 * 60 * MINUTE);
    let (cases, folded) = timed(|| all.into_iter().map(|entries| Case::fold(entries).unwrap()).collect::<Vec<_>>());
    let (judged, assessed) = timed(|| cases.iter().map(|case| judge(case, &book, now)).collect::<Vec<_>>());
    let midway = MORNING.plus(20 * 60 * MINUTE);
    let (phases, turned) = timed(|| cases.iter().map(|case| Phase::ahead(case, &book, midway).later.len()).sum::<usize>());
    let (told, explained) =
        timed(|| cases.iter().zip(&judged).map(|(case, judged)| explain(case, &book, judged).len()).sum::<usize>());

    let deadlines: usize = judged.iter().map(|judged| judged.deadlines.len()).sum();
    let findings: usize = judged.iter().map(|judged| judged.findings.len()).sum();
    let each = |duration: Duration| duration.as_secs_f64() * 1e6 / f64::from(count);
    println!(
        "{count} cases of {ENTRIES} entries: {deadlines} deadlines, {findings} findings, {phases} phases, {told} explanations"
    );
    println!("pack parsed and checked     {:>9.1} us (and copied)", parsed.as_secs_f64() * 1e6);
    println!("fold                        {:>9.1} us a case  {:>7.1} ms in all", each(folded), folded.as_secs_f64() * 1e3);
    println!("judge                       {:>9.1} us a case  {:>7.1} ms in all", each(assessed), assessed.as_secs_f64() * 1e3);
    println!("judge with all phases        {:>9.1} us a case  {:>7.1} ms in all", each(turned), turned.as_secs_f64() * 1e3);
    println!("explain                     {:>9.1} us a case  {:>7.1} ms in all", each(explained), explained.as_secs_f64() * 1e3);
    println!("judge / fold                {:>9.2}", each(assessed) / each(folded));
    println!("phases / judge               {:>9.2}", each(turned) / each(assessed));
}
