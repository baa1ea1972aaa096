-- A list row passes through phases: until when one holds, and those that follow.
ALTER TABLE turn RENAME TO phase;
ALTER TABLE case_row RENAME COLUMN turn_at TO phase_until;
