//! Cases: the list page by page, one case with all that is said of it, and why.

use doorstep_client::{CaseRow, CaseView, Filter, Place, Turn, Which};
use doorstep_domain::{CaseId, Recorded as Entry, Standing, UnixMs};
use doorstep_rules::{
    Case, Contacts, Deadline, Explanation, Finding, Label, Line, Message, Pack, Sight, Value, gap_words, head, tell,
};

use crate::{
    AskRow, DoorstepClient, DoorstepError, DutyRow, LinkedRow, ListPart,
    told::ToldLine,
    words::{Bilingual, named},
};

/// Which cases to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, uniffi::Record)]
pub struct CaseFilter {
    /// Ended cases too. Those in which the person has something to do are listed in any case.
    #[uniffi(default = false)]
    pub closed: bool,
    /// Only this state.
    #[uniffi(default = None)]
    pub state: Option<String>,
    /// Only waybills that contain this.
    #[uniffi(default = None)]
    pub waybill: Option<String>,
    /// Only this part; absent: all cases.
    #[uniffi(default = None)]
    pub part: Option<ListPart>,
    /// Only waybills that are in a list of parcels, or only those that are in none; absent: both.
    #[uniffi(default = None)]
    pub listed: Option<bool>,
    /// Only goods under a provisional number, to search a lost parcel among.
    #[uniffi(default = false)]
    pub unidentified: bool,
}

/// A page of the list: overdue first, then by the time left, then what waits for others, then what has ended.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct CasePage {
    /// The cases.
    pub cases: Vec<CaseSummary>,
    /// Give this to get the next page; absent on the last one. It stays good when cases before it come, go or move.
    pub next: Option<String>,
}

/// One line of the list. Times are milliseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct CaseSummary {
    /// Its waybill.
    pub waybill: String,
    /// Where it stands.
    pub state: String,
    /// What is next.
    pub next_step: String,
    /// Newest reason code; empty before the first attempt.
    pub reason: String,
    /// Decision or outcome; empty if none.
    pub decision: String,
    /// Failed deliveries.
    pub attempts: u32,
    /// Flags.
    pub flags: Vec<String>,
    /// Clocks that were missed.
    pub missed: Vec<String>,
    /// SMS that somebody has still to send or to settle: they do not count yet.
    pub messages: u32,
    /// Entries that only this device is sure to have. Not 0: never say "saved", say "on this device".
    pub unsent: u32,
    /// Entries that head office holds for review.
    pub quarantined: u32,
    /// Best estimate of the newest act.
    pub updated_at_ms: i64,
    /// The earliest running deadline of anybody.
    pub due_at_ms: Option<i64>,
    /// Whether it has ended.
    pub closed: bool,
    /// Whether the waybill is in no list of parcels.
    pub unlisted: bool,
    /// Whose turn it is for the person who is signed in: `overdue`, `mine`, `waiting`, `ended`.
    pub turn: String,
    /// Since when it is overdue, or until when there is time; absent without a time limit.
    pub turn_at_ms: Option<i64>,
    /// The duty to show: the person's own most urgent one, else the most urgent of all.
    pub due: Option<DutyRow>,
    /// Whether `due` is the person's own.
    pub mine: bool,
    /// All that is due, the most urgent first.
    pub duties: Vec<DutyRow>,
    /// The account to which the parcel is assigned.
    #[uniffi(default = None)]
    pub assigned_to: Option<String>,
    /// For when the assignment plans it.
    #[uniffi(default = None)]
    pub planned_at_ms: Option<i64>,
}

