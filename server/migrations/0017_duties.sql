-- Whose turn it is: the duties of each row, and the order of the list by them.
ALTER TABLE case_row ADD COLUMN duties TEXT NOT NULL DEFAULT '[]';  -- JSON, the most urgent first

-- The time by which the list is sorted: since when the most urgent duty is overdue, else until when there is time for it.
-- 9223372036854775806: without a time limit; 9223372036854775807: nothing is due. Missed limits are past and running ones are not, so
-- what is overdue is first.
ALTER TABLE case_row ADD COLUMN urgent_at INTEGER NOT NULL DEFAULT 9223372036854775806;
CREATE INDEX case_by_urgency ON case_row (urgent_at, updated_at);
DROP INDEX case_by_due;

-- The most urgent duty of each side and outlet, for lists of one of them. Part of the same projection.
CREATE TABLE duty (
  case_id BLOB NOT NULL,
  side    TEXT NOT NULL,
  outlet  TEXT NOT NULL,                   -- empty: head office, or not known
  at      INTEGER NOT NULL,                -- as urgent_at
  PRIMARY KEY (case_id, side, outlet)
) STRICT, WITHOUT ROWID;

-- All rows are worked out anew, once, because nothing here says what was due.
UPDATE doc SET projected_n = 0;
