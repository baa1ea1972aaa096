//! Doorstep as a system of the peers' harness, which measures several systems doing the same work: server and client over the
//! product's own code, with enrolled devices, signed batches, verified answers and durable stores. `../table` runs it beside others.
//!
//! | call | what it does |
//! | --- | --- |
//! | `doorstep-peer serve PORT FOLDER` | serves the head office that `prep` has made, until SIGTERM |
//! | `doorstep-peer prep - STATE N` | makes head office, enrols both devices, records N documents on the first |
//! | `doorstep-peer w1\|w2\|edit\|w3\|w4 URL STATE N` | a step of the harness: one sync |
//!
//! What the documents are here is in `workload.rs`. The second device is enrolled before its first sync, as a phone is: it has the rules,
//! the directory and head office's list of parcels, and no case. Clocks go on from the time of the last recorded change.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a harness fails loudly and reads the clock"
)]

mod office;
mod workload;

use std::{
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use doorstep_client::Filter;
use doorstep_server::Config;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use self::{
    office::{Time, client, edit, point_to, prepare, prepared},
    workload::EDITED,
};

/// Changes of a document, without the harness's shared first one.
const CHANGES: usize = 19;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["serve", port, folder] => serve(port.parse().expect("a port"), Path::new(folder)).await,
        ["prep", _, state, count] => prepare(Path::new(state), count.parse().expect("a number")).await,
        [step, url, state, count] => sync(step, url, Path::new(state), count.parse().expect("a number")).await,
        _ => panic!("doorstep-peer serve PORT FOLDER, or doorstep-peer STEP URL STATE N"),
    }
}

async fn serve(port: u16, folder: &Path) {
    std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
    // A rename, because a copy of the folder would not be served.
    std::fs::rename(prepared("office"), folder).unwrap();
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let config = Config { listen: ([127, 0, 0, 1], port).into(), ..Config::on_loopback(folder, Time::running().server()) };
    let running = doorstep_server::start(config).await.unwrap();
    assert!(!running.waits(), "the folder looks like a copy");
    say("LISTEN");
    terminate.recv().await;
    running.stop().await;
}

async fn sync(step: &str, url: &str, state: &Path, count: usize) {
    let time = Time::running();
    if step == "w2" {
        std::fs::create_dir_all(state).unwrap();
        std::fs::rename(prepared("second"), state).unwrap();
    }
    point_to(state, url, &time);
    if step == "edit" {
        edit(state, count, &time);
    }
    let client = client(state, &time);
    exchange("START");
    let (begun, before) = (Instant::now(), cpu());
    let report = client.sync().await.unwrap();
    let (wall, cpu) = (begun.elapsed(), cpu() - before);
    let begun = Instant::now();
    client.cases(&Filter::default()).unwrap();
    let list = begun.elapsed();
    let status = client.status().unwrap();
    // The second device has its first change after the step that edits.
    let expected = CHANGES * count + if matches!(step, "w1" | "w2") { 0 } else { EDITED.min(count) };
    let changes = changes(state);
    let end = json!({
        "wall_ms": ms(wall),
        "cpu_s": cpu.as_secs_f64(),
        "rss_kb": peak_kb(),
        "changes": changes,
        "unsynced": changes.abs_diff(expected) + status.unsent.len() + status.refused.len(),
        "requests": report.requests,
        "list_ms": ms(list),
    });
    exchange(&format!("END {end}"));
}

/// How many changes of the server's log are on a device.
fn changes(state: &Path) -> usize {
    let db = rusqlite::Connection::open(state.join("doorstep.db")).unwrap();
    db.query_row("SELECT count(*) FROM change WHERE parked IS NULL", [], |row| row.get(0)).unwrap()
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// CPU time of this process, all threads, in user and system mode.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

/// The most memory that this process has had, in KiB.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("somebody who reads");
}

/// Says a line and waits for one.
fn exchange(line: &str) {
    say(line);
    std::io::stdin().read_line(&mut String::new()).expect("somebody who answers");
}
