-- The fields of a parcel's row that people need at work and no rule does. Each may be absent.
ALTER TABLE parcel ADD COLUMN sender_name BLOB NOT NULL DEFAULT x'';    -- empty: none; so the other personal values here
ALTER TABLE parcel ADD COLUMN sender_phone BLOB NOT NULL DEFAULT x'';
ALTER TABLE parcel ADD COLUMN freight TEXT;                             -- who pays it
ALTER TABLE parcel ADD COLUMN freight_fen INTEGER;
ALTER TABLE parcel ADD COLUMN receipt_no TEXT;                          -- number of the receipt that goes back to the sender
ALTER TABLE parcel ADD COLUMN label_grams INTEGER;
ALTER TABLE parcel ADD COLUMN pieces INTEGER;
ALTER TABLE parcel ADD COLUMN goods BLOB NOT NULL DEFAULT x'';
ALTER TABLE parcel ADD COLUMN declared_fen INTEGER;
ALTER TABLE parcel ADD COLUMN list_day TEXT;                            -- the day of the list, an ISO date
ALTER TABLE parcel ADD COLUMN run TEXT;                                 -- the inbound run of that day
ALTER TABLE parcel ADD COLUMN expires_ms INTEGER;                       -- when the row ends at the latest
ALTER TABLE parcel ADD COLUMN written_ms INTEGER NOT NULL DEFAULT 0;    -- when a list named it last
ALTER TABLE parcel ADD COLUMN ended_ms INTEGER;                         -- it has ended: no scope has it, and its personal values are gone
CREATE INDEX parcel_by_day ON parcel (list_day);

-- Tokens by which the network's own system sends parcels. Only their hashes are stored.
CREATE TABLE service_token (
  name       TEXT PRIMARY KEY,
  hash       BLOB NOT NULL,
  made_ms    INTEGER NOT NULL,
  used_ms    INTEGER,
  revoked_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX service_token_by_hash ON service_token (hash);

-- Which scopes hold which parcels of the list, by which change of the list. The counter of changes is the version of the kind of rows.
CREATE TABLE parcel_scope (
  scope   TEXT NOT NULL,
  waybill TEXT NOT NULL,
  n       INTEGER NOT NULL,                -- the change that gave it the row as it is, or took it away
  has     INTEGER NOT NULL,                -- 1: the scope holds the parcel; 0: it has lost it
  PRIMARY KEY (scope, waybill)
) STRICT, WITHOUT ROWID;
CREATE INDEX parcel_scope_by_change ON parcel_scope (scope, n);
CREATE INDEX parcel_scope_by_parcel ON parcel_scope (waybill);
CREATE INDEX parcel_scope_lost ON parcel_scope (n) WHERE has = 0;
CREATE TABLE parcel_head (
  scope     TEXT PRIMARY KEY,
  n         INTEGER NOT NULL,              -- the last change of which its devices are told
  forgotten INTEGER NOT NULL               -- the last change by which it lost a parcel whose waybill is forgotten
) STRICT, WITHOUT ROWID;
-- The number of the last change at some times.
CREATE TABLE parcel_moment (
  at_ms INTEGER PRIMARY KEY,
  n     INTEGER NOT NULL
) STRICT;
ALTER TABLE device ADD COLUMN rows_from INTEGER NOT NULL DEFAULT 0;     -- the change after which it reads other scopes than before

-- The first version by scopes: every device fetches its rows once.
UPDATE reference SET version = version + 1 WHERE kind = 'parcels';
INSERT INTO parcel_scope (scope, waybill, n, has)
  SELECT held.scope, held.waybill, reference.version, 1 FROM (
    SELECT 'outlet/' || delivering_outlet AS scope, waybill FROM parcel
    UNION SELECT 'hub/' || hub, waybill FROM parcel WHERE hub IS NOT NULL
    UNION SELECT 'outlet/' || parcel.origin_outlet, parcel.waybill FROM parcel JOIN doc ON doc.waybill = parcel.waybill
      WHERE doc.notified = 1 AND doc.closed = 0
    UNION SELECT 'courier/' || parcel.courier, parcel.waybill FROM parcel WHERE parcel.courier IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM doc WHERE doc.waybill = parcel.waybill AND (doc.closed = 1 OR doc.courier <> parcel.courier))
    UNION SELECT 'courier/' || doc.courier, parcel.waybill FROM parcel JOIN doc ON doc.waybill = parcel.waybill
      WHERE doc.courier IS NOT NULL AND doc.closed = 0
    UNION SELECT 'courier/' || doc.offered_to, parcel.waybill FROM parcel JOIN doc ON doc.waybill = parcel.waybill
      WHERE doc.offered_to IS NOT NULL AND doc.closed = 0
  ) AS held, reference WHERE reference.kind = 'parcels';
INSERT INTO parcel_head (scope, n, forgotten) SELECT scope, n, n FROM parcel_scope GROUP BY scope;
UPDATE device SET rows_from = (SELECT version FROM reference WHERE kind = 'parcels');
-- When the lists so far named a parcel last is known as far as they said something new of it.
UPDATE parcel SET written_ms = coalesce((SELECT max(since_ms) FROM listing WHERE listing.waybill = parcel.waybill), entered_ms);
