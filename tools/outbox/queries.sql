-- enqueue --
INSERT INTO outbox (customer_id, episode_id, decision_id, digest, message_id, contact_id, channel, action, reply_to,
                    not_before, created_at)
VALUES (%(customer_id)s, %(episode_id)s, %(decision_id)s, %(digest)s, %(message_id)s, %(contact_id)s, %(channel)s,
        %(action)s, %(reply_to)s, %(not_before)s, %(now)s)
RETURNING id;

-- withdraw --
-- Queued rows of one customer, narrowed to a channel, a contact point or invoices where given.
UPDATE outbox SET state = 'withdrawn', reason = %(reason)s, settled_at = %(now)s
 WHERE customer_id = %(customer_id)s AND state = 'queued'
   AND (%(channel)s::text IS NULL OR channel = %(channel)s)
   AND (%(contact_id)s::text IS NULL OR contact_id = %(contact_id)s)
   AND NOT (id = ANY(%(keep)s)) AND (%(answers)s OR reply_to IS NULL)
RETURNING id;

-- due --
-- The due rows of one channel with what judging them again needs: one row of a customer at a time, each under its
-- customer's lock. Everybody who changes an account takes that lock first, so an opt-out that is committing and this
-- claim cannot pass each other; a customer or a row that somebody else holds is passed over. Only the front of the
-- queue is looked at, however long it is. The approver is who approved the decision that a row cites, as they are now;
-- the facts they saw are those of the decision itself: an edit concerns others than the action that was asked. What the
-- row's episode recorded of the customer's words is part of what its message was staged on; a promise stands for itself.
WITH front AS (
    SELECT id, customer_id, not_before FROM outbox
     WHERE state = 'queued' AND channel = %(channel)s AND not_before <= %(now)s
     ORDER BY not_before, id LIMIT %(front)s
), first AS (
    SELECT DISTINCT ON (customer_id) id FROM front ORDER BY customer_id, not_before, id
)
SELECT o.id, o.customer_id, o.episode_id, o.decision_id, o.message_id, o.contact_id, o.channel, o.action, o.reply_to,
       o.state, o.attempts, o.claimed_at, e.trigger, m.subject, m.body, m.body_digest,
       a.decided_by AS approved_by, a.first_by AS approved_first_by, u.role AS approver_role, u.limit_minor AS approver_limit_minor,
       CASE WHEN a.id IS NOT NULL THEN d.facts_digest END AS approved_facts,
       CASE WHEN o.channel = 'email' AND o.reply_to IS NOT NULL THEN ARRAY(
           SELECT i.internet_id FROM message i
            WHERE i.customer_id = o.customer_id AND i.id <= o.reply_to AND i.contact_id = o.contact_id
              AND i.direction = 'in' AND i.channel = 'email' AND i.internet_id IS NOT NULL
            ORDER BY i.id DESC LIMIT 5) ELSE '{}' END AS follows,
       ARRAY(SELECT jsonb_build_object('kind', r.args -> 'record' -> 'kind', 'why', r.args -> 'record' -> 'why',
                                       'scope', r.args -> 'record' -> 'scope')
               FROM decision s JOIN decision_args r ON r.decision_id = s.id
              WHERE s.episode_id = o.episode_id AND s.tool = 'log_collection_activity' AND s.verdict = 'allow'
                AND r.args -> 'record' ->> 'kind' <> 'promise' ORDER BY s.id) AS recorded
  FROM first
  JOIN outbox o ON o.id = first.id
  JOIN customer c ON c.id = o.customer_id
  JOIN episode e ON e.id = o.episode_id
  JOIN decision d ON d.id = o.decision_id
  JOIN message m ON m.id = o.message_id
  LEFT JOIN approval a ON a.id = d.approval_id
  LEFT JOIN app_user u ON u.name = a.decided_by
 WHERE o.state = 'queued'
 ORDER BY o.not_before, o.id LIMIT %(limit)s
   FOR UPDATE OF o, c SKIP LOCKED;

-- any_due --
SELECT EXISTS (SELECT FROM outbox WHERE state = 'queued' AND channel = %(channel)s AND not_before <= %(now)s);

