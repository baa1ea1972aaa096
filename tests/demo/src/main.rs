//! The README's first command: a morning (and the morning after) of two couriers' phones, three outlets' tablets, a
//! finance phone and head office.
//!
//! This program plays every part: it executes itself again as phone, tablet and server processes, each with its own store,
//! over real HTTP on loopback through a link that it cuts. Time is the story's: a file holds the hour, every process reads
//! it, so a day takes seconds. At the end it verifies what it showed, and exits non-zero if anything differs.

mod cast;
mod chain;
mod clock;
mod device;
mod photos;
mod rules;
mod server;
mod sms;
mod stage;
mod story;
mod trust;
mod verify;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// 送件现场演示：派件员两部手机、网点三台平板、财务一部手机、一个总部，离线登记，联网合并，最后逐一核对。
/// Plays a day of two couriers' phones, three outlets' tablets, a finance phone and head office: recorded offline, merged, then verified.
#[derive(Parser)]
#[command(name = "doorstep-demo", version)]
struct Args {
    /// 演示结束后保留服务器和页面，直到按 Ctrl-C  Leave server and page up at the end, until Ctrl-C.
    #[arg(long)]
    keep: bool,
    #[command(subcommand)]
    part: Option<Part>,
}

/// The parts that the program plays in processes of their own.
#[derive(Subcommand)]
enum Part {
    #[command(hide = true)]
    Device { folder: PathBuf, clock: PathBuf, wall_off_minutes: i64, boot: u32 },
    #[command(hide = true)]
    Server { folder: PathBuf, clock: PathBuf, smsc_port: u16 },
}

fn main() -> ExitCode {
    let Args { keep, part } = Args::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("doorstep-demo: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        match part {
            None => story::play(keep).await,
            Some(Part::Device { folder, clock, wall_off_minutes, boot }) => {
                device::run(&folder, &clock, wall_off_minutes, boot).await
            }
            Some(Part::Server { folder, clock, smsc_port }) => server::run(folder, &clock, smsc_port).await,
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("doorstep-demo: {error}");
            ExitCode::FAILURE
        }
    }
}
