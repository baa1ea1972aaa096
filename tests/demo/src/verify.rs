//! Holding every replica against head office, and the journal of what was shown against both; then a summary.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use doorstep_domain::{CaseId, Kind, UnixMs};
use doorstep_rules::{Case, FindingState, Flag, Rulebook, State, Timeliness, explain, judge};
use doorstep_server::admin::Admin;
use serde_json::{Value, json};

use crate::{
    cast::{Cast, PARCELS},
    device::{self, Ask, Shown},
    stage::{Result, Stage},
};

/// What the verification needs.
pub struct Facts<'a> {
    /// Head office's folder.
    pub admin: &'a mut Admin,
    /// The stage.
    pub stage: &'a Stage,
    /// SIGKILLs.
    pub kills: u32,
    /// When the demo began.
    pub started: Instant,
    /// From when the second version of the rules is in force.
    pub second: UnixMs,
}

/// A case as head office holds it.
struct Truth {
    heads: Value,
    case: Case,
    /// The acts that were recorded, without the changes they stand in: a rebase writes an act anew in another change.
    marks: BTreeSet<String>,
}

/// Verifies everything; an error says what differs.
pub async fn everything(facts: Facts<'_>, cast: &mut Cast) -> Result<()> {
    let now = facts.stage.now();
    let book = facts.admin.book()?;
    let mut truths: BTreeMap<CaseId, Truth> = BTreeMap::new();
    for row in facts.admin.cases(10_000, now)? {
        if row.photos_pending != 0 {
            return Err(format!("head office lacks {} photos of {}", row.photos_pending, row.waybill).into());
        }
        let (chunks, entries) = facts.admin.log(&row.case)?;
        let heads = json!(doorstep_document::merge(chunks.iter().map(Vec::as_slice))?.heads);
        let marks = entries.iter().map(|recorded| device::mark(&recorded.entry)).collect::<Result<_>>()?;
        let case = Case::fold(entries).ok_or("a case without facts")?;
        truths.insert(row.case, Truth { heads, case, marks });
    }

    println!("\n-- 核对 verification");
    let mut shown = 0;
    let mut lines = Vec::new();
    let (mut requests, mut failed, mut completed) = (0, 0, 0);
    for actor in cast.all() {
        let report = actor.ask(&Ask::Report).await?;
        if report["unsent"] != 0 || report["photos"] != 0 || report["quarantined"] != 0 {
            let counts = (&report["unsent"], &report["photos"], &report["quarantined"]);
            return Err(format!("{}: unsent, photos or quarantined are not 0: {counts:?}", actor.name).into());
        }
        // Every replica holds exactly the cases of its scope, each equal to head office's.
        let empty = Vec::new();
        let here: BTreeMap<CaseId, &Value> = report["cases"]
            .as_array()
            .unwrap_or(&empty)
            .iter()
            .map(|case| Ok((case["id"].as_str().unwrap_or_default().parse()?, case)))
            .collect::<Result<_>>()?;
        let in_scope: BTreeSet<CaseId> =
            truths.iter().filter(|(_, truth)| reads(actor.person, &truth.case, &book, now)).map(|(id, _)| *id).collect();
        if here.keys().copied().collect::<BTreeSet<_>>() != in_scope {
            return Err(format!("{} holds {} cases, its scope has {}", actor.name, here.len(), in_scope.len()).into());
        }
        for (id, case) in &here {
            let truth = truths.get(id).ok_or("a case that head office does not have")?;
            if case["heads"] != truth.heads {
                return Err(format!("{}: heads of {id} differ", actor.name).into());
            }
            if case["case"] != serde_json::to_value(&truth.case)? {
                return Err(format!("{}: entries or receipts of {id} differ", actor.name).into());
            }
            let judged = judge(&truth.case, &book, now);
            if case["judgement"] != serde_json::to_value(&judged)? {
                return Err(format!("{}: the judgement of {id} differs", actor.name).into());
            }
            if case["explained"] != serde_json::to_value(explain(&truth.case, &book, &judged))? {
                return Err(format!("{}: the reasons of {id} differ", actor.name).into());
            }
        }
        // Everything that was ever shown as recorded is at head office.
        let journal = std::fs::read_to_string(actor.folder.join("shown.jsonl")).unwrap_or_default();
        for line in journal.lines() {
            let Shown { case, entries } = serde_json::from_str(line)?;
            let there = truths.get(&case.parse()?).is_some_and(|truth| entries.iter().all(|mark| truth.marks.contains(mark)));
            if !there {
                return Err(format!("{}: an action on {case} was shown as recorded and is not at head office", actor.name).into());
            }
            shown += 1;
        }
        requests += actor.requests;
        failed += actor.failed_syncs;
        completed += actor.completed_syncs;
        lines.push(format!(
            "  {:<36} {:>2} cases in scope, {:>3} actions shown as recorded",
            actor.name,
            here.len(),
            journal.lines().count()
        ));
    }
    println!(
        "heads, folded case, receipts, judgement and its reasons equal on every replica whose scope holds the case; every photo is at head office ✓"
    );
    println!("{shown} actions shown as recorded, all at head office, after {} SIGKILLs ✓", facts.kills);
    expectations(&truths, &book, now)?;
    rules(&truths, &book, now, facts.second)?;
    println!(
        "clock three hours off flagged, two records of one parcel both kept, unlisted flagged, all four outcomes of a deadline seen ✓"
    );
    println!(
        "damage on arrival in time and late, a return with the first run, a contested reply, a finding disputed and decided, a contradiction settled, two versions of the rules each for its acts ✓"
    );

    println!("\n-- 小结 summary");
    println!("谁看到什么 who sees what");
    lines.iter().for_each(|line| println!("{line}"));
    println!("  {:<36} {:>2} cases, all", "总部 head office", truths.len());
    println!("期限 deadlines");
    let mut by: BTreeMap<(String, &str), u32> = BTreeMap::new();
    for truth in truths.values() {
        for deadline in judge(&truth.case, &book, now).deadlines {
            *by.entry((deadline.clock, deadline.timeliness.as_str())).or_default() += 1;
        }
    }
    for ((clock, timeliness), count) in by {
        let words = book.at(now).words(timeliness);
        println!("  {clock}  {:<22} {count:>3}  {}", timeliness, words.zh);
    }
    let traffic = facts.stage.link.traffic();
    println!("责任建议 findings, proposed or decided; nothing is deducted");
    let mut owed: BTreeMap<(String, String, &str), u32> = BTreeMap::new();
    for truth in truths.values() {
        for finding in judge(&truth.case, &book, now).findings {
            let outlet = finding.outlet.map(|outlet| outlet.to_string()).unwrap_or_default();
            *owed.entry((outlet, finding.rule, finding.state.as_str())).or_default() += 1;
        }
    }
    for ((outlet, rule, state), count) in owed {
        let name = book.newest().pack.liability(&rule).map(|row| row.zh.as_str()).unwrap_or_default();
        println!("  {outlet:<4}  {rule}  {state:<10} {count:>3}  {name}");
    }
    println!("网络 network");
    println!(
        "  {} kB up, {} kB down (headers and photos included), {requests} requests of {} completed syncs, {failed} syncs without network, {} connections",
        traffic.up / 1000,
        traffic.down / 1000,
        completed,
        traffic.connections
    );
    println!("  the whole story took {:.1} s", facts.started.elapsed().as_secs_f64());
    Ok(())
}

