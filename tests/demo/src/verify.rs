//! Holding every replica against head office, and the journal of what was shown against both; then a summary.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use doorstep_domain::{CaseId, Kind};
use doorstep_rules::{Case, Flag, Rulebook, State, Timeliness, judge};
use doorstep_server::admin::Admin;
use serde_json::{Value, json};

use crate::{
    device::{self, Ask, Shown},
    stage::{Result, Stage},
    story::Cast,
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
}

/// A case as head office holds it.
struct Truth {
    heads: Value,
    case: Case,
    /// What was recorded, whatever change it stands in: a rebase writes the same act anew.
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
            if case["judgement"] != serde_json::to_value(judge(&truth.case, &book, now))? {
                return Err(format!("{}: the judgement of {id} differs", actor.name).into());
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
        "heads, folded case, receipts and judgement equal on every replica whose scope holds the case; every photo is at head office ✓"
    );
    println!("{shown} actions shown as recorded, all at head office, after {} SIGKILLs ✓", facts.kills);
    expectations(&truths, &book, now)?;
    println!(
        "clock three hours off flagged, two records of one parcel both kept, unlisted flagged, all four outcomes of a deadline seen ✓"
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
fn reads(person: &str, case: &Case, book: &Rulebook, now: doorstep_domain::UnixMs) -> bool {
    // What has ended leaves a courier's phone.
    if person.starts_with('c') && judge(case, book, now).state == State::Closed {
        return false;
    }
    let listed = std::str::from_utf8(super::story::PARCELS)
        .unwrap_or_default()
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>())
        .find(|columns| columns.first() == Some(&case.facts.waybill.as_str()));
    let notified = case.of_kind(Kind::Notice).chain(case.of_kind(Kind::Outage)).next().is_some();
    match (person, listed) {
        ("s412", _) => true,
        ("s571", Some(columns)) => columns.get(2) == Some(&"0571") && notified,
        (courier, Some(columns)) => columns.get(4) == Some(&courier),
        // The unlisted one was recorded by Li.
        (courier, None) => courier == "c101",
    }
}

/// What the story must have produced.
fn expectations(truths: &BTreeMap<CaseId, Truth>, book: &Rulebook, now: doorstep_domain::UnixMs) -> Result<()> {
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
