-- Letters that wait for the mail server. The row is deleted when the letter has been delivered, has
-- been refused for good, or is too old: the token in it lives no longer than the letter.
CREATE TABLE mail_queue (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT    NOT NULL,
    recipient   TEXT    NOT NULL,
    handle      TEXT    NOT NULL,
    token       TEXT    NOT NULL,
    message_id  TEXT    NOT NULL,  -- the same at every try, so that a receiver can spot a repeat
    created_at  INTEGER NOT NULL,
    next_try_at INTEGER NOT NULL,
    tries       INTEGER NOT NULL
) STRICT;

-- A newer letter of a kind replaces the one that still waits for the same person.
CREATE UNIQUE INDEX mail_queue_by_recipient ON mail_queue (recipient, kind, handle);
CREATE INDEX mail_queue_by_next_try ON mail_queue (next_try_at);

-- The outbox of dev mode: finished letters, shown and never sent. The oldest are deleted.
CREATE TABLE mail_outbox (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT    NOT NULL,
    recipient  TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    text_body  TEXT    NOT NULL,
    html_body  TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