/// Who reads a case, worked out from the parcel list, the people and whether it has ended.
fn reads(person: &str, case: &Case, book: &Rulebook, now: UnixMs) -> bool {
    // A case that has ended leaves a courier's phone.
    if person.starts_with('c') && judge(case, book, now).state == State::Closed {
        return false;
    }
    let listed = std::str::from_utf8(PARCELS)
        .unwrap_or_default()
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>())
        .find(|columns| columns.first() == Some(&case.facts.waybill.as_str()));
    let told = [Kind::Notice, Kind::Outage, Kind::Problem, Kind::Reply, Kind::Ledger];
    let notified = told.into_iter().any(|kind| case.of_kind(kind).next().is_some());
    match (person, listed) {
        ("s412", _) => true,
        ("s571" | "f571", None) => false,
        ("s755", _) => case.asked().iter().any(|asked| asked.as_str() == "0755"),
        ("s571" | "f571", Some(columns)) => columns.get(2) == Some(&"0571") && notified,
        (courier, Some(columns)) => {
            let holder = case.given_to().map(|(user, _)| user.as_str()).or(columns.get(4).copied());
            holder == Some(courier) && case.delivering().is_some_and(|outlet| outlet.as_str() == "0412")
        }
        // The unlisted one was recorded by Li.
        (courier, None) => courier == "c101",
    }
}

