//! The acts that meet a clock.

use doorstep_domain::{Body, UnixMs};

use super::due::Start;
use crate::{
    Clock, Event, On,
    case_index::{Act, CaseIndex},
    leniency::Leniency,
    method::Method,
};

/// The acts that meet a clock, in the timeline's order.
pub(super) struct Meets {
    acts: Vec<Meet>,
    pub data_entry: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Meet {
    pub place: usize,
    pub at: UnixMs,
    pub latest: UnixMs,
    pub verified: bool,
    pub received: Option<UnixMs>,
    stands: bool,
}

impl Meets {
    pub fn of(index: &CaseIndex<'_>, clock: &Clock, leniency: &Leniency) -> Self {
        let method = clock.met_by.iter().any(|event| event.on == On::Method).then(|| Method::of(index));
        let is_proven = |act: &Act<'_>| leniency.covers(act) || index.proving(act).next().is_some();
        let meets = |act: &Act<'_>, event: &Event| match event.on {
            On::Notice => index.to_origin(act),
            On::Reply => act.is_valid_reply() && event.is(act.body()),
            On::Attempt if event.proven => event.is(act.body()) && is_proven(act),
            On::Method => method.as_ref().is_some_and(|method| method.is_begun_by(act)),
            _ => event.is(act.body()),
        };
        let acts = index.acts.iter().enumerate().filter(|(_, act)| clock.met_by.iter().any(|event| meets(act, event)));
        let acts = acts.map(|(place, act)| {
            // A reply that becomes valid after its receipt meets nothing before that.
            let from = |at: UnixMs| act.valid_from.map_or(at, |valid| at.max(valid));
            Meet {
                stands: act.stands(),
                place,
                at: from(act.when.at),
                latest: from(act.when.latest),
                verified: act.when.verified,
                received: act.when.received.map(from),
            }
        });
        Self { acts: acts.collect(), data_entry: clock.met_by.iter().any(|event| event.on == On::DataEntry) }
    }

    pub fn for_start<'m>(&'m self, index: &'m CaseIndex<'_>, start: &'m Start) -> impl Iterator<Item = &'m Meet> + Clone {
        let first = self.acts.partition_point(|meet| meet.place < start.from);
        let problem = |place: usize| match index.acts.get(place).map(|act| (act.body(), act.outlet())) {
            Some((Body::Problem(problem), outlet)) => Some((&problem.reason, problem.stage, &problem.piece, outlet)),
            _ => None,
        };
        let of = start.group.and_then(problem);
        let standing = self.acts.get(first..).unwrap_or_default().iter();
        // A registration that starts a clock may also meet it.
        let standing = standing.filter(|meet| meet.stands || meet.place == start.place);
        // A problem's clock is met by the registration of the same problem only.
        standing.filter(move |meet| match (of, problem(meet.place)) {
            (Some(of), Some(other)) => of == other,
            _ => true,
        })
    }
}
