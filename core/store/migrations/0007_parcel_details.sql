-- The fields of a parcel's row that people need at work and no rule does. Each may be absent. The table is made anew, because a
-- column that is added later changes the text by which a damaged schema is told.
ALTER TABLE parcel RENAME TO parcel_1;

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
  expires_ms        INTEGER               -- when the row ends at the latest
) STRICT, WITHOUT ROWID;

INSERT INTO parcel SELECT waybill, network, origin_outlet, delivering_outlet, courier, recipient_name, recipient_phone,
  recipient_address, cod_fen, arrival_ms, hub, entered_ms, children, virtual_phone, virtual_until_ms, x'', x'', NULL, NULL, NULL,
  NULL, NULL, x'', NULL, NULL, NULL, NULL FROM parcel_1;
DROP TABLE parcel_1;