/// What the rules must have said.
fn rules(truths: &BTreeMap<CaseId, Truth>, book: &Rulebook, now: UnixMs, second: UnixMs) -> Result<()> {
    let judged = |waybill: &str| -> Result<_> {
        let truth = truths.values().find(|t| t.case.facts.waybill.as_str() == waybill).ok_or("a case is missing")?;
        Ok(judge(&truth.case, book, now))
    };
    let clock = |waybill: &str, id: &str| -> Result<_> {
        Ok(judged(waybill)?.deadlines.into_iter().find(|d| d.clock == id).ok_or_else(|| format!("{waybill} has no {id}"))?)
    };
    let finding = |waybill: &str, rule: &str| -> Result<_> { Ok(judged(waybill)?.findings.into_iter().find(|f| f.rule == rule)) };
    let decided = finding("QH310000000021", "LIA-04")?.ok_or("nobody answers for parcel 21")?;
    let by_second = clock("QH310000000020", "SLA-05")?;
    let checks = [
        (clock("QH310000000038", "SLA-02")?.timeliness == Timeliness::OnTime, "damage on arrival was registered in time"),
        (clock("QH310000000038", "SLA-12")?.timeliness == Timeliness::OnTime, "and the superior told"),
        (clock("QH310000000039", "SLA-02")?.timeliness == Timeliness::Late, "the other one was late"),
        (finding("QH310000000039", "LIA-03")?.is_some(), "and the delivering outlet answers"),
        (clock("QH310000000004", "SLA-07")?.timeliness == Timeliness::OnTime, "the return left with the first run"),
        (judged("QH310000000004")?.state == State::ActionDone, "and is followed"),
        (judged("QH310000000031")?.replies.first().is_some_and(|reply| reply.in_force), "the contested reply counts"),
        (judged("QH310000000007")?.conflicts.is_empty(), "the contradiction is settled"),
        (decided.state == FindingState::Decided && decided.share == 50, "the finding is decided"),
        (clock("QH310000000020", "SLA-03")?.pack_version == 1, "the failure of 17:30 is judged by version 1"),
        (by_second.pack_version == 2 && by_second.started_at > second, "the call of 21:00 by version 2"),
        (by_second.due_at == Some(by_second.started_at.plus(12 * 3_600_000)), "whose reply is due within 12 hours"),
    ];
    match checks.iter().find(|(holds, _)| !holds) {
        Some((_, what)) => Err(format!("not as the rules say: {what}").into()),
        None => Ok(()),
    }
}

/// What the story must have produced.
fn expectations(truths: &BTreeMap<CaseId, Truth>, book: &Rulebook, now: UnixMs) -> Result<()> {
    let find = |waybill: &str| truths.values().find(|t| t.case.facts.waybill.as_str() == waybill).ok_or("a case is missing");
    let judged = |waybill: &str| -> Result<_> { Ok(judge(&find(waybill)?.case, book, now)) };
    let notice = |waybill: &str| -> Result<_> {
        Ok(judged(waybill)?.deadlines.iter().find(|d| d.clock == "SLA-03").map(|d| d.timeliness))
    };
    let checks = [
        (judged("QH310000000031")?.flags.contains(&Flag::ClockWrong), "Zhou's clock is flagged"),
        (notice("QH310000000031")? == Some(Timeliness::OnTime), "and the server's receipt decided"),
        (find("QH310000000003")?.case.attempts() == 2, "both records of parcel 3 are kept"),
        (judged("QH319999999901")?.flags.contains(&Flag::Unlisted), "the unlisted parcel is flagged"),
        (notice("QH310000000020")? == Some(Timeliness::OnTimeByException), "the phone notice counts"),
        (notice("QH310000000021")? == Some(Timeliness::LateSynced), "recorded in time, arrived late"),
        (notice("QH310000000022")? == Some(Timeliness::Late), "notified the next day"),
        (
            judged("QH310000000005")?.deadlines.iter().any(|d| d.clock == "SLA-05" && d.timeliness == Timeliness::Late),
            "the late reply is late",
        ),
        (judged("QH310000000037")?.flags.contains(&Flag::Leniency), "a label without mobile is leniency"),
        (judged("QH310000000001")?.state == State::Closed, "the first parcel was delivered"),
        (judged("QH310000000008")?.flags.contains(&Flag::Released), "the refused end of parcel 8 was released"),
        (judged("QH310000000008")?.state == State::Closed, "and stands"),
    ];
    match checks.iter().find(|(holds, _)| !holds) {
        Some((_, what)) => Err(format!("not as the story goes: {what}").into()),
        None => Ok(()),
    }
}