-- move --
-- Rows to another state, each from the state and the attempt in which it was read: what moved meanwhile stays. What a
-- provider has told us of this very message (undelivered, before its answer was settled) is newer than its receipt.
UPDATE outbox o
   SET state = v.state, reason = v.reason, provider_id = coalesce(v.provider_id, o.provider_id),
       not_before = coalesce(v.not_before, o.not_before), check_at = v.check_at,
       attempts = o.attempts + (v.state = 'sending')::int,
       claimed_at = CASE WHEN v.state = 'sending' THEN %(now)s ELSE o.claimed_at END,
       settled_at = CASE WHEN v.state IN ('queued', 'sending') THEN NULL ELSE %(now)s END,
       sent_at = CASE WHEN v.state IN ('sent', 'delivered') THEN coalesce(o.sent_at, %(now)s) ELSE o.sent_at END
  FROM jsonb_to_recordset(%(moves)s) AS v(id bigint, was text[], attempt int, state text, reason text, provider_id text,
       not_before timestamptz, check_at timestamptz)
 WHERE o.id = v.id AND o.state = ANY(v.was) AND o.attempts = v.attempt
   AND (v.state <> 'sent' OR o.state IN ('sending', 'unknown') OR o.provider_id IS DISTINCT FROM v.provider_id)
RETURNING o.id;

-- refresh_text --
UPDATE message m SET subject = v.subject, body = v.body, salt = decode(v.salt, 'hex'), body_digest = v.body_digest,
       contact_id = v.contact_id
  FROM jsonb_to_recordset(%(texts)s) AS v(id bigint, subject text, body text, salt text, body_digest text, contact_id text)
 WHERE m.id = v.id;

-- leaves_now --
UPDATE message SET at = %(now)s WHERE id = ANY(%(message_ids)s);

-- to_check --
-- Rows that somebody has to look at: a claim that was never settled, an unknown fate, a person who has still to hear.
SELECT id, customer_id, episode_id, decision_id, message_id, contact_id, channel, action, reply_to, state, attempts,
       claimed_at, reason, check_at
  FROM outbox
 WHERE (check_at <= %(now)s OR check_at > %(latest)s)
   AND (state <> 'unknown' OR channel = ANY(%(channels)s) OR claimed_at < %(given_up)s)
 ORDER BY check_at, id LIMIT %(limit)s;

-- row --
SELECT id, customer_id, episode_id, decision_id, message_id, contact_id, channel, action, reply_to, state, attempts,
       claimed_at, reason, check_at
  FROM outbox WHERE id = %(outbox_id)s;

-- as_sent --
SELECT k.address, m.subject, coalesce(m.body, ''), coalesce(o.claimed_at, o.created_at),
       ARRAY(SELECT other.provider_id FROM contact p
               JOIN outbox other ON other.customer_id = p.customer_id AND other.contact_id = p.id
              WHERE p.channel = k.channel AND p.address = k.address AND other.provider_id IS NOT NULL)
  FROM outbox o JOIN message m ON m.id = o.message_id JOIN contact k ON k.id = o.contact_id
 WHERE o.id = %(outbox_id)s;

-- free_customers --
-- Those of the customers whom nobody holds, with their lock.
SELECT id FROM customer WHERE id = ANY(%(customer_ids)s) ORDER BY id FOR UPDATE SKIP LOCKED;

-- list --
SELECT o.id, o.customer_id, o.episode_id, o.decision_id, o.channel, o.state, o.not_before, o.sent_at, o.reason,
       o.attempts, o.provider_id, o.check_at, m.purpose, m.template, m.subject, m.body, k.address AS recipient
  FROM outbox o JOIN message m ON m.id = o.message_id JOIN contact k ON k.id = o.contact_id
 WHERE (%(state)s::text IS NULL OR o.state = %(state)s)
   AND (%(customer_id)s::text IS NULL OR o.customer_id = %(customer_id)s)
   AND (%(outbox_id)s::bigint IS NULL OR o.id = %(outbox_id)s)
 ORDER BY o.id DESC LIMIT %(limit)s OFFSET %(offset)s;
