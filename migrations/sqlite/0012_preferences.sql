-- What applications keep for an account, and only it may read. The name is the "$type" of the value,
-- which is JSON; the place is their order. Replaced together, a namespace at a time.
CREATE TABLE preference (
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    place      INTEGER NOT NULL,
    name       TEXT NOT NULL,
    value      TEXT NOT NULL,
    PRIMARY KEY (account_id, place)
) STRICT, WITHOUT ROWID;
