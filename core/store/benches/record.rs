//! What a courier's tap costs on a full phone: `cargo bench -p doorstep-store`.
//!
//! Builds a store of 10,000 cases of 20 changes by four writers through the store's own feed path, then, in one run so that
//! the ratios hold on any machine: records attempts beside bare durable inserts, counts WAL pages and (under strace, where
//! it is installed) fsyncs, and opens the store and lists 50 cases.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a benchmark fails loudly")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use common::{FRESH, NOW, parcel, response, rules, waybill};
use doorstep_document::{Change, NewEntry, Position, pack};
use doorstep_domain::*;
use doorstep_protocol::{Answer, FeedCase, FeedPage, ParcelRow, RefKind, Reference, Spoken, Token, pack_receipts};
use doorstep_store::{Act, Action, ActionCase, Clocks, Enrolment, Filter, Recording, Session, Store};
use rusqlite::{Connection, params};

const CASES: u32 = 10_000;
const CHANGES: u64 = 20;
const RECORDS: usize = 2_000;

fn clocks(n: u64) -> Clocks {
    Clocks { wall: NOW.plus(n as i64), mono_ms: 86_400_000 + n, boot: BootId([1, 2, 3, 4]) }
}

fn author(n: u64) -> Author {
    let (user, role, outlet) = [
        ("c1029", Role::Courier, "0412"),
        ("s0412", Role::Outlet, "0412"),
        ("s0571", Role::Outlet, "0571"),
        ("c1030", Role::Courier, "0412"),
    ][n as usize % 4];
    Author { user: user.parse().unwrap(), role, outlet: outlet.parse().unwrap() }
}

fn text(n: u64) -> Personal {
    let parts = ["敲门三次无人应答", "电话无人接听", "门口有留言", "已放前台", "客户改约", "保安不让进", "已短信通知"];
    Personal::plain(&format!("{}，{}（{n}）", parts[n as usize % 7], parts[(n / 7) as usize % 7])).unwrap()
}

fn body(n: u64) -> Body {
    match n % 10 {
        0 | 5 => Body::Attempt(Attempt { words: Some(text(n)), ..Attempt::of("DF-NOBODY".parse().unwrap()) }),
        1 | 6 => Body::Photo(Photo::of(PhotoId::new([n as u8; 32]), 200_000 + n, PhotoPurpose::Door)),
        2 => {
            let case = CaseId::new([1; 16]);
            Body::Sms(Sms::worded(&case, 20_514, Personal::plain("13800000000").unwrap(), text(n)).unwrap())
        }
        3 => Body::Notice(Notice { to: "0571".parse().unwrap(), source: TargetSource::WaybillData, request: None }),
        4 => Body::Reply(Reply { words: Some(text(n)), ..Reply::of("REDELIVER".parse().unwrap()) }),
        _ => Body::Note { words: text(n) },
    }
}

/// One case as it comes in a feed: 20 changes, four writers in turn.
fn feed_case(n: u32) -> FeedCase {
    let (network, waybill) = ("QH".parse().unwrap(), waybill(n));
    let case = CaseId::of(&network, &waybill);
    let facts = Facts {
        origin_outlet: Some("0571".parse().unwrap()),
        delivering_outlet: Some("0412".parse().unwrap()),
        reference: 1,
        ..Facts::unlisted(network, waybill)
    };
    let mut position = Position::default();
    let mut seqs = [0; 4];
    let mut chunks = vec![];
    let mut receipts = vec![];
    for i in 0..CHANGES {
        let writer = i as usize % 4;
        position.seq = seqs[writer];
        let install = InstallId::new([writer as u8 + 1; 16]);
        let at = i * 60_000;
        let time = TimeEvidence {
            wall: NOW.plus(at as i64),
            zone_quarters: 32,
            mono_ms: 1_000_000 + at,
            boot: BootId([writer as u8; 4]),
            anchor: Some(Anchor { server: NOW, mono_ms: 1_000_000 }),
        };
        let facts = (seqs[writer] == 0).then(|| facts.clone());
        let entry = NewEntry { facts, ..NewEntry::of(author(i), 1, time, body(u64::from(n) * 31 + i)) };
        let change = Change::write(&case, &install, &position, &[entry]).unwrap();
        position.advance(&change, true);
        seqs[writer] += 1;
        receipts.push((Receipt::of(NOW.plus(at as i64), Some(NOW.plus(at as i64))), 1_000_000 + at));
        chunks.push(change.bytes().to_vec());
    }
    let slices: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
    FeedCase {
        case,
        pack: pack::elide(&slices).unwrap(),
        receipts: pack_receipts(&receipts, Spoken::Version3),
        leaf: None,
        kind: None,
    }
}

