//! The context of a command: the parcel, its case so far, the rules, and the judgement, which is made only for the acts that need it.

use doorstep_domain::{Body, EntryKey, Kind, ReasonCode, UnixMs, Waybill};
use doorstep_rules::{Case, Judgement, Pack, Rulebook, judge, premature};
use doorstep_store::{Identity, Store};

use super::{nothing::nothing, said::CodeOf};
use crate::{ClientError, Refusal};

pub(super) struct Context<'a> {
    pub store: &'a Store,
    pub who: &'a Identity,
    /// The rules in force now.
    pub pack: &'a Pack,
    /// All versions of the rules.
    pub book: &'a Rulebook,
    pub waybill: &'a Waybill,
    /// The piece of a shipment that was scanned.
    pub piece: Option<Waybill>,
    /// The case on this device; `None` if the parcel has no record here.
    pub case: Option<&'a Case>,
    pub wall: UnixMs,
    /// The best estimate of now.
    pub now: UnixMs,
    /// Whether the person insists on an act that is premature.
    pub anyway: bool,
}

impl Context<'_> {
    pub fn case(&self) -> Result<&Case, ClientError> {
        self.case.ok_or_else(|| self.nothing(Refusal::NoCase))
    }

    fn nothing(&self, not_yet: Refusal) -> ClientError {
        let why = nothing(self.store, (self.who, self.pack), (self.waybill, self.case), not_yet);
        why.map_or_else(|error| error, ClientError::Refused)
    }

    /// The case, if a problem is registered in it.
    pub fn registered(&self) -> Result<&Case, ClientError> {
        let case = self.case.filter(|case| case.reason().is_some());
        case.ok_or_else(|| self.nothing(Refusal::NoAttempt))
    }

    /// Judges the case now. Most acts need no judgement, and it costs as much as all the rest of planning.
    pub fn judged(&self) -> Option<Judgement> {
        self.case.map(|case| judge(case, self.book, self.now))
    }

    /// Refuses an entry that the case does not have.
    pub fn has(&self, key: &EntryKey) -> Result<(), ClientError> {
        match self.case()?.entry(key) {
            Some(_) => Ok(()),
            None => Err(ClientError::Refused(Refusal::NoEntry { given: key.to_string() })),
        }
    }

    /// The key of the newest standing entry of a kind.
    pub fn newest(&self, kind: Kind) -> Result<Option<EntryKey>, ClientError> {
        let case = self.case()?;
        Ok(case.of_kind(kind).rfind(|r| case.stands(r)).map(|r| r.entry.key.clone()))
    }

    /// Refuses an act that would not do what the person wants, unless they insist.
    pub fn timely(&self, body: Body) -> Result<Body, ClientError> {
        match premature(self.case()?, self.book, self.now, &body).filter(|_| !self.anyway) {
            Some(premature) => Err(ClientError::Refused(Refusal::Premature(premature))),
            None => Ok(body),
        }
    }

    /// Refuses a code that is not in its list of the pack.
    pub fn listed(&self, code: &ReasonCode, of: CodeOf) -> Result<(), ClientError> {
        if of.known(self.pack).contains(&code.as_str()) { Ok(()) } else { Err(of.refused(code.as_str(), self.pack)) }
    }
}