/// One case with all that is said of it now.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct CaseDetail {
    /// Its waybill in its one spelling.
    pub waybill: String,
    /// Where it stands.
    pub state: String,
    /// `state` in words.
    pub state_name: Bilingual,
    /// What is next.
    pub next_step: String,
    /// `next_step` in words.
    pub next_step_name: Bilingual,
    /// Decision or outcome.
    pub decision: Option<String>,
    /// Flags.
    pub flags: Vec<String>,
    /// The earliest running deadline.
    pub due_at_ms: Option<i64>,
    /// All that is due, by whom and until when, the most urgent first.
    pub duties: Vec<DutyRow>,
    /// What outlets and hubs were asked, with their answers, in the timeline's order.
    pub asks: Vec<AskRow>,
    /// The other case of a swap: its waybill, problem and state, and no more.
    pub linked: Vec<LinkedRow>,
    /// All deadlines, in the order they started.
    pub deadlines: Vec<DeadlineRow>,
    /// Evidence that is missing.
    pub missing: Vec<MissingEvidence>,
    /// Customer's SMS, in the timeline's order.
    pub messages: Vec<MessageRow>,
    /// What was recorded, oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// What contradicts itself and waits for a person.
    pub conflicts: Vec<Bilingual>,
    /// Whether head office's list has confirmed what is said of the parcel. Until then it is a device's word, and nobody is held to
    /// anything.
    pub facts_confirmed: bool,
    /// What somebody would answer for, if the records stay as they are.
    pub findings: Vec<FindingRow>,
    /// What a reviewer should ask about, with what was measured. It decides nothing.
    pub questions: Vec<Bilingual>,
}

/// What somebody would answer for: a proposal until head office has decided.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FindingRow {
    /// Its id, which a dispute names.
    pub about: String,
    /// The rule, such as `LIA-01`.
    pub rule: String,
    /// Its name.
    pub name: Bilingual,
    /// The outlet that would answer; absent if the parcel's facts do not name it.
    pub outlet: Option<String>,
    /// Its share in percent; absent if the rule names no share and only asks head office to look at the outlet.
    pub share: Option<u32>,
    /// The amount, if the rule has one.
    pub amount_fen: Option<i64>,
    /// `proposed`, `disputed`, ...
    pub state: String,
    /// `state` in words.
    pub state_name: Bilingual,
    /// A person must look before anything is decided.
    pub review: bool,
    /// Between which two contacts with head office its acts lie; absent while head office has none of them.
    pub gap: Option<ContactGap>,
}

/// Two contacts of a device with head office, and an act between them: no clock of the device moves it out of that.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ContactGap {
    /// The act did not happen before this; absent: nothing says.
    pub from_ms: Option<i64>,
    /// It did not happen after this.
    pub until_ms: i64,
    /// Whether the device's clock proves the time within the gap.
    pub proven: bool,
    /// All of this in words.
    pub told: Bilingual,
}

/// One deadline.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct DeadlineRow {
    /// The clock's id, such as `SLA-03`.
    pub clock: String,
    /// Its name.
    pub name: Bilingual,
    /// From when it ran.
    pub started_at_ms: i64,
    /// When it runs out, inclusive; absent: a duty without a number, or a schedule that is missing.
    pub due_at_ms: Option<i64>,
    /// `pending`, `on_time`, `late`, ...
    pub timeliness: String,
    /// `timeliness` in words.
    pub timeliness_name: Bilingual,
}

/// A piece of evidence that is not there.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct MissingEvidence {
    /// The row of the evidence matrix; a waiver names it.
    pub evidence: String,
    /// Its name.
    pub name: Bilingual,
    /// How many are there.
    pub have: u32,
    /// How many are wanted.
    pub least: u32,
}

/// One SMS of a case.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct MessageRow {
    /// Its entry.
    pub entry: String,
    /// The number, masked.
    pub number: String,
    /// How far it has got: `queued`, `sent`, ...
    pub state: String,
    /// What the person is told: how it stands and whether it counts.
    pub told: Bilingual,
    /// Whether it counts for the day.
    pub counts: bool,
    /// Why it failed.
    pub fault: Option<String>,
    /// When it left.
    pub sent_at_ms: Option<i64>,
}

/// One entry of the timeline. It may hold a customer's data: for the screen, never for a log; as text it shows none of it.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Display)]
pub struct TimelineEntry {
    /// Its key, by which corrections and disputes name it.
    pub key: String,
    /// What it is: `attempt`, `reply`, ...
    pub kind: String,
    /// `kind` in words.
    pub kind_name: Bilingual,
    /// When, by the best estimate.
    pub at_ms: i64,
    /// Who.
    pub user: String,
    /// The outlet of that person.
    pub outlet: String,
    /// Its main subject: a reason, decision, outcome, step, or the outlet or account that it is for. One of the lines below has it too.
    pub code: Option<String>,
    /// `code` in words.
    pub code_name: Option<Bilingual>,
    /// The words that were said. One of the lines below has them too.
    pub words: Option<String>,
    /// The photo that it names, SHA-256. Of the lines below.
    pub photo: Option<String>,
    /// How it stands: `on_this_device`, `sent`, `accepted`, `quarantined`.
    pub standing: String,
    /// Whether a correction has superseded it.
    pub superseded: bool,
    /// All that it says, line by line, as the person who is signed in may see it. The number to call is in its line `phone`.
    pub told: Vec<ToldLine>,
}

