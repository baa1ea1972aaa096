-- A receipt that matches no message, or that can not be read, is kept as it came, so that a person can read it.
-- status 'unread' and an empty provider_id: nobody could read it.
ALTER TABLE receipt ADD COLUMN other_id TEXT NOT NULL DEFAULT '';  -- another id that it names
ALTER TABLE receipt ADD COLUMN kind TEXT NOT NULL DEFAULT '';      -- what the bytes are: deliver_sm, data_sm, http
ALTER TABLE receipt ADD COLUMN bytes BLOB;                         -- null: of before this column
ALTER TABLE receipt ADD COLUMN why TEXT NOT NULL DEFAULT '';       -- why it can not be read
ALTER TABLE receipt ADD COLUMN part INTEGER NOT NULL DEFAULT 0;    -- which part it is about, from 1; 0: the whole message
ALTER TABLE receipt ADD COLUMN parts INTEGER NOT NULL DEFAULT 0;   -- of how many
ALTER TABLE receipt ADD COLUMN by_text INTEGER NOT NULL DEFAULT 0; -- 1: only its text says that it is a receipt

-- How many parts of the message an id stands for: some providers give one id for a message of several parts.
ALTER TABLE segment ADD COLUMN parts INTEGER NOT NULL DEFAULT 1;

-- What a customer sent, as it came, because its text may not be readable as a whole.
ALTER TABLE inbound ADD COLUMN coding INTEGER;                     -- SMPP's data coding of the first segment
ALTER TABLE inbound ADD COLUMN bytes BLOB;                         -- null: of before this column
