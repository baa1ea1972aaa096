-- Whether a registration that stands in the case names the other parcel. A link that neither case names is told to be off.
ALTER TABLE linked ADD COLUMN named INTEGER NOT NULL DEFAULT 1;
-- Who names whom follows from the cases' registrations, so they are projected again.
UPDATE doc SET projected_n = 0 WHERE case_id IN (SELECT case_id FROM linked);
