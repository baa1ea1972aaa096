//! What accepting and projecting a change costs: `cargo bench -p doorstep-server --bench accept`.
//!
//! One phone sends 1,000 cases of 20 changes in batches of 5,000 changes to a data folder on the disk, without a network, and the
//! cases are projected. The time is that of this thread's processor. DOORSTEP_CASES sets another number of cases, DOORSTEP_PHASE
//! measures `accept` or `project` alone. For instructions, which no other process disturbs, run the bench's binary under
//!
//! ```text
//! valgrind --tool=callgrind --toggle-collect='*measured_accept*' --toggle-collect='*measured_project*'
//! ```
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark fails loudly")]

mod common;

use common::{Phone, number, set_up};
use doorstep_domain::UnixMs;
use doorstep_server::workbench::Workbench;

/// Monday 2026-03-02, 09:00 in Asia/Shanghai.
const MORNING: UnixMs = UnixMs(1_772_413_200_000);

#[inline(never)]
fn measured_accept(bench: &Workbench, token: &str, body: &[u8], now: UnixMs) -> Vec<u8> {
    bench.sync(token, body, now).unwrap()
}

#[inline(never)]
fn measured_project(bench: &Workbench, now: UnixMs) {
    bench.project(now).unwrap();
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    // The kernel's count of this thread, nanoseconds. The clock of rustix does not run under valgrind.
    let now = || {
        let counts = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        counts.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e3
    };
    let begun = now();
    (work(), now() - begun)
}

/// Cases where instructions are counted.
const COUNTED: u32 = 20;

/// Accepts a batch of 20 cases, or projects them after it was accepted, for a count of instructions: see `.ci/counts`. Without any
/// units it prepares the same and leaves out the step.
fn count(step: &str, units: u32) {
    let folder = tempfile::tempdir().unwrap();
    let (bench, mut phone) = set_up(folder.path(), COUNTED, MORNING);
    let now = phone.sends_at(&(0..COUNTED));
    phone.sign_in(&bench, now);
    let prepared = phone.record(&bench, 0..COUNTED);
    assert!(units == 0 || u64::from(units) == prepared.changes, "a batch is accepted whole");
    let body = phone.request(prepared, now);
    if units > 0 || step == "project" {
        measured_accept(&bench, &phone.token.clone(), &body, now);
    }
    if units > 0 && step == "project" {
        measured_project(&bench, now);
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--count") {
        return count(&args[at + 1], args[at + 2].parse().unwrap());
    }
    let cases = number("DOORSTEP_CASES", 1_000);
    let phase = std::env::var("DOORSTEP_PHASE").unwrap_or_else(|_| "both".into());
    let folder = tempfile::tempdir().unwrap();
    let (bench, mut phone) = set_up(folder.path(), cases, MORNING);
    let (mut changes, mut bytes, mut accept, mut project) = (0, 0, 0.0, 0.0);
    for batch in Phone::batches(cases) {
        let now = phone.sends_at(&batch);
        phone.sign_in(&bench, now);
        let prepared = phone.record(&bench, batch);
        let sent = prepared.changes;
        let body = phone.request(prepared, now);
        let token = phone.token.clone();
        let (answer, took) = timed(|| match phase.as_str() {
            "project" => bench.sync(&token, &body, now).unwrap(),
            _ => measured_accept(&bench, &token, &body, now),
        });
        assert_eq!(phone.answered(&answer) as u64, sent);
        (changes, bytes, accept) = (changes + sent, bytes + body.len(), accept + took);
        if phase != "accept" {
            project += timed(|| measured_project(&bench, now)).1;
        }
    }
    println!("{cases} cases, {changes} changes, {bytes} bytes of requests");
    println!("  accept   {:8.1} us a change, durable and answered", accept / changes as f64);
    if phase != "accept" {
        println!("  project  {:8.1} us a change, {:.0} us a case", project / changes as f64, project / f64::from(cases));
        assert_eq!(bench.behind().unwrap(), 0);
    }
}
