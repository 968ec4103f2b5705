-- Blobs: media files that records refer to. Their bytes are in the store of files.

-- A blob of one account, found by the digest of its CID. `file` is its name in the store, which no
-- other upload shares. It is temporary, and goes again, until a record refers to it.
CREATE TABLE blob (
    id              INTEGER PRIMARY KEY,
    account_id      INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    digest          BLOB NOT NULL,
    mime_type       TEXT NOT NULL,
    size            INTEGER NOT NULL,
    file            TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    temporary_since INTEGER,
    takedown_ref    TEXT,
    UNIQUE (digest, account_id)
) STRICT;
CREATE INDEX blob_account ON blob (account_id);
CREATE INDEX blob_temporary ON blob (temporary_since) WHERE temporary_since IS NOT NULL;

-- What an account has stored, temporary blobs as well: what its quota is compared with.
CREATE TABLE blob_usage (
    account_id INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    blobs      INTEGER NOT NULL,
    bytes      INTEGER NOT NULL
) STRICT;

-- The blobs that a record refers to, present or not. rev is the number of the TID of the commit
-- that wrote the record.
CREATE TABLE record_blob (
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    key        TEXT NOT NULL,
    digest     BLOB NOT NULL,
    rev        INTEGER NOT NULL,
    PRIMARY KEY (account_id, key, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX record_blob_digest ON record_blob (account_id, digest);

-- Files that no row names any more, until they are removed.
CREATE TABLE blob_deletion (
    id     INTEGER PRIMARY KEY,
    file   TEXT NOT NULL,
    try_at INTEGER NOT NULL
) STRICT;
CREATE INDEX blob_deletion_due ON blob_deletion (try_at);

-- How far the check of all files has come: one row.
CREATE TABLE blob_scrub (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    last_id    INTEGER NOT NULL,
    started_at INTEGER NOT NULL
) STRICT;
INSERT INTO blob_scrub (id, last_id, started_at) VALUES (1, 0, 0);
