-- Expired sessions are looked for piece by piece, in the order of their rows. An index to find them
-- was a page more for each log-in, and two for each refresh.
DROP INDEX session_expires;
