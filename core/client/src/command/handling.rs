//! Commands for handling a problem until the case ends, and for disputes.

use doorstep_domain::{Action, Body, Close, Consent, Correction, Dispute, Fault, Goods, Kind, Ledger, Takeover, Tick, Waiver};

use super::{
    context::Context,
    said::{CodeOf, unknown},
};
use crate::{ClientError, Refusal};

impl Context<'_> {
    /// An action. If the pack requires evidence (a letter and the ledger for a change of money), it is refused until the case has
    /// the evidence.
    pub fn action(&self, action: &Action) -> Result<Body, ClientError> {
        let case = self.registered()?;
        self.listed(&action.outcome, CodeOf::Action)?;
        let body = Body::Action(self.sent_on(action)?);
        let lacking = doorstep_rules::lacking(case, self.pack, &body);
        if lacking.is_empty() { Ok(body) } else { Err(ClientError::Refused(Refusal::Unproven { lacking })) }
    }

    pub fn tick(&self, tick: &Tick) -> Result<Body, ClientError> {
        self.registered()?;
        match self.pack.step(tick.step.as_str()) {
            Some(_) => Ok(Body::Tick(tick.clone())),
            None => {
                let judged = self.judged();
                let cards = judged.iter().flat_map(|judged| &judged.cards).flat_map(|card| &card.steps);
                Err(unknown(tick.step.as_str(), cards.map(|line| line.step.as_str())))
            }
        }
    }

    pub fn consent(&self, consent: &Consent) -> Result<Body, ClientError> {
        self.registered()?;
        self.listed(&consent.to, CodeOf::Consent)?;
        Ok(Body::Consent(consent.clone()))
    }

    pub fn goods(&self, goods: &Goods) -> Result<Body, ClientError> {
        self.registered()?;
        Ok(Body::Goods(goods.clone()))
    }

    pub fn ledger(&self, ledger: &Ledger) -> Result<Body, ClientError> {
        self.case()?;
        self.listed(&ledger.change, CodeOf::Ledger)?;
        Ok(Body::Ledger(Ledger { letter: None, ..ledger.clone() }))
    }

    /// A waiver. Only evidence that is missing and may be waived is accepted.
    pub fn waive(&self, waiver: &Waiver) -> Result<Body, ClientError> {
        self.registered()?;
        let judged = self.judged();
        let missing = judged.iter().flat_map(|judged| &judged.missing).filter(|gap| gap.waiver.is_some());
        let known: Vec<&str> = missing.map(|gap| gap.evidence.as_str()).collect();
        if !known.contains(&waiver.evidence.as_str()) {
            return Err(unknown(waiver.evidence.as_str(), known));
        }
        Ok(Body::Waiver(waiver.clone()))
    }

    pub fn correct(&self, correction: &Correction) -> Result<Body, ClientError> {
        let Correction { of, fault, same_as, .. } = correction;
        std::iter::once(of).chain(same_as).try_for_each(|entry| self.has(entry))?;
        let is_same_kind = same_as.as_ref().is_none_or(|other| other.kind == of.kind);
        let fits = (*fault == Fault::SameAs) == same_as.is_some() && same_as.as_ref() != Some(of) && is_same_kind;
        if !fits {
            return Err(ClientError::Refused(Refusal::SameAs));
        }
        Ok(Body::Correction(correction.clone()))
    }

    pub fn dispute(&self, dispute: &Dispute) -> Result<Body, ClientError> {
        let about = &dispute.about;
        let known = match &about.rule {
            Some(_) => self.judged().is_some_and(|judged| judged.findings.iter().any(|finding| finding.id == *about)),
            None => self.case()?.entry(&about.entry).is_some(),
        };
        if !known {
            return Err(ClientError::Refused(Refusal::NoEntry { given: about.to_string() }));
        }
        Ok(Body::Dispute(dispute.clone()))
    }

    pub fn takeover(&self) -> Result<Body, ClientError> {
        let case = self.case()?;
        let handover = case.of_kind(Kind::Handover).next_back().map(|r| r.entry.key.clone());
        let offered = case.offered_to() == Some(&self.who.author.user);
        let handover = handover.filter(|_| offered).ok_or(ClientError::Refused(Refusal::NotOffered))?;
        Ok(Body::Takeover(Takeover { handover }))
    }

    /// The end of the case. One against the reply in force, or before the COD money is handed in, is recorded only if the person
    /// insists.
    pub fn close(&self, close: &Close) -> Result<Body, ClientError> {
        self.case()?;
        self.listed(&close.outcome, CodeOf::Close)?;
        self.timely(Body::Close(Close { piece: self.piece.clone(), ..close.clone() }))
    }
}
