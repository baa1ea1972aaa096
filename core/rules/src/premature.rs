//! Acts that would not do what their person wants, told before they are recorded: a reply or a phone notice that would not count, and
//! an end of the case against the reply in force or before the COD money is handed in. A person may record them all the same.

use doorstep_domain::{Body, Close, Customer, Fen, Outage, Reply, UnixMs, has_text};

use crate::{
    Case, Rulebook, Words,
    case_index::{CaseIndex, NEVER},
    conflict::in_force,
    lacks,
    ledger::not_handed_in,
};

/// Why an act is premature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Premature {
    /// The reply would not count.
    ReplyLacks {
        /// The missing fields, as in [`crate::Validity::Lacks`].
        needs: Vec<String>,
    },
    /// The phone notice would not count.
    OutageLacks {
        /// The missing fields: `contact` and `phone`, and `reason` if no exception of the pack accepts the reason.
        needs: Vec<&'static str>,
    },
    /// The end of the case contradicts the reply in force, for example signed for while a return is ordered.
    AgainstReply {
        /// The decision of the reply, in the pack's words.
        decision: Words,
    },
    /// The COD money of the parcel is not handed in to finance.
    NotHandedIn {
        /// How much is due.
        due: Fen,
    },
}

/// Why an act would be premature if it were recorded on a case now; the first reason. `None` if there is none.
pub fn premature(case: &Case, book: &Rulebook, now: UnixMs, body: &Body) -> Option<Premature> {
    match body {
        Body::Reply(reply) => reply_lacks(case, book, now, reply),
        Body::Outage(outage) => outage_lacks(book, now, outage),
        Body::Close(close) => against_reply(case, book, now, close).or_else(|| without_money(case, book, now, close)),
        _ => None,
    }
}

fn reply_lacks(case: &Case, book: &Rulebook, now: UnixMs, reply: &Reply) -> Option<Premature> {
    let index = CaseIndex::of(case, book, now);
    let ever = UnixMs(i64::MAX);
    let had = |codes: &[String], subs: &[String]| index.registered.held(ever, ever, codes, subs);
    let agrees = index.consents.get(&(Customer::Sender, reply.decision.as_str())).is_some_and(|it| it.is_there(NEVER));
    let needs = lacks(book.at(now), reply, index.letters.is_there(NEVER), agrees, had)?;
    (!needs.is_empty()).then_some(Premature::ReplyLacks { needs })
}

fn outage_lacks(book: &Rulebook, now: UnixMs, outage: &Outage) -> Option<Premature> {
    let exceptions = &book.at(now).exceptions;
    let accepts = exceptions.iter().any(|row| row.reasons.iter().any(|reason| reason == outage.reason.as_str()));
    let parts = [
        ("contact", has_text(outage.contact.as_ref())),
        ("phone", has_text(outage.phone.as_ref())),
        // A network without exceptions keeps the calls for people to read.
        ("reason", accepts || exceptions.is_empty()),
    ];
    let needs: Vec<&str> = parts.into_iter().filter(|(_, is_there)| !is_there).map(|(field, _)| field).collect();
    (!needs.is_empty()).then_some(Premature::OutageLacks { needs })
}

fn against_reply(case: &Case, book: &Rulebook, now: UnixMs, close: &Close) -> Option<Premature> {
    let pack = book.at(now);
    let row = pack.outcome(close.outcome.as_str()).filter(|row| !row.contradicts.is_empty())?;
    let index = CaseIndex::of(case, book, now);
    let (_, act) = in_force(&index)?;
    let Body::Reply(reply) = act.body() else { return None };
    let decision = reply.decision.as_str();
    row.contradicts.iter().any(|code| code == decision).then(|| Premature::AgainstReply { decision: pack.name_of(decision) })
}

fn without_money(case: &Case, book: &Rulebook, now: UnixMs, close: &Close) -> Option<Premature> {
    let end = book.at(now).outcome(close.outcome.as_str())?;
    not_handed_in(case, end).map(|due| Premature::NotHandedIn { due })
}