impl std::fmt::Display for TimelineEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TimelineEntry({} {})", self.kind, self.standing)
    }
}

/// One answer with its reasons: a deadline, missing evidence, a finding or a contradiction.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Explained {
    /// What it is about: `SLA-03@attempt/...` for a deadline; a finding's id, which a dispute names.
    pub about: String,
    /// The answer.
    pub answer: Bilingual,
    /// The chain from the rule over the facts to the answer.
    pub because: Vec<Bilingual>,
}

#[uniffi::export]
impl DoorstepClient {
    /// A page of cases by whose turn it is, at most `limit` (1 to 500): the first, or the one after a page's `next`.
    #[uniffi::method(default(after = None, limit = 100))]
    pub async fn cases(&self, filter: CaseFilter, after: Option<String>, limit: u32) -> Result<CasePage, DoorstepError> {
        let after = after.as_deref().map(read_place).transpose()?;
        let limit = limit.clamp(1, 500);
        self.local(move |client| {
            let CaseFilter { closed, state, waybill, part, listed, unidentified } = filter;
            let which = part.map(Which::from).unwrap_or_default();
            let rows = client.cases(&Filter { closed, which, listed, unidentified, state, waybill, limit, after })?;
            let pack = client.pack()?;
            let next = rows.last().filter(|_| rows.len() == limit as usize).map(|row| write_place(&row.place()));
            Ok(CasePage { cases: rows.into_iter().map(|row| CaseSummary::of(row, pack.as_ref())).collect(), next })
        })
        .await
    }

    /// One case by its waybill, or a child number; absent if nothing is recorded of it here.
    pub async fn case(&self, waybill: String) -> Result<Option<CaseDetail>, DoorstepError> {
        self.local(move |client| {
            let Some(view) = client.case(&waybill)? else { return Ok(None) };
            let (pack, sight) = (client.pack()?, client.sight(&view)?);
            Ok(Some(CaseDetail::of(view, pack.as_ref(), sight)))
        })
        .await
    }

    /// Why a case stands as it does: for each deadline, missing evidence, finding and contradiction the chain of facts and the
    /// rule behind it. Empty if nothing is recorded of the waybill here. Works without a network.
    pub async fn explain(&self, waybill: String) -> Result<Vec<Explained>, DoorstepError> {
        self.local(move |client| Ok(client.explain(&waybill)?.unwrap_or_default().into_iter().map(Explained::from).collect()))
            .await
    }
}

/// A place in the list, as hosts carry it from page to page.
fn write_place(place: &Place) -> String {
    format!("{}:{}:{}", place.turn.class(), place.turn.sorts_at().0, place.case)
}

fn read_place(text: &str) -> Result<Place, DoorstepError> {
    let read = || {
        let mut fields = text.split(':');
        let turn = Turn::of(fields.next()?.parse().ok()?, UnixMs(fields.next()?.parse().ok()?))?;
        let case: CaseId = fields.next()?.parse().ok()?;
        fields.next().is_none().then_some(Place { turn, case })
    };
    read().ok_or_else(DoorstepError::place)
}

