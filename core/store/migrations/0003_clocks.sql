-- Lists that follow time backwards, and photos that no clock of the server's makes a device delete.

-- How long this device had been up, by its own monotonic clock over all boots, when it noticed that the server has a photo. A file goes
-- only a day of that later, whatever the server says of time.
CREATE TABLE stored_since (
  sha       BLOB PRIMARY KEY,
  uptime_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Rows may be ahead of time by a clock that was: they are judged anew, once.
INSERT OR IGNORE INTO stale (case_id) SELECT case_id FROM case_row;
