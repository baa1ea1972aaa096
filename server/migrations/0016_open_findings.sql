-- A rule may name neither share nor amount: the finding asks head office to look, and its share is 0 only until head office decides.
ALTER TABLE finding ADD COLUMN open INTEGER NOT NULL DEFAULT 0;
-- Findings from before are judged once more.
UPDATE doc SET projected_n = 0;
