-- A handle that an account is about to have: the operation that says so is on its way to the PLC
-- directory, or has been taken there. Nobody else gets the handle meanwhile. It becomes the
-- account's handle in one transaction, or goes; see pds/accounts/handle_changes.
CREATE TABLE pending_handle (
    account_id INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    handle     TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

-- The same for a signing key, which was reserved before; see pds/accounts/signing_key_changes.
CREATE TABLE pending_signing_key (
    account_id INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    did_key    TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
