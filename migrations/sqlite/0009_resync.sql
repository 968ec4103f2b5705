-- After the database was put back from an older copy, consumers are told where each repository
-- stands: one row, while that goes on, with the last account that is done (see
-- pds/repos/restore_watch.h).
CREATE TABLE resync (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    after_account INTEGER NOT NULL
) STRICT;
