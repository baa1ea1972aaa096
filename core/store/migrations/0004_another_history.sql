-- The server's log was put back from a copy, and has another history: what it lacks is sent again.

-- Own changes that the history before had accepted, and of which the present one has not shown yet that it has them.
CREATE TABLE unconfirmed (
  case_id BLOB NOT NULL,
  hash    BLOB NOT NULL,
  PRIMARY KEY (case_id, hash)
) STRICT, WITHOUT ROWID;

-- What the history before had said of those that are sent again. The signed words themselves are with the batch. Kept for good.
CREATE TABLE first_receipt (
  case_id     BLOB NOT NULL,
  hash        BLOB NOT NULL,
  received_at INTEGER NOT NULL,
  acted_at    INTEGER,
  slack_ms    INTEGER NOT NULL,
  from_ms     INTEGER,
  until_ms    INTEGER,
  marks       INTEGER NOT NULL,
  unproven    INTEGER NOT NULL,
  batch       INTEGER,                    -- the own batch that it went in first; null: its receipt came with a feed
  pusher      BLOB,                       -- the installation in whose chain that batch is
  n           INTEGER NOT NULL,           -- its place among the case's changes then, which is that in the batch too
  PRIMARY KEY (case_id, hash)
) STRICT, WITHOUT ROWID;
