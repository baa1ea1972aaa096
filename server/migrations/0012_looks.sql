-- What a stored photo looks like by head office's own measure of its bytes: eight perceptual hashes of 8 bytes, of the picture as it is,
-- turned, and mirrored.
CREATE TABLE looks (
  sha   BLOB PRIMARY KEY,
  looks BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Pairs of photos of one outlet that look alike, in both directions.
CREATE TABLE alike (
  sha      BLOB NOT NULL,
  other    BLOB NOT NULL,
  disguise INTEGER NOT NULL,                   -- 1: one is turned or mirrored, or another device has brought it
  PRIMARY KEY (sha, other)
) STRICT, WITHOUT ROWID;
CREATE INDEX alike_by_other ON alike (other);