fn build(folder: &Path) -> Store {
    let mut store = Store::open(folder).unwrap();
    let token = Token { secret: "00".into(), expires_ms: 0 };
    let session = Session { server: "http://127.0.0.1:1".into(), server_key: vec![4; 65], token };
    let (device, install) = (DeviceId::new([9; 16]), InstallId::new([9; 16]));
    store.enrol(&Enrolment { device, install, author: author(0), name: "李明".into(), session }, NOW).unwrap();
    store.take_refs(RefKind::Pack, &rules(doorstep_rules::FIRST_PACK), NOW).unwrap();
    let parcels = (0..CASES).map(|n| ParcelRow { courier: Some("c1029".into()), ..parcel(n) });
    let parcels = Reference { version: 1, parcels: parcels.collect(), ..Reference::default() };
    store.take_refs(RefKind::Parcels, &parcels, NOW).unwrap();
    for page in 0..CASES / 500 {
        let cases = (page * 500..(page + 1) * 500).map(feed_case).collect();
        let feed = vec![FeedPage { scope: "courier/c1029".into(), to: u64::from(page) + 1, more: true, cases, out: vec![] }];
        let answer = Answer { scopes: vec!["courier/c1029".into()], ..response(None, feed) };
        store.apply(&answer, clocks(0), NOW, FRESH).unwrap();
        eprint!("\rbuilding: {} of {CASES} cases", (page + 1) * 500);
    }
    eprintln!();
    store.tidy().unwrap();
    store
}

fn record(store: &mut Store, n: u64) {
    let case = (n.wrapping_mul(2_654_435_761) % u64::from(CASES)) as u32;
    let words = Some(Personal::plain(&format!("敲门无人应答，第{n}次")).unwrap());
    let attempt = Attempt { words, ..Attempt::of("DF-NOANSWER".parse().unwrap()) };
    let clocks = clocks(n);
    let time = TimeEvidence {
        wall: clocks.wall,
        zone_quarters: 32,
        mono_ms: clocks.mono_ms,
        boot: clocks.boot,
        anchor: store.anchor(clocks.boot).unwrap(),
    };
    let recording = Recording::on(waybill(case), Act::Fail(attempt.clone()));
    let cases = vec![ActionCase { waybill: waybill(case), bodies: vec![Body::Attempt(attempt)], photos: vec![] }];
    store.record(&Action { id: ActionId::new([1; 16]), recording, time, now: clocks.wall, cases, step: None }).unwrap();
}

/// The yardstick: one row of the size of a change into a table without an index, durably.
fn bare(folder: &Path) -> Connection {
    let db = Connection::open(folder.join("bare.db")).unwrap();
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;").unwrap();
    db
}

fn percentile(times: &mut [Duration], p: f64) -> f64 {
    times.sort();
    times[((times.len() - 1) as f64 * p) as usize].as_secs_f64() * 1e6
}

/// Pages in the write-ahead log since it was last truncated.
fn wal_pages(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |m| m.len().saturating_sub(32) / (4096 + 24))
}

