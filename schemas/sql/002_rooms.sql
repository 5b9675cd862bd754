-- Rooms and who is in them. A deleted room keeps its row, so that its name, and with it its history, never comes to
-- somebody else. The rows of its members go a little at a time afterwards: ask rooms.deleted_ms.

CREATE TABLE rooms (
  room text COLLATE "C" PRIMARY KEY CHECK (room ~ '^[a-z0-9][a-z0-9_-]{1,63}$'),
  kind smallint NOT NULL CHECK (kind BETWEEN 0 AND 2),                -- channel, group, direct
  name text NOT NULL DEFAULT '' CHECK (length(name) <= 200),
  search_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (lower(name COLLATE "und-x-icu")) STORED,
  topic text NOT NULL DEFAULT '' CHECK (length(topic) <= 2000),
  access smallint NOT NULL CHECK (access BETWEEN 0 AND 1),            -- open, invite
  history smallint NOT NULL DEFAULT 0 CHECK (history BETWEEN 0 AND 1),  -- all, joined
  status smallint NOT NULL DEFAULT 0 CHECK (status BETWEEN 0 AND 2),  -- active, read_only, archived
  guests_post boolean NOT NULL DEFAULT false,
  pin_role smallint NOT NULL CHECK (pin_role BETWEEN 2 AND 4),        -- member, admin, owner
  limits text COLLATE "C" NOT NULL DEFAULT 'default',
  members integer NOT NULL DEFAULT 0 CHECK (members >= 0),            -- rows of the table members
  version bigint NOT NULL DEFAULT 1,
  creator text COLLATE "C" NOT NULL,
  created_ms bigint NOT NULL,
  deleted_ms bigint NOT NULL DEFAULT 0,
  pair_low text COLLATE "C" REFERENCES users,   -- of a direct room, the lower name first
  pair_high text COLLATE "C" REFERENCES users,
  CHECK ((kind = 2) = (pair_low IS NOT NULL AND pair_high IS NOT NULL)),
  CHECK (pair_low < pair_high)
) WITH (fillfactor = 70);  -- the counter changes often and is in no index: room for HOT updates
CREATE UNIQUE INDEX rooms_by_pair ON rooms (pair_low, pair_high) WHERE pair_low IS NOT NULL AND deleted_ms = 0;
CREATE INDEX rooms_directory ON rooms (room) WHERE access = 0 AND deleted_ms = 0;
CREATE INDEX rooms_by_name ON rooms (search_name, room) WHERE deleted_ms = 0 AND search_name <> '';
CREATE INDEX rooms_by_creator ON rooms (creator, created_ms);
CREATE INDEX rooms_to_empty ON rooms (room) WHERE deleted_ms <> 0 AND members > 0;
CREATE INDEX rooms_by_limits ON rooms (limits) WHERE limits <> 'default';

CREATE TABLE members (
  room text COLLATE "C" NOT NULL REFERENCES rooms,
  user_name text COLLATE "C" NOT NULL REFERENCES users,
  role smallint NOT NULL CHECK (role BETWEEN 1 AND 4),                -- guest, member, admin, owner
  since_seq bigint NOT NULL DEFAULT 0 CHECK (since_seq >= 0),         -- sees events after this one
  joined_ms bigint NOT NULL,
  muted_until_ms bigint NOT NULL DEFAULT 0,
  notify smallint NOT NULL DEFAULT 0 CHECK (notify BETWEEN 0 AND 2),  -- all, mentions, none
  PRIMARY KEY (room, user_name)
) WITH (fillfactor = 90);
CREATE INDEX members_by_user ON members (user_name, room);
CREATE INDEX members_staff ON members (room, role, user_name) WHERE role >= 3;

CREATE TABLE bans (
  room text COLLATE "C" NOT NULL REFERENCES rooms,
  user_name text COLLATE "C" NOT NULL REFERENCES users,
  by_user text COLLATE "C" NOT NULL,
  reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
  created_ms bigint NOT NULL,
  PRIMARY KEY (room, user_name)
);

CREATE TABLE invites (
  code text COLLATE "C" PRIMARY KEY,
  room text COLLATE "C" NOT NULL REFERENCES rooms,
  role smallint NOT NULL CHECK (role BETWEEN 1 AND 4),
  by_user text COLLATE "C" NOT NULL,
  created_ms bigint NOT NULL,
  expires_ms bigint NOT NULL DEFAULT 0,
  uses_left integer CHECK (uses_left >= 0)  -- NULL: any number
);
CREATE INDEX invites_by_room ON invites (room, code);
CREATE INDEX invites_by_end ON invites (expires_ms) WHERE expires_ms <> 0;
