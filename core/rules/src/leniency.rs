//! Faults of the number on a label, for which delay penalties lean to the delivering outlet (X-2, LIA-07).

use std::collections::{HashMap, HashSet};

use doorstep_domain::{Body, CaseId, EntryKey, Facts, mobile_mark};

use crate::{
    LabelFault, Proof,
    case::registered,
    case_index::{Act, CaseIndex},
    flags::NO_MOBILE,
    proof::is,
};

/// Where X-2 grants the delivering outlet leniency, because the label's fault is proven.
#[derive(Default)]
pub(crate) struct Leniency {
    /// Code, sub-reason and version of the registrations whose own code grants it.
    pub(crate) by_code: HashSet<(String, Option<String>, usize)>,
    /// The proven faults of the label by the versions with rows for that, whatever the code.
    by_label: HashMap<usize, Vec<LabelFault>>,
    /// Whether a registration says that the label has no mobile number.
    is_claimed: bool,
    pub proofs: Vec<EntryKey>,
    /// Whether the case has more reasons than are looked at.
    pub is_capped: bool,
}

impl Leniency {
    /// Adds the faults that the rows of the packs' versions prove, with their proofs.
    pub fn find_faults(&mut self, index: &CaseIndex<'_>) {
        if index.book.versions().all(|published| published.pack.leniency.is_empty()) {
            return;
        }
        self.is_claimed = index.standing().any(|(_, act)| registered(act.body()).is_some_and(|(_, sub)| sub == Some(NO_MOBILE)));
        for (version, published) in index.book.versions().enumerate() {
            for row in &published.pack.leniency {
                let first = |proof| index.standing().find(|(_, act)| proves(index, proof, act)).map(|(_, act)| act.key().clone());
                let Some(proofs) = row.all_of.iter().map(first).collect::<Option<Vec<EntryKey>>>() else { continue };
                self.by_label.entry(version).or_default().push(row.label);
                if index.standing().any(|(_, act)| act.when.version == version && self.holds(row.label, act)) {
                    self.proofs.extend(proofs);
                }
            }
        }
        let mut seen = HashSet::new();
        self.proofs.retain(|key| seen.insert(key.clone()));
    }

    /// Whether a delay that began with this act is lenient.
    pub fn covers(&self, act: &Act<'_>) -> bool {
        let by_label =
            self.by_label.get(&act.when.version).is_some_and(|faults| faults.iter().any(|fault| self.holds(*fault, act)));
        let of = || registered(act.body()).map(|(code, sub)| (code.to_owned(), sub.map(str::to_owned), act.when.version));
        by_label || (!self.by_code.is_empty() && of().is_some_and(|of| self.by_code.contains(&of)))
    }

    /// Whether there is any.
    pub fn is_proven(&self, index: &CaseIndex<'_>) -> bool {
        let is_covered = |act: &Act<'_>| registered(act.body()).is_some() && self.covers(act);
        !self.by_code.is_empty() || (!self.by_label.is_empty() && index.standing().any(|(_, act)| is_covered(act)))
    }

    /// Whether a proven fault is that of the act's label. A photo of a label shows a missing number only if head office's list has
    /// none either, or if a registration says so.
    fn holds(&self, fault: LabelFault, act: &Act<'_>) -> bool {
        fault == LabelFault::Wrong || self.is_claimed || has_no_number(act.facts)
    }
}

/// Whether head office's list says that the label has no mobile number.
fn has_no_number(facts: &Facts) -> bool {
    !facts.is_unlisted() && facts.mobile.is_none() && facts.virtual_mobile.is_none()
}

/// Whether an act proves a fault of the label's number. A call or an SMS to another number says nothing about it.
fn proves(index: &CaseIndex<'_>, proof: &Proof, act: &Act<'_>) -> bool {
    let is_labels = |mark: [u8; 8]| [act.facts.mobile, act.facts.virtual_mobile].contains(&Some(mark));
    let to_label = || match act.body() {
        Body::Call(call) => {
            let facts = &index.case.facts;
            let case = CaseId::of(&facts.network, &facts.waybill);
            // A record without a number, or with a sealed one, does not say that it was another.
            let said = call.number.as_ref().filter(|number| number.text().is_some_and(|text| !text.trim().is_empty()));
            said.is_none_or(|number| mobile_mark(&case, number).is_some_and(is_labels))
        }
        Body::Sms(sms) => is_labels(sms.mark),
        _ => true,
    };
    is(index, proof, act, None) && to_label()
}
