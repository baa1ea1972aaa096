//! The ledger of findings, a projection like the list.

use doorstep_domain::CaseId;
use doorstep_rules::FindingState;
use serde::{Deserialize, Serialize};

use super::tx::{Row, StoreError, Tx, params, sql};

/// One line of the ledger of findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingRow {
    /// The rule and the key of the entry that the finding is held against. A decision names the finding by this id.
    pub id: String,
    /// The rule.
    pub rule: String,
    /// The liable outlet; empty if unknown.
    pub outlet: String,
    /// The share of the liable outlet, in percent; 0 while it is not known ([`Self::has_share`]).
    pub share: u8,
    /// Whether the rule names no share and no amount: the finding only asks head office to look.
    #[serde(default)]
    pub open: bool,
    /// The amount in fen.
    pub amount: Option<i64>,
    /// The state of the finding.
    pub state: String,
    /// Whether a person must look at it first.
    pub review: bool,
    /// The time of the entry that the finding is held against.
    pub started: i64,
    /// The lower end of the gap of its acts; `None` if it is unknown.
    #[serde(default)]
    pub gap_from: Option<i64>,
    /// The upper end of the gap of its acts; `None` while the server has none of them.
    #[serde(default)]
    pub gap_until: Option<i64>,
    /// Whether the devices' clocks prove the times within the gap.
    #[serde(default)]
    pub proven: bool,
}

impl FindingRow {
    /// Whether there is a share: the rule proposes one, or head office has decided.
    pub fn has_share(&self) -> bool {
        !self.open || self.state == FindingState::Decided.as_str()
    }
}

/// Replaces the findings of a case.
pub(crate) fn write(tx: &Tx<'_>, case: &CaseId, findings: &[FindingRow]) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM finding WHERE case_id = ?1"), params![case])?;
    for row in findings {
        let FindingRow { id, rule, outlet, share, open, amount, state, review, started, gap_from, gap_until, proven } = row;
        tx.run(
            sql!(
                "INSERT INTO finding (case_id, id, rule, outlet, share, amount, state, review, started, gap_from, gap_until, proven,
                   open)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
                 ON CONFLICT (case_id, id) DO UPDATE SET rule = ?3, outlet = ?4, share = ?5, amount = ?6, state = ?7, review = ?8,
                   started = ?9, gap_from = ?10, gap_until = ?11, proven = ?12, open = ?13"
            ),
            params![case, id, rule, outlet, share, amount, state, review, started, gap_from, gap_until, proven, open],
        )?;
    }
    Ok(())
}

/// The findings with their waybills, newest first: those of one outlet, or the undecided ones.
pub(crate) fn all(tx: &Tx<'_>, outlet: Option<&str>, open: bool, most: u32) -> Result<Vec<(String, FindingRow)>, StoreError> {
    tx.all(
        sql!(
            "SELECT waybill, id, rule, outlet, share, amount, finding.state, review, started, gap_from, gap_until, proven, finding.open
             FROM finding JOIN case_row ON case_row.case_id = finding.case_id
             WHERE (?1 IS NULL OR outlet = ?1) AND (?2 = 0 OR finding.state <> 'decided') ORDER BY started DESC, id LIMIT ?3"
        ),
        params![outlet, open, most],
        |row| Ok((row.get(0)?, read(row)?)),
    )
}

fn read(row: &Row<'_>) -> Result<FindingRow, StoreError> {
    Ok(FindingRow {
        id: row.get(1)?,
        rule: row.get(2)?,
        outlet: row.get(3)?,
        share: row.get(4)?,
        amount: row.get(5)?,
        state: row.get(6)?,
        review: row.get(7)?,
        started: row.get(8)?,
        gap_from: row.get(9)?,
        gap_until: row.get(10)?,
        proven: row.get(11)?,
        open: row.get(12)?,
    })
}