fn main() {
    let args: Vec<String> = env::args().collect();
    if let Some(at) = args.iter().position(|a| a == "--count") {
        // The child under strace: everything but the records happens before the marker file appears in the trace.
        let mut store = Store::open(&PathBuf::from(&args[at + 1])).unwrap();
        let records: u64 = args[at + 2].parse().unwrap();
        (0..records).for_each(|n| record(&mut store, 1_000_000 + n));
        return;
    }
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let folder = home.path().join("store");
    let mut store = build(&folder);

    let yardstick = bare(home.path());
    let (mut ours, mut theirs) = (vec![], vec![]);
    let payload = vec![7u8; 300];
    for n in 0..RECORDS {
        let begun = Instant::now();
        yardstick.prepare_cached("INSERT INTO t (bytes) VALUES (?1)").unwrap().execute(params![payload]).unwrap();
        theirs.push(begun.elapsed());
        let begun = Instant::now();
        record(&mut store, n as u64);
        ours.push(begun.elapsed());
    }
    println!("record one attempt, {CASES} cases of {CHANGES} changes in the store, {RECORDS} records");
    println!(
        "  bare durable insert   p50 {:>7.0} us   p99 {:>7.0} us",
        percentile(&mut theirs, 0.5),
        percentile(&mut theirs, 0.99)
    );
    println!("  record                p50 {:>7.0} us   p99 {:>7.0} us", percentile(&mut ours, 0.5), percentile(&mut ours, 0.99));
    println!(
        "  ratio                 p50 {:>7.2}      p99 {:>7.2}",
        percentile(&mut ours, 0.5) / percentile(&mut theirs, 0.5),
        percentile(&mut ours, 0.99) / percentile(&mut theirs, 0.99)
    );

    // WAL pages: a run of its own from an empty log, short enough for no checkpoint to come between.
    drop(store);
    let db = Connection::open(folder.join("doorstep.db")).unwrap();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let keeper = db; // keeps the log from being removed
    let mut store = Store::open(&folder).unwrap();
    let before = wal_pages(&folder.join("doorstep.db-wal"));
    (0..500).for_each(|n| record(&mut store, 5_000 + n));
    let pages = wal_pages(&folder.join("doorstep.db-wal")) - before;
    println!("  WAL pages per record  mean {:.2}", pages as f64 / 500.0);
    drop(keeper);
    drop(store);

    let traced = |records: u64| {
        let out = Command::new("strace")
            .args(["-f", "-c", "-e", "trace=fsync,fdatasync", "-o"])
            .arg(home.path().join("strace"))
            .arg(env::current_exe().unwrap())
            .arg("--count")
            .arg(&folder)
            .arg(records.to_string())
            .status();
        out.ok().filter(|status| status.success()).map(|_| {
            let table = fs::read_to_string(home.path().join("strace")).unwrap();
            table
                .lines()
                .filter(|l| l.contains("sync") && !l.contains("total"))
                .filter_map(|l| l.split_whitespace().nth(3)?.parse::<u64>().ok())
                .sum::<u64>()
        })
    };
    // The difference of two runs leaves out what opening and closing cost.
    match (traced(100), traced(300)) {
        (Some(few), Some(many)) => {
            println!("  fsyncs per record     {:.2} (strace, {} and {} in two runs)", (many - few) as f64 / 200.0, few, many)
        }
        _ => println!("  fsyncs per record     not counted: strace is not installed (apt-get install strace)"),
    }

    let begun = Instant::now();
    let mut store = Store::open(&folder).unwrap();
    store.cases(&Filter { limit: 50, ..Filter::default() }, NOW.plus(3_600_000)).unwrap();
    println!(
        "first list after all these records, which judges the {} cases they were made on: {:.0} ms",
        store.status().unwrap().unsent.len(),
        begun.elapsed().as_secs_f64() * 1e3
    );
    drop(store);
    let mut opened = vec![];
    for _ in 0..50 {
        let begun = Instant::now();
        let mut store = Store::open(&folder).unwrap();
        let rows = store.cases(&Filter { limit: 50, ..Filter::default() }, NOW.plus(3_600_000)).unwrap();
        opened.push(begun.elapsed());
        assert_eq!(rows.len(), 50);
    }
    println!("open and list 50 of {CASES} cases, no document loaded");
    println!("  p50 {:.2} ms   p99 {:.2} ms", percentile(&mut opened, 0.5) / 1000.0, percentile(&mut opened, 0.99) / 1000.0);
    let size = fs::metadata(folder.join("doorstep.db")).unwrap().len();
    println!("store on disk: {:.1} KB a case", size as f64 / 1000.0 / f64::from(CASES));
}
