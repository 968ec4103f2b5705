-- The PLC directory that is embedded in dev mode: its log, an operation a row, in the order of
-- arrival. Empty in production.
CREATE TABLE plc_operation (
    id         INTEGER PRIMARY KEY,
    did        TEXT NOT NULL,
    cid        TEXT NOT NULL,
    operation  TEXT NOT NULL,
    nullified  INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX plc_operation_did ON plc_operation (did);
