//! What each step between a tap and a settled list costs a device, in CPU time: `cargo bench -p doorstep-store --bench steps`.
//!
//! Two sizes in one run, so that growth is seen: what a change costs must not depend on how many there are. `steps --count STEP N`
//! prepares the same store for every N and does the step on N units, for a count of instructions: see `.ci/counts`.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a benchmark fails loudly")]

#[path = "../tests/common/mod.rs"]
mod common;

mod cases;

use std::{env, fs, path::Path, time::Duration};

use cases::{CHANGES, clocks, feed_case, ready, record, take};
use common::{FRESH, NOW, ack, ok, response, sent};
use doorstep_protocol::{Answer, BATCH_BYTES, FeedCase};
use doorstep_store::{Filter, Store};

/// Records on each case before the upload.
const RECORDS: u32 = 12;
/// Cases of a page of a feed.
const PAGE: usize = 250;
/// Cases where instructions are counted.
const COUNTED: u32 = 20;

fn main() {
    let args: Vec<String> = env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--count") {
        return count(&args[at + 1], args[at + 2].parse().unwrap());
    }
    println!("CPU time of this thread, and its growth from the smaller to the larger size");
    let [few, many] = [500, 2_500].map(measure);
    for ((what, few), (_, many)) in few.into_iter().zip(many) {
        println!("{what:34} {few:>8.1} us {many:>8.1} us {:>+6.0} %", (many / few - 1.0) * 100.0);
    }
}

/// CPU time of this thread, as Linux counts it.
fn cpu() -> Duration {
    let counted = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(counted.split_whitespace().next().unwrap().parse().unwrap())
}

fn timed<T>(spent: &mut Duration, work: impl FnOnce() -> T) -> T {
    let begun = cpu();
    let done = work();
    *spent += cpu() - begun;
    done
}

fn measure(cases: u32) -> Vec<(&'static str, f64)> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let feed: Vec<FeedCase> = (0..cases).map(feed_case).collect();
    let mut all = Vec::new();
    let mut each = |what, spent: Duration, units: u32| all.push((what, spent.as_secs_f64() * 1e6 / f64::from(units)));

    let mut store = ready(&folder.path().join("phone"), cases);
    let mut spent = Duration::ZERO;
    timed(&mut spent, || day(&mut store, cases));
    each("record, a change", spent, cases * RECORDS);
    let (mut prepared, mut settled) = (Duration::ZERO, Duration::ZERO);
    upload(&mut store, &mut prepared, &mut settled);
    each("batches made, a change", prepared, cases * RECORDS);
    each("verdicts applied, a change", settled, cases * RECORDS);

    let mut store = ready(&folder.path().join("tablet"), cases);
    let mut spent = Duration::ZERO;
    for (page, cases) in feed.chunks(PAGE).enumerate() {
        timed(&mut spent, || take(&mut store, page as u64 + 1, cases.to_vec()));
    }
    each("feed applied, a change", spent, cases * CHANGES as u32);
    list(&mut store);
    (0..cases).for_each(|n| record(&mut store, n, u64::from(n)));
    let mut spent = Duration::ZERO;
    timed(&mut spent, || list(&mut store));
    each("first list after, a changed case", spent, cases);
    all
}

/// Records a day on each case.
fn day(store: &mut Store, cases: u32) {
    for n in 0..cases * RECORDS {
        record(store, n / RECORDS, u64::from(n));
    }
}

/// Sends everything, in batches of growing size as the engine makes them.
fn upload(store: &mut Store, prepared: &mut Duration, settled: &mut Duration) {
    let mut max_bytes = BATCH_BYTES / 4;
    loop {
        let request = timed(prepared, || {
            let request = store.prepare(max_bytes, false, clocks(0), "bench").unwrap();
            store.pushed(&request);
            request
        });
        let Some(batch) = request.batch else { return };
        let answer = Answer { scopes: vec!["courier/c1029".into()], ..response(Some(ack(&sent(&batch), &ok())), vec![]) };
        timed(settled, || store.apply(&answer, clocks(0), NOW, FRESH).unwrap());
        max_bytes = (max_bytes * 2).min(BATCH_BYTES);
    }
}

fn list(store: &mut Store) {
    store.cases(&Filter { limit: 50, ..Filter::default() }, NOW.plus(3_600_000)).unwrap();
}

/// Does a step on so many units of a store that does not depend on their number. `record`, `send`: changes, of which `send` takes none
/// or all; `take`: changes, in whole cases; `list`: changed cases.
fn count(step: &str, units: u32) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path: &Path = folder.path();
    let mut store = ready(&path.join("phone"), COUNTED);
    let feed = || (0..COUNTED).map(feed_case).collect::<Vec<FeedCase>>();
    match step {
        "record" => (0..units).for_each(|n| record(&mut store, n / RECORDS, u64::from(n))),
        "send" => {
            day(&mut store, COUNTED);
            if units > 0 {
                upload(&mut store, &mut Duration::default(), &mut Duration::default());
            }
        }
        "take" => {
            let mut cases = feed();
            cases.truncate(units as usize / CHANGES as usize);
            take(&mut store, 1, cases);
        }
        "list" => {
            take(&mut store, 1, feed());
            list(&mut store);
            (0..units).for_each(|n| record(&mut store, n, u64::from(n)));
            list(&mut store);
        }
        other => panic!("no step {other}"),
    }
}