impl CaseDetail {
    fn of(view: CaseView, pack: Option<&Pack>, sight: Sight) -> Self {
        let CaseView { case, judgement, .. } = view;
        let due_at_ms = judgement.next_due().map(|due| due.0);
        let (state, next_step) = (judgement.state.as_str(), judgement.next_step.as_str());
        let missing = judgement.missing.into_iter().map(|gap| MissingEvidence {
            evidence: gap.evidence,
            name: gap.name.into(),
            have: gap.have,
            least: gap.least,
        });
        let timeline = case.timeline.iter().chain(&case.quarantined);
        Self {
            waybill: case.facts.waybill.to_string(),
            state: state.to_owned(),
            state_name: named(pack, state),
            next_step: next_step.to_owned(),
            next_step_name: named(pack, next_step),
            decision: judgement.decision,
            flags: judgement.flags.iter().map(|flag| flag.as_str().to_owned()).collect(),
            due_at_ms,
            duties: judgement.duties.into_iter().map(|duty| DutyRow::of(duty, pack)).collect(),
            asks: judgement.asks.into_iter().map(|ask| AskRow::of(ask, pack)).collect(),
            linked: case.linked().into_iter().map(|linked| LinkedRow::of(linked, pack)).collect(),
            deadlines: judgement.deadlines.into_iter().map(|deadline| DeadlineRow::of(deadline, pack)).collect(),
            missing: missing.collect(),
            messages: judgement.messages.iter().map(|message| MessageRow::of(message, pack)).collect(),
            conflicts: judgement.conflicts.iter().map(|conflict| named(pack, conflict.kind.as_str())).collect(),
            timeline: timeline.map(|entry| TimelineEntry::of(entry, &case, pack, sight)).collect(),
            facts_confirmed: case.facts_confirmed,
            questions: judgement.questions.iter().map(|question| question.told(pack).into()).collect(),
            findings: judgement.findings.into_iter().map(|finding| FindingRow::of(finding, pack)).collect(),
        }
    }
}

impl FindingRow {
    fn of(finding: Finding, pack: Option<&Pack>) -> Self {
        let state = finding.state.as_str();
        Self {
            about: finding.id.to_string(),
            rule: finding.rule,
            name: finding.name.into(),
            outlet: finding.outlet.map(|outlet| outlet.to_string()),
            share: (!finding.open).then(|| finding.share.into()),
            amount_fen: finding.amount.map(|amount| amount.0),
            state: state.to_owned(),
            state_name: named(pack, state),
            review: finding.review,
            gap: finding.contacts.map(ContactGap::from),
        }
    }
}

impl From<Contacts> for ContactGap {
    fn from(contacts: Contacts) -> Self {
        let told = gap_words(contacts.width_ms(), contacts.proven).into();
        let (from_ms, until_ms) = (contacts.from.map(|at| at.0), contacts.until.0);
        Self { from_ms, until_ms, proven: contacts.proven, told }
    }
}

impl DeadlineRow {
    fn of(deadline: Deadline, pack: Option<&Pack>) -> Self {
        let timeliness = deadline.timeliness.as_str();
        Self {
            clock: deadline.clock,
            name: deadline.name.into(),
            started_at_ms: deadline.started_at.0,
            due_at_ms: deadline.due_at.map(|due| due.0),
            timeliness: timeliness.to_owned(),
            timeliness_name: named(pack, timeliness),
        }
    }
}

impl MessageRow {
    fn of(message: &Message, pack: Option<&Pack>) -> Self {
        let told = pack.map(|pack| message.told(pack).into());
        Self {
            entry: message.entry.to_string(),
            number: message.number.clone(),
            state: message.state.as_str().to_owned(),
            told: told.unwrap_or_else(|| named(None, message.state.as_str())),
            counts: message.lacks.is_empty(),
            fault: message.fault.map(|fault| fault.as_str().to_owned()),
            sent_at_ms: message.sent_at.map(|at| at.0),
        }
    }
}

impl TimelineEntry {
    pub(crate) fn of(recorded: &Entry, case: &Case, pack: Option<&Pack>, sight: Sight) -> Self {
        let lines = tell(&recorded.entry, case, pack, sight);
        Self::told(recorded, lines, case.superseded.contains_key(&recorded.entry.key), pack)
    }

