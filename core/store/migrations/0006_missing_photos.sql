-- Photos whose file was not there when it was looked for. They wait; the file may come back, for example with a card.
CREATE TABLE missing_photo (
  sha   BLOB PRIMARY KEY,
  since INTEGER NOT NULL                  -- when it was first not there, by the best estimate at that time
) STRICT, WITHOUT ROWID;
