//! Commands of outlets and hubs that ask each other, answer, send a parcel on, and give one to a run.

use doorstep_domain::{
    Action, Alias, Answered, Ask, Body, Dispatch, EntryKey, OutletCode, Personal, ReasonCode, Reply, Role, Stage, Waybill,
};
use doorstep_rules::{AskState, Case, MOST_ASKS, PROVISIONAL};

use super::{context::Context, said::unknown};
use crate::{ClientError, Refusal};

/// Most outlets that one act asks. A change has at most 16 entries.
const MOST_ASKED: usize = 16;

impl Context<'_> {
    /// The registered case, if it has not ended: after the end nobody has to answer.
    fn open_case(&self) -> Result<&Case, ClientError> {
        let case = self.registered()?;
        if !case.has_ended() {
            return Ok(case);
        }
        let outcome = case.standing().rev().find_map(|recorded| match &recorded.entry.body {
            Body::Close(close) => Some(self.pack.name_of(close.outcome.as_str())),
            _ => None,
        });
        Err(ClientError::Refused(Refusal::Over { outcome }))
    }

    /// Questions to outlets and hubs, one for each.
    pub fn ask(&self, step: &ReasonCode, to: &[OutletCode], words: Option<&Personal>) -> Result<Vec<Body>, ClientError> {
        self.open_case()?;
        let askable = || self.pack.steps.iter().filter(|row| !row.results.is_empty()).map(|row| row.code.as_str());
        if !askable().any(|code| code == step.as_str()) {
            return Err(unknown(step.as_str(), askable()));
        }
        let mut outlets: Vec<&OutletCode> = Vec::new();
        for outlet in to {
            self.knows(outlet)?;
            if *outlet == self.who.author.outlet {
                return Err(ClientError::Refused(Refusal::OwnOutlet));
            }
            if !outlets.contains(&outlet) {
                outlets.push(outlet);
            }
        }
        if outlets.is_empty() || outlets.len() > MOST_ASKED {
            return Err(ClientError::Refused(Refusal::HowManyAsked));
        }
        self.can_ask(outlets.len())?;
        let ask = |to: &OutletCode| Body::Ask(Ask { step: step.clone(), to: to.clone(), words: words.cloned() });
        Ok(outlets.into_iter().map(ask).collect())
    }

    /// Refuses questions beyond the most of a case.
    fn can_ask(&self, more: usize) -> Result<(), ClientError> {
        let asked = self.judged().map_or(0, |judged| judged.asks.len());
        if asked + more > MOST_ASKS { Err(ClientError::Refused(Refusal::AskedEnough)) } else { Ok(()) }
    }

    /// An answer to a question to the person's outlet. With `found` the parcel was found under that provisional number.
    pub fn answer(
        &self,
        ask: Option<&EntryKey>,
        result: &ReasonCode,
        found: Option<&Waybill>,
        words: Option<&Personal>,
    ) -> Result<Vec<Body>, ClientError> {
        self.case()?;
        let asks = self.judged().map(|judged| judged.asks).unwrap_or_default();
        let question = match ask {
            Some(key) => {
                self.has(key)?;
                let question = asks.iter().find(|ask| ask.entry == *key);
                let question = question.ok_or_else(|| ClientError::Refused(Refusal::NoEntry { given: key.to_string() }))?;
                if question.to != self.who.author.outlet {
                    return Err(ClientError::Refused(Refusal::NotAsked { asked: question.to.to_string() }));
                }
                question
            }
            None => self.question(&asks, result)?,
        };
        let rows = self.pack.step(&question.step).map(|step| step.results.as_slice()).unwrap_or_default();
        let row = rows.iter().find(|row| row.code == result.as_str());
        let Some(row) = row else { return Err(unknown(result.as_str(), rows.iter().map(|row| row.code.as_str()))) };
        let body = Answered { ask: question.entry.clone(), result: result.clone(), here: row.here, words: words.cloned() };
        let mut bodies = vec![Body::Answered(body)];
        if let Some(found) = found {
            let is_provisional = |number: &Waybill| number.as_str().starts_with(PROVISIONAL);
            if !is_provisional(found) || is_provisional(self.waybill) || !row.here {
                return Err(ClientError::Refused(Refusal::NotProvisional));
            }
            bodies.push(Body::Alias(Alias { waybill: found.clone() }));
        }
        Ok(bodies)
    }

    /// The question that an answer without one means.
    fn question<'q>(&self, asks: &'q [AskState], result: &ReasonCode) -> Result<&'q AskState, ClientError> {
        let open: Vec<&AskState> = asks.iter().filter(|ask| ask.open && ask.to == self.who.author.outlet).collect();
        let can_be = |ask: &&&AskState| {
            let rows = self.pack.step(&ask.step).map(|step| step.results.as_slice()).unwrap_or_default();
            rows.iter().any(|row| row.code == result.as_str())
        };
        let fitting: Vec<&AskState> = open.iter().filter(can_be).copied().collect();
        match (open.as_slice(), fitting.as_slice()) {
            ([], _) => Err(ClientError::Refused(Refusal::NothingAsked)),
            (_, [question]) | ([question], []) => Ok(question),
            (open, fitting) => {
                let which = if fitting.is_empty() { open } else { fitting };
                let told = |ask: &&AskState| (ask.entry.to_string(), self.pack.name_of(&ask.step));
                Err(ClientError::Refused(Refusal::WhichQuestion { open: which.iter().map(told).collect() }))
            }
        }
    }

    /// The other half of an answer that found the parcel under a provisional number: that number's case gets the parcel's own.
    pub fn found_as(&self, own: &Waybill) -> Result<Vec<Body>, ClientError> {
        self.registered()?;
        Ok(vec![Body::Alias(Alias { waybill: own.clone() })])
    }

    /// An action with the site that it is sent on to: the named one, else that of the reply in force. Only outcomes that ask a site to
    /// confirm the arrival have one.
    pub fn sent_on(&self, action: &Action) -> Result<Action, ClientError> {
        let row = self.pack.outcome(action.outcome.as_str());
        if row.is_none_or(|row| row.asks.is_none()) {
            let with_site = self.pack.outcomes.iter().filter(|row| row.asks.is_some()).map(|row| row.code.as_str());
            return match action.site {
                Some(_) => Err(unknown(action.outcome.as_str(), with_site)),
                None => Ok(action.clone()),
            };
        }
        let case = self.open_case()?;
        let replied = || {
            let judged = self.judged()?;
            let in_force = judged.replies.iter().find(|reply| reply.in_force)?;
            match &case.entry(&in_force.entry)?.entry.body {
                Body::Reply(Reply { site, .. }) => site.clone(),
                _ => None,
            }
        };
        let site = action.site.clone().or_else(replied).ok_or(ClientError::Refused(Refusal::NoSite))?;
        self.knows(&site)?;
        // A hub sends to the delivering outlet what it held over; an outlet that has the parcel sends it elsewhere.
        let author = &self.who.author;
        let is_there = site == author.outlet || (author.role != Role::Hub && case.delivering() == Some(&site));
        if is_there {
            return Err(ClientError::Refused(Refusal::AlreadyThere { outlet: site.to_string() }));
        }
        self.can_ask(1)?;
        Ok(Action { site: Some(site), ..action.clone() })
    }

    /// Refuses a reply that sends the parcel to the outlet that has it, or to one that nobody knows.
    pub fn can_send_on(&self, reply: &Reply) -> Result<(), ClientError> {
        let Some(site) = &reply.site else { return Ok(()) };
        self.knows(site)?;
        let case = self.registered()?;
        let newest = case.standing().rev().find_map(|recorded| match &recorded.entry.body {
            Body::Problem(problem) => Some(problem.stage),
            Body::Attempt(_) => Some(Stage::Delivery),
            _ => None,
        });
        if newest != Some(Stage::Hub) && case.delivering() == Some(site) {
            return Err(ClientError::Refused(Refusal::AlreadyThere { outlet: site.to_string() }));
        }
        Ok(())
    }

    /// A run of the delivering outlet's timetable.
    pub fn dispatch(&self, run: &str, words: Option<&Personal>) -> Result<Body, ClientError> {
        let case = self.open_case()?;
        let row = self.store.parcel(self.waybill)?.map(|row| row.delivering_outlet);
        let listed = case.sent_on_to().cloned().or(row).or_else(|| case.facts.delivering_outlet.clone());
        let outlet = listed.unwrap_or_else(|| self.who.author.outlet.clone());
        let Some(leaves_at) = self.pack.run_of(&outlet, run, self.now) else {
            let known = self.pack.runs_of(&outlet);
            return Err(ClientError::Refused(Refusal::Run { given: run.to_owned(), known }));
        };
        Ok(Body::Dispatch(Dispatch { leaves_at, words: words.cloned() }))
    }

    /// Refuses an outlet that is not in the directory, if this device has one.
    fn knows(&self, outlet: &OutletCode) -> Result<(), ClientError> {
        let known = self.store.outlet_codes()?;
        if known.is_empty() || known.contains(outlet) {
            return Ok(());
        }
        let known = known.iter().map(ToString::to_string).collect();
        Err(ClientError::Refused(Refusal::Outlet { given: outlet.to_string(), known }))
    }
}
