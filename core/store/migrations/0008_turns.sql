-- Whose turn it is: the duties of each case, and its place in the list of each person who reads lists on this device.

-- What is due in a case in its present phase. Apart from case_row, which every record writes: with the duties a row would often be too
-- long for its page. from_ms also tells these rows from other tables' when a damaged file is read without its schema.
CREATE TABLE case_duty (
  case_id BLOB PRIMARY KEY,
  from_ms INTEGER NOT NULL,               -- start of the phase
  duties  TEXT NOT NULL                   -- the most urgent first, each a line: see src/duties.rs
) STRICT, WITHOUT ROWID;

-- The later phases bring their duties. They are worked out anew for all rows, once, because nothing here says what was due.
DROP TABLE turn;
CREATE TABLE turn (
  case_id   BLOB NOT NULL,
  from_ms   INTEGER NOT NULL,
  until_ms  INTEGER,                      -- NULL: for good
  due_ms    INTEGER,
  state     TEXT NOT NULL,
  next_step TEXT NOT NULL,
  decision  TEXT NOT NULL,
  missed    TEXT NOT NULL,
  flags     TEXT NOT NULL,
  duties    TEXT NOT NULL,                -- as in case_duty
  PRIMARY KEY (case_id, from_ms)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO stale (case_id) SELECT case_id FROM case_row;

-- The people for whom places are kept: those who have read a list here. Couriers have places of their own; people of another role share
-- those of their role and outlet, because the same duties are theirs.
CREATE TABLE reader (
  id     INTEGER PRIMARY KEY,
  role   TEXT NOT NULL,
  outlet TEXT NOT NULL,
  user   TEXT NOT NULL                    -- the first of those who share it
) STRICT;

-- The place of each case in each reader's list, so that a page of a list is one walk along the primary key.
CREATE TABLE place (
  reader   INTEGER NOT NULL,
  class    INTEGER NOT NULL,              -- 0 overdue, 1 the reader's turn, 2 waiting for others, 3 ended
  at       INTEGER NOT NULL,              -- since when or until when; 9223372036854775807: without a time
  case_id  BLOB NOT NULL,
  mine     INTEGER NOT NULL,              -- 0 nothing is the reader's to do, 1 something, 2 something to answer
  closed   INTEGER NOT NULL,
  unlisted INTEGER NOT NULL,              -- 1: the waybill is in no list
  PRIMARY KEY (reader, class, at, case_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX place_of_case ON place (case_id, reader);

-- The list is no more by the deadlines of the rows. The parcels with an open case are still asked for. (Without its first column the
-- entries of this index would look like rows of meta when a damaged file is read without its schema.)
DROP INDEX case_by_due;
CREATE INDEX case_open ON case_row (closed, waybill) WHERE closed = 0;
