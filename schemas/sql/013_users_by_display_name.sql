-- Nobody else gets at the table while this waits for those who read it already, and a backup may take an hour: rather
-- than keep everybody from it for so long, it fails and is tried again.
SET LOCAL lock_timeout = '1s';
DROP INDEX users_by_display_name;
