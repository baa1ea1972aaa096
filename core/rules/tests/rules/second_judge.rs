//! A second judge of deadlines, which is slow and plain, against the engine over random histories. It reads the domain text and the
//! packs and shares no code with the engine. Where they differ, one of them is wrong: the test shows the shortest history that it finds.
//!
//! `DOORSTEP_HISTORIES=100000 cargo test -p doorstep-rules second_judge` runs more of them.

mod alive;
mod calendar;
mod clocks;
mod corrected;
mod history;
mod laws;
mod not_agreed;
mod reading;
mod replies;
mod vectors;

use std::collections::BTreeMap;

use doorstep_domain::*;
use doorstep_rules::*;

use self::{
    clocks::{Became, Told, told},
    history::Plan,
    reading::Reading,
};
use crate::story::*;

/// How many histories are judged.
fn histories() -> u64 {
    std::env::var("DOORSTEP_HISTORIES").ok().and_then(|count| count.parse().ok()).unwrap_or(1_000)
}

/// What the engine says, in the words of the second judge.
fn said(judged: &Judgement) -> Vec<Told> {
    let became = |deadline: &Deadline| match deadline.timeliness {
        Timeliness::Pending => Became::Running,
        Timeliness::OnTime => Became::Met,
        Timeliness::OnTimeByException => Became::MetByPhone,
        Timeliness::LateSynced => Became::Review,
        Timeliness::Late if deadline.unsure || deadline.day_unsure || deadline.doubted_by.is_some() => Became::Review,
        Timeliness::Late => Became::Missed,
        Timeliness::NotNeeded => Became::Excused,
        Timeliness::ScheduleMissing => Became::NoSchedule,
    };
    let told = |deadline: &Deadline| Told {
        clock: deadline.clock.clone(),
        version: deadline.pack_version,
        by: deadline.started_by.clone(),
        due: deadline.due_at,
        became: became(deadline),
    };
    let mut all: Vec<Told> = judged.deadlines.iter().map(told).collect();
    all.sort();
    all
}

/// What only the second judge says, and what only the engine says; `None` if a history is not compared yet.
fn compared(plan: &Plan) -> Option<(Vec<Told>, Vec<Told>)> {
    let (story, now) = plan.written();
    // Without entries there is no case.
    if story.entries.is_empty() {
        return None;
    }
    let reading = Reading::of(&story.entries, &story.facts, &story.book, now);
    if not_agreed::LIST.iter().any(|item| (item.shows)(&reading)) {
        return None;
    }
    let second = told(&reading);
    let engine = said(&story.judge(now));
    let only = |these: &[Told], those: &[Told]| these.iter().filter(|one| !those.contains(one)).cloned().collect();
    Some((only(&second, &engine), only(&engine, &second)))
}

fn differences(plan: &Plan) -> (Vec<Told>, Vec<Told>) {
    compared(plan).unwrap_or_default()
}

fn differs(plan: &Plan) -> bool {
    let (second, engine) = differences(plan);
    !second.is_empty() || !engine.is_empty()
}

/// The shortest history that still shows a difference: acts are left out, and times and details made plain, as long as it does.
fn shortest(plan: &Plan, shows: impl Fn(&Plan) -> bool) -> Plan {
    let mut plan = plan.clone();
    loop {
        let mut simpler: Vec<Plan> = Vec::new();
        for n in 0..plan.moves.len() {
            let mut one = plan.clone();
            one.moves.remove(n);
            simpler.push(one.clone());
            // Without it, but at the times of before.
            if let Some(next) = one.moves.get_mut(n) {
                next.after_ms += plan.moves[n].after_ms;
                simpler.push(one);
            }
        }
        if plan.switch_ms.is_some() {
            simpler.extend([1, 2].map(|version| Plan { switch_ms: None, version, ..plan.clone() }));
        }
        match simpler.into_iter().find(|plan| shows(plan)) {
            Some(found) => plan = found,
            None => return plan,
        }
    }
}

