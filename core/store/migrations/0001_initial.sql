-- The device's store. Numbered migrations are never edited after release; a new number is added instead.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One row for each case: what the list shows, and all that is needed to write the next change (heads, max_op, own_seq).
-- It is a projection of `change` and `outbox` and can be rebuilt from them.
CREATE TABLE case_row (
  case_id    BLOB PRIMARY KEY,
  waybill    TEXT NOT NULL,
  heads      BLOB NOT NULL,               -- 32 bytes each, sorted
  max_op     INTEGER NOT NULL,
  own_seq    INTEGER NOT NULL,
  changes    INTEGER NOT NULL,
  bytes      INTEGER NOT NULL,
  state      TEXT NOT NULL,
  next_step  TEXT NOT NULL,
  reason     TEXT NOT NULL,
  decision   TEXT NOT NULL,
  attempts   INTEGER NOT NULL,
  flags      TEXT NOT NULL,               -- words separated by spaces
  missed     TEXT NOT NULL,               -- clocks missed, separated by spaces
  unsent     INTEGER NOT NULL,
  held       INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  closed     INTEGER NOT NULL,
  due_at     INTEGER NOT NULL             -- 9223372036854775807: nothing is running
) STRICT, WITHOUT ROWID;

CREATE INDEX case_by_due ON case_row (closed, due_at);

-- Cases that something was recorded on since their row was judged; the list judges them before it shows them.
CREATE TABLE stale (
  case_id BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

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
  parked      TEXT,                       -- came in a feed and could not be taken; why
  bytes       BLOB NOT NULL,
  PRIMARY KEY (case_id, n)
) STRICT, WITHOUT ROWID;

-- The intent journal: each action as a typed command together with the change it became, until the server accepts it.
-- A row leaves only in the transaction that records the server's verdict. It is a table of its own, appended at its end,
-- because writing into the clustered `change` cost 3.1 pages a record in page splits (measured), this costs 1.
-- state: 0 unsent, 1 in the open batch, 2 held by the server (kept for a person to judge).
CREATE TABLE outbox (
  id          INTEGER PRIMARY KEY,
  case_id     BLOB NOT NULL,
  action      BLOB NOT NULL,
  recorded_at INTEGER NOT NULL,
  command     TEXT NOT NULL,
  state       INTEGER NOT NULL,
  tries       INTEGER NOT NULL,
  reason      TEXT,                       -- why it is held
  hash        BLOB NOT NULL,
  install     BLOB NOT NULL,
  seq         INTEGER NOT NULL,
  max_op      INTEGER NOT NULL,
  bytes       BLOB NOT NULL
) STRICT;

CREATE INDEX outbox_by_case ON outbox (case_id);

-- state: 0 no entry that names it is accepted yet, 1 to be uploaded, 2 the server has the bytes.
CREATE TABLE photo (
  sha     BLOB PRIMARY KEY,
  len     INTEGER NOT NULL,
  name    TEXT NOT NULL,                  -- file below photos/
  state   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX photo_waiting ON photo (state) WHERE state < 2;

CREATE TABLE scope (
  scope  TEXT PRIMARY KEY,
  cursor INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Reference rows: caches of what the server publishes.
CREATE TABLE reference (
  kind    TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  body    BLOB NOT NULL                   -- the pack's JSON; empty for kinds with a table of their own
) STRICT, WITHOUT ROWID;

CREATE TABLE parcel (
  waybill           TEXT PRIMARY KEY,
  network           TEXT NOT NULL,
  origin_outlet     TEXT NOT NULL,
  delivering_outlet TEXT NOT NULL,
  courier           TEXT,
  recipient_name    BLOB NOT NULL,
  recipient_phone   BLOB NOT NULL,        -- empty: the label has none
  recipient_address BLOB NOT NULL,
  cod_fen           INTEGER NOT NULL,
  arrival_ms        INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE outlet (
  code    TEXT PRIMARY KEY,
  name_zh TEXT NOT NULL,
  name_en TEXT NOT NULL,
  phone   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
