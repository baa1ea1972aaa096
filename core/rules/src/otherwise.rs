//! What findings would be by another row of head office's list, where it is not sure which one was in force.

use crate::{
    Finding, FindingState, Otherwise, deadline::deadlines, evidence::missing, finding::findings, listing::Pick, reading::Reading,
};

/// Adds to each finding what it would be by another row that an act's interval touches, and the findings that only another row
/// gives. Those go to a person.
pub(crate) fn otherwise(reading: &Reading<'_>, findings_now: &mut Vec<Finding>) {
    if !reading.acts.iter().any(|act| act.row_unsure) {
        return;
    }
    let before = findings_now.len();
    for pick in [Pick::First, Pick::Last] {
        let other = Reading::by(reading.case, reading.book, reading.now, pick);
        if other.acts.iter().zip(&reading.acts).all(|(a, b)| a.facts == b.facts) {
            continue;
        }
        let (kept, _) = deadlines(&other);
        let (_, leniency) = missing(&other);
        let found = findings(&other, &kept, &leniency);
        for finding in findings_now.iter_mut().take(before) {
            let result = match found.iter().find(|other| other.id == finding.id) {
                Some(other) => result_of(other),
                None => Otherwise { holds: false, outlet: None, share: 0, amount: None },
            };
            if result != result_of(finding) {
                add(finding, result);
            }
        }
        for mut only in found {
            if findings_now.iter().any(|finding| finding.id == only.id) {
                continue;
            }
            add(&mut only, Otherwise { holds: false, outlet: None, share: 0, amount: None });
            findings_now.push(only);
        }
    }
}

fn result_of(finding: &Finding) -> Otherwise {
    Otherwise { holds: true, outlet: finding.outlet.clone(), share: finding.share, amount: finding.amount }
}

fn add(finding: &mut Finding, result: Otherwise) {
    if !finding.otherwise.contains(&result) {
        finding.otherwise.push(result);
    }
    finding.review |= finding.state != FindingState::Decided;
}
