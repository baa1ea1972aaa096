-- Version 3 of the protocol: the gap between two contacts in which an act happened, and what it takes to know it.

ALTER TABLE change ADD COLUMN from_ms INTEGER;                      -- the act did not happen before; null: nobody knows
ALTER TABLE change ADD COLUMN until_ms INTEGER;                     -- nor after
ALTER TABLE change ADD COLUMN unproven INTEGER NOT NULL DEFAULT 0;  -- acts of the person that nothing proved, in the 30 days before
ALTER TABLE change ADD COLUMN person TEXT NOT NULL DEFAULT '';      -- who wrote it
ALTER TABLE change ADD COLUMN boot BLOB NOT NULL DEFAULT x'';       -- the boot that mono_ms counts from
CREATE INDEX change_unproven ON change (person, received_at) WHERE unproven > 0;

ALTER TABLE quarantine ADD COLUMN from_ms INTEGER;
ALTER TABLE quarantine ADD COLUMN until_ms INTEGER;
ALTER TABLE quarantine ADD COLUMN unproven INTEGER NOT NULL DEFAULT 0;

-- Acts that were accepted before stay judged as they were: 8 anchored, 256 facts equal. Their gap is the interval of then, because
-- version 2 proved that however long an act had waited. Devices do the same with theirs.
UPDATE change SET
  from_ms = iif(acted_at IS NULL OR marks & 2, NULL, acted_at - slack_ms),
  until_ms = iif(acted_at IS NULL OR marks & 2, NULL, min(received_at, acted_at + slack_ms)),
  marks = (marks & 7) | iif(acted_at IS NULL OR marks & 2, 0, 8) | 256;
UPDATE quarantine SET
  from_ms = iif(acted_at IS NULL OR marks & 2, NULL, acted_at - slack_ms),
  until_ms = iif(acted_at IS NULL OR marks & 2, NULL, min(received_at, acted_at + slack_ms)),
  marks = (marks & 7) | iif(acted_at IS NULL OR marks & 2, 0, 8) | 256;

-- When a device was in contact, by boot and hour: what its entries may lean on. offset: server time minus monotonic time, which is the
-- same for all contacts of a boot, but for drift.
CREATE TABLE contact (
  device     BLOB NOT NULL,
  boot       BLOB NOT NULL,
  hour       INTEGER NOT NULL,
  first_ms   INTEGER NOT NULL,
  last_ms    INTEGER NOT NULL,
  min_offset INTEGER NOT NULL,
  max_offset INTEGER NOT NULL,
  bound_ms   INTEGER,                      -- the newest that could have brought what the device had recorded; null: none
  PRIMARY KEY (device, boot, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX contact_by_time ON contact (device, last_ms);

-- Requests that gave their device no time, one of each five minutes at most: those of the last minutes, and one before them.
CREATE TABLE passing (
  device BLOB NOT NULL,
  at     INTEGER NOT NULL,
  PRIMARY KEY (device, at)
) STRICT, WITHOUT ROWID;

-- Since when nothing that a device recorded before can be unsent: the receipt of a sending that left nothing behind and that a later
-- signed batch names. floor_ms never goes back, unless the server's clock was ahead and it has not come yet.
ALTER TABLE device ADD COLUMN floor_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN proto TEXT NOT NULL DEFAULT '';       -- the version of the protocol that it spoke last

-- How a batch came: its sending as it was signed (version 3), and whether it said that nothing else was unsent.
ALTER TABLE envelope ADD COLUMN version INTEGER NOT NULL DEFAULT 2;
ALTER TABLE envelope ADD COLUMN sending BLOB NOT NULL DEFAULT x'';
ALTER TABLE envelope ADD COLUMN complete INTEGER NOT NULL DEFAULT 0;
CREATE INDEX envelope_received ON envelope (device, received_at) WHERE complete = 1;

-- The number of the newest answer of this log.
CREATE TABLE answers (
  counter INTEGER NOT NULL
) STRICT;
INSERT INTO answers (counter) VALUES (0);

-- The days that are not as their weekday says, beside the packs' own.
CREATE TABLE calendar_day (
  day   INTEGER PRIMARY KEY,               -- since 1970-01-01
  works INTEGER NOT NULL,
  name  TEXT NOT NULL
) STRICT;
INSERT INTO reference (kind, version, body) VALUES ('people', 1, x''), ('calendar', 0, x'');

-- What a sending left behind, by the hash of a chain: the acts keep that sending's gap, however they come later.
CREATE TABLE left_behind (
  device   BLOB NOT NULL,
  chain    BLOB NOT NULL,
  from_ms  INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  contact_ms INTEGER,                      -- the newest contact before the sending that named it
  PRIMARY KEY (device, chain)
) STRICT, WITHOUT ROWID;

-- Changes that came and were not taken: they keep the gap of their first sending. bytes: what they say, because only what says the same
-- has their gap when it is written anew.
CREATE TABLE offered (
  device   BLOB NOT NULL,
  case_id  BLOB NOT NULL,
  hash     BLOB NOT NULL,
  original BLOB,                           -- what it names as the change that it is written anew for
  from_ms  INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  marks    INTEGER NOT NULL,               -- 32 passed over, 64 disordered, as a receipt's
  bytes    BLOB NOT NULL,
  PRIMARY KEY (device, case_id, hash)
) STRICT;
CREATE INDEX offered_by_original ON offered (device, case_id, original) WHERE original IS NOT NULL;
CREATE INDEX offered_by_time ON offered (device, until_ms);
