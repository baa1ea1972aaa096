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
  outlet TEXT NOT NULL REFERENCES outlet (code),
  left_at INTEGER                          -- has left: reads nothing; what they recorded goes into quarantine
) STRICT, WITHOUT ROWID;

-- One-time codes: four characters to find it, the rest as a hash. Wrong guesses count here, for everybody together.
CREATE TABLE code (
  id          TEXT PRIMARY KEY,
  hash        BLOB NOT NULL,
  person      TEXT NOT NULL REFERENCES person (id),
  expires_at  INTEGER NOT NULL,
  wrong       INTEGER NOT NULL DEFAULT 0,
  redeemed_by BLOB,                        -- the device; null: nobody yet
  nonce       BLOB                         -- the last one that was signed for it: a request is good once
) STRICT, WITHOUT ROWID;

-- Refusals at the door, counted by their code.
CREATE TABLE refusal (
  code  TEXT PRIMARY KEY,
  times INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE device (
  id          BLOB PRIMARY KEY,            -- hash of the public key
  public_key  BLOB NOT NULL,
  last_nonce  BLOB NOT NULL DEFAULT x'',   -- signed for its newest session: each is good once
  enrolled_at INTEGER NOT NULL,
  revoked_at  INTEGER,
  revoked_why TEXT,
  wipe_at     INTEGER,                     -- head office has ordered it to destroy its keys and all that it keeps
  seen_at     INTEGER NOT NULL,
  beacon      BLOB                         -- what it said is still on it, CBOR
) STRICT, WITHOUT ROWID;

CREATE TABLE install (
  install    BLOB PRIMARY KEY,
  device     BLOB NOT NULL REFERENCES device (id),
  tag        TEXT NOT NULL UNIQUE,         -- 40 bits: an install whose tag is known is refused
  first_seen INTEGER NOT NULL,
  forked_at  INTEGER                       -- two stores have written under it: nothing is left out of its feeds any more
) STRICT, WITHOUT ROWID;
CREATE INDEX install_by_device ON install (device);

-- The people of a device, with the role and the outlet they were enrolled with: what their entries may say.
CREATE TABLE member (
  device BLOB NOT NULL REFERENCES device (id),
  person TEXT NOT NULL REFERENCES person (id),
  role   TEXT NOT NULL,
  outlet TEXT NOT NULL,
  PRIMARY KEY (device, person, role, outlet)
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
  hash       BLOB PRIMARY KEY,
  device     BLOB NOT NULL REFERENCES device (id),
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX token_by_device ON token (device);

-- Server times that were given to a device, as one interval for each hour: what its entries may lean on.
CREATE TABLE anchor (
  device   BLOB NOT NULL,
  hour     INTEGER NOT NULL,
  first_ms INTEGER NOT NULL,
  last_ms  INTEGER NOT NULL,
  PRIMARY KEY (device, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE reference (
  kind    TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  body    BLOB NOT NULL                    -- the policy's JSON; empty for kinds with a table of their own
) STRICT, WITHOUT ROWID;

-- The published versions of the rule pack, kept for good: an act is judged by the one in force when it happened. body, sig: the
-- publication as it is signed and handed to devices.
CREATE TABLE pack (
  version       INTEGER PRIMARY KEY,
  published_ms  INTEGER NOT NULL,          -- 0: it came with the server
  valid_from_ms INTEGER NOT NULL,
  toml          BLOB NOT NULL,
  body          BLOB NOT NULL,
  sig           BLOB NOT NULL
) STRICT;

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
  arrival_ms        INTEGER,
  hub               TEXT REFERENCES outlet (code),
  entered_ms        INTEGER NOT NULL,      -- when its data were first in the system (SLA-11)
  children          TEXT NOT NULL,         -- child numbers of a shipment, separated by spaces
  virtual_phone     BLOB NOT NULL,         -- a virtual number that reaches the recipient; empty: none
  virtual_until_ms  INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX parcel_by_outlet ON parcel (delivering_outlet);
CREATE INDEX parcel_by_courier ON parcel (courier);

-- Whose list a parcel was ever on: what was recorded at the door before the list changed is as good as before.
CREATE TABLE assigned (
  waybill TEXT NOT NULL,
  courier TEXT NOT NULL,
  PRIMARY KEY (waybill, courier)
) STRICT, WITHOUT ROWID;

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
  pushed_by   BLOB NOT NULL,               -- the installation whose chain the batch is in
  batch       INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  acted_at    INTEGER,
  slack_ms    INTEGER NOT NULL,
  marks       INTEGER NOT NULL,            -- bits of a receipt: see Receipt::marks
  bytes       BLOB NOT NULL,
  PRIMARY KEY (case_id, n)
) STRICT, WITHOUT ROWID;

-- What was refused: kept, with the rule, for a person to judge. Never deleted.
CREATE TABLE quarantine (
  case_id        BLOB NOT NULL,
  hash           BLOB NOT NULL,
  reason         TEXT NOT NULL,
  rule           TEXT,                     -- the policy's rule
  policy_version INTEGER NOT NULL,
  device         BLOB NOT NULL,
  pushed_by      BLOB NOT NULL,
  batch          INTEGER NOT NULL,
  person         TEXT NOT NULL,            -- who was signed in when it was sent
  received_at    INTEGER NOT NULL,
  acted_at       INTEGER,
  slack_ms       INTEGER NOT NULL,
  marks          INTEGER NOT NULL,
  bytes          BLOB NOT NULL,
  state          TEXT NOT NULL DEFAULT 'open',  -- open, released, discarded
  decided_at     INTEGER,
  decided_by     TEXT,
  why            TEXT,
  PRIMARY KEY (case_id, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX quarantine_open ON quarantine (received_at) WHERE state = 'open';
CREATE INDEX quarantine_by_device ON quarantine (device) WHERE state = 'open';

CREATE TABLE doc (
  case_id      BLOB PRIMARY KEY,
  waybill      TEXT NOT NULL,
  n            INTEGER NOT NULL,
  heads        BLOB NOT NULL,
  max_op       INTEGER NOT NULL,
  bytes        INTEGER NOT NULL,
  notified     INTEGER NOT NULL,           -- 1: a notice or a phone notice is in the case
  notice_to    TEXT,                       -- target of the newest notice, for a waybill that no parcel row knows
  closed       INTEGER NOT NULL,           -- 1: ended; it leaves the courier's phone
  offered_to   TEXT,                       -- courier to whom it is being handed over
  offer        TEXT,                       -- key of that handover entry
  courier      TEXT,                       -- courier who took it over; null: whose list it is on
  first_outlet TEXT NOT NULL,              -- and for which outlet
  first_person TEXT NOT NULL,              -- who recorded first: the scope of a waybill that no parcel row knows
  projected_n  INTEGER NOT NULL,
  frozen       TEXT                        -- why it can not be projected; its changes are safe in the log
) STRICT, WITHOUT ROWID;
CREATE INDEX doc_to_project ON doc (case_id) WHERE projected_n < n AND frozen IS NULL;
CREATE INDEX doc_by_waybill ON doc (waybill);
CREATE INDEX doc_by_courier ON doc (courier) WHERE courier IS NOT NULL;
CREATE INDEX doc_by_offer ON doc (offered_to) WHERE offered_to IS NOT NULL;

-- Feeds: one counter row for each scope, locked in the writing transaction, so commit order is sequence order.
CREATE TABLE scope (
  scope TEXT PRIMARY KEY,
  head  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE doc_scope (
  case_id BLOB NOT NULL,
  scope   TEXT NOT NULL,
  has     INTEGER NOT NULL,                -- 1: the case is in the scope; 0: it was, and has left it
  PRIMARY KEY (case_id, scope)
) STRICT, WITHOUT ROWID;

CREATE TABLE feed (
  scope   TEXT NOT NULL,
  seq     INTEGER NOT NULL,
  case_id BLOB NOT NULL,
  from_n  INTEGER NOT NULL,                -- 0: the case has left the scope
  to_n    INTEGER NOT NULL,
  whole   INTEGER NOT NULL,                -- 1: it came back: nobody's own changes are left out
  PRIMARY KEY (scope, seq)
) STRICT, WITHOUT ROWID;

-- Signed batches as they came, with the verdicts, which are replayed when their answer was lost. Two with one number are a
-- fork: both are kept.
CREATE TABLE envelope (
  install     BLOB NOT NULL,
  number      INTEGER NOT NULL,
  hash        BLOB NOT NULL,               -- of the body
  prev        BLOB NOT NULL,
  device      BLOB NOT NULL,
  person      TEXT NOT NULL,
  wall_ms     INTEGER NOT NULL,            -- the device's clocks when it was sent first
  mono_ms     INTEGER NOT NULL,
  boot        BLOB NOT NULL,
  sig         BLOB NOT NULL,
  received_at INTEGER NOT NULL,
  body        BLOB NOT NULL,               -- zstd
  ack         BLOB NOT NULL,
  forks       INTEGER NOT NULL,            -- 1: it broke the chain
  PRIMARY KEY (install, number, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX envelope_by_device ON envelope (device, received_at);
-- Which numbers are there, without reading bodies: asked with every sync.
CREATE INDEX envelope_numbers ON envelope (install, number);

-- Batches that never arrived and whose content came again, under other numbers.
CREATE TABLE sent_again (
  install BLOB NOT NULL,
  number  INTEGER NOT NULL,
  PRIMARY KEY (install, number)
) STRICT, WITHOUT ROWID;

-- Alarms: one installation, two stores (a clone, or a restored backup).
CREATE TABLE fork (
  id       INTEGER PRIMARY KEY,
  install  BLOB NOT NULL,
  device   BLOB NOT NULL,
  number   INTEGER NOT NULL,
  what     TEXT NOT NULL,                  -- same_number, other_predecessor, behind
  at       INTEGER NOT NULL,
  seen_at  INTEGER                         -- head office has looked at it
) STRICT;

-- A photo, or its thumbnail, named by an accepted entry: its bytes are expected.
CREATE TABLE photo (
  sha         BLOB NOT NULL,
  case_id     BLOB NOT NULL,
  len         INTEGER NOT NULL,
  device      BLOB NOT NULL,               -- that has it
  of_sha      BLOB,                        -- the photo whose thumbnail it is; null: a photo
  expected_at INTEGER NOT NULL,            -- since when
  due_at      INTEGER NOT NULL,
  look        INTEGER,                     -- perceptual hash
  asked_at    INTEGER,                     -- it was stored and is not there any more: its device is asked for it again
  lost_at     INTEGER,                     -- its device can not deliver it
  altered     INTEGER NOT NULL DEFAULT 0,  -- 1: because its file holds other bytes
  PRIMARY KEY (sha, case_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX photo_by_case ON photo (case_id);
CREATE INDEX photo_of ON photo (of_sha) WHERE of_sha IS NOT NULL;
CREATE INDEX photo_by_device ON photo (device, expected_at);
CREATE INDEX photo_asked ON photo (device) WHERE asked_at IS NOT NULL;

-- Photos whose bytes are in storage, verified. An erased one keeps its hash.
CREATE TABLE stored (
  sha        BLOB PRIMARY KEY,
  len        INTEGER NOT NULL,
  mime       TEXT NOT NULL,
  stored_at  INTEGER NOT NULL,
  device     BLOB,                        -- that brought them; null: erased before they came
  erased_at  INTEGER,
  erased_by  TEXT,
  erased_why TEXT
) STRICT, WITHOUT ROWID;

-- Photos that have arrived in part. fence: goes up with every request that goes on; an older one can not move the offset.
CREATE TABLE upload (
  sha        BLOB NOT NULL,
  device     BLOB NOT NULL,
  received   INTEGER NOT NULL,             -- the offset: bytes that are durable here
  fence      INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (sha, device)
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_by_device ON upload (device, received);

-- Their bytes, as objects in storage.
CREATE TABLE piece (
  sha    BLOB NOT NULL,
  device BLOB NOT NULL,
  at     INTEGER NOT NULL,
  name   TEXT NOT NULL,
  PRIMARY KEY (sha, device, at)
) STRICT, WITHOUT ROWID;

-- SMS as they are sent, or not: a row for each entry that asks for one. What became of it is in the case; this is the outbox.
CREATE TABLE message (
  case_id   BLOB NOT NULL,
  entry     TEXT NOT NULL,                 -- key of the SMS
  recipient BLOB NOT NULL,                 -- keyed hash of the number, the same in every case
  device    BLOB NOT NULL,                 -- that recorded it
  own       INTEGER NOT NULL,              -- 1: it recorded the attempt too, and needs no lease
  state     TEXT NOT NULL,                 -- as of an SMS report
  round     INTEGER NOT NULL,
  holder    TEXT,                          -- the installation that has or had the lease; null: the gateway, or nobody
  fence     INTEGER NOT NULL,              -- goes up with every claim: what an older one brings is not this row's any more
  told      INTEGER NOT NULL,              -- 1: that it is being submitted as this round is in the case
  resent    INTEGER NOT NULL,              -- 1: the one more try that its template allows is used up
  offered_at INTEGER NOT NULL,             -- since when it is the gateway's to send
  due_at    INTEGER NOT NULL,              -- not before
  until_at  INTEGER NOT NULL,              -- of a lease: its end
  extension TEXT NOT NULL,                 -- digits behind the service number, so that an answer names its message
  sent_at   INTEGER,
  PRIMARY KEY (case_id, entry)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_due ON message (due_at) WHERE state = 'offered';
CREATE INDEX message_open ON message (state) WHERE state IN ('leased', 'submitting', 'uncertain');
CREATE INDEX message_leased ON message (until_at) WHERE state IN ('leased', 'submitting') AND holder IS NOT NULL;
CREATE INDEX message_by_recipient ON message (recipient, sent_at);
CREATE INDEX message_by_device ON message (device, sent_at);

-- The gateway's segments by the provider's ids, in each normal form of them.
CREATE TABLE segment (
  form    TEXT NOT NULL,
  rank    INTEGER NOT NULL,                -- the first form is the id as it was given
  case_id BLOB NOT NULL,
  entry   TEXT NOT NULL,
  round   INTEGER NOT NULL,
  part    INTEGER NOT NULL,
  status  TEXT NOT NULL,                   -- of its receipt; empty: none yet
  at      INTEGER NOT NULL,                -- when it was taken
  PRIMARY KEY (form, case_id, entry, round, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX segment_by_message ON segment (case_id, entry, round);

-- Receipts that name no message known yet: a receipt may come before the answer to its submission. Kept for good.
CREATE TABLE receipt (
  id          INTEGER PRIMARY KEY,
  provider_id TEXT NOT NULL,
  status      TEXT NOT NULL,
  code        TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  matched_at  INTEGER
) STRICT;
CREATE INDEX receipt_open ON receipt (received_at) WHERE matched_at IS NULL;
CREATE INDEX receipt_by_id ON receipt (provider_id);

-- What customers answered. case_id: where it landed; null: nobody could tell, a person must.
CREATE TABLE inbound (
  id          INTEGER PRIMARY KEY,
  mark        BLOB NOT NULL,               -- hash of who, to which number, and what: the same again soon is the same
  recipient   BLOB NOT NULL,
  number      BLOB NOT NULL,
  service     TEXT NOT NULL,
  words       BLOB NOT NULL,
  received_at INTEGER NOT NULL,
  case_id     BLOB,
  entry       TEXT,
  why         TEXT NOT NULL                -- how it was matched, or why not
) STRICT;
CREATE INDEX inbound_by_mark ON inbound (mark);
CREATE INDEX inbound_open ON inbound (received_at) WHERE case_id IS NULL;

-- Who wants no more messages.
CREATE TABLE opt_out (
  recipient BLOB PRIMARY KEY,
  at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

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
  turns      TEXT NOT NULL,                -- JSON: how the row changes by itself, by deadlines that pass and versions that take effect
  updated_at INTEGER NOT NULL,
  closed     INTEGER NOT NULL,
  due_at     INTEGER NOT NULL,             -- 9223372036854775807: nothing is running
  turn_at    INTEGER                       -- when the row changes by itself; NULL: never
) STRICT, WITHOUT ROWID;
CREATE INDEX case_by_due ON case_row (closed, due_at);
CREATE INDEX case_by_turn ON case_row (turn_at) WHERE turn_at IS NOT NULL;

-- The ledger of findings: who answers for what, as far as the records say. Part of the same projection.
CREATE TABLE finding (
  case_id  BLOB NOT NULL,
  id       TEXT NOT NULL,                  -- the rule and the entry that it is held against
  rule     TEXT NOT NULL,
  outlet   TEXT NOT NULL,                  -- empty: not known
  share    INTEGER NOT NULL,               -- percent
  amount   INTEGER,                        -- fen
  state    TEXT NOT NULL,
  review   INTEGER NOT NULL,
  started  INTEGER NOT NULL,               -- when the entry was
  PRIMARY KEY (case_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX finding_by_outlet ON finding (outlet, started);
