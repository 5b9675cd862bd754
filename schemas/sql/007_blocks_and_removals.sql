-- Blocks hold between people: one that named a bot is its owner's from now on.
CREATE TEMPORARY TABLE moved_blocks ON COMMIT DROP AS
  SELECT b.user_name, b.blocked, b.created_ms, coalesce(u.owner, u.name) AS person, coalesce(o.owner, o.name) AS other
  FROM blocks b JOIN users u ON u.name = b.user_name JOIN users o ON o.name = b.blocked
  WHERE u.owner IS NOT NULL OR o.owner IS NOT NULL;
DELETE FROM blocks b USING moved_blocks m WHERE b.user_name = m.user_name AND b.blocked = m.blocked;
INSERT INTO blocks (user_name, blocked, created_ms)
  SELECT person, other, created_ms FROM moved_blocks WHERE person <> other ON CONFLICT DO NOTHING;

WITH ops AS (
  SELECT 1 AS turn, user_name, format('{"op":"block.remove","user":"%s","blocked":"%s"}', user_name, blocked) AS op
  FROM moved_blocks
  UNION ALL SELECT 2, person, format('{"op":"block.put","user":"%s","blocked":"%s"}', person, other)
  FROM moved_blocks WHERE person <> other
), head AS (
  UPDATE change_head SET version = version + 1 WHERE EXISTS (SELECT FROM ops) RETURNING version
)
INSERT INTO changes (version, at_ms, ops, mark)
  SELECT h.version, (extract(epoch FROM now()) * 1000)::bigint,
    (SELECT '[' || string_agg(op, ',' ORDER BY turn, user_name) || ']' FROM ops),
    1 + 2 * floor(random() * 4503599627370495)::bigint
  FROM head h;

-- Whom others took out of a room: invites from before do not bring them back. Gone when they are let in again.
CREATE TABLE removals (
  room text COLLATE "C" NOT NULL REFERENCES rooms,
  user_name text COLLATE "C" NOT NULL REFERENCES users,
  removed_ms bigint NOT NULL,
  PRIMARY KEY (room, user_name)
);
