-- due_messages --
-- A first reminder of one late invoice is queued for each customer from number %(first)s to %(last)s, as an episode of
-- the ladder leaves it; its text is drafted anew when it leaves.
WITH customers AS (SELECT 'c' || n AS id FROM generate_series(%(first)s::int, %(last)s::int) AS g(n)),
episodes AS (
    INSERT INTO episode (id, customer_id, turn_key, trigger, model_id, prompt_version, policy_version, graph_version, outcome,
                         started_at, committed_at)
    SELECT 'ep-' || id, id, id, jsonb_build_object('kind', 'ladder', 'step', 'reminder_1', 'channel', 'email',
           'anchor_invoice_id', id || '-i1'), 'bench', '', %(policy)s, '1', 'settled', %(now)s, %(now)s FROM customers
    RETURNING id, customer_id),
decisions AS (
    INSERT INTO decision (customer_id, episode_id, position, tool, digest, actor, verdict, reasons, policy_version,
                          facts, facts_digest, at)
    SELECT customer_id, id, 0, 'generate_dunning_message', id, 'agent', 'allow', '[]', %(policy)s, '{}', '', %(now)s
      FROM episodes RETURNING id, customer_id, episode_id),
messages AS (
    INSERT INTO message (customer_id, contact_id, direction, channel, subject, body, body_digest, language, purpose, template,
                         episode_id, at)
    SELECT customer_id, customer_id || '-email', 'out', 'email', 'Reminder', 'Reminder', '', 'en', 'reminder', 'reminder_1',
           id, %(now)s FROM episodes RETURNING id, customer_id)
INSERT INTO outbox (customer_id, episode_id, decision_id, digest, message_id, contact_id, channel, action, not_before,
                    created_at)
SELECT d.customer_id, d.episode_id, d.id, d.episode_id, m.id, d.customer_id || '-email', 'email',
       jsonb_build_object('tool', 'generate_dunning_message', 'args', jsonb_build_object('purpose', 'reminder',
           'channel', 'email', 'invoices', jsonb_build_array(d.customer_id || '-i1'), 'tone', 'friendly', 'offer', NULL,
           'template', 'reminder_1', 'body', NULL)), %(now)s, %(now)s
  FROM decisions d JOIN messages m USING (customer_id);

-- only_the_newest_is_late --
-- One late invoice, so that the first reminder is the step for its age.
UPDATE invoice SET deleted = true WHERE id LIKE '%%-i2' OR id LIKE '%%-i3';

-- backlog --
-- So many more rows behind them, spread over all customers: they are looked for and claimed, and never judged.
WITH messages AS (
    INSERT INTO message (customer_id, direction, channel, body_digest, at)
    SELECT 'c' || 1 + n %% %(customers)s, 'out', 'sms', '', %(now)s FROM generate_series(1, %(rows)s) AS g(n)
    RETURNING id, customer_id)
INSERT INTO outbox (customer_id, episode_id, decision_id, digest, message_id, contact_id, channel, action, not_before,
                    created_at)
SELECT m.customer_id, 'ep-' || m.customer_id, (SELECT min(id) FROM decision), 'b-' || m.id, m.id, m.customer_id || '-sms',
       'sms', '{}', %(now)s, %(now)s
  FROM messages m;

-- drop_backlog --
UPDATE outbox SET state = 'withdrawn' WHERE channel = 'sms' AND state <> 'withdrawn';

-- unsettled --
SELECT count(*) FROM outbox WHERE channel = 'email' AND state IN ('queued', 'sending');

-- unknown --
SELECT count(*) FROM outbox WHERE channel = 'email' AND state = 'unknown';

-- settled --
SELECT count(*) FILTER (WHERE state = 'sent'), count(*) FILTER (WHERE state <> 'sent')
  FROM outbox WHERE channel = 'email' AND customer_id = ANY(%(customers)s);

-- next_one --
SELECT o.id, k.address, m.subject, m.body
  FROM outbox o JOIN message m ON m.id = o.message_id JOIN contact k ON k.id = o.contact_id
 WHERE o.state = 'queued' AND o.channel = 'email' ORDER BY o.not_before, o.id LIMIT 1 FOR UPDATE OF o SKIP LOCKED;

-- sent_one --
UPDATE outbox SET state = %(state)s, provider_id = %(provider_id)s, sent_at = %(now)s, settled_at = %(now)s,
       check_at = CASE WHEN %(state)s = 'unknown' THEN %(now)s END
 WHERE id = %(id)s;
