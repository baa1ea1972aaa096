//! From a network's rules and two records to the answer: what is late, who would answer for it, and why.
//!
//!     cargo run -p doorstep-rules --example judge                      # by the pack that a new server starts with
//!     cargo run -p doorstep-rules --example judge my-network-2.toml
//!
//! A courier stands at a door on Monday at 14:58 and nobody opens. The outlet writes its notice to the origin outlet at 15:00. There is no
//! network, so head office has both on Tuesday at 08:00 only.
#![allow(clippy::disallowed_methods, reason = "an example is no part of the crate: it may read a file")]

use std::error::Error;

use doorstep_domain::{
    Attempt, Author, Body, BootId, ChangeHash, Entry, EntryKey, Facts, Fen, InstallId, Notice, Receipt, Recorded, Role, Standing,
    Tag, TargetSource, TimeEvidence, UnixMs, Waybill,
};
use doorstep_rules::{Case, FIRST_PACK, Pack, Rulebook, explain, judge, words};

const HOUR: i64 = 3_600_000;
/// Monday 2026-03-02, 00:00 in China.
const MONDAY: UnixMs = UnixMs(1_772_380_800_000);

fn main() -> Result<(), Box<dyn Error>> {
    // The rules are data: reading a pack also checks it, and a fault has line and column.
    let pack = match std::env::args().nth(1) {
        Some(file) => Pack::parse(&std::fs::read(file)?)?,
        None => Pack::parse(FIRST_PACK)?,
    };
    println!("{} {} v{}", pack.name.zh, pack.name.en, pack.version);

    // What was recorded, with the time by the device and the server's receipt.
    let (rang, noted, received) = (MONDAY.plus(15 * HOUR - 120_000), MONDAY.plus(15 * HOUR), MONDAY.plus(32 * HOUR));
    let courier = Author { user: "c101".parse()?, role: Role::Courier, outlet: "0412".parse()? };
    let outlet = Author { user: "s412".parse()?, role: Role::Outlet, outlet: "0412".parse()? };
    let notice = Notice { to: "0571".parse()?, source: TargetSource::WaybillData, request: None };
    let entries = [
        recorded(1, courier, rang, received, Body::Attempt(Attempt::of("DF-NOBODY".parse()?)))?,
        recorded(2, outlet, noted, received, Body::Notice(notice))?,
    ];

    // The fold takes entries in any order and gives the same case; the judgement holds the rules against it.
    let case = Case::fold(entries).ok_or("nothing was recorded")?;
    let book = Rulebook::only(pack);
    let judgement = judge(&case, &book, MONDAY.plus(33 * HOUR));
    // Answers are words of a list; how they read on screen is data too.
    let (state, next) = (words(judgement.state.as_str()), words(judgement.next_step.as_str()));
    println!("{}: {}, next: {}", case.facts.waybill, state.en, next.en);
    for deadline in &judgement.deadlines {
        println!("  {} {}: {}", deadline.clock, deadline.name.en, words(deadline.timeliness.as_str()).en);
    }
    for finding in &judgement.findings {
        let who = finding.outlet.as_ref().map_or("?", |outlet| outlet.as_str());
        println!("  {} {}: outlet {who}, {} %", finding.rule, finding.name.en, finding.share);
    }

    // Why: each answer with the rule and the facts that it rests on.
    for why in explain(&case, &book, &judgement).iter().filter(|why| why.about.contains("SLA-03")) {
        println!("{}", why.answer.en);
        for link in &why.because {
            println!("  - {}", link.words.en);
        }
    }
    Ok(())
}

/// An entry as a replica has it: who wrote it, when by their own clock, and when the server had it. On a device it comes out of a change.
fn recorded(n: u8, author: Author, written: UnixMs, received: UnixMs, body: Body) -> Result<Recorded, Box<dyn Error>> {
    let install = InstallId::new([n; 16]);
    let facts = Facts {
        network: "QH".parse()?,
        waybill: Waybill::parse("QH310000000017")?,
        origin_outlet: Some("0571".parse()?),
        delivering_outlet: Some("0412".parse()?),
        cod: Fen(0),
        mobile: None,
        virtual_mobile: None,
        arrival: Some(MONDAY.plus(8 * HOUR)),
        entered: None,
        reference: 1,
    };
    Ok(Recorded {
        change: ChangeHash::new([n; 32]),
        standing: Standing::Accepted(Receipt::of(received, Some(written))),
        entry: Entry {
            key: EntryKey { kind: body.kind().to_owned(), tag: Tag::of(&install), seq: 1, index: None },
            author,
            pack_version: 1,
            time: TimeEvidence { wall: written, zone_quarters: 32, mono_ms: 1, boot: BootId([0; 4]), anchor: None },
            action: None,
            facts: Some(facts),
            release: None,
            sheet: None,
            rewrites: None,
            body,
        },
    })
}
