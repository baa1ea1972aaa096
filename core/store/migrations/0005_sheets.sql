-- Sheets: documents of an outlet's day, beside the cases. Apart from case_row, so that no list of cases has to leave them out.

-- Whose day a document is. It is the only word of a document's kind here, and stays when the sheet has left this device: what is
-- recorded on its stub later goes on as a sheet.
CREATE TABLE sheet (
  case_id BLOB PRIMARY KEY,               -- the document's id
  network TEXT NOT NULL,
  outlet  TEXT NOT NULL,
  day     TEXT NOT NULL                   -- an ISO date
) STRICT, WITHOUT ROWID;

-- Where the next change of a sheet that is here goes on: as in case_row.
CREATE TABLE sheet_row (
  case_id BLOB PRIMARY KEY,
  heads   BLOB NOT NULL,
  max_op  INTEGER NOT NULL,
  own_seq INTEGER NOT NULL,
  changes INTEGER NOT NULL,
  bytes   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
