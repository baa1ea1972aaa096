-- The fields of a parcel's row that people need at work and no rule does. Each may be absent.
ALTER TABLE parcel ADD COLUMN sender_name BLOB NOT NULL DEFAULT x'';    -- empty: none; so the other personal values here
ALTER TABLE parcel ADD COLUMN sender_phone BLOB NOT NULL DEFAULT x'';
ALTER TABLE parcel ADD COLUMN freight TEXT;                             -- who pays it
ALTER TABLE parcel ADD COLUMN freight_fen INTEGER;
ALTER TABLE parcel ADD COLUMN receipt_no TEXT;                          -- number of the receipt that goes back to the sender
ALTER TABLE parcel ADD COLUMN label_grams INTEGER;
ALTER TABLE parcel ADD COLUMN pieces INTEGER;
ALTER TABLE parcel ADD COLUMN goods BLOB NOT NULL DEFAULT x'';
ALTER TABLE parcel ADD COLUMN declared_fen INTEGER;
ALTER TABLE parcel ADD COLUMN list_day TEXT;                            -- the day of the list, an ISO date
ALTER TABLE parcel ADD COLUMN run TEXT;                                 -- the inbound run of that day
ALTER TABLE parcel ADD COLUMN expires_ms INTEGER;                       -- when the row ends at the latest
