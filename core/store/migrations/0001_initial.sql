-- The device's store. Numbered migrations are never edited after release; a new number is added instead.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One row for each case: what the list shows, and all that is needed to write the next change (heads, max_op, own_seq).
-- It is a projection of `change` and can be rebuilt from it.
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
  unsent     INTEGER NOT NULL,
  held       INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  closed     INTEGER NOT NULL,
  due_at     INTEGER NOT NULL,            -- 9223372036854775807: nothing is running
  turns_at   INTEGER NOT NULL             -- when the row changes by itself; same maximum
) STRICT, WITHOUT ROWID;

CREATE INDEX case_by_due ON case_row (closed, due_at);
CREATE INDEX case_by_turn ON case_row (turns_at);

-- The truth: raw changes, clustered by case so that a case is read from two or three pages and a record writes one.
-- standing: 0 on this device, 1 sent, 2 accepted, 3 held, 4 parked (came in a feed and could not be taken).
CREATE TABLE change (
  case_id     BLOB NOT NULL,
  n           INTEGER NOT NULL,           -- order of arrival here, from 1
  hash        BLOB NOT NULL,
  install     BLOB NOT NULL,
  seq         INTEGER NOT NULL,
  max_op      INTEGER NOT NULL,
  standing    INTEGER NOT NULL,
  received_at INTEGER,
  acted_at    INTEGER,
  reason      TEXT,
  bytes       BLOB NOT NULL,
  PRIMARY KEY (case_id, n)
) STRICT, WITHOUT ROWID;

-- The intent journal: every user action as a typed command, with what became of it. Open intents are the outbox.
-- state: 0 unsent, 1 in the open batch, 2 accepted, 3 held.
CREATE TABLE intent (
  id          INTEGER PRIMARY KEY,
  action      BLOB NOT NULL,
  case_id     BLOB NOT NULL,
  n           INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  command     TEXT NOT NULL,
  tries       INTEGER NOT NULL,
  state       INTEGER NOT NULL
) STRICT;

CREATE INDEX intent_open ON intent (state, tries, id) WHERE state < 2;

CREATE TABLE photo (
  sha    BLOB PRIMARY KEY,
  case_id BLOB NOT NULL,
  intent INTEGER NOT NULL,
  len    INTEGER NOT NULL,
  name   TEXT NOT NULL,                   -- file below photos/
  stored INTEGER NOT NULL                 -- 1: the server has the bytes
) STRICT, WITHOUT ROWID;

CREATE INDEX photo_waiting ON photo (intent) WHERE stored = 0;

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
