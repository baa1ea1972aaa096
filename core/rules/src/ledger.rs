//! Outlet finance's registers (domain 2.7, 9.3), derived from the ledger lines in cases: the lines of an outlet in the order of their
//! acts, with totals for each day and for all days.

use std::{collections::BTreeMap, ops::RangeInclusive};

use doorstep_domain::{Author, Body, Book, CaseId, Day, EntryKey, Fen, Kind, Ledger, OutletCode, ReasonCode, UnixMs, Waybill};
use serde::Serialize;

use crate::{Case, OutcomeRow, Rulebook};

/// A line of an outlet's registers. It has no words of a person, because finance sees customers' data masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerLine {
    /// The parcel's case.
    pub case: CaseId,
    /// The parcel's waybill.
    pub waybill: Waybill,
    /// The entry.
    pub entry: EntryKey,
    /// The best estimate of when it was written.
    pub at: UnixMs,
    /// The day of [`at`](Self::at) by the network's clocks.
    pub day: Day,
    /// The register.
    pub book: Book,
    /// Code of the pack, such as `collected`.
    pub change: ReasonCode,
    /// The amount; `None` if the line has none.
    pub amount: Option<Fen>,
    /// Whether the receipt slip was taken back.
    pub slip: bool,
    /// Who wrote it.
    pub by: Author,
    /// The correction that took it back. Such a line is shown and counts for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_back: Option<EntryKey>,
    /// Whether head office has accepted it.
    pub accepted: bool,
}

/// The sum of the lines of one register with one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerTotal {
    /// The day; `None` for all days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<Day>,
    /// The register.
    pub book: Book,
    /// Code of the pack.
    pub change: ReasonCode,
    /// Number of lines that count.
    pub lines: u32,
    /// The sum of their amounts.
    pub amount: Fen,
}

/// The registers of an outlet for some days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Ledgers {
    /// The lines, the oldest first; those that were taken back too.
    pub lines: Vec<LedgerLine>,
    /// A sum for each day, register and change, in this order.
    pub by_day: Vec<LedgerTotal>,
    /// A sum for each register and change.
    pub totals: Vec<LedgerTotal>,
}

/// The lines that an outlet's people wrote in a case. A line that head office refused is none.
pub fn ledger_lines(case: &Case, book: &Rulebook, outlet: &OutletCode) -> Vec<LedgerLine> {
    let id = CaseId::of(&case.facts.network, &case.facts.waybill);
    let of_outlet = case.of_kind(Kind::Ledger).filter(|recorded| recorded.entry.author.outlet == *outlet);
    let lines = of_outlet.filter_map(|recorded| {
        let Body::Ledger(line) = &recorded.entry.body else { return None };
        let at = recorded.acted_at();
        Some(LedgerLine {
            case: id,
            waybill: case.facts.waybill.clone(),
            entry: recorded.entry.key.clone(),
            at,
            day: book.at(at).day(at).and_then(Day::new)?,
            book: line.book,
            change: line.change.clone(),
            amount: line.amount,
            slip: line.slip,
            by: recorded.entry.author.clone(),
            taken_back: case.superseded.get(&recorded.entry.key).cloned(),
            accepted: recorded.standing.receipt().is_some(),
        })
    });
    lines.collect()
}

impl Ledgers {
    /// Puts lines in order and adds them up: those of some days, and of one register if one is named.
    pub fn of(lines: impl IntoIterator<Item = LedgerLine>, days: &RangeInclusive<Day>, book: Option<Book>) -> Self {
        let is_asked = |line: &LedgerLine| days.contains(&line.day) && book.is_none_or(|book| book == line.book);
        let mut lines: Vec<LedgerLine> = lines.into_iter().filter(is_asked).collect();
        lines.sort_by(|a, b| (a.at, &a.entry).cmp(&(b.at, &b.entry)));
        let by_day = totals(&lines, |line| Some(line.day));
        let totals = totals(&lines, |_| None);
        Self { lines, by_day, totals }
    }
}

/// What a total is of: the day, the register's name and the change.
type Of<'l> = (Option<Day>, &'l str, &'l ReasonCode);
/// The register, the number of lines and their sum in fen.
type Sum = (Book, u32, i64);

fn totals(lines: &[LedgerLine], day: impl Fn(&LedgerLine) -> Option<Day>) -> Vec<LedgerTotal> {
    let mut sums: BTreeMap<Of<'_>, Sum> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.taken_back.is_none()) {
        let sum = sums.entry((day(line), line.book.as_str(), &line.change)).or_insert((line.book, 0, 0));
        sum.1 += 1;
        sum.2 = sum.2.saturating_add(line.amount.unwrap_or_default().0);
    }
    let total = |((day, _, change), (book, lines, fen)): (Of<'_>, Sum)| LedgerTotal {
        day,
        book,
        change: change.clone(),
        lines,
        amount: Fen(fen),
    };
    sums.into_iter().map(total).collect()
}

/// The money that is due before a parcel ends so, and was not handed in: the parcel's COD, or the amount to which finance has changed
/// it. `None` if nothing is due, or if a line with the change that the end collects stands. A line of another case or register says
/// nothing of it.
pub(crate) fn not_handed_in(case: &Case, end: &OutcomeRow) -> Option<Fen> {
    let collected = end.collects.as_deref()?;
    let lines = || {
        case.standing().filter_map(|recorded| match &recorded.entry.body {
            Body::Ledger(line) if line.book == Book::Cod => Some(line),
            _ => None,
        })
    };
    if lines().any(|line| line.change.as_str() == collected) {
        return None;
    }
    let changes = |line: &&Ledger| end.changes_due.as_deref() == Some(line.change.as_str());
    let changed = lines().filter(changes).filter_map(|line| line.amount).next_back();
    Some(changed.unwrap_or(case.facts.cod)).filter(|due| due.0 > 0)
}
