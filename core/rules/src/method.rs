//! The method of a problem type, which the delivering side follows without a valid reply (T-5).

use std::collections::HashSet;

use doorstep_domain::Body;

use crate::{
    Step,
    case_index::{Act, CaseIndex},
};

/// The steps of the method of a case's problems.
pub(crate) struct Method<'a> {
    steps: HashSet<&'a str>,
    /// The kinds of entry that complete one of the steps.
    kinds: HashSet<&'a str>,
}

impl<'a> Method<'a> {
    /// The steps on the cards of all registered problems, by each version of the rules.
    pub fn of(index: &CaseIndex<'a>) -> Self {
        let codes = index.codes();
        let packs = || index.book.versions().map(|published| &published.pack);
        let rows = packs().flat_map(|pack| pack.codes.iter().map(move |row| (pack, row)));
        let rows = rows.filter(|(_, row)| codes.contains(row.code.as_str()));
        let steps = rows.flat_map(|(pack, row)| row.steps.iter().filter_map(|step| pack.step(&step.step)));
        let steps: Vec<&Step> = steps.filter(|step| step.is_method()).collect();
        Self {
            steps: steps.iter().map(|step| step.code.as_str()).collect(),
            kinds: steps.iter().flat_map(|step| &step.done_by).map(String::as_str).collect(),
        }
    }

    /// Whether an act of the delivering side is a step of it. What is done with the parcel is one whatever the card says.
    pub fn is_begun_by(&self, act: &Act<'_>) -> bool {
        let is_step = match act.body() {
            Body::Attempt(_) | Body::Action(_) | Body::Close(_) => return true,
            Body::Tick(tick) => self.steps.contains(tick.step.as_str()),
            // Who asks another outlet to do a step has begun it.
            Body::Ask(ask) => self.steps.contains(ask.step.as_str()),
            body => self.kinds.contains(body.kind()),
        };
        let author = Some(act.outlet());
        let is_origins = act.facts.origin_outlet.as_ref() == author && act.facts.delivering_outlet.as_ref() != author;
        is_step && !is_origins
    }
}
