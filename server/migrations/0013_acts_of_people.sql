-- Attempts and places of people over their cases, for comparison with the acts that come later. Rows are kept for three days.
CREATE TABLE person_act (
  person      TEXT NOT NULL,
  acted_at    INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  case_id     BLOB NOT NULL,
  action      BLOB,                            -- the user action, if it touched several cases
  attempt     INTEGER NOT NULL,                -- 1: the change records an attempt
  lat_e7      INTEGER,                         -- the position of its photo, in ten-millionths of a degree
  lon_e7      INTEGER
) STRICT;
CREATE INDEX person_act_by_time ON person_act (person, acted_at);
CREATE INDEX person_act_by_place ON person_act (person, acted_at) WHERE lat_e7 IS NOT NULL;
CREATE INDEX person_act_by_receipt ON person_act (received_at);
