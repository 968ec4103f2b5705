-- Accounts and what hangs on them. Times are microseconds since 1970; DIDs, handles and e-mail
-- addresses are stored normalised, so bytewise equality is identity.

CREATE TABLE account (
    id                 INTEGER PRIMARY KEY,
    did                TEXT NOT NULL UNIQUE,
    handle             TEXT NOT NULL UNIQUE,
    email              TEXT UNIQUE,
    email_confirmed_at INTEGER,
    email_auth_factor  INTEGER NOT NULL DEFAULT 0,
    password_hash      TEXT,
    created_at         INTEGER NOT NULL,
    deactivated_at     INTEGER,
    delete_after       INTEGER,
    takedown_ref       TEXT,
    invites_disabled   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX account_delete_after ON account (delete_after) WHERE delete_after IS NOT NULL;

-- The repository's signing key, sealed with the master key.
CREATE TABLE signing_key (
    account_id INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    did_key    TEXT NOT NULL,
    sealed     BLOB NOT NULL
) STRICT;

-- Keys handed out by reserveSigningKey before there is an account.
CREATE TABLE reserved_key (
    did_key    TEXT PRIMARY KEY,
    did        TEXT UNIQUE,
    sealed     BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- A sign-up between "the key is durable" and "the PLC directory has confirmed". It becomes an
-- account in one transaction, or goes; nothing else of it is visible. Whether it counts as taken is
-- decided in pds/accounts/sign_up.
CREATE TABLE pending_signup (
    did           TEXT PRIMARY KEY,
    handle        TEXT NOT NULL UNIQUE,
    email         TEXT UNIQUE,
    password_hash TEXT,
    invite_code   TEXT,
    did_key       TEXT NOT NULL,
    sealed        BLOB NOT NULL,
    operation     TEXT NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX pending_signup_invite ON pending_signup (invite_code) WHERE invite_code IS NOT NULL;

CREATE TABLE app_password (
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    hash       BLOB NOT NULL,
    privileged INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, name)
) STRICT;

-- One log-in and all its refreshes. Deleting the row ends every token of the chain at once.
CREATE TABLE session (
    id             TEXT PRIMARY KEY,
    account_id     INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    scope          TEXT NOT NULL,
    app_password   TEXT,
    token          TEXT NOT NULL,
    previous_token TEXT,
    rotated_at     INTEGER,
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    FOREIGN KEY (account_id, app_password) REFERENCES app_password (account_id, name)
        ON DELETE CASCADE
) STRICT;
CREATE INDEX session_account ON session (account_id, app_password);
CREATE INDEX session_expires ON session (expires_at);

CREATE TABLE email_token (
    account_id   INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    purpose      TEXT NOT NULL,
    token_hash   BLOB NOT NULL,
    requested_at INTEGER NOT NULL,
    wrong_tries  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, purpose)
) STRICT;
CREATE INDEX email_token_hash ON email_token (token_hash);

CREATE TABLE invite_code (
    code           TEXT PRIMARY KEY,
    available_uses INTEGER NOT NULL,
    disabled       INTEGER NOT NULL DEFAULT 0,
    for_account    TEXT NOT NULL,
    created_by     TEXT NOT NULL,
    created_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX invite_code_for_account ON invite_code (for_account);

CREATE TABLE invite_code_use (
    code    TEXT NOT NULL REFERENCES invite_code (code) ON DELETE CASCADE,
    used_by TEXT NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (code, used_by)
) STRICT;
CREATE INDEX invite_code_use_used_by ON invite_code_use (used_by);

-- The head of each repository.
CREATE TABLE repo (
    account_id   INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    rev          TEXT NOT NULL,
    commit_cid   BLOB NOT NULL,
    commit_block BLOB NOT NULL
) STRICT;

-- What the network is told, in order. Rows outlive their account: its deletion is an event too.
CREATE TABLE event (
    seq        INTEGER PRIMARY KEY,
    did        TEXT NOT NULL,
    kind       TEXT NOT NULL,
    body       BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX event_did ON event (did);
