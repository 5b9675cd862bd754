-- What brokers are told, what was asked twice, and what was done by whom.

-- One row. It is updated by the last statement before a transaction commits: the row lock is held until then, so
-- versions are given in the order of commit, without gaps.
CREATE TABLE change_head (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  version bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO change_head (version) VALUES (0);

CREATE TABLE changes (
  version bigint PRIMARY KEY,
  at_ms bigint NOT NULL,
  ops text NOT NULL  -- a JSON array of control operations, kept to the byte
);

CREATE TABLE limit_classes (
  name text COLLATE "C" PRIMARY KEY,
  fact text NOT NULL  -- the control operation limits.put
);

CREATE TABLE idempotency (
  actor text COLLATE "C" NOT NULL,
  operation text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 255),
  fingerprint text COLLATE "C" NOT NULL,
  subject text NOT NULL,  -- names what was made
  created_ms bigint NOT NULL,
  PRIMARY KEY (actor, operation, key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_ms);

CREATE TABLE audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at_ms bigint NOT NULL,
  actor text COLLATE "C" NOT NULL,
  action text COLLATE "C" NOT NULL,
  target text COLLATE "C" NOT NULL DEFAULT '',
  room text COLLATE "C" NOT NULL DEFAULT '',
  detail text NOT NULL DEFAULT '{}',
  request_id text NOT NULL DEFAULT '',
  address text NOT NULL DEFAULT ''
);
CREATE INDEX audit_by_actor ON audit (actor, id);
CREATE INDEX audit_by_action ON audit (action, id);
CREATE INDEX audit_by_target ON audit (target, id) WHERE target <> '';
CREATE INDEX audit_by_room ON audit (room, id) WHERE room <> '';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is only ever added to' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
