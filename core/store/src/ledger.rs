//! Outlet finance's registers: which cases have lines of them, and the lines of some days.

use std::ops::RangeInclusive;

use doorstep_domain::{Book, CaseId, Day, OutletCode, UnixMs};
use doorstep_rules::{Case, Ledgers, ledger_lines};

use crate::{
    Store, StoreError, project,
    row::{Statements, params},
};

const DAY_MS: i64 = 86_400_000;

impl Store {
    /// The registers of an outlet for some days, of one register if one is named. Only cases with lines are read. A case that can not
    /// be read is an error, because its lines would be missing from the totals.
    pub fn ledgers(
        &mut self,
        outlet: &OutletCode,
        days: &RangeInclusive<Day>,
        book: Option<Book>,
        now: UnixMs,
    ) -> Result<Ledgers, StoreError> {
        self.advance_phases(now)?;
        self.load_book()?;
        let Some((_, rules)) = &self.book else { return Ok(Ledgers::default()) };
        // A day of the network's clocks begins up to 14 hours before and after one of UTC.
        let from = UnixMs((i64::from(days.start().days()) - 1) * DAY_MS);
        let until = UnixMs((i64::from(days.end().days()) + 2) * DAY_MS);
        // A case that is still to be judged, because the disk is full, may have a new line.
        let sql = "SELECT case_id FROM ledger_case WHERE first_ms <= ?2 AND last_ms >= ?1
             UNION SELECT case_id FROM stale";
        let cases: Vec<CaseId> = self.db.all("ledger_case", sql, params![from, until], |row| row.get(0))?;
        let mut lines = Vec::new();
        for id in cases {
            let folded = Case::fold(project::entries(&self.db, &id)?);
            lines.extend(folded.iter().flat_map(|case| ledger_lines(case, rules, outlet)));
        }
        Ok(Ledgers::of(lines, days, book))
    }
}
