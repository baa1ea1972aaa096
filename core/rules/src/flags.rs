//! Flags, which a reviewer should see at a glance. They never change entries.

use std::collections::BTreeSet;

use doorstep_domain::{Body, FactsCheck, Kind, SmsState, TargetSource, check_s10, words};

use crate::{case::registered, case_index::CaseIndex, proof};

words!(
    /// A flag for reviewers.
    Flag {
        /// A device clock was off by more than the pack tolerates.
        ClockWrong = "clock_wrong",
        /// A device's clock does not prove the time of an act, because the device had not heard from the server in this boot, or
        /// not for too long.
        ClockUnproven = "clock_unproven",
        /// A device clock was set back between an act and its sending.
        ClockRolledBack = "clock_rolled_back",
        /// An entry's anchor has a server time that the server never gave to its device.
        ClockForeign = "clock_foreign",
        /// A device's clock and the server's drifted apart between two contacts.
        ClockUnsteady = "clock_unsteady",
        /// An act is dated before a contact of its device that did not bring it.
        ClockPassedOver = "clock_passed_over",
        /// A device wrote its acts in another order than their times.
        ClockDisordered = "clock_disordered",
        /// Head office must review an entry: the policy requires it, or the entry is dated before a contact that did not bring
        /// it.
        Review = "review",
        /// An entry was refused first and released by head office.
        Released = "released",
        /// The waybill was in no reference row.
        Unlisted = "unlisted",
        /// An entry's facts match no row of head office's list and have no effect.
        FactsAltered = "facts_altered",
        /// An entry's facts match a row of head office's list that was not in force then.
        RowOutdated = "row_outdated",
        /// An entry states that the label has no mobile number, but head office's list has one.
        NumberListed = "number_listed",
        /// Installations copied different parcel facts.
        FactsDisagree = "facts_disagree",
        /// A notice went to another outlet than the origin; it does not count (domain 6.1).
        WrongTarget = "wrong_target",
        /// A person chose the notice's target.
        ManualTarget = "manual_target",
        /// An outage record lacks contact, phone or time, so X-1 does not hold.
        OutageIncomplete = "outage_incomplete",
        /// Proven phone fault: leniency for the delivering outlet in delay penalties.
        Leniency = "leniency",
        /// An SMS with surname and waybill proves a valid attempt.
        AttemptProven = "attempt_proven",
        /// An attempt whose code wants an SMS has none and no waiver (C-25).
        AttemptUnproven = "attempt_unproven",
        /// It is uncertain whether an SMS was sent, so it is not sent again automatically.
        SmsUncertain = "sms_uncertain",
        /// The same message was sent twice, because two devices recorded the attempt without a network.
        SmsTwice = "sms_twice",
        /// Somebody sent an SMS without having recorded the attempt and without a lease.
        SmsUnauthorised = "sms_unauthorised",
        /// The customer asks for no more messages.
        SmsOptOut = "sms_opt_out",
        /// The number has the shape of UPU S10 and a wrong check digit.
        InvalidCheckDigit = "invalid_check_digit",
        /// The number does not match the network's pattern: it is mistyped, or of another network.
        UnusualWaybill = "unusual_waybill",
        /// A provisional number: the label could not be read.
        Provisional = "provisional",
        /// The parcel is known under another number too.
        Alias = "alias",
        /// A registration by a role that does not register at its stage, or with a code that the pack does not have.
        UnusualRegistration = "unusual_registration",
        /// The version of the rules for an act is uncertain, because the act lies at a change of version or its time is unproven.
        PackUnsure = "pack_unsure",
        /// An entry was written under another version of the rules than the one in force.
        PackOutdated = "pack_outdated",
        /// An entry was corrected.
        Corrected = "corrected",
        /// A reply decides nothing.
        InvalidReply = "invalid_reply",
        /// Something is disputed, and head office has not decided.
        Disputed = "disputed",
        /// Entries contradict each other after a merge.
        Conflict = "conflict",
        /// The device of an outage record reached head office in that time.
        OutageInContact = "outage_in_contact",
        /// The time of a photo by its camera is far from its record.
        PhotoOtherTime = "photo_other_time",
        /// A photo was chosen from the phone's pictures.
        PhotoFromGallery = "photo_from_gallery",
        /// A photo was taken far from the other attempts.
        PlaceFar = "place_far",
        /// A photo was taken outside the area of its author's outlet.
        OutsideArea = "outside_area",
        /// One person was at two places that nobody reaches in that time.
        TooFast = "too_fast",
        /// A person recorded attempts on many parcels within a minute.
        Crowded = "crowded",
        /// One person was at two places of different cases that nobody reaches in that time.
        TooFastElsewhere = "too_fast_elsewhere",
        /// An SMS counts on the person's word alone.
        SmsByWord = "sms_by_word",
        /// The record of an outage does not say which outlet was phoned.
        OutageNoOutlet = "outage_no_outlet",
        /// An action lacks its evidence and does not count as done.
        ActionUnproven = "action_unproven",
        /// A schedule that a deadline depends on is missing in the data.
        ScheduleMissing = "schedule_missing",
        /// The case has more rounds than any real parcel; the oldest are not judged.
        TooMany = "too_many",
    }
);

