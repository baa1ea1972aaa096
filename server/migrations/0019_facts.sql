-- The minutes in which the server answered a device, whatever it asked for: bit n of an hour is its minute n. A row of `contact` has
-- only the ends of its hour, and an outage is claimed for minutes between them.
CREATE TABLE answered (
  device  BLOB NOT NULL,
  hour    INTEGER NOT NULL,
  minutes INTEGER NOT NULL,
  PRIMARY KEY (device, hour)
) STRICT, WITHOUT ROWID;

-- How far off the position of an act may be, in metres, as camera or app said; null: nothing was said.
ALTER TABLE person_act ADD COLUMN accuracy_m INTEGER;

-- SMS that wait for nobody at head office, for their counts.
CREATE INDEX message_ended ON message (state) WHERE state NOT IN ('offered', 'leased', 'submitting', 'uncertain');
