-- A number of each change that no other change has, whatever its version: see storage/feed_position.h.
ALTER TABLE changes ADD COLUMN mark bigint NOT NULL DEFAULT 0;
