-- What administrators do, and letters that they write.

-- One row an act, or a try that was refused. The newest are kept (pds/limits.h); rows outlive the
-- account that they are about.
CREATE TABLE admin_act (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,  -- "admin from ADDRESS", "moderator DID" or "tool"
    method  TEXT NOT NULL,
    subject TEXT NOT NULL,  -- a DID, an AT URI, an invite code … as the caller named it
    detail  TEXT NOT NULL,
    outcome TEXT NOT NULL   -- "done", or the name of the refusal
) STRICT;
CREATE INDEX admin_act_subject ON admin_act (subject);

-- A letter that an administrator wrote brings its own words. Such letters do not replace each other.
ALTER TABLE mail_queue ADD COLUMN subject TEXT;
ALTER TABLE mail_queue ADD COLUMN html TEXT;
DROP INDEX mail_queue_by_recipient;
CREATE UNIQUE INDEX mail_queue_by_recipient ON mail_queue (recipient, kind, handle)
    WHERE kind <> 'from_moderators';
