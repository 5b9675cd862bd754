-- As 013_users_by_display_name.sql.
SET LOCAL lock_timeout = '1s';
DROP INDEX rooms_by_name;
