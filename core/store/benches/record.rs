//! What a courier's tap costs on a full phone: `cargo bench -p doorstep-store`.
//!
//! Builds a store of 10,000 cases of 20 changes by four writers through the store's own feed path, then, in one run so that
//! the ratios hold on any machine: records attempts beside bare durable inserts, counts WAL pages and (under strace, where
//! it is installed) fsyncs, and opens the store and lists 50 cases.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a benchmark fails loudly")]

#[path = "../tests/common/mod.rs"]
mod common;

mod cases;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use cases::{CHANGES, feed_case, ready, take};
use common::NOW;
use doorstep_store::{Filter, Store};
use rusqlite::{Connection, params};

const CASES: u32 = 10_000;
const RECORDS: usize = 2_000;

fn build(folder: &Path) -> Store {
    let mut store = ready(folder, CASES);
    for page in 0..CASES / 500 {
        take(&mut store, u64::from(page) + 1, (page * 500..(page + 1) * 500).map(feed_case).collect());
        eprint!("\rbuilding: {} of {CASES} cases", (page + 1) * 500);
    }
    eprintln!();
    store.tidy().unwrap();
    store
}

fn record(store: &mut Store, n: u64) {
    cases::record(store, (n.wrapping_mul(2_654_435_761) % u64::from(CASES)) as u32, n);
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
