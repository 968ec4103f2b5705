-- How many letters with codes were sent to an account for one purpose: the time up to which they
-- are paid for, each by some minutes.
CREATE TABLE letter_limit (
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    purpose    TEXT NOT NULL,
    paid_until INTEGER NOT NULL,
    PRIMARY KEY (account_id, purpose)
) STRICT, WITHOUT ROWID;