    /// An entry with what it says.
    pub(crate) fn told(recorded: &Entry, lines: Vec<Line>, superseded: bool, pack: Option<&Pack>) -> Self {
        let entry = &recorded.entry;
        let head = head(&lines).map(|line| &line.value);
        let code_name = head.and_then(Value::name);
        let code = head.zip(code_name.as_ref()).map(|(value, name)| match value {
            Value::Code { code, .. } => code.clone(),
            Value::Word { word, .. } => (*word).to_owned(),
            _ => name.en.clone(),
        });
        let words = lines.iter().filter(|line| SAID.contains(&line.label)).find_map(|line| match &line.value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        });
        let photo = lines.iter().filter(|line| line.label == Label::Photo).find_map(|line| match &line.value {
            Value::Photo { id, .. } => Some(id.to_string()),
            _ => None,
        });
        let standing = match &recorded.standing {
            Standing::OnThisDevice => "on_this_device",
            Standing::SentNotConfirmed => "sent",
            Standing::Accepted(_) => "accepted",
            Standing::Quarantined { .. } => "quarantined",
        };
        Self {
            key: entry.key.to_string(),
            kind: entry.body.kind().to_owned(),
            kind_name: named(pack, entry.body.kind()),
            at_ms: recorded.acted_at().0,
            user: entry.author.user.to_string(),
            outlet: entry.author.outlet.to_string(),
            code,
            code_name: code_name.map(Bilingual::from),
            words,
            photo,
            standing: standing.to_owned(),
            superseded,
            told: lines.into_iter().map(|line| ToldLine::of(line, pack)).collect(),
        }
    }
}

/// The lines that have an entry's words.
const SAID: [Label; 5] = [Label::Words, Label::SmsText, Label::Request, Label::Said, Label::AgreedWords];

impl From<Explanation> for Explained {
    fn from(told: Explanation) -> Self {
        let because = told.because.into_iter().map(|link| link.words.into()).collect();
        Self { about: told.about, answer: told.answer.into(), because }
    }
}

impl CaseSummary {
    fn of(row: CaseRow, pack: Option<&Pack>) -> Self {
        Self {
            waybill: row.waybill,
            state: row.state,
            next_step: row.next_step,
            reason: row.reason,
            decision: row.decision,
            attempts: row.attempts,
            flags: row.flags,
            missed: row.missed,
            messages: row.messages,
            unsent: row.unsent,
            quarantined: row.quarantined,
            updated_at_ms: row.updated_at.0,
            due_at_ms: row.due_at.map(|due| due.0),
            closed: row.closed,
            unlisted: row.unlisted,
            turn: row.turn.as_str().to_owned(),
            turn_at_ms: row.turn.at().map(|at| at.0),
            due: row.due.map(|duty| DutyRow::of(duty, pack)),
            mine: row.mine,
            duties: row.duties.into_iter().map(|duty| DutyRow::of(duty, pack)).collect(),
            assigned_to: row.assigned_to,
            planned_at_ms: row.planned_at.map(|at| at.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use doorstep_domain::EntryKey;

    use super::*;

    #[test]
    fn a_findings_gap_is_told_with_both_ends_and_whether_a_clock_proves_more() {
        let entry: EntryKey = "attempt/zsgniphp-1".parse().unwrap();
        let of = |from, proven| {
            let contacts = Contacts {
                entry: entry.clone(),
                from,
                until: UnixMs(7_200_000),
                proven,
                others_in_contact: false,
                unproven_acts: 0,
            };
            ContactGap::from(contacts)
        };
        let gap = of(Some(UnixMs(0)), true);
        assert_eq!((gap.from_ms, gap.until_ms, gap.proven), (Some(0), 7_200_000, true));
        assert!(gap.told.zh.contains("2 小时") && gap.told.en.contains("2 h"), "{:?}", gap.told);
        assert_eq!((of(None, false).from_ms, of(None, false).proven), (None, false));
    }

    #[test]
    fn a_place_in_the_list_is_carried_as_text_and_nonsense_is_refused() {
        let times = [UnixMs(-5), UnixMs(5), UnixMs(i64::MAX)];
        let turns = times.iter().flat_map(|at| [Turn::Overdue(*at), Turn::Mine(*at), Turn::Waiting(*at), Turn::Ended]);
        for turn in turns {
            let place = Place { turn, case: CaseId::new([7; 16]) };
            assert_eq!(read_place(&write_place(&place)).unwrap(), place);
        }
        for nonsense in
            ["", "2::00", "4:5:07070707070707070707070707070707", "0:x:07", "0:1", "0:1:07070707070707070707070707070707:"]
        {
            assert!(matches!(read_place(nonsense), Err(DoorstepError::Usage { .. })), "{nonsense}");
        }
    }
}
