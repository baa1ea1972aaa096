//! What a reviewer should see at a glance. Flags never change what is recorded.

use doorstep_domain::{Body, TargetSource, check_s10};
use serde::Serialize;

use crate::{Case, Pack, evidence::proves_attempt, judge::to_origin, names::names};

/// Something a reviewer should see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// A device clock was off by more than the pack tolerates.
    ClockWrong,
    /// Nothing ties a device's clock to the server's.
    ClockUnproven,
    /// A device clock was set back between an act and its sending.
    ClockRolledBack,
    /// An entry leans on a server time that the server never gave to its device.
    ClockForeign,
    /// The policy let an entry pass but wants head office to look.
    Review,
    /// An entry was refused first and released by head office.
    Released,
    /// The waybill was in no reference row.
    Unlisted,
    /// Installations copied different parcel facts.
    FactsDisagree,
    /// A notice went to another outlet than the origin; it does not count (domain 6.1).
    WrongTarget,
    /// A person chose the notice's target.
    ManualTarget,
    /// An outage record lacks contact, phone or time, so X-1 does not hold.
    OutageIncomplete,
    /// Proven phone fault: leniency for the delivering outlet in delay penalties.
    Leniency,
    /// An SMS with surname and waybill proves a valid attempt.
    AttemptProven,
    /// The number has the shape of UPU S10 and a wrong check digit.
    InvalidCheckDigit,
    /// The number does not have the network's pattern: mistyped, or another network's.
    UnusualWaybill,
}

names!(Flag { ClockWrong = "clock_wrong", ClockUnproven = "clock_unproven", ClockRolledBack = "clock_rolled_back", ClockForeign = "clock_foreign", Review = "review", Released = "released", Unlisted = "unlisted", FactsDisagree = "facts_disagree", WrongTarget = "wrong_target", ManualTarget = "manual_target", OutageIncomplete = "outage_incomplete", Leniency = "leniency", AttemptProven = "attempt_proven", InvalidCheckDigit = "invalid_check_digit",
    UnusualWaybill = "unusual_waybill" });

/// The flags that a case's entries, receipts and facts raise.
pub(crate) fn flags(case: &Case, pack: &Pack) -> Vec<Flag> {
    let mut flags = Vec::new();
    let tolerance = i64::from(pack.clock_tolerance_seconds) * 1000;
    for recorded in &case.timeline {
        let wall = recorded.entry.time.wall;
        let receipt = recorded.standing.receipt();
        match receipt.and_then(|r| r.acted.at).or_else(|| recorded.entry.time.anchored()) {
            Some(acted) if acted.since(wall).saturating_abs() > tolerance => flags.push(Flag::ClockWrong),
            Some(_) => {}
            // From the future of the server's clock: certainly wrong. Else nothing is known once the server has it.
            None if receipt.is_some_and(|r| wall.since(r.received_at) > tolerance) => flags.push(Flag::ClockWrong),
            None if receipt.is_some() => flags.push(Flag::ClockUnproven),
            None => {}
        }
        if receipt.is_some_and(|r| r.acted.rolled_back) {
            flags.push(Flag::ClockRolledBack);
        }
        if receipt.is_some_and(|r| r.acted.foreign_anchor) {
            flags.push(Flag::ClockForeign);
        }
        if receipt.is_some_and(|r| r.review) {
            flags.push(Flag::Review);
        }
        if recorded.entry.release.is_some() {
            flags.push(Flag::Released);
        }
        match &recorded.entry.body {
            Body::Notice(notice) => {
                if !to_origin(recorded, case) {
                    flags.push(Flag::WrongTarget);
                }
                if notice.source == TargetSource::Manual {
                    flags.push(Flag::ManualTarget);
                }
            }
            Body::Outage(outage) if !outage.is_complete() => flags.push(Flag::OutageIncomplete),
            Body::Sms(_) if proves_attempt(recorded) => flags.push(Flag::AttemptProven),
            _ => {}
        }
    }
    if case.facts.is_unlisted() {
        flags.push(Flag::Unlisted);
    }
    if case.facts_disagree {
        flags.push(Flag::FactsDisagree);
    }
    if check_s10(&case.facts.waybill) == Some(false) {
        flags.push(Flag::InvalidCheckDigit);
    }
    if !pack.accepts(&case.facts.waybill) {
        flags.push(Flag::UnusualWaybill);
    }
    flags
}
