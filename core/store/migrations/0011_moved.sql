-- What a sync looks for among many rows. Each index covers the few rows that are found by it, so that recording writes none of them.

-- Changes that are in a batch, or that the server refused.
CREATE INDEX outbox_moved ON outbox (state) WHERE state > 0;
-- Changes that came and could not be taken.
CREATE INDEX change_parked ON change (case_id, hash) WHERE parked IS NOT NULL;
-- Links that the open batch brings.
CREATE INDEX named_brought ON named (batch) WHERE batch IS NOT NULL;
