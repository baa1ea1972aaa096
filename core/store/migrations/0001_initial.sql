-- The device's store. Numbered migrations are never edited after release; a new number is added instead.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The people of this device: one on a courier's phone, several on an outlet's tablet.
CREATE TABLE member (
  user   TEXT PRIMARY KEY,
  role   TEXT NOT NULL,
  outlet TEXT NOT NULL,
  name   TEXT NOT NULL,
  pin    BLOB,                            -- salt, rounds and hash; null: none was set
  wrong  INTEGER NOT NULL                 -- wrong PINs in a row
) STRICT, WITHOUT ROWID;

-- The chain of signed batches of each installation. body: while the answer has not come; ack, sig: the server's signed
-- receipts, this device's proof.
CREATE TABLE batch (
  install BLOB NOT NULL,
  number  INTEGER NOT NULL,
  hash    BLOB NOT NULL,
  size    INTEGER NOT NULL,               -- raw bytes of its changes
  body    BLOB,
  ack     BLOB,
  sig     BLOB,
  PRIMARY KEY (install, number)
) STRICT, WITHOUT ROWID;

-- Batches that the server never got: their changes are unsent again, and the next batch says so.
CREATE TABLE again (
  number INTEGER PRIMARY KEY,
  batch  INTEGER                          -- the batch that says so
) STRICT;

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
  quarantined       INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  closed     INTEGER NOT NULL,
  messages   INTEGER NOT NULL,            -- SMS that somebody has still to send, or to settle
  due_at     INTEGER NOT NULL,            -- 9223372036854775807: nothing is running
  turn_at    INTEGER                      -- when the row changes by itself; NULL: never
) STRICT, WITHOUT ROWID;

CREATE INDEX case_by_due ON case_row (closed, due_at);
CREATE INDEX case_with_messages ON case_row (case_id) WHERE messages > 0;
CREATE INDEX case_by_turn ON case_row (turn_at) WHERE turn_at IS NOT NULL;

-- What a row becomes by itself, by deadlines that pass and versions that take effect, worked out when the case was judged. Apart from
-- the row, which would else be too long for its page, and written by every record.
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
  PRIMARY KEY (case_id, from_ms)
) STRICT, WITHOUT ROWID;

-- Which scopes a case came in; a case that none of this device's scopes has any more goes once nothing of it is unsent.
CREATE TABLE case_scope (
  case_id BLOB NOT NULL,
  scope   TEXT NOT NULL,
  PRIMARY KEY (case_id, scope)
) STRICT, WITHOUT ROWID;