fn clock_text(at: UnixMs) -> String {
    let minute = (at.0 - MONDAY) as f64 / 60_000.0;
    let (day, minute) = ((minute / 1440.0).floor(), minute.rem_euclid(1440.0));
    format!("day {day} {:02}:{:06.3}", (minute / 60.0).floor(), minute.rem_euclid(60.0))
}

/// A history and its difference, for people.
fn shown(plan: &Plan) -> String {
    let (story, now) = plan.written();
    let (second, engine) = differences(plan);
    let mut text = format!(
        "{} version {} switch {:?}, judged {}, arrival {:?}\n",
        plan.network,
        plan.version,
        plan.switch_ms.map(|ms| clock_text(at(0, 8, 0, 0).plus(ms))),
        clock_text(now),
        story.facts.arrival.map(clock_text)
    );
    let reading = Reading::of(&story.entries, &story.facts, &story.book, now);
    for act in &reading.acts {
        let r = act.recorded;
        let t = act.time;
        text += &format!(
            "  {} by {} {}: at {} ({} .. {}) received {:?} proven {} withdrawn {:?}\n      {}\n",
            r.entry.key,
            r.entry.author.user,
            r.entry.author.outlet,
            clock_text(t.at),
            if t.earliest.0 == i64::MIN { "ever".into() } else { clock_text(t.earliest) },
            clock_text(t.latest),
            t.received.map(clock_text),
            t.is_proven,
            act.withdrawn.map(clock_text),
            serde_json::to_string(&r.entry.body).unwrap().chars().take(180).collect::<String>()
        );
    }
    text += &format!(
        "  rounds {:?}\n",
        reading
            .rounds
            .iter()
            .map(|r| (
                reading.acts[r.start].key().to_string(),
                r.told.map(|(at, by)| (clock_text(at), reading.acts[by].key().to_string()))
            ))
            .collect::<Vec<_>>()
    );
    text +=
        &format!("  messages {:?}\n", story.judge(now).messages.iter().map(|m| (m.state, m.lacks.clone())).collect::<Vec<_>>());
    for (who, all) in [("second judge", second), ("engine", engine)] {
        for told in all {
            text += &format!(
                "  {who}: {} v{} by {} due {:?} {:?}\n",
                told.clock,
                told.version,
                told.by,
                told.due.map(clock_text),
                told.became
            );
        }
    }
    text
}

#[test]
fn a_second_plain_judge_says_the_same_of_every_clock() {
    let mut found: BTreeMap<String, (usize, Plan)> = BTreeMap::new();
    let mut left_out = 0;
    for seed in 0..histories() {
        let plan = Plan::of(seed);
        let Some((second, engine)) = compared(&plan) else {
            left_out += 1;
            continue;
        };
        if second.is_empty() && engine.is_empty() {
            continue;
        }
        let name = |all: &[Told]| all.first().map_or("-".to_owned(), |told| format!("{}:{:?}", told.clock, told.became));
        let kind = format!("{} / {}", name(&second), name(&engine));
        let entry = found.entry(kind).or_insert_with(|| (0, plan.clone()));
        entry.0 += 1;
        if plan.moves.len() < entry.1.moves.len() {
            entry.1 = plan;
        }
    }
    let mut text = String::new();
    for (kind, (count, plan)) in &found {
        text += &format!("{count} times {kind}:\n{}\n", shown(&shortest(plan, differs)));
    }
    assert!(left_out * 10 < histories(), "{left_out} histories are not compared: the list of what is not agreed says too much");
    assert!(found.is_empty(), "the judges differ:\n{text}");
}

#[test]
fn what_is_not_agreed_yet_has_a_vector_that_waits_for_it_and_a_reason() {
    let vectors = include_str!("second_judge/vectors.rs");
    let mut named = 0;
    for not_agreed::NotAgreed { vectors: names, why, .. } in not_agreed::LIST {
        for name in *names {
            assert!(vectors.contains(&format!("#[ignore = \"not agreed yet\"]\nfn {name}()")), "{name}");
            named += 1;
        }
        assert!(!names.is_empty() && why.ends_with('.'), "{names:?}");
    }
    assert_eq!(vectors.matches("#[ignore").count(), named);
}
