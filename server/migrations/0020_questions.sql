-- Outlets and hubs that are asked something about a parcel, or to which it was sent on. They read its case.
CREATE TABLE asked (
  case_id  BLOB NOT NULL,
  entry    TEXT NOT NULL,    -- key of the question, or of the action that sent the parcel on
  outlet   TEXT NOT NULL,    -- who is asked
  forwards INTEGER NOT NULL, -- 1: the parcel was sent on to the outlet
  by_user   TEXT NOT NULL,   -- who asks
  by_outlet TEXT NOT NULL,   -- for which outlet
  unlisted INTEGER NOT NULL, -- 1: the waybill was in no list; such a question gives no right to read once it is in one
  answerer TEXT,             -- who wrote that answer
  answer   TEXT,             -- key of the answer by which the parcel is at the outlet, which delivers it since
  former   TEXT,             -- the outlet that delivered it before that answer
  PRIMARY KEY (case_id, entry)
) STRICT, WITHOUT ROWID;

-- The other case of a swap, and what this case was told of it last.
CREATE TABLE linked (
  case_id BLOB NOT NULL,
  other   BLOB NOT NULL,     -- case id of the other parcel
  waybill TEXT NOT NULL,     -- the other parcel
  reason  TEXT NOT NULL,     -- '': no problem stands in the other case
  state   TEXT NOT NULL,     -- '': not told yet
  times   INTEGER NOT NULL DEFAULT 0, -- how often it was told
  PRIMARY KEY (case_id, other)
) STRICT, WITHOUT ROWID;
CREATE INDEX linked_by_other ON linked (other);

ALTER TABLE parcel ADD COLUMN listed_outlet TEXT; -- the delivering outlet of the list, while another one has the parcel by its answer
