-- Head office's log and projections. Numbered migrations are never edited after release.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE outlet (
  code    TEXT PRIMARY KEY,
  name_zh TEXT NOT NULL,
  name_en TEXT NOT NULL,
  phone   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE person (
  id     TEXT PRIMARY KEY,
  name   TEXT NOT NULL,
  role   TEXT NOT NULL,
  outlet TEXT NOT NULL REFERENCES outlet (code)
) STRICT, WITHOUT ROWID;

-- One-time codes. Only hashes of secrets are kept.
CREATE TABLE code (
  hash       BLOB PRIMARY KEY,
  person     TEXT NOT NULL REFERENCES person (id),
  expires_at INTEGER NOT NULL,
  install    BLOB                          -- who redeemed it; null: nobody yet
) STRICT, WITHOUT ROWID;

CREATE TABLE device (
  id          BLOB PRIMARY KEY,
  person      TEXT NOT NULL REFERENCES person (id),
  install     BLOB NOT NULL UNIQUE,
  tag         TEXT NOT NULL UNIQUE,        -- 40 bits: an install whose tag is known is refused
  token_hash  BLOB NOT NULL UNIQUE,
  enrolled_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Roles and outlets that an installation was ever enrolled with: what its entries say.
CREATE TABLE enrolled_as (
  install BLOB NOT NULL,
  role    TEXT NOT NULL,
  outlet  TEXT NOT NULL,
  PRIMARY KEY (install, role, outlet)
) STRICT, WITHOUT ROWID;

CREATE TABLE reference (
  kind    TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  body    BLOB NOT NULL                    -- the pack's JSON; empty for kinds with a table of their own
) STRICT, WITHOUT ROWID;

CREATE TABLE parcel (
  waybill           TEXT PRIMARY KEY,
  network           TEXT NOT NULL,
  origin_outlet     TEXT NOT NULL REFERENCES outlet (code),
  delivering_outlet TEXT NOT NULL REFERENCES outlet (code),
  courier           TEXT REFERENCES person (id),
  recipient_name    BLOB NOT NULL,
  recipient_phone   BLOB NOT NULL,
  recipient_address BLOB NOT NULL,
  cod_fen           INTEGER NOT NULL,
  arrival_ms        INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX parcel_by_outlet ON parcel (delivering_outlet);
CREATE INDEX parcel_by_courier ON parcel (courier);

-- The truth, append-only, clustered by case. n: order of acceptance in the case, from 1.
CREATE TABLE change (
  case_id     BLOB NOT NULL,
  n           INTEGER NOT NULL,
  hash        BLOB NOT NULL,
  install     BLOB NOT NULL,
  seq         INTEGER NOT NULL,
  max_op      INTEGER NOT NULL,
  mono_ms     INTEGER NOT NULL,
  device      BLOB NOT NULL,
  batch       INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  acted_at    INTEGER,
  bytes       BLOB NOT NULL,
  PRIMARY KEY (case_id, n)
) STRICT, WITHOUT ROWID;

-- What was refused: kept, with the rule, for a person to judge.
CREATE TABLE held (
  case_id     BLOB NOT NULL,
  hash        BLOB NOT NULL,
  reason      TEXT NOT NULL,
  device      BLOB NOT NULL,
  batch       INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  bytes       BLOB NOT NULL,
  PRIMARY KEY (case_id, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE doc (
  case_id      BLOB PRIMARY KEY,
  waybill      TEXT NOT NULL,
  n            INTEGER NOT NULL,
  heads        BLOB NOT NULL,
  max_op       INTEGER NOT NULL,
  bytes        INTEGER NOT NULL,
  notified     INTEGER NOT NULL,           -- 1: a notice or a phone notice is in the case
  notice_to    TEXT,                       -- target of the newest notice, for a waybill that no parcel row knows
  first_person TEXT NOT NULL,              -- who recorded first: the scope of a waybill that no parcel row knows
  projected_n  INTEGER NOT NULL,
  frozen       TEXT                        -- why it can not be projected; its changes are safe in the log
) STRICT, WITHOUT ROWID;
CREATE INDEX doc_to_project ON doc (case_id) WHERE projected_n < n AND frozen IS NULL;
CREATE INDEX doc_by_waybill ON doc (waybill);

-- Feeds: one counter row for each scope, locked in the writing transaction, so commit order is sequence order.
CREATE TABLE scope (
  scope TEXT PRIMARY KEY,
  head  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE doc_scope (
  case_id BLOB NOT NULL,
  scope   TEXT NOT NULL,
  PRIMARY KEY (case_id, scope)
) STRICT, WITHOUT ROWID;

CREATE TABLE feed (
  scope   TEXT NOT NULL,
  seq     INTEGER NOT NULL,
  case_id BLOB NOT NULL,
  from_n  INTEGER NOT NULL,
  to_n    INTEGER NOT NULL,
  PRIMARY KEY (scope, seq)
) STRICT, WITHOUT ROWID;

-- Verdicts of each batch, replayed when its answer was lost.
CREATE TABLE batch (
  device  BLOB NOT NULL,
  number  INTEGER NOT NULL,
  content BLOB NOT NULL,                   -- SHA-256 over cases and packs
  ack     BLOB NOT NULL,
  PRIMARY KEY (device, number)
) STRICT, WITHOUT ROWID;

-- A photo named by an accepted entry; stored_at null: its bytes are still on the phone.
CREATE TABLE photo (
  sha       BLOB NOT NULL,
  case_id   BLOB NOT NULL,
  len       INTEGER NOT NULL,
  device    BLOB NOT NULL,
  stored_at INTEGER,
  mime      TEXT,
  PRIMARY KEY (sha, case_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX photo_by_case ON photo (case_id);

-- What people read. A projection of `change`, written after the answer, rebuilt at will.
CREATE TABLE case_row (
  case_id    BLOB PRIMARY KEY,
  waybill    TEXT NOT NULL,
  origin     TEXT NOT NULL,
  delivering TEXT NOT NULL,
  state      TEXT NOT NULL,
  next_step  TEXT NOT NULL,
  reason     TEXT NOT NULL,
  decision   TEXT NOT NULL,
  attempts   INTEGER NOT NULL,
  flags      TEXT NOT NULL,
  missed     TEXT NOT NULL,                -- clocks missed, separated by spaces
  updated_at INTEGER NOT NULL,
  closed     INTEGER NOT NULL,
  due_at     INTEGER NOT NULL              -- 9223372036854775807: nothing is running
) STRICT, WITHOUT ROWID;
CREATE INDEX case_by_due ON case_row (closed, due_at);
