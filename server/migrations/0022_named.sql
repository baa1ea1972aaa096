-- Whether a registration that stands in the case names the other parcel. A link that neither case names is told to be off.
ALTER TABLE linked ADD COLUMN named INTEGER NOT NULL DEFAULT 1;
