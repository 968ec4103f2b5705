-- Repositories with records in them.

-- The nodes of the Merkle search tree are written every so many commits: those that stand here make
-- the tree whose root is nodes_root, as it was after the event nodes_seq. Later commits are replayed
-- from the event log. No root: the tree was empty then.
ALTER TABLE repo ADD COLUMN nodes_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE repo ADD COLUMN nodes_root BLOB;
ALTER TABLE repo ADD COLUMN record_count INTEGER NOT NULL DEFAULT 0;

-- A node is found by its place: its layer, and the greatest key before its range. stamp is the
-- number of the revision that made it, or moved it here.
CREATE TABLE repo_node (
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    layer      INTEGER NOT NULL,
    left_key   TEXT NOT NULL,
    stamp      INTEGER NOT NULL,
    node       BLOB NOT NULL,
    PRIMARY KEY (account_id, layer, left_key)
) STRICT, WITHOUT ROWID;

-- Records, in the order of the tree. The key is "collection/rkey", the CID its digest, rev the
-- number of the TID of the commit that wrote the record. Clustered, so that a whole repository or a
-- page of a collection is read in one sweep (docs/decisions/0014).
CREATE TABLE record (
    account_id   INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    key          TEXT NOT NULL,
    cid          BLOB NOT NULL,
    rev          INTEGER NOT NULL,
    takedown_ref TEXT,
    value        BLOB NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

-- Which account has records in which collection.
CREATE TABLE repo_collection (
    collection TEXT NOT NULL,
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    PRIMARY KEY (collection, account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX repo_collection_account ON repo_collection (account_id);

-- What a like, repost, follow or block points at, so that a second one of the same subject replaces
-- the first. The hash is of collection and subject; who finds a row compares the record itself.
CREATE TABLE record_subject (
    account_id   INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    subject_hash INTEGER NOT NULL,
    key          TEXT NOT NULL,
    PRIMARY KEY (account_id, subject_hash, key)
) STRICT, WITHOUT ROWID;
