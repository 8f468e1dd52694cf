-- A user has several keys, and a password where somebody gave them one.
CREATE TABLE api_key (
    id text PRIMARY KEY CHECK (id <> ''),        -- the part of the key that is no secret
    user_id bigint NOT NULL REFERENCES app_user ON DELETE CASCADE,
    label text NOT NULL DEFAULT '',
    hash text NOT NULL,               -- SHA-256 of a 256-bit random secret: nothing to guess, so no slow hash
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0 AND scopes <@ ARRAY['read', 'decide', 'ingest', 'admin']),
    created_at timestamptz NOT NULL,
    expires_at timestamptz CHECK (expires_at > created_at),   -- NULL: given out before keys expired
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX api_key_user ON api_key (user_id);
INSERT INTO api_key (id, user_id, hash, scopes, created_at)
SELECT key_id, id, key_hash,
       CASE role WHEN 'viewer' THEN ARRAY['read'] WHEN 'admin' THEN ARRAY['read', 'decide', 'ingest', 'admin']
                 ELSE ARRAY['read', 'decide', 'ingest'] END, created_at
  FROM app_user;

ALTER TABLE app_user
    DROP COLUMN key_id,
    DROP COLUMN key_hash,
    ADD COLUMN password_hash text CHECK (password_hash LIKE '$argon2id$%'),   -- NULL: cannot log in
    ADD COLUMN one_time_until timestamptz,        -- the password is a one-time one, good until then
    ADD CONSTRAINT app_user_one_time_is_a_password CHECK (one_time_until IS NULL OR password_hash IS NOT NULL);

CREATE TABLE login_session (
    token_hash text PRIMARY KEY,      -- SHA-256 of the 256-bit random token in the cookie
    user_id bigint NOT NULL REFERENCES app_user ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at)
);
CREATE INDEX login_session_user ON login_session (user_id);

-- Attempts to log in as somebody since the last that succeeded. `name_hash`, because people type passwords there.
CREATE TABLE login_attempt (
    name_hash text PRIMARY KEY,       -- of whatever was given as a name: whether there is such a user makes no difference
    failures int NOT NULL CHECK (failures > 0),
    last_at timestamptz NOT NULL,
    locked_until timestamptz
);
CREATE INDEX login_attempt_last ON login_attempt (last_at);

-- Who got in, and who changed who may: users, keys, passwords, logins. Never a secret.
CREATE TABLE access_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL CHECK (actor <> ''),     -- a user's name, 'command line' or 'system'
    action text NOT NULL CHECK (action <> ''),
    subject jsonb NOT NULL
);
CREATE TRIGGER access_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON access_log
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['api_key', 'login_session', 'login_attempt', 'access_log'] LOOP
        EXECUTE format('REVOKE ALL ON %I FROM dunwell_agent', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY portfolio ON %I TO dunwell USING (true) WITH CHECK (true)', t);
    END LOOP;
END $$;
