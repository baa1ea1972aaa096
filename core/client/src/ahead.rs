//! Reading before the act: what a reason asks for, and when this device must speak up.

use doorstep_domain::UnixMs;
use doorstep_rules::{Alarm, Reader, Watched, alarms};
use doorstep_store::{Filter, KnownCases, Store};

use crate::{
    Client, ClientError, ReasonAhead, ReasonWish, Refusal,
    command::{CodeOf, ahead},
};

/// Cases that are read at once for alarms.
const PAGE: u32 = 200;

impl Client {
    /// What a registration would ask for if it were recorded now: evidence, clocks with their ends, steps, outcomes, whether an SMS
    /// can prove it, and the outlet that is notified with its number. It records nothing.
    pub fn ahead(&self, wish: &ReasonWish) -> Result<ReasonAhead, ClientError> {
        self.ahead_of_all(std::slice::from_ref(wish))?.pop().ok_or(ClientError::Internal("no answer to a question"))
    }

    /// What each reason that the rules offer would ask for, in the pack's order.
    pub fn all_ahead(&self, waybill: Option<&str>) -> Result<Vec<ReasonAhead>, ClientError> {
        let pack = self.pack()?.ok_or(ClientError::Refused(Refusal::NoPack))?;
        let codes = [CodeOf::Attempt, CodeOf::Problem].into_iter().flat_map(|of| of.known(&pack));
        let wish =
            |reason: &str| ReasonWish { reason: reason.to_owned(), waybill: waybill.map(str::to_owned), ..ReasonWish::default() };
        self.ahead_of_all(&codes.map(wish).collect::<Vec<_>>())
    }

    fn ahead_of_all(&self, wishes: &[ReasonWish]) -> Result<Vec<ReasonAhead>, ClientError> {
        let now = self.unlocked()?;
        let wall = self.inner.clock.read().wall;
        let mut store = self.inner.store();
        let who = store.identity()?.ok_or(ClientError::Refused(Refusal::NotEnrolled))?;
        let book = store.book()?.ok_or(ClientError::Refused(Refusal::NoPack))?;
        // One case is folded once, however many reasons are asked about.
        let mut known = KnownCases::default();
        wishes.iter().map(|wish| ahead((&mut store, &mut known), (&who, &book), wish, (wall, now))).collect()
    }

    /// The moments until a given one at which this device must speak up, the earliest first, for the person who is signed in or who
    /// was last. The platform schedules them. Ask again after each change ([`Client::changes`]) and when the network comes or goes. It
    /// works while the device is locked or has been offline too long, because the alarms name no customer.
    pub fn alarms(&self, until: UnixMs) -> Result<Vec<Alarm>, ClientError> {
        self.alarms_if(self.inner.is_online(), until)
    }

    /// [`Client::alarms`], for a caller who knows better whether there is a network.
    pub fn alarms_if(&self, is_online: bool, until: UnixMs) -> Result<Vec<Alarm>, ClientError> {
        let now = self.inner.now()?;
        let mut store = self.inner.store();
        let who = store.identity()?.ok_or(ClientError::Refused(Refusal::NotEnrolled))?;
        let book = store.book()?.ok_or(ClientError::Refused(Refusal::NoPack))?;
        let author = who.author;
        let reader = Reader { role: author.role, user: author.user, outlet: author.outlet };
        let watched = watched(&mut store, now)?;
        Ok(alarms(&watched, book.at(now), &reader, is_online, (now, until)))
    }
}

/// The open cases with their duties. The rows of the list do not have the duties yet, so each open case is judged. This is the one place
/// that knows it: with duties in the rows it reads them there, and the origin outlet from the parcel's row.
fn watched(store: &mut Store, now: UnixMs) -> Result<Vec<Watched>, ClientError> {
    let mut all = Vec::new();
    let mut filter = Filter { limit: PAGE, ..Filter::default() };
    loop {
        let rows = store.cases(&filter, now)?;
        for row in &rows {
            let Some(view) = store.case_by_id(&row.case, now)? else { continue };
            let origin = match &view.case.facts.origin_outlet {
                Some(code) => store.outlet(code.as_str())?,
                None => None,
            };
            all.push(Watched { case: row.case, waybill: row.waybill.clone(), duties: view.judgement.duties, origin });
        }
        match rows.last() {
            Some(last) if rows.len() >= PAGE as usize => filter.after = Some(last.place()),
            _ => return Ok(all),
        }
    }
}
