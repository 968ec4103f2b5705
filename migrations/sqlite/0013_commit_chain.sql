-- The commits of a repository are a chain through the log, from repo.commit_seq backwards: what is
-- replayed is found by number, and a commit does not have to keep an index of the log in order,
-- which was a page more for each.

-- The number of the repository's newest #commit event. 0: it has none that could be replayed.
ALTER TABLE repo ADD COLUMN commit_seq INTEGER NOT NULL DEFAULT 0;
-- Of a #commit event: the commit_seq that the repository had before.
ALTER TABLE event ADD COLUMN previous INTEGER;

UPDATE repo SET commit_seq = coalesce(
    (SELECT max(seq) FROM event JOIN account ON account.did = event.did
     WHERE account.id = repo.account_id AND kind = 'commit' AND seq > nodes_seq), 0);
UPDATE event SET previous = coalesce(
    (SELECT max(seq) FROM event AS older
     WHERE older.did = event.did AND older.kind = 'commit' AND older.seq < event.seq), 0)
WHERE kind = 'commit' AND seq >
    (SELECT nodes_seq FROM repo JOIN account ON account.id = repo.account_id
     WHERE account.did = event.did);

DROP INDEX event_did;
