//! Outlet finance's ledgers of some days, with totals.

use doorstep_client::{LedgerLine, LedgerTotal, Ledgers, said};

use crate::{DoorstepClient, DoorstepError};

/// A line of the outlet's ledgers. It names no customer.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LedgerRow {
    /// The parcel's waybill.
    pub waybill: String,
    /// The parcel's case.
    pub case_id: String,
    /// The entry's key.
    pub entry: String,
    /// When it was written, as well as that is known; milliseconds since 1970, UTC.
    pub at_ms: i64,
    /// The day by the network's clocks, an ISO date.
    pub day: String,
    /// `cod` or `freight_collect`.
    pub book: String,
    /// Code of the pack.
    pub change: String,
    /// The amount in fen; absent: the line has none.
    pub amount_fen: Option<i64>,
    /// The receipt slip was taken back.
    pub slip: bool,
    /// Who wrote it.
    pub user: String,
    /// A correction took it back: it counts for nothing.
    pub taken_back: bool,
    /// Head office has accepted it.
    pub accepted: bool,
}

/// The sum of one ledger's lines with one change.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LedgerSum {
    /// The day; absent: all days that were asked for.
    pub day: Option<String>,
    /// `cod` or `freight_collect`.
    pub book: String,
    /// Code of the pack.
    pub change: String,
    /// Number of lines that count.
    pub lines: u32,
    /// The sum of their amounts, in fen.
    pub amount_fen: i64,
}

/// The ledgers of the person's own outlet for some days.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LedgerDays {
    /// The lines, the oldest first.
    pub lines: Vec<LedgerRow>,
    /// A sum for each day, ledger and change.
    pub by_day: Vec<LedgerSum>,
    /// A sum for each ledger and change.
    pub totals: Vec<LedgerSum>,
}

impl From<LedgerLine> for LedgerRow {
    fn from(line: LedgerLine) -> Self {
        Self {
            waybill: line.waybill.to_string(),
            case_id: line.case.to_string(),
            entry: line.entry.to_string(),
            at_ms: line.at.0,
            day: line.day.to_string(),
            book: line.book.as_str().to_owned(),
            change: line.change.to_string(),
            amount_fen: line.amount.map(|amount| amount.0),
            slip: line.slip,
            user: line.by.user.to_string(),
            taken_back: line.taken_back.is_some(),
            accepted: line.accepted,
        }
    }
}

impl From<LedgerTotal> for LedgerSum {
    fn from(total: LedgerTotal) -> Self {
        Self {
            day: total.day.map(|day| day.to_string()),
            book: total.book.as_str().to_owned(),
            change: total.change.to_string(),
            lines: total.lines,
            amount_fen: total.amount.0,
        }
    }
}

impl From<Ledgers> for LedgerDays {
    fn from(ledgers: Ledgers) -> Self {
        Self {
            lines: ledgers.lines.into_iter().map(LedgerRow::from).collect(),
            by_day: ledgers.by_day.into_iter().map(LedgerSum::from).collect(),
            totals: ledgers.totals.into_iter().map(LedgerSum::from).collect(),
        }
    }
}

#[uniffi::export]
impl DoorstepClient {
    /// The ledgers of the person's own outlet from one day to another, both included, as ISO dates; without any day, of today by the
    /// network's clocks. Of one ledger if one is named: `cod` or `freight_collect`.
    #[uniffi::method(default(from_day = None, to_day = None, book = None))]
    pub async fn ledger(
        &self,
        from_day: Option<String>,
        to_day: Option<String>,
        book: Option<String>,
    ) -> Result<LedgerDays, DoorstepError> {
        self.local(move |client| {
            let book = book.as_deref().map(said::word).transpose()?;
            Ok(client.ledgers(from_day.as_deref(), to_day.as_deref(), book)?.into())
        })
        .await
    }
}
