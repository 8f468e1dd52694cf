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
   AND NOT (id = ANY(%(keep)s))
RETURNING id;

-- claim --
-- One due row, under its customer's lock: everybody who changes an account takes that lock first, so an opt-out that
-- is committing and this claim cannot pass each other. A customer that somebody else holds is passed over.
WITH due AS (
    SELECT o.id FROM outbox o JOIN customer c ON c.id = o.customer_id
     WHERE o.state = 'queued' AND o.not_before <= %(now)s AND NOT (o.id = ANY(%(passed)s))
     ORDER BY o.not_before, o.id LIMIT 1 FOR UPDATE OF c SKIP LOCKED)
UPDATE outbox SET state = 'sending', claimed_at = %(now)s, attempts = attempts + 1
  FROM due WHERE outbox.id = due.id AND outbox.state = 'queued'
RETURNING outbox.id, customer_id, episode_id, decision_id, digest, message_id, contact_id, channel, action, reply_to,
          state, not_before, attempts, provider_id, reason;

-- settle --
UPDATE outbox SET state = %(state)s, provider_id = coalesce(%(provider_id)s, provider_id), reason = %(reason)s,
       not_before = coalesce(%(not_before)s, not_before), settled_at = %(now)s,
       sent_at = CASE WHEN %(state)s IN ('sent', 'delivered') THEN coalesce(sent_at, %(now)s) ELSE sent_at END
 WHERE id = %(outbox_id)s AND state = %(from_state)s
RETURNING id;

-- refresh_text --
UPDATE message SET subject = %(subject)s, body = %(body)s, salt = %(salt)s, body_digest = %(body_digest)s,
       contact_id = %(contact_id)s, at = %(at)s
 WHERE id = %(message_id)s;

-- body_digest --
SELECT body_digest FROM message WHERE id = %(message_id)s;

-- stranded --
-- Claimed and never settled: the sender died between its claim and the provider's answer.
SELECT id, customer_id, episode_id, decision_id, digest, message_id, contact_id, channel, action, reply_to, state,
       not_before, attempts, provider_id, reason
  FROM outbox WHERE state = 'sending' AND claimed_at < %(before)s ORDER BY id LIMIT %(limit)s;

-- list --
SELECT o.id, o.customer_id, o.episode_id, o.decision_id, o.channel, o.state, o.not_before, o.sent_at, o.reason,
       o.attempts, o.provider_id, m.purpose, m.template, m.subject, m.body, k.address AS recipient
  FROM outbox o JOIN message m ON m.id = o.message_id JOIN contact k ON k.id = o.contact_id
 WHERE (%(state)s::text IS NULL OR o.state = %(state)s)
   AND (%(customer_id)s::text IS NULL OR o.customer_id = %(customer_id)s)
   AND (%(outbox_id)s::bigint IS NULL OR o.id = %(outbox_id)s)
 ORDER BY o.id DESC LIMIT %(limit)s OFFSET %(offset)s;

-- approver_of --
-- The person who approved the decision that an outbox row cites, as they are now; no row where nobody had to. The facts
-- are those of the decision itself: an edit concerns others than the action that was asked.
SELECT a.decided_by AS name, u.role, u.limit_minor, d.facts_digest
  FROM decision d JOIN approval a ON a.id = d.approval_id LEFT JOIN app_user u ON u.name = a.decided_by
 WHERE d.id = %(decision_id)s;