/// The packs' sub-reason for a label without a mobile number.
pub(crate) const NO_MOBILE: &str = "missing_mobile";

/// The flags that follow directly from a case's entries, receipts and facts.
pub(crate) fn flags(index: &CaseIndex<'_>) -> BTreeSet<Flag> {
    let mut flags = BTreeSet::new();
    let case = index.case;
    for act in &index.acts {
        let (recorded, pack) = (act.recorded, index.pack_of(act));
        let tolerance = pack.switches.clock_tolerance_ms();
        let wall = recorded.entry.time.wall;
        let receipt = recorded.standing.receipt();
        match receipt.and_then(|r| r.acted.at).or_else(|| recorded.entry.time.anchored()) {
            Some(acted) if acted.since(wall).saturating_abs() > tolerance => drop(flags.insert(Flag::ClockWrong)),
            Some(_) => {}
            // A time in the future of the server's clock is certainly wrong.
            None if receipt.is_some_and(|r| wall.since(r.received_at) > tolerance) => drop(flags.insert(Flag::ClockWrong)),
            None => {}
        }
        let marked = [
            (receipt.is_some_and(|r| r.acted.rolled_back), Flag::ClockRolledBack),
            (receipt.is_some_and(|r| r.acted.foreign_anchor), Flag::ClockForeign),
            (act.when.doubtful, Flag::ClockUnproven),
            (receipt.is_some_and(|r| r.acted.unsteady), Flag::ClockUnsteady),
            (receipt.is_some_and(|r| r.acted.passed_over), Flag::ClockPassedOver),
            (receipt.is_some_and(|r| r.acted.disordered), Flag::ClockDisordered),
            (receipt.is_some_and(|r| r.review || r.acted.passed_over || r.in_contact || r.crowded || r.too_fast), Flag::Review),
            (recorded.entry.release.is_some(), Flag::Released),
            (act.when.unsure, Flag::PackUnsure),
            (recorded.entry.pack_version != pack.version, Flag::PackOutdated),
            (!act.stands(), Flag::Corrected),
            (receipt.is_some_and(|r| r.facts == FactsCheck::Altered), Flag::FactsAltered),
            (receipt.is_some_and(|r| r.facts == FactsCheck::Outdated), Flag::RowOutdated),
        ];
        flags.extend(marked.into_iter().filter(|(holds, _)| *holds).map(|(_, flag)| flag));
        if !act.stands() {
            continue;
        }
        match act.body() {
            Body::Notice(notice) => {
                if !index.to_origin(act) {
                    flags.insert(Flag::WrongTarget);
                }
                if notice.source == TargetSource::Manual {
                    flags.insert(Flag::ManualTarget);
                }
            }
            Body::Outage(outage) if !outage.is_complete() => drop(flags.insert(Flag::OutageIncomplete)),
            Body::Reply(_) if !act.is_valid_reply() => drop(flags.insert(Flag::InvalidReply)),
            Body::Action(action) => {
                let row = pack.outcome(action.outcome.as_str());
                let lacks = row.is_some_and(|row| proof::unmet(index, row, act.when.at).next().is_some());
                if lacks || row.is_none_or(|row| !row.action) {
                    flags.insert(Flag::ActionUnproven);
                }
            }
            body => {
                let Some((code, sub)) = registered(body) else { continue };
                if sub == Some(NO_MOBILE) && act.facts.mobile.or(act.facts.virtual_mobile).is_some() {
                    flags.insert(Flag::NumberListed);
                }
                let stage = match body {
                    Body::Problem(problem) => problem.stage.as_str(),
                    _ => doorstep_domain::Stage::Delivery.as_str(),
                };
                let role = recorded.entry.author.role.as_str();
                let row = pack.stages.iter().find(|row| row.stage == stage);
                let usual = row.is_some_and(|row| row.registrars.iter().any(|who| who == role));
                let known = pack.code(code).is_some_and(|row| row.stages.iter().any(|known| known == stage));
                if !usual || !known {
                    flags.insert(Flag::UnusualRegistration);
                }
            }
        }
    }
    for message in &index.messages {
        let marked = [
            (message.counts(), Flag::AttemptProven),
            (message.state == SmsState::Uncertain, Flag::SmsUncertain),
            (message.times > 1, Flag::SmsTwice),
            (message.foreign, Flag::SmsUnauthorised),
            (message.opt_out, Flag::SmsOptOut),
        ];
        flags.extend(marked.into_iter().filter(|(holds, _)| *holds).map(|(_, flag)| flag));
    }
    let pack = index.pack();
    let of_case = [
        (case.facts.is_unlisted(), Flag::Unlisted),
        (case.facts_disagree, Flag::FactsDisagree),
        (check_s10(&case.facts.waybill) == Some(false), Flag::InvalidCheckDigit),
        (case.is_provisional(), Flag::Provisional),
        (!case.is_provisional() && !pack.accepts(&case.facts.waybill), Flag::UnusualWaybill),
        (case.of_kind(Kind::Alias).next().is_some(), Flag::Alias),
    ];
    flags.extend(of_case.into_iter().filter(|(holds, _)| *holds).map(|(_, flag)| flag));
    flags
}
