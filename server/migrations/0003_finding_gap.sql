-- The ledger of findings shows between which contacts with head office the acts of a finding lie.
ALTER TABLE finding ADD COLUMN gap_from INTEGER;                    -- NULL: nothing says
ALTER TABLE finding ADD COLUMN gap_until INTEGER;                   -- NULL: the server has none of its acts
ALTER TABLE finding ADD COLUMN proven INTEGER NOT NULL DEFAULT 0;   -- whether clocks prove more than that
-- Findings from before are judged once more.
UPDATE doc SET projected_n = 0;
