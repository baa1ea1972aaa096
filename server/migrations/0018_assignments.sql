-- Who has a parcel is the newest by receipt of a list, a takeover and an assignment.
ALTER TABLE doc ADD COLUMN courier_ms INTEGER;    -- when the takeover or assignment came that names the courier; null: before this step
ALTER TABLE parcel ADD COLUMN courier_ms INTEGER; -- when a list moved the parcel to its courier; null: no list has moved it
