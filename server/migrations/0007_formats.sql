-- Formats of rule packs and policies: a device is given what its version of the protocol reads.

ALTER TABLE pack ADD COLUMN format INTEGER NOT NULL DEFAULT 1;
ALTER TABLE reference ADD COLUMN format INTEGER NOT NULL DEFAULT 1;   -- of the policy in force

-- Policies that were replaced, newest last: for devices that can not read the one in force.
CREATE TABLE former_policy (
  n      INTEGER PRIMARY KEY,
  format INTEGER NOT NULL,
  body   BLOB NOT NULL
) STRICT;
