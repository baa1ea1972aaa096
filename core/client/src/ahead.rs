//! Reading before the act: what a reason asks for, and when this device must speak up.

use doorstep_domain::{Outlet, UnixMs, Waybill};
use doorstep_rules::{Alarm, DutyKind, Reader, Watched, alarms};
use doorstep_store::{CaseRow, Filter, KnownCases, Store};

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

/// The open cases with their duties, from the rows of the list. The outlet to phone is looked up only where a notice is due, because no
/// other alarm names it.
fn watched(store: &mut Store, now: UnixMs) -> Result<Vec<Watched>, ClientError> {
    let mut all = Vec::new();
    let mut filter = Filter { limit: PAGE, ..Filter::default() };
    loop {
        let rows = store.cases(&filter, now)?;
        let last = rows.last().filter(|_| rows.len() >= PAGE as usize).map(CaseRow::place);
        for row in rows {
            let wants_notice = row.duties.iter().any(|duty| matches!(duty.kind, DutyKind::Notify | DutyKind::SendNotice));
            let origin = if wants_notice { origin_of(store, &row, now)? } else { None };
            all.push(Watched { case: row.case, waybill: row.waybill, duties: row.duties, origin });
        }
        match last {
            Some(place) => filter.after = Some(place),
            None => return Ok(all),
        }
    }
}

/// The origin outlet of a case: by the parcel's row, else by the facts that the case copied from one.
fn origin_of(store: &mut Store, row: &CaseRow, now: UnixMs) -> Result<Option<Outlet>, ClientError> {
    let listed = Waybill::parse(&row.waybill).ok().map(|waybill| store.parcel(&waybill)).transpose()?.flatten();
    let code = match listed {
        Some(parcel) => Some(parcel.origin_outlet),
        None => store.case_by_id(&row.case, now)?.and_then(|view| view.case.facts.origin_outlet),
    };
    Ok(code.map(|code| store.outlet(code.as_str())).transpose()?.flatten())
}
