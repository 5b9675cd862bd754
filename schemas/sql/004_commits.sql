-- Transactions of the last minutes, each by a number that no other has, so that one whose COMMIT was not answered can
-- be looked for. Its own id will not do: a server that dies before anything of a transaction is on disk, or a standby
-- that takes over without having heard of it, gives the id to another one.
CREATE TABLE commits (
  at_ms bigint NOT NULL,
  mark bigint NOT NULL,
  PRIMARY KEY (at_ms, mark)
);
