//! `doorstep`: the field client on a terminal.
//!
//! Thin on purpose: it reads arguments, calls [`doorstep_client::Client`] once, and prints what came back, either for a
//! person (Chinese with English beside it) or as one JSON document. Recording and reading work without a network; only
//! `enrol` and `sync` touch one. Never here: business rules, anything that is remembered between two calls.

mod ahead;
mod answer;
mod args;
mod case;
mod directory;
mod failure;
mod ledgers;
mod photos;
mod record;
mod rules;
mod run;
mod screen;
mod sheet;
mod sms;
mod spool;
mod timeline;
mod words;

use std::{ffi::OsStr, process::ExitCode};

use clap::Parser;
use serde_json::json;

use answer::{note, print};
use args::Args;
use failure::Failed;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    match run::run(&args) {
        Ok(answer) if args.json => print(&format!("{:#}\n", answer.json)),
        Ok(answer) => print(&answer.text),
        Err(failed) => {
            refuse(&failed, args.json);
            return failed.exit_code();
        }
    }
    ExitCode::SUCCESS
}

/// Chinese, then English, to stderr; in JSON to stdout, where a program reads.
fn refuse(failed: &Failed, as_json: bool) {
    let words = failed.words();
    if as_json {
        print(&format!("{:#}\n", json!({ "error": { "kind": failed.kind_word(), "zh": words.zh, "en": words.en } })));
    } else {
        note(&format!("{}\n{}", words.zh, words.en));
    }
}

/// Help, version and wrong use are clap's words. In JSON only the kind of the mistake is said, not what was typed, which
/// may be a name or a phone number.
fn usage(error: &clap::Error) -> ExitCode {
    let as_json = std::env::args_os().any(|arg| arg == OsStr::new("--json"));
    if as_json && error.use_stderr() {
        let en = format!("wrong use: {}; see doorstep --help", error.kind());
        print(&format!("{:#}\n", json!({ "error": { "kind": "usage", "zh": "用法有误，请看 doorstep --help", "en": en } })));
    } else {
        error.print().ok();
    }
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}
