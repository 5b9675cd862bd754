-- Brokers are told who owns which bot, by a change like any other: blocks and limits count for the person.
WITH ops AS (
  SELECT name, format(
    '{"op":"user.put","user":"%s","role":"%s","limits":"%s","tokens_after":%s,"status":"%s","owner":"%s"}', name,
    (ARRAY['user', 'bot', 'device', 'service'])[role + 1], limits, tokens_after_s,
    CASE status WHEN 0 THEN 'active' ELSE 'blocked' END, owner) AS op
  FROM users WHERE owner IS NOT NULL AND status <> 2
), head AS (
  UPDATE change_head SET version = version + 1 WHERE EXISTS (SELECT FROM ops) RETURNING version
)
INSERT INTO changes (version, at_ms, ops, mark)
  SELECT h.version, (extract(epoch FROM now()) * 1000)::bigint,
    (SELECT '[' || string_agg(op, ',' ORDER BY name) || ']' FROM ops),
    1 + 2 * floor(random() * 4503599627370495)::bigint
  FROM head h;
