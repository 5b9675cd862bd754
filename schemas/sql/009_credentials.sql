-- What API tokens may do beside what every one of them may: words with spaces between, as OAuth writes them
-- (bridge/api/scopes.h). A bot is an account of its own and keeps what it could do; a device's token is a guest of its
-- owner's account, and keeps what belongs to reading and writing in rooms.
ALTER TABLE api_tokens ADD COLUMN scopes text COLLATE "C" NOT NULL DEFAULT '';
UPDATE api_tokens SET scopes = 'rooms:write profile:write contacts:write push:write' WHERE role = 1;

-- The session, or the API token, that registered a device for push messages, and with which the registration goes.
-- Of those that are there, it is the one of the same device. Clients may have registered under another name: theirs go
-- with the session of the user that was used last, or else the newest API token. Where there is none of those either, all
-- have ended and left this behind.
ALTER TABLE push_devices ADD COLUMN credential text COLLATE "C" NOT NULL DEFAULT '';
UPDATE push_devices p SET credential = t.id FROM api_tokens t WHERE t.user_name = p.user_name AND t.device = p.device;
UPDATE push_devices p SET credential = s.sid FROM sessions s
  WHERE s.user_name = p.user_name AND s.device = p.device AND s.revoked_ms = 0;
UPDATE push_devices p SET credential = coalesce(
  (SELECT s.sid FROM sessions s WHERE s.user_name = p.user_name AND s.revoked_ms = 0
    ORDER BY s.expires_ms DESC, s.sid LIMIT 1),
  (SELECT t.id FROM api_tokens t WHERE t.user_name = p.user_name ORDER BY t.created_ms DESC, t.id LIMIT 1), '')
  WHERE p.credential = '';
DELETE FROM push_devices WHERE credential = '';
