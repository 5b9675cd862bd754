-- As long as nobody has counted the rows of a table, the planner goes by its size, and looks rows up by an index.
-- Counted while they are few, it reads all of them, rightly; but connections keep such a plan until they are counted
-- again, and meanwhile an import may bring a hundred thousand. So they are not counted before there are a thousand.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['users', 'credentials', 'identities', 'sessions', 'refresh_tokens', 'api_tokens',
    'push_devices', 'contacts', 'blocks', 'rooms', 'members', 'bans', 'removals', 'invites', 'changes', 'commits',
    'idempotency', 'audit'] LOOP
    EXECUTE format(
      'ALTER TABLE %I SET (autovacuum_analyze_threshold = 1000, autovacuum_vacuum_threshold = 1000)', name);
  END LOOP;
END $$;
