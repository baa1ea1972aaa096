-- Who has a parcel is decided by the newest of a list, a takeover and an assignment, so a row says when a list moved it. The table is
-- made anew, because a column that is added later changes the text by which a damaged schema is told.
ALTER TABLE parcel RENAME TO parcel_2;

CREATE TABLE parcel (
  waybill           TEXT PRIMARY KEY,
  network           TEXT NOT NULL,
  origin_outlet     TEXT NOT NULL,
  delivering_outlet TEXT NOT NULL,
  courier           TEXT,
  recipient_name    BLOB NOT NULL,
  recipient_phone   BLOB NOT NULL,        -- empty: the label has none; so the other optional personal values here
  recipient_address BLOB NOT NULL,
  cod_fen           INTEGER NOT NULL,
  arrival_ms        INTEGER,
  hub               TEXT,
  entered_ms        INTEGER,
  children          TEXT NOT NULL,        -- child numbers, separated by spaces
  virtual_phone     BLOB NOT NULL,
  virtual_until_ms  INTEGER,
  sender_name       BLOB NOT NULL,
  sender_phone      BLOB NOT NULL,
  freight           TEXT,                 -- who pays it
  freight_fen       INTEGER,
  receipt_no        TEXT,                 -- number of the receipt that goes back to the sender
  label_grams       INTEGER,
  pieces            INTEGER,
  goods             BLOB NOT NULL,
  declared_fen      INTEGER,
  list_day          TEXT,                 -- the day of the list, an ISO date
  run               TEXT,                 -- the inbound run of that day
  expires_ms        INTEGER,              -- when the row ends at the latest
  courier_ms        INTEGER               -- when a list moved the parcel to its courier; NULL: no list has moved it
) STRICT, WITHOUT ROWID;

INSERT INTO parcel SELECT *, NULL FROM parcel_2;
DROP TABLE parcel_2;

-- To whom a case is assigned, and for when, as the list shows it. Cases are judged anew, once, to fill it.
CREATE TABLE assignment (
  case_id    BLOB PRIMARY KEY,
  person     TEXT NOT NULL,
  planned_at INTEGER                      -- NULL: no time was named
) STRICT, WITHOUT ROWID;

INSERT OR IGNORE INTO stale (case_id) SELECT case_id FROM case_row;
