-- add_user --
INSERT INTO app_user (name, role, limit_minor, created_at) VALUES (%(name)s, %(role)s, %(limit_minor)s, %(now)s)
ON CONFLICT (name) DO NOTHING RETURNING id;

-- add_first_admin --
INSERT INTO app_user (name, role, created_at)
SELECT %(name)s, 'admin', %(now)s WHERE NOT EXISTS (SELECT FROM app_user WHERE role = 'admin')
ON CONFLICT (name) DO NOTHING RETURNING id;

-- disable_user --
UPDATE app_user SET disabled_at = coalesce(disabled_at, %(now)s) WHERE name = %(name)s RETURNING id;

-- lock_users --
-- Of two who each take the other for the admin that stays, the second one looks again.
LOCK TABLE app_user IN SHARE ROW EXCLUSIVE MODE;

-- admins --
SELECT name FROM app_user WHERE role = 'admin' AND disabled_at IS NULL ORDER BY name;

-- user_state --
SELECT name, role, disabled_at IS NOT NULL FROM app_user WHERE name = %(name)s FOR UPDATE;

-- enable_user --
UPDATE app_user SET disabled_at = NULL WHERE name = %(name)s;

-- change_user --
UPDATE app_user SET role = coalesce(%(role)s, role), limit_minor = coalesce(%(limit_minor)s, limit_minor)
 WHERE name = %(name)s AND disabled_at IS NULL RETURNING name, role, limit_minor;

-- user_by_name --
SELECT name, role, limit_minor FROM app_user WHERE name = %(name)s AND disabled_at IS NULL;

-- users --
SELECT u.name, u.role, u.limit_minor, u.created_at, u.disabled_at,
       u.password_hash IS NOT NULL AND u.one_time_until IS NULL AS has_password,
       (SELECT count(*) FROM api_key k WHERE k.user_id = u.id AND k.revoked_at IS NULL) AS keys
  FROM app_user u ORDER BY u.name;

-- reachable_channels --
SELECT c.id AS customer_id,
       array_agg(k.channel ORDER BY k.channel DESC) FILTER (WHERE k.channel IN ('sms', 'email')) AS channels
  FROM customer c LEFT JOIN contact k ON k.customer_id = c.id WHERE c.id = %(customer_id)s GROUP BY c.id;

-- contact_on --
SELECT id FROM contact WHERE customer_id = %(customer_id)s AND channel = %(channel)s
 ORDER BY role = 'billing' DESC, id LIMIT 1;

-- address_of --
SELECT address FROM contact WHERE id = %(contact_id)s;

-- episodes --
SELECT id, customer_id, trigger, model_id, policy_version, outcome, usage, started_at, committed_at FROM episode
 WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
 ORDER BY committed_at DESC, id LIMIT %(limit)s OFFSET %(offset)s;

-- decisions --
-- `args` is null for a customer who was erased.
SELECT d.id, d.episode_id, d.approval_id, d.tool, a.args, d.actor, d.verdict, d.role, d.reasons, d.policy_version, d.at
  FROM decision d LEFT JOIN decision_args a ON a.decision_id = d.id
 WHERE d.customer_id = %(customer_id)s ORDER BY d.id DESC LIMIT %(limit)s;

-- counts --
SELECT (SELECT count(*) FROM customer) AS customers,
       (SELECT count(*) FROM invoice) AS invoices,
       (SELECT count(*) FROM hold WHERE lifted_at IS NULL) AS holds,
       (SELECT count(*) FROM message WHERE direction = 'in' AND handled_at IS NOT NULL) AS replies_handled,
       (SELECT count(*) FROM approval) AS approvals_asked,
       (SELECT count(*) FROM approval WHERE state IN ('approved', 'edited', 'rejected')) AS approvals_resumed,
       (SELECT count(*) FROM approval WHERE state = 'pending') AS approvals_waiting,
       (SELECT count(*) FROM outbox WHERE state IN ('sent', 'delivered')) AS sent,
       (SELECT count(*) FROM outbox WHERE state = 'queued') AS queued;

-- still_queued --
-- In a restored database: what was about to leave when the backup was made, each with its customer's lock.
SELECT o.id, o.customer_id, o.episode_id, o.decision_id, o.message_id, o.contact_id, o.channel, o.action, o.reply_to, o.state,
       o.attempts, o.claimed_at, o.reason, o.check_at
  FROM outbox o JOIN customer c ON c.id = o.customer_id
 WHERE o.state = 'queued' ORDER BY o.customer_id, o.id LIMIT %(limit)s FOR UPDATE OF o, c;

-- skip_outbox_numbers --
-- In a restored database: a provider knows a message by its number, and has those that were given out since the backup.
SELECT setval(s, nextval(s) + 100000000) FROM CAST(pg_get_serial_sequence('outbox', 'id') AS regclass) AS s;

-- restored --
SELECT (SELECT count(*) FROM customer), (SELECT count(*) FROM message);

-- recorded_decisions --
-- A page of decisions in the order in which they fell, with all that is needed to judge them again.
SELECT d.id, d.customer_id, d.tool, a.args, d.verdict, d.role, d.reasons, d.policy_version, d.facts, d.at
  FROM decision d LEFT JOIN decision_args a ON a.decision_id = d.id
 WHERE d.id > %(after)s AND (%(decision_id)s::bigint IS NULL OR d.id = %(decision_id)s)
   AND (%(since)s::timestamptz IS NULL OR d.at >= %(since)s)
 ORDER BY d.id LIMIT %(limit)s;

-- latest_decisions --
SELECT d.id, d.customer_id, d.tool, a.args, d.verdict, d.role, d.reasons, d.policy_version, d.facts, d.at
  FROM decision d LEFT JOIN decision_args a ON a.decision_id = d.id
 WHERE d.customer_id = %(customer_id)s ORDER BY d.id DESC LIMIT %(limit)s;

-- recorded_policy --
SELECT body FROM policy_version WHERE version = %(version)s;

-- outbox_of --
-- The row that a provider's word is about: by the key that the message carried, else by the provider's own id.
SELECT id FROM outbox WHERE id = %(key)s::bigint
UNION ALL
SELECT id FROM outbox WHERE %(key)s::bigint IS NULL AND provider_id = %(provider_id)s
LIMIT 1;

-- add_provider_event --
INSERT INTO provider_event (provider, event_id, outbox_id, kind, code, at)
VALUES (%(provider)s, %(event_id)s, %(outbox_id)s, %(kind)s, %(code)s, %(at)s) ON CONFLICT DO NOTHING;

-- set_internet_id --
UPDATE message SET internet_id = %(internet_id)s WHERE id = %(message_id)s AND internet_id IS NULL;

-- is_customer --
-- Or was: a log whose customer was taken away is still looked at.
SELECT id FROM customer WHERE id = %(customer_id)s
 UNION ALL SELECT customer_id FROM activity_log WHERE customer_id = %(customer_id)s LIMIT 1;

-- customer_file --
SELECT customer_file(%(customer_id)s);