CREATE TABLE leaving (
  case_id BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- What is left of a case that has gone: enough to write its next change, should it come back to the door.
CREATE TABLE stub (
  case_id BLOB PRIMARY KEY,
  heads   BLOB NOT NULL,
  max_op  INTEGER NOT NULL,
  own_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

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
  slack_ms    INTEGER NOT NULL,
  marks       INTEGER NOT NULL,           -- bits of a receipt: see Receipt::marks
  batch       INTEGER,                    -- the batch of the pushing installation it went in; null: another device's
  parked      TEXT,                       -- came in a feed and could not be taken; why
  bytes       BLOB NOT NULL,
  PRIMARY KEY (case_id, n)
) STRICT, WITHOUT ROWID;

-- The intent journal: each action as a typed command together with the change it became, until the server accepts it.
-- A row leaves only in the transaction that records the server's verdict. It is a table of its own, appended at its end,
-- because writing into the clustered `change` cost 3.1 pages a record in page splits (measured), this costs 1.
-- state: 0 unsent, 1 in the open batch, 2 quarantined by the server (kept for a person to judge), 3 discarded by head office
-- (kept, with its reason).
CREATE TABLE outbox (
  id          INTEGER PRIMARY KEY,
  case_id     BLOB NOT NULL,
  action      BLOB NOT NULL,
  recorded_at INTEGER NOT NULL,
  command     TEXT NOT NULL,
  state       INTEGER NOT NULL,
  tries       INTEGER NOT NULL,
  reason      TEXT,                       -- why it is quarantined
  hash        BLOB NOT NULL,
  install     BLOB NOT NULL,
  seq         INTEGER NOT NULL,
  max_op      INTEGER NOT NULL,
  bytes       BLOB NOT NULL
) STRICT;

CREATE INDEX outbox_by_case ON outbox (case_id);

-- Photos of this device, and their thumbnails. state: 0 no entry that names it is accepted yet, 1 to be sent, 2 the server has
-- the bytes, 3 lost: the file is gone, 4 void: the file holds other bytes, 5 let go: the server has it, the file was deleted,
-- 6 head office has discarded the entry that names it: the file stays.
CREATE TABLE photo (
  sha         BLOB PRIMARY KEY,
  len         INTEGER NOT NULL,
  name        TEXT NOT NULL,                -- file below photos/
  state       INTEGER NOT NULL,
  thumbnail   INTEGER NOT NULL,             -- 1: it is one
  recorded_at INTEGER NOT NULL,
  sent        INTEGER,                      -- bytes that the server is known to have; null: not begun
  urgent      INTEGER NOT NULL,             -- 1: a person wants it sent now
  stored_at   INTEGER,
  told        INTEGER NOT NULL,             -- of a lost or void one: 1 the server knows; of one let go: 0 it is asked about again
  tries       INTEGER NOT NULL,             -- that failed for another reason than the network: it goes after the others
  refused     TEXT                          -- why it is not sent, until the app starts anew or a person asks
) STRICT, WITHOUT ROWID;

CREATE INDEX photo_waiting ON photo (state) WHERE state < 2;
CREATE INDEX photo_stored ON photo (stored_at) WHERE state = 2;
CREATE INDEX photo_spoiled ON photo (told) WHERE state IN (3, 4);
CREATE INDEX photo_asked ON photo (told) WHERE state = 5 AND told = 0;

-- Others' pictures: thumbnails of the cases here, wanted until they are fetched, and photos that somebody looked at. A cache.
CREATE TABLE picture (
  sha       BLOB PRIMARY KEY,
  len       INTEGER NOT NULL,
  thumbnail INTEGER NOT NULL,
  here      INTEGER NOT NULL,               -- 1: its file is below pictures/
  used_at   INTEGER NOT NULL,               -- the least goes first; 0: its case has left this device
  asked_at  INTEGER NOT NULL                -- when the server was last asked about it
) STRICT, WITHOUT ROWID;

CREATE INDEX picture_wanted ON picture (asked_at) WHERE here = 0 AND thumbnail = 1 AND used_at > 0;
CREATE INDEX picture_here ON picture (used_at, len) WHERE here = 1;

-- The segments of SMS that the phone is sending, until all of them are settled. state: 0 handed over, 1 sent, 2 delivered.
CREATE TABLE segment (
  case_id BLOB NOT NULL,
  entry   TEXT NOT NULL,
  round   INTEGER NOT NULL,
  part    INTEGER NOT NULL,
  state   INTEGER NOT NULL,
  PRIMARY KEY (case_id, entry, round, part)
) STRICT, WITHOUT ROWID;

-- Bytes of photos that went over metered networks, by day since 1970 (UTC) and lane.
CREATE TABLE metered (
  day   INTEGER NOT NULL,
  lane  TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (day, lane)
) STRICT, WITHOUT ROWID;

CREATE TABLE scope (
  scope  TEXT PRIMARY KEY,
  cursor INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Reference rows: caches of what the server publishes.
CREATE TABLE reference (
  kind    TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  body    BLOB NOT NULL                   -- the policy's JSON; empty for kinds with a table of their own
) STRICT, WITHOUT ROWID;

-- The published versions of the rule pack: an act is judged by the one in force when it happened. body, sig: as the server
-- signed it.
CREATE TABLE pack (
  version       INTEGER PRIMARY KEY,
  valid_from_ms INTEGER NOT NULL,
  body          BLOB NOT NULL,
  sig           BLOB NOT NULL
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
  arrival_ms        INTEGER,
  hub               TEXT,
  entered_ms        INTEGER,
  children          TEXT NOT NULL,        -- child numbers, separated by spaces
  virtual_phone     BLOB NOT NULL,        -- empty: none
  virtual_until_ms  INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE outlet (
  code    TEXT PRIMARY KEY,
  name_zh TEXT NOT NULL,
  name_en TEXT NOT NULL,
  phone   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
