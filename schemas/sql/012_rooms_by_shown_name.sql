-- As 011_users_by_shown_name.sql.
CREATE INDEX rooms_by_shown_name ON rooms (search_name, room) WHERE deleted_ms < 1 AND search_name <> '';
