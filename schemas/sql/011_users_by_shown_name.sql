-- What the planner knows nothing about yet, as just after an import, it takes `= 0` for hardly any row and `< 1` for a
-- third of them: searching by name, it would rather collect and sort these few than walk along the index until the page
-- is full. The rows in the index are the same as in the one that goes later.
--
-- Other bridges go on meanwhile. So each of these indexes comes, and each that it replaces goes, in a migration of its
-- own: one that holds a table while it waits for another waits for a change which has the other and waits for the first.
CREATE INDEX users_by_shown_name ON users (search_name, name) WHERE status < 1 AND search_name <> '';
