//! Between the outlets: notices, outages, replies, marks (domain 6).

use doorstep_domain::{
    Body, Customer, Kind, Mark, Notice, Outage, OutageReason, Payer, PhotoPurpose, Remark, Reply, Seen, TargetSource, UnixMs,
};

use super::{
    desk::{Desk, personal, unknown, word},
    details::{PhotoRef, ReplyDetails},
};
use crate::{ClientError, Refusal};

impl Desk<'_> {
    pub fn outage(
        &self,
        reason: &str,
        contact: Option<&str>,
        phone: Option<&str>,
        phoned_at: Option<i64>,
        said: Option<&str>,
    ) -> Result<Body, ClientError> {
        let case = self.registered()?;
        Ok(Body::Outage(Outage {
            reason: word!(OutageReason, reason)?,
            contact: personal(contact)?,
            phone: personal(phone)?,
            phoned_at: Some(phoned_at.map_or(self.wall, UnixMs)),
            outlet: case.facts.origin_outlet.clone(),
            said: personal(said)?,
        }))
    }

    /// The target comes from data; a person's choice is allowed and flagged (domain 6.1).
    pub fn notice(&self, to: Option<&str>, request: Option<&str>) -> Result<Body, ClientError> {
        let case = self.registered()?;
        let (to, source) = match (to, &case.facts.origin_outlet) {
            (Some(to), _) => (to.parse()?, TargetSource::Manual),
            (None, Some(origin)) => (origin.clone(), TargetSource::WaybillData),
            (None, None) => return Err(ClientError::Refused(Refusal::NoTarget)),
        };
        Ok(Body::Notice(Notice { to, source, request: personal(request)? }))
    }

    pub fn seen(&self) -> Result<Body, ClientError> {
        let notice = self.newest(Kind::Notice)?.ok_or(ClientError::Refused(Refusal::NoNotice))?;
        Ok(Body::Seen(Seen { notice }))
    }

    /// A reply that lacks what its decision needs is recorded all the same: it is what was answered. Whether it counts is shown.
    pub fn reply(
        &self,
        decision: &str,
        words: Option<&str>,
        phone: Option<&str>,
        address: Option<&str>,
        details: &ReplyDetails,
        photos: &[PhotoRef],
    ) -> Result<Vec<Body>, ClientError> {
        let case = self.registered()?;
        if case.facts.origin_outlet.as_ref().is_some_and(|origin| *origin != self.who.author.outlet) {
            return Err(ClientError::Refused(Refusal::NotOrigin));
        }
        self.outcome(decision, |row| row.reply_needs.is_some())?;
        let letter = photos.iter().find(|photo| photo.shows == PhotoPurpose::Letter.as_str());
        let reply = Reply {
            notice: self.newest(Kind::Notice)?,
            decision: decision.parse()?,
            words: personal(words)?,
            phone: personal(phone)?,
            address: personal(address)?,
            contact: personal(details.contact.as_deref())?,
            company: personal(details.company.as_deref())?,
            same: details.same,
            until: details.until.map(UnixMs),
            place: personal(details.place.as_deref())?,
            informed: details.informed,
            agreed_by: details.agreed_by.as_deref().map(|who| word!(Customer, who)).transpose()?,
            agreed: personal(details.agreed.as_deref())?,
            payer: details.payer.as_deref().map(|who| word!(Payer, who)).transpose()?,
            letter: letter.map(|photo| photo.sha.parse()).transpose()?,
        };
        let mut bodies = vec![Body::Reply(reply)];
        bodies.extend(self.photo_bodies(photos)?);
        Ok(bodies)
    }

    pub fn mark(
        &self,
        entry: Option<&str>,
        remark: &str,
        reason: Option<&str>,
        words: Option<&str>,
    ) -> Result<Body, ClientError> {
        let remark = word!(Remark, remark)?;
        let about = match entry {
            Some(entry) => self.entry(entry)?,
            None => self.newest(Kind::Reply)?.ok_or(ClientError::Refused(Refusal::NoReply))?,
        };
        let listed = |code: &str| self.pack.invalid_reply.iter().any(|row| row.code == code);
        if let Some(code) = reason.filter(|code| !listed(code)) {
            return Err(unknown(code, self.pack.invalid_reply.iter().map(|row| row.code.as_str())));
        }
        Ok(Body::Mark(Mark { about, remark, reason: reason.map(str::parse).transpose()?, words: personal(words)? }))
    }
}
