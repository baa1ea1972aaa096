-- Cases with lines of outlet finance's registers, so that a day of the registers is read without folding every case. The times are the
-- earliest and latest best estimates of when a line was written.
CREATE TABLE ledger_case (
  case_id  BLOB PRIMARY KEY,
  first_ms INTEGER NOT NULL,
  last_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Cases that are here already get their row when they are judged the next time.
INSERT OR IGNORE INTO stale (case_id) SELECT case_id FROM case_row;
