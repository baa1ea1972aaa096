-- Which links are to be looked at: a row of one of the two cases was written since.
ALTER TABLE linked ADD COLUMN due INTEGER NOT NULL DEFAULT 1;
CREATE INDEX linked_due ON linked (case_id) WHERE due = 1;

-- What is due from an outlet or a side, the most urgent first.
CREATE INDEX duty_by_outlet ON duty (outlet, at);
CREATE INDEX duty_by_side ON duty (side, at);
