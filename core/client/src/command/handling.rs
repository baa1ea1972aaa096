//! What is done about a problem until the case ends, and what is contested about it.

use doorstep_domain::{
    About, Action, Assign, Body, Book, Close, Consent, Correction, Customer, Dispute, Fault, Goods, Handover, Kind, Ledger,
    Personal, Takeover, Tick, UnixMs, Waiver, Waybill,
};

use super::desk::{Desk, fen, personal, unknown, word};
use crate::{ClientError, Refusal};

/// Most assignments whose place one action takes. A change has 16 entries at most.
const MOST_REPLACED: usize = 16;

impl Desk<'_> {
    /// An action that wants proof first (a letter and the ledger for a change of money) is not done before it is there.
    pub fn action(
        &self,
        outcome: &str,
        carrier: Option<&str>,
        number: Option<&str>,
        amount_fen: Option<i64>,
        words: Option<&str>,
    ) -> Result<Body, ClientError> {
        let case = self.registered()?;
        self.outcome(outcome, |row| row.action)?;
        let action = Action {
            outcome: outcome.parse()?,
            carrier: carrier.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned),
            number: number.map(Waybill::parse).transpose()?,
            amount: fen(amount_fen)?,
            words: personal(words)?,
        };
        let body = Body::Action(action);
        let lacking = doorstep_rules::lacking(case, self.pack, &body);
        if lacking.is_empty() { Ok(body) } else { Err(ClientError::Refused(Refusal::Unproven { lacking })) }
    }

    pub fn tick(&self, step: &str, words: Option<&str>) -> Result<Body, ClientError> {
        self.registered()?;
        match self.pack.step(step) {
            Some(_) => Ok(Body::Tick(Tick { step: step.parse()?, words: personal(words)? })),
            None => {
                let cards = self.view.iter().flat_map(|view| &view.judgement.cards).flat_map(|card| &card.steps);
                Err(unknown(step, cards.map(|line| line.step.as_str())))
            }
        }
    }

    /// Takes the place of every assignment that is known here: after a merge there may be two, and this settles it.
    pub fn assign(&self, to: &str, planned_at: Option<i64>, words: Option<&str>) -> Result<Vec<Body>, ClientError> {
        let case = self.registered()?;
        let assign = Assign { to: to.parse()?, planned_at: planned_at.map(UnixMs), replaces: None, words: personal(words)? };
        let known = case.unreplaced(|body| matches!(body, Body::Assign(_))).into_iter().map(|r| r.entry.key.clone());
        let mut bodies: Vec<Body> =
            known.take(MOST_REPLACED).map(|key| Body::Assign(Assign { replaces: Some(key), ..assign.clone() })).collect();
        if bodies.is_empty() {
            bodies.push(Body::Assign(assign));
        }
        Ok(bodies)
    }

    pub fn consent(&self, by: &str, to: &str, name: Option<&str>, words: Option<&str>) -> Result<Body, ClientError> {
        self.registered()?;
        self.outcome(to, |_| true)?;
        let by = word!(Customer, by)?;
        Ok(Body::Consent(Consent { by, to: to.parse()?, name: personal(name)?, words: personal(words)? }))
    }

    pub fn goods(
        &self,
        name: Option<&str>,
        packing: Option<&str>,
        value_fen: Option<i64>,
        words: Option<&str>,
    ) -> Result<Body, ClientError> {
        self.registered()?;
        Ok(Body::Goods(Goods {
            name: personal(name)?,
            packing: personal(packing)?,
            value: fen(value_fen)?,
            words: personal(words)?,
        }))
    }

    pub fn ledger(
        &self,
        book: &str,
        change: &str,
        amount_fen: Option<i64>,
        slip: bool,
        words: Option<&str>,
    ) -> Result<Body, ClientError> {
        self.case()?;
        if self.pack.ledger.iter().all(|row| row.code != change) {
            return Err(unknown(change, self.pack.ledger.iter().map(|row| row.code.as_str())));
        }
        Ok(Body::Ledger(Ledger {
            book: word!(Book, book)?,
            change: change.parse()?,
            amount: fen(amount_fen)?,
            letter: None,
            slip,
            words: personal(words)?,
        }))
    }

    /// Only evidence that is missing and may be waived.
    pub fn waive(&self, evidence: &str, words: &str) -> Result<Body, ClientError> {
        self.registered()?;
        let missing = self.view.iter().flat_map(|view| &view.judgement.missing).filter(|gap| gap.waiver.is_some());
        let known: Vec<&str> = missing.map(|gap| gap.evidence.as_str()).collect();
        if !known.contains(&evidence) {
            return Err(unknown(evidence, known));
        }
        if words.trim().is_empty() {
            return Err(ClientError::Refused(Refusal::NoWords));
        }
        Ok(Body::Waiver(Waiver { evidence: evidence.parse()?, words: Personal::plain(words)? }))
    }

    pub fn correct(&self, entry: &str, fault: &str, same_as: Option<&str>, words: &str) -> Result<Body, ClientError> {
        let of = self.entry(entry)?;
        let fault = word!(Fault, fault)?;
        let same_as = same_as.map(|other| self.entry(other)).transpose()?;
        let fits = (fault == Fault::SameAs) == same_as.is_some() && same_as.as_ref() != Some(&of);
        if !fits {
            return Err(ClientError::Refused(Refusal::SameAs));
        }
        Ok(Body::Correction(Correction { of, fault, same_as, words: Personal::plain(words)? }))
    }

    pub fn dispute(&self, about: &str, words: &str) -> Result<Body, ClientError> {
        let unknown = || ClientError::Refused(Refusal::NoEntry { given: about.to_owned() });
        let parsed: About = about.parse().map_err(|_| unknown())?;
        let findings = self.view.map(|view| view.judgement.findings.as_slice()).unwrap_or_default();
        let known = match &parsed.rule {
            Some(_) => findings.iter().any(|finding| finding.id == parsed),
            None => self.case()?.entry(&parsed.entry).is_some(),
        };
        if !known {
            return Err(unknown());
        }
        Ok(Body::Dispute(Dispute { about: parsed, words: Personal::plain(words)? }))
    }

    pub fn handover(&self, to: &str, words: Option<&str>) -> Result<Body, ClientError> {
        Ok(Body::Handover(Handover { to: to.parse()?, words: personal(words)? }))
    }

    pub fn takeover(&self) -> Result<Body, ClientError> {
        let case = self.case()?;
        let handover = case.of_kind(Kind::Handover).next_back().map(|r| r.entry.key.clone());
        let offered = case.offered_to() == Some(&self.who.author.user);
        let handover = handover.filter(|_| offered).ok_or(ClientError::Refused(Refusal::NotOffered))?;
        Ok(Body::Takeover(Takeover { handover }))
    }

    pub fn close(&self, outcome: &str, words: Option<&str>) -> Result<Body, ClientError> {
        self.case()?;
        self.outcome(outcome, |row| row.closes)?;
        Ok(Body::Close(Close { outcome: outcome.parse()?, words: personal(words)?, piece: self.piece.clone() }))
    }
}
