//! The context of a command: the parcel, its case so far, and the rules.

use doorstep_domain::{EntryKey, Kind, ReasonCode, UnixMs, Waybill};
use doorstep_rules::{Case, Pack};
use doorstep_store::{CaseView, Identity, Store};

use super::said::CodeOf;
use crate::{ClientError, Refusal};

pub(super) struct Context<'a> {
    pub store: &'a Store,
    pub who: &'a Identity,
    pub pack: &'a Pack,
    pub waybill: &'a Waybill,
    /// The piece of a shipment that was scanned.
    pub piece: Option<Waybill>,
    pub view: Option<&'a CaseView>,
    pub wall: UnixMs,
    /// The best estimate of now.
    pub now: UnixMs,
}

impl Context<'_> {
    pub fn case(&self) -> Result<&Case, ClientError> {
        self.view.map(|view| &view.case).ok_or(ClientError::Refused(Refusal::NoCase))
    }

    /// The case, if a problem is registered in it.
    pub fn registered(&self) -> Result<&Case, ClientError> {
        let case = self.view.map(|view| &view.case).filter(|case| case.reason().is_some());
        case.ok_or(ClientError::Refused(Refusal::NoAttempt))
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

    /// Refuses a code that is not in its list of the pack.
    pub fn listed(&self, code: &ReasonCode, of: CodeOf) -> Result<(), ClientError> {
        if of.known(self.pack).contains(&code.as_str()) { Ok(()) } else { Err(of.refused(code.as_str(), self.pack)) }
    }
}
