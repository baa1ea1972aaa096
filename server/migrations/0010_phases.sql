-- A list row passes through phases: from when one holds, until when, and those that follow.
ALTER TABLE case_row RENAME COLUMN turns TO phases;
ALTER TABLE case_row RENAME COLUMN turn_at TO phase_until;
ALTER TABLE case_row RENAME COLUMN turn_from TO phase_from;
