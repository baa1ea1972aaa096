-- What a device has brought on the newest day on which it brought anything.
CREATE TABLE quota (
  device        BLOB PRIMARY KEY,
  day           INTEGER NOT NULL,              -- since 1970-01-01, by the network's clocks
  photo_bytes   INTEGER NOT NULL,
  changes       INTEGER NOT NULL,
  refused_bytes INTEGER NOT NULL,
  unlisted      INTEGER NOT NULL,              -- new cases whose waybill is in no list
  photos_from   INTEGER NOT NULL,              -- beyond the quota: when the next photo is taken
  records_from  INTEGER NOT NULL,              -- beyond a quota: when the next batch is taken
  lifts         INTEGER NOT NULL               -- how often head office has given the day's quotas once more
) STRICT, WITHOUT ROWID;
