-- Version 3 of the protocol: a receipt carries the gap between two contacts in which its act happened, and what only the server knows.
-- The table is made anew, because a column that is added later changes the text by which a damaged schema is told.
ALTER TABLE change RENAME TO change_1;

-- What the server has accepted: raw changes, clustered by case, so that a case is read from two or three pages.
CREATE TABLE change (
  case_id     BLOB NOT NULL,
  n           INTEGER NOT NULL,           -- order of acceptance here, from 1
  hash        BLOB NOT NULL,
  install     BLOB NOT NULL,
  seq         INTEGER NOT NULL,
  max_op      INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  acted_at    INTEGER,
  slack_ms    INTEGER NOT NULL,
  from_ms     INTEGER,                    -- the gap; null: a receipt of version 2
  until_ms    INTEGER,
  marks       INTEGER NOT NULL,           -- bits of a receipt: see Receipt::marks
  unproven    INTEGER NOT NULL,
  batch       INTEGER,                    -- the own batch it went in; null: another device's, or it came back with a feed
  pusher      BLOB,                       -- the installation in whose chain that batch is: it may be later than the writing one
  parked      TEXT,                       -- came in a feed and could not be taken; why
  bytes       BLOB NOT NULL,
  PRIMARY KEY (case_id, n)
) STRICT, WITHOUT ROWID;

-- Acts that were accepted before stay judged as they were: 8 anchored, 256 facts equal. Their gap is the interval of then, because
-- version 2 proved that however long an act had waited. The server does the same with its own.
INSERT INTO change SELECT case_id, n, hash, install, seq, max_op, received_at, acted_at, slack_ms,
  iif(acted_at IS NULL OR marks & 2, NULL, acted_at - slack_ms),
  iif(acted_at IS NULL OR marks & 2, NULL, min(received_at, acted_at + slack_ms)),
  (marks & 7) | iif(acted_at IS NULL OR marks & 2, 0, 8) | 256, 0, batch, iif(batch IS NULL, NULL, install), parked,
  bytes FROM change_1;
DROP TABLE change_1;

-- What sendings named as left behind, in chains of links: see rest.rs.
CREATE TABLE named (
  chain   INTEGER NOT NULL,
  place   INTEGER NOT NULL,
  case_id BLOB NOT NULL,
  count   INTEGER NOT NULL,               -- changes of the case, in the order of outbox
  digest  BLOB NOT NULL,
  batch   INTEGER,                        -- the open batch that brings it
  PRIMARY KEY (chain, place)
) STRICT, WITHOUT ROWID;

-- The people of this device's outlets, and the days that are not as their weekday says.
CREATE TABLE person (
  account  TEXT PRIMARY KEY,
  name     TEXT NOT NULL,
  role     TEXT NOT NULL,
  outlet   TEXT NOT NULL,
  has_left INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE calendar_day (
  day   INTEGER PRIMARY KEY,              -- since 1970-01-01
  works INTEGER NOT NULL,
  name  TEXT NOT NULL
) STRICT;

-- What came in answers of version 2 lacks what only the server knows: every feed is fetched anew, and brings it.
DELETE FROM scope;
