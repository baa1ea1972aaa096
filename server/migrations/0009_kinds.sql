-- Documents of other kinds than cases: of which kind a row is, and of a sheet its outlet and its day.

ALTER TABLE doc ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;     -- the number of the kind in digests: 0 a case, 1 a sheet
ALTER TABLE doc ADD COLUMN outlet TEXT NOT NULL DEFAULT '';     -- of a sheet: whose day it is
ALTER TABLE doc ADD COLUMN day TEXT NOT NULL DEFAULT '';        -- of a sheet: an ISO date
