//! Commands at the door, and wherever else a problem is found.

use doorstep_domain::{Alias, Attempt, Body, Call, Kind, Personal, Problem, ReasonCode, Recorded, Stage, Waybill};
use doorstep_rules::{Case, Code, PROVISIONAL};

use super::{
    context::Context,
    said::{CodeOf, unknown, word},
};
use crate::{ClientError, Refusal};

impl Context<'_> {
    /// Checks that the pack offers a code for this kind of record, with this sub-reason.
    fn reason(&self, code: &ReasonCode, sub: Option<&ReasonCode>, of: CodeOf) -> Result<&Code, ClientError> {
        self.listed(code, of)?;
        let row = self.pack.code(code.as_str()).ok_or_else(|| of.refused(code.as_str(), self.pack))?;
        if let Some(sub) = sub.filter(|sub| row.subs.iter().all(|s| s.code != sub.as_str())) {
            let known = row.subs.iter().map(|s| s.code.clone()).collect();
            return Err(ClientError::Refused(Refusal::Sub { given: sub.to_string(), known }));
        }
        Ok(row)
    }

    pub fn fail(&self, attempt: &Attempt) -> Result<Body, ClientError> {
        self.reason(&attempt.reason, attempt.sub.as_ref(), CodeOf::Attempt)?;
        Ok(Body::Attempt(Attempt { piece: self.piece.clone(), ..attempt.clone() }))
    }

    pub fn problem(&self, problem: &Problem, usual_stage: bool) -> Result<Body, ClientError> {
        let row = self.reason(&problem.reason, problem.sub.as_ref(), CodeOf::Problem)?;
        let named = problem.stage.as_str();
        let stage = match usual_stage {
            true => self.usual_stage(row)?,
            false if row.stages.iter().any(|known| known == named) => problem.stage,
            false => return Err(unknown(named, row.stages.iter().map(String::as_str))),
        };
        Ok(Body::Problem(Problem { stage, piece: self.piece.clone(), ..problem.clone() }))
    }

    /// The first of the code's stages at which the person's role registers.
    fn usual_stage(&self, row: &Code) -> Result<Stage, ClientError> {
        let role = self.who.author.role.as_str();
        let registers = |stage: &&String| {
            let found = self.pack.stages.iter().find(|known| known.stage == **stage);
            found.is_some_and(|known| known.registrars.iter().any(|who| who == role))
        };
        let stage = row.stages.iter().find(registers).ok_or(ClientError::Refused(Refusal::Registrar))?;
        word(stage)
    }

    /// A call to the given number, or to the one on the label.
    pub fn call(&self, call: &Call) -> Result<Body, ClientError> {
        self.case()?;
        let number = match &call.number {
            Some(number) => Some(number.clone()),
            None => self.store.parcel(self.waybill)?.and_then(|parcel| parcel.recipient_phone),
        };
        Ok(Body::Call(Call { number, ..call.clone() }))
    }

    pub fn note(&self, words: &Personal) -> Result<Body, ClientError> {
        self.case()?;
        Ok(Body::Note { words: words.clone() })
    }

    /// Links a provisional number with the parcel's own number: each of the two cases gets the other number. The change in the
    /// own number's case also repeats the problem and its photos, which marks them as registered before.
    pub fn identify(&self, numbers: &[Waybill], before: &[Body]) -> Result<Vec<Body>, ClientError> {
        let [provisional, real] = numbers else { return Err(ClientError::Refused(Refusal::NoCase)) };
        if !provisional.as_str().starts_with(PROVISIONAL) || real.as_str().starts_with(PROVISIONAL) {
            return Err(ClientError::Refused(Refusal::NotProvisional));
        }
        if self.waybill == provisional {
            self.registered()?;
            return Ok(vec![Body::Alias(Alias { waybill: real.clone() })]);
        }
        let mut bodies = vec![Body::Alias(Alias { waybill: provisional.clone() })];
        bodies.extend_from_slice(before);
        Ok(bodies)
    }
}

/// Most registrations, and most photos, of a provisional case that are repeated under the parcel's own number, the newest ones. A
/// change has at most 16 entries.
const MOST_RESTATED: usize = 7;

/// The entries of a provisional case that are repeated under the parcel's own number.
pub(super) fn restated(case: &Case) -> Vec<Body> {
    let newest = |kinds: [Kind; 2]| {
        let of = move |r: &&Recorded| kinds.iter().any(|kind| r.entry.body.kind() == kind.as_str());
        let mut newest: Vec<&Recorded> = case.standing().rev().filter(of).take(MOST_RESTATED).collect();
        newest.reverse();
        newest
    };
    let mut bodies: Vec<Body> = Vec::new();
    for recorded in newest([Kind::Problem, Kind::Attempt]) {
        bodies.push(match &recorded.entry.body {
            Body::Problem(problem) => {
                let found_at = problem.found_at.or(Some(recorded.acted_at()));
                Body::Problem(Problem { found_at, ..problem.clone() })
            }
            body => body.clone(),
        });
    }
    bodies.extend(newest([Kind::Photo, Kind::Photo]).into_iter().map(|recorded| recorded.entry.body.clone()));
    bodies
}
