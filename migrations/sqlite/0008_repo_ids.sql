-- Repositories have ids of their own, and what is stored of one is found by that id: an account can
-- be given another repository in one step, and rows that belong to nobody any more are removed
-- little by little (docs/decisions/0020).

ALTER TABLE repo RENAME TO old_repo;
ALTER TABLE repo_node RENAME TO old_repo_node;
ALTER TABLE record RENAME TO old_record;
ALTER TABLE repo_collection RENAME TO old_repo_collection;
ALTER TABLE record_subject RENAME TO old_record_subject;
ALTER TABLE record_blob RENAME TO old_record_blob;

-- Without an account it is one that is being imported (its head is that of the file), or one to be
-- removed: an import that failed, one that was replaced, or its account was deleted. Nobody sees
-- it. See 0004 for what the nodes stand for.
CREATE TABLE repo (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id   INTEGER UNIQUE REFERENCES account (id) ON DELETE SET NULL,
    rev          TEXT NOT NULL,
    commit_cid   BLOB NOT NULL,
    commit_block BLOB NOT NULL,
    nodes_seq    INTEGER NOT NULL,
    nodes_root   BLOB,
    record_count INTEGER NOT NULL
) STRICT;
INSERT INTO repo (id, account_id, rev, commit_cid, commit_block, nodes_seq, nodes_root, record_count)
    SELECT account_id, account_id, rev, commit_cid, commit_block, nodes_seq, nodes_root, record_count
    FROM old_repo ORDER BY account_id;
DROP TABLE old_repo;

CREATE TABLE repo_node (
    repo_id  INTEGER NOT NULL REFERENCES repo (id),
    layer    INTEGER NOT NULL,
    left_key TEXT NOT NULL,
    stamp    INTEGER NOT NULL,
    node     BLOB NOT NULL,
    PRIMARY KEY (repo_id, layer, left_key)
) STRICT, WITHOUT ROWID;
INSERT INTO repo_node (repo_id, layer, left_key, stamp, node)
    SELECT account_id, layer, left_key, stamp, node FROM old_repo_node
    ORDER BY account_id, layer, left_key;
DROP TABLE old_repo_node;

CREATE TABLE record (
    repo_id      INTEGER NOT NULL REFERENCES repo (id),
    key          TEXT NOT NULL,
    cid          BLOB NOT NULL,
    rev          INTEGER NOT NULL,
    takedown_ref TEXT,
    value        BLOB NOT NULL,
    PRIMARY KEY (repo_id, key)
) STRICT, WITHOUT ROWID;
INSERT INTO record (repo_id, key, cid, rev, takedown_ref, value)
    SELECT account_id, key, cid, rev, takedown_ref, value FROM old_record ORDER BY account_id, key;
DROP TABLE old_record;
-- What an import has to carry over.
CREATE INDEX record_takendown ON record (repo_id) WHERE takedown_ref IS NOT NULL;

CREATE TABLE repo_collection (
    collection TEXT NOT NULL,
    repo_id    INTEGER NOT NULL REFERENCES repo (id),
    PRIMARY KEY (collection, repo_id)
) STRICT, WITHOUT ROWID;
INSERT INTO repo_collection (collection, repo_id)
    SELECT collection, account_id FROM old_repo_collection ORDER BY collection, account_id;
DROP TABLE old_repo_collection;
CREATE INDEX repo_collection_repo ON repo_collection (repo_id);

CREATE TABLE record_subject (
    repo_id      INTEGER NOT NULL REFERENCES repo (id),
    subject_hash INTEGER NOT NULL,
    key          TEXT NOT NULL,
    PRIMARY KEY (repo_id, subject_hash, key)
) STRICT, WITHOUT ROWID;
INSERT INTO record_subject (repo_id, subject_hash, key)
    SELECT account_id, subject_hash, key FROM old_record_subject
    ORDER BY account_id, subject_hash, key;
DROP TABLE old_record_subject;

CREATE TABLE record_blob (
    repo_id INTEGER NOT NULL REFERENCES repo (id),
    key     TEXT NOT NULL,
    digest  BLOB NOT NULL,
    rev     INTEGER NOT NULL,
    PRIMARY KEY (repo_id, key, digest)
) STRICT, WITHOUT ROWID;
INSERT INTO record_blob (repo_id, key, digest, rev)
    SELECT account_id, key, digest, rev FROM old_record_blob ORDER BY account_id, key, digest;
DROP TABLE old_record_blob;
CREATE INDEX record_blob_digest ON record_blob (repo_id, digest);
