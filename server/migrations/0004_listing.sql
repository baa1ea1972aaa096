-- What head office's list said of parcels, and from when: devices are not believed about it.

-- Each version of a parcel's row that says something else than the one before, as facts say it: no number, no name, no address. It
-- outlives the row. n: from 1.
CREATE TABLE listing (
  waybill           TEXT NOT NULL,
  n                 INTEGER NOT NULL,
  since_ms          INTEGER NOT NULL,      -- when it was imported; it was in force until the next one was. Never goes back
  network           TEXT NOT NULL,
  origin_outlet     TEXT NOT NULL,
  delivering_outlet TEXT NOT NULL,
  cod_fen           INTEGER NOT NULL,
  mobile            BLOB,                  -- marks of numbers, bound to the case
  virtual_mobile    BLOB,
  arrival_ms        INTEGER,
  entered_ms        INTEGER,
  reference         INTEGER NOT NULL,      -- version of the rows that it came with
  PRIMARY KEY (waybill, n)
) STRICT, WITHOUT ROWID;

-- Which of them the server has written into the parcel's case.
CREATE TABLE listed (
  case_id BLOB NOT NULL,
  n       INTEGER NOT NULL,
  PRIMARY KEY (case_id, n)
) STRICT, WITHOUT ROWID;

ALTER TABLE doc ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 0;  -- 1: a device's copy in it is a row's of this list
