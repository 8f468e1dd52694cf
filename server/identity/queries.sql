-- add_key --
INSERT INTO api_key (id, user_id, label, hash, scopes, created_at, expires_at)
SELECT %(key_id)s, u.id, %(label)s, %(hash)s, %(scopes)s, %(now)s, %(expires_at)s
  FROM app_user u WHERE u.name = %(name)s AND u.disabled_at IS NULL
RETURNING id;

-- role_of --
SELECT role FROM app_user WHERE name = %(name)s AND disabled_at IS NULL;

-- key --
-- Asked at every request: one look into an index for the key and one for its user.
SELECT k.id, k.hash, k.scopes, k.last_used_at, u.name, u.role, u.limit_minor
  FROM api_key k JOIN app_user u ON u.id = k.user_id
 WHERE k.id = %(key_id)s AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > %(now)s)
   AND u.disabled_at IS NULL;

-- used_key --
UPDATE api_key SET last_used_at = %(now)s
 WHERE id = %(key_id)s AND (last_used_at IS NULL OR last_used_at < %(now)s);

-- keys --
SELECT k.id, u.name AS "user", k.label, k.scopes, k.created_at, k.expires_at, k.last_used_at, k.revoked_at
  FROM api_key k JOIN app_user u ON u.id = k.user_id
 WHERE %(name)s::text IS NULL OR u.name = %(name)s ORDER BY u.name, k.created_at, k.id;

-- revoke_key --
UPDATE api_key SET revoked_at = coalesce(revoked_at, %(now)s) WHERE id = %(key_id)s RETURNING id;

-- note_access --
INSERT INTO access_log (at, actor, action, subject) VALUES (%(at)s, %(actor)s, %(action)s, %(subject)s);

-- access_log --
SELECT id, at, actor, action, subject FROM access_log ORDER BY id DESC LIMIT %(limit)s;

-- begin_attempt --
-- Counted before the password is looked at, so that a hundred guesses at once are a hundred guesses. No row comes back
-- while the name is locked.
INSERT INTO login_attempt AS a (name_hash, failures, last_at) VALUES (%(name_hash)s, 1, %(now)s)
ON CONFLICT (name_hash) DO UPDATE
   SET failures = CASE WHEN a.last_at < %(forgotten)s THEN 1 ELSE a.failures + 1 END, last_at = %(now)s, locked_until = NULL
 WHERE a.locked_until IS NULL OR a.locked_until <= %(now)s
RETURNING failures;

-- lock --
UPDATE login_attempt SET locked_until = %(until)s WHERE name_hash = %(name_hash)s;

-- locked_until --
SELECT locked_until FROM login_attempt WHERE name_hash = %(name_hash)s;

-- end_attempts --
-- Those of the name, which succeeded, and those that are forgotten anyway.
DELETE FROM login_attempt WHERE name_hash = %(name_hash)s OR last_at < %(forgotten)s;

-- password_of --
SELECT id, name, role, limit_minor, password_hash, one_time_until
  FROM app_user WHERE name = %(name)s AND disabled_at IS NULL AND password_hash IS NOT NULL;

-- set_password --
-- Only over the one that was checked: of two changes at once the second is not made.
UPDATE app_user SET password_hash = %(password_hash)s, one_time_until = NULL
 WHERE id = %(user_id)s AND password_hash = %(checked)s AND disabled_at IS NULL RETURNING id;

-- set_one_time_password --
UPDATE app_user SET password_hash = %(password_hash)s, one_time_until = %(until)s
 WHERE name = %(name)s AND disabled_at IS NULL RETURNING id;

-- start_session --
-- For a user who is still enabled and whose password is still the one that was checked.
INSERT INTO login_session (token_hash, user_id, created_at, last_seen_at, expires_at)
SELECT %(token_hash)s, u.id, %(now)s, %(now)s, %(expires_at)s
  FROM app_user u WHERE u.id = %(user_id)s AND u.disabled_at IS NULL AND u.password_hash = %(checked)s
   FOR SHARE OF u
RETURNING token_hash;

-- session --
SELECT s.created_at, s.last_seen_at, s.expires_at, u.name, u.role, u.limit_minor
  FROM login_session s JOIN app_user u ON u.id = s.user_id
 WHERE s.token_hash = %(token_hash)s AND s.expires_at > %(now)s AND s.last_seen_at > %(idle_since)s
   AND u.disabled_at IS NULL;

-- seen_session --
UPDATE login_session SET last_seen_at = %(now)s WHERE token_hash = %(token_hash)s AND last_seen_at < %(now)s;

-- end_session --
DELETE FROM login_session WHERE token_hash = %(token_hash)s;

-- end_sessions_of --
DELETE FROM login_session WHERE user_id = %(user_id)s;

-- end_old_sessions --
DELETE FROM login_session WHERE expires_at <= %(now)s OR last_seen_at <= %(idle_since)s;
