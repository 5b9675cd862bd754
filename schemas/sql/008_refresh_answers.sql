-- Whose successor a refresh token is, and whether another one was given out in its place because its answer seemed to
-- be lost: see storage/postgres/sessions.cc. The two times of one refresh are the same, which tells what came of those
-- that were used before.
ALTER TABLE refresh_tokens ADD COLUMN parent bytea CHECK (length(parent) = 32);
ALTER TABLE refresh_tokens ADD COLUMN replaced_ms bigint NOT NULL DEFAULT 0;
UPDATE refresh_tokens c SET parent = p.sha256 FROM refresh_tokens p
  WHERE p.sid = c.sid AND p.used_ms <> 0 AND p.used_ms = c.created_ms AND p.sha256 <> c.sha256;
