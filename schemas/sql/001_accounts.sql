-- People and what they sign in with. Times are milliseconds since 1970, unless the name ends in _s; 0 means never.
-- Enumerations are smallints in the order of the C++ enumerators (schemas/control.h, storage/metadata_*.h).
-- Names compare by bytes (COLLATE "C"), as the rest of Parley does.

CREATE TABLE users (
  name text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9_.-]{1,31}$'),
  display_name text NOT NULL DEFAULT '' CHECK (length(display_name) <= 200),
  -- Folded for search by prefix.
  search_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (lower(display_name COLLATE "und-x-icu")) STORED,
  about text NOT NULL DEFAULT '' CHECK (length(about) <= 2000),
  role smallint NOT NULL DEFAULT 0 CHECK (role BETWEEN 0 AND 3),        -- user, bot, device, service
  owner text COLLATE "C" REFERENCES users,                              -- of a bot or device
  admin boolean NOT NULL DEFAULT false,
  status smallint NOT NULL DEFAULT 0 CHECK (status BETWEEN 0 AND 2),    -- active, blocked, deleted
  limits text COLLATE "C" NOT NULL DEFAULT 'default',
  tokens_after_s bigint NOT NULL DEFAULT 0,
  version bigint NOT NULL DEFAULT 1,
  created_ms bigint NOT NULL,
  leaving boolean NOT NULL DEFAULT false  -- deleted, but not taken out of all rooms yet
) WITH (fillfactor = 80);
CREATE INDEX users_leaving ON users (name) WHERE leaving;
CREATE INDEX users_by_display_name ON users (search_name, name) WHERE status = 0 AND search_name <> '';
CREATE INDEX users_by_owner ON users (owner, name) WHERE owner IS NOT NULL;
CREATE INDEX users_admins ON users (name) WHERE admin AND status = 0;
CREATE INDEX users_by_limits ON users (limits) WHERE limits <> 'default';

CREATE TABLE credentials (
  user_name text COLLATE "C" PRIMARY KEY REFERENCES users,
  password_hash text NOT NULL,  -- Argon2id with its parameters, as libsodium writes it
  changed_ms bigint NOT NULL
);

CREATE TABLE identities (  -- of OpenID providers
  issuer text COLLATE "C" NOT NULL CHECK (length(issuer) <= 500),
  subject text COLLATE "C" NOT NULL CHECK (length(subject) <= 500),
  user_name text COLLATE "C" NOT NULL REFERENCES users,
  created_ms bigint NOT NULL,
  PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_by_user ON identities (user_name);

CREATE TABLE sessions (
  sid text COLLATE "C" PRIMARY KEY CHECK (length(sid) BETWEEN 1 AND 128),
  user_name text COLLATE "C" NOT NULL REFERENCES users,
  device text COLLATE "C" NOT NULL,
  agent text NOT NULL DEFAULT '',
  address text NOT NULL DEFAULT '',
  created_ms bigint NOT NULL,
  used_ms bigint NOT NULL,
  expires_ms bigint NOT NULL,
  revoked_ms bigint NOT NULL DEFAULT 0,
  revoke_until_s bigint NOT NULL DEFAULT 0  -- brokers must know of the revocation until then
);
CREATE INDEX sessions_live ON sessions (user_name, created_ms DESC) WHERE revoked_ms = 0;
CREATE INDEX sessions_revoked ON sessions (revoke_until_s, sid) WHERE revoked_ms <> 0;
CREATE INDEX sessions_by_expiry ON sessions (expires_ms);

-- Every refresh token of a session, used ones too: that is how a second use is seen.
CREATE TABLE refresh_tokens (
  sha256 bytea PRIMARY KEY CHECK (length(sha256) = 32),
  sid text COLLATE "C" NOT NULL REFERENCES sessions ON DELETE CASCADE,
  created_ms bigint NOT NULL,
  used_ms bigint NOT NULL DEFAULT 0
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (sid);

CREATE TABLE api_tokens (
  sha256 bytea PRIMARY KEY CHECK (length(sha256) = 32),
  id text COLLATE "C" NOT NULL UNIQUE,
  user_name text COLLATE "C" NOT NULL REFERENCES users,
  device text COLLATE "C" NOT NULL,
  role smallint NOT NULL CHECK (role BETWEEN 1 AND 2),  -- bot, device
  label text NOT NULL DEFAULT '' CHECK (length(label) <= 200),
  created_ms bigint NOT NULL,
  until_s bigint NOT NULL DEFAULT 0
);
CREATE INDEX api_tokens_by_user ON api_tokens (user_name, created_ms);
CREATE INDEX api_tokens_by_end ON api_tokens (until_s) WHERE until_s <> 0;

CREATE TABLE push_devices (
  user_name text COLLATE "C" NOT NULL REFERENCES users,
  device text COLLATE "C" NOT NULL,
  platform text NOT NULL CHECK (platform IN ('apns', 'fcm', 'webpush')),
  token text COLLATE "C" NOT NULL CHECK (octet_length(token) BETWEEN 1 AND 2000),
  app text NOT NULL DEFAULT '' CHECK (length(app) <= 200),
  keys text NOT NULL DEFAULT '' CHECK (length(keys) <= 2000),
  updated_ms bigint NOT NULL,
  PRIMARY KEY (user_name, device)
);
CREATE UNIQUE INDEX push_devices_by_token ON push_devices (token, platform);

CREATE TABLE contacts (
  user_name text COLLATE "C" NOT NULL REFERENCES users,
  other text COLLATE "C" NOT NULL REFERENCES users,
  nick text NOT NULL DEFAULT '' CHECK (length(nick) <= 200),
  created_ms bigint NOT NULL,
  PRIMARY KEY (user_name, other),
  CHECK (user_name <> other)
);
CREATE INDEX contacts_by_other ON contacts (other);

CREATE TABLE blocks (
  user_name text COLLATE "C" NOT NULL REFERENCES users,
  blocked text COLLATE "C" NOT NULL REFERENCES users,
  created_ms bigint NOT NULL,
  PRIMARY KEY (user_name, blocked),
  CHECK (user_name <> blocked)
);
CREATE INDEX blocks_by_blocked ON blocks (blocked);
