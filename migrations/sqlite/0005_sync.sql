-- What the event stream and its crawlers keep.

-- Events up to this number are no longer offered, and most of them are deleted. One row, once there
-- was one to delete.
CREATE TABLE event_horizon (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    pruned_through INTEGER NOT NULL
) STRICT;

-- What became of asking each relay to crawl this server: so that a restart does not ask again too
-- soon, and for the operator to read.
CREATE TABLE crawler (
    url         TEXT PRIMARY KEY,
    asked_at    INTEGER NOT NULL,
    accepted_at INTEGER,           -- the last time that it agreed
    failures    INTEGER NOT NULL,  -- since then
    outcome     TEXT NOT NULL      -- of the last time: "accepted", or what went wrong
) STRICT;
