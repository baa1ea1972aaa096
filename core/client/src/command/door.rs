//! What is recorded at the door and wherever else a problem is found.

use doorstep_domain::{Alias, Attempt, Body, Call, CallResult, Kind, Personal, Problem, Recorded, Stage, UnixMs, Waybill};
use doorstep_rules::{Case, Code, PROVISIONAL};

use super::{
    desk::{Desk, fen, personal, unknown, word},
    details::{AttemptDetails, PhotoRef, ProblemDetails},
};
use crate::{ClientError, Refusal};

impl Desk<'_> {
    /// A code of the pack that is offered and recorded so, with one of its sub-reasons.
    fn code(&self, code: &str, sub: Option<&str>, is_attempt: bool) -> Result<&Code, ClientError> {
        let offered = |row: &&Code| row.enabled && row.group.is_attempt() == is_attempt;
        let row = self.pack.code(code).filter(offered).ok_or_else(|| {
            let known = self.pack.codes.iter().filter(offered).map(|row| row.code.clone()).collect();
            ClientError::Refused(Refusal::Reason { given: code.to_owned(), known })
        })?;
        if let Some(sub) = sub.filter(|sub| row.subs.iter().all(|s| s.code != *sub)) {
            let known = row.subs.iter().map(|s| s.code.clone()).collect();
            return Err(ClientError::Refused(Refusal::Sub { given: sub.to_owned(), known }));
        }
        Ok(row)
    }

    pub fn fail(
        &self,
        reason: &str,
        sub: Option<&str>,
        words: Option<&str>,
        details: &AttemptDetails,
        photos: &[PhotoRef],
    ) -> Result<Vec<Body>, ClientError> {
        self.code(reason, sub, true)?;
        let attempt = Attempt {
            reason: reason.parse()?,
            sub: sub.map(str::parse).transpose()?,
            words: personal(words)?,
            piece: self.piece.clone(),
            offered: fen(details.offered_fen)?,
            agreed_at: details.agreed_at.map(UnixMs),
            waited_minutes: details.waited_minutes,
        };
        let mut bodies = vec![Body::Attempt(attempt)];
        bodies.extend(self.photo_bodies(photos)?);
        Ok(bodies)
    }

    pub fn problem(
        &self,
        reason: &str,
        sub: Option<&str>,
        stage: Option<&str>,
        words: Option<&str>,
        details: &ProblemDetails,
        photos: &[PhotoRef],
    ) -> Result<Vec<Body>, ClientError> {
        let row = self.code(reason, sub, false)?;
        let stage = match stage {
            Some(stage) if row.stages.iter().any(|known| known == stage) => word!(Stage, stage)?,
            Some(stage) => return Err(unknown(stage, row.stages.iter().map(String::as_str))),
            None => self.usual_stage(row)?,
        };
        let problem = Problem {
            reason: reason.parse()?,
            sub: sub.map(str::parse).transpose()?,
            stage,
            found_at: details.found_at.map(UnixMs),
            count: details.count,
            piece: self.piece.clone(),
            other: details.other.as_deref().map(Waybill::parse).transpose()?,
            weight_g: details.weight_g,
            label_g: details.label_g,
            words: personal(words)?,
        };
        let mut bodies = vec![Body::Problem(problem)];
        bodies.extend(self.photo_bodies(photos)?);
        Ok(bodies)
    }

    /// The first of the code's stages at which the person's role registers.
    fn usual_stage(&self, row: &Code) -> Result<Stage, ClientError> {
        let role = self.who.author.role.as_str();
        let registers = |stage: &&String| {
            let found = self.pack.stages.iter().find(|known| known.stage == **stage);
            found.is_some_and(|known| known.registrars.iter().any(|who| who == role))
        };
        let stage = row.stages.iter().find(registers).ok_or(ClientError::Refused(Refusal::Registrar))?;
        word!(Stage, stage)
    }

    pub fn photos(&self, photos: &[PhotoRef]) -> Result<Vec<Body>, ClientError> {
        self.case()?;
        self.photo_bodies(photos)
    }

    pub fn call(&self, result: &str, number: Option<&str>, words: Option<&str>) -> Result<Body, ClientError> {
        self.case()?;
        let result = word!(CallResult, result)?;
        Ok(Body::Call(Call { result, number: self.number(number)?, words: personal(words)? }))
    }

    pub fn note(&self, words: &str) -> Result<Body, ClientError> {
        self.case()?;
        Ok(Body::Note { words: Personal::plain(words)? })
    }

    /// One half of naming a provisional parcel: in each of its two cases the other number. The problem and its photos go on under
    /// the parcel's own number, in the same change, which tells that they were registered before.
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

/// Most of a provisional case's registrations, and most of its photos, that go on under the parcel's own number: the newest. A
/// change has 16 entries at most.
const MOST_RESTATED: usize = 7;

/// What a provisional case goes on with under the parcel's own number.
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
