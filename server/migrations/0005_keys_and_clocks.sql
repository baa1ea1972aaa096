-- Rows that follow time backwards, and the server's keys when they are replaced.

-- Since when what the row says holds: with a clock that is set back it is judged anew. Rows of before may be ahead of time already.
ALTER TABLE case_row ADD COLUMN turn_from INTEGER NOT NULL DEFAULT 9223372036854775807;
CREATE INDEX case_by_turn_from ON case_row (turn_from);

-- Signing keys that were replaced, each with its own word on the key that followed: body is a Succession, sig is by the replaced key.
-- The newest key is in meta. A replaced one signs for the devices that do not know its successor yet.
CREATE TABLE replaced_key (
  public      BLOB PRIMARY KEY,
  pkcs8       BLOB NOT NULL,
  body        BLOB NOT NULL,
  sig         BLOB NOT NULL,
  replaced_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
ALTER TABLE device ADD COLUMN pins BLOB;        -- the replaced key that the device still takes for the server's; null: the newest
CREATE INDEX device_by_pinned ON device (pins) WHERE pins IS NOT NULL;
