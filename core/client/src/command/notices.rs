//! Commands between outlets: notices, outages, replies, marks (domain 6).

use doorstep_domain::{
    Body, EntryKey, Kind, Mark, Notice, Outage, OutletCode, Personal, Photo, PhotoPurpose, ReasonCode, Remark, Reply, Seen,
    TargetSource,
};

use super::{context::Context, said::CodeOf};
use crate::{ClientError, Refusal};

impl Context<'_> {
    /// A phone notice during an outage.
    pub fn outage(&self, outage: &Outage) -> Result<Body, ClientError> {
        let case = self.registered()?;
        let (phoned_at, outlet) = (outage.phoned_at.or(Some(self.wall)), case.facts.origin_outlet.clone());
        self.timely(Body::Outage(Outage { phoned_at, outlet, ..outage.clone() }))
    }

    /// A notice. Its target comes from data; a person's choice is allowed and flagged (domain 6.1).
    pub fn notice(&self, to: Option<&OutletCode>, request: Option<&Personal>) -> Result<Body, ClientError> {
        let case = self.registered()?;
        let (to, source) = match (to, &case.facts.origin_outlet) {
            (Some(to), _) => (to.clone(), TargetSource::Manual),
            (None, Some(origin)) => (origin.clone(), TargetSource::WaybillData),
            (None, None) => return Err(ClientError::Refused(Refusal::NoTarget)),
        };
        Ok(Body::Notice(Notice { to, source, request: request.cloned() }))
    }

    pub fn seen(&self) -> Result<Body, ClientError> {
        let notice = self.newest(Kind::Notice)?.ok_or(ClientError::Refused(Refusal::NoNotice))?;
        Ok(Body::Seen(Seen { notice }))
    }

    /// A reply. One that lacks fields that its decision needs is recorded only if the person insists, because it is the actual answer;
    /// the case shows then that it does not count.
    pub fn reply(&self, reply: &Reply, photos: &[Photo]) -> Result<Body, ClientError> {
        let case = self.registered()?;
        if case.facts.origin_outlet.as_ref().is_some_and(|origin| *origin != self.who.author.outlet) {
            return Err(ClientError::Refused(Refusal::NotOrigin));
        }
        self.listed(&reply.decision, CodeOf::Decision)?;
        self.can_send_on(reply)?;
        let letter = photos.iter().find(|photo| photo.purpose == PhotoPurpose::Letter).map(|photo| photo.id);
        self.timely(Body::Reply(Reply { notice: self.newest(Kind::Notice)?, letter, ..reply.clone() }))
    }

    pub fn mark(
        &self,
        about: Option<&EntryKey>,
        remark: Remark,
        reason: Option<&ReasonCode>,
        words: Option<&Personal>,
    ) -> Result<Body, ClientError> {
        let about = match about {
            Some(about) => self.has(about).map(|()| about.clone())?,
            None => self.newest(Kind::Reply)?.ok_or(ClientError::Refused(Refusal::NoReply))?,
        };
        reason.map_or(Ok(()), |code| self.listed(code, CodeOf::InvalidReply))?;
        Ok(Body::Mark(Mark { about, remark, reason: reason.cloned(), words: words.cloned() }))
    }
}
