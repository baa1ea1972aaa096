-- The server's own signed log: what it answered and what it wrote itself can be held against it.

-- One chain over all that was taken and written: body is a link::Entry in CBOR, prev the hash of the link before, sig by the server's
-- key of then, over number, prev, at and body. key: the first bytes of the SHA-256 of that key.
CREATE TABLE link (
  number INTEGER PRIMARY KEY,
  prev   BLOB NOT NULL,
  at     INTEGER NOT NULL,
  key    BLOB NOT NULL,
  body   BLOB NOT NULL,
  sig    BLOB NOT NULL
) STRICT;

ALTER TABLE envelope ADD COLUMN link INTEGER;   -- under which its verdicts are vouched for; null: from before there were links
ALTER TABLE change ADD COLUMN link INTEGER;     -- under which the server vouches for what it wrote itself; null: a device's, or from before

-- What looking over the log has found: alarms.
CREATE TABLE log_fault (
  fault    TEXT PRIMARY KEY,               -- JSON: what, and in which case, change, batch or link
  found_at INTEGER NOT NULL,               -- first
  last_at  INTEGER NOT NULL                -- as of the newest look that found it
) STRICT, WITHOUT ROWID;
