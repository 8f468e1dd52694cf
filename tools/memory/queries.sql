-- store_inbound --
-- One row for each message of a provider, however often it is delivered: no row comes back for a duplicate.
INSERT INTO message (customer_id, contact_id, direction, channel, subject, body, salt, body_digest, provider_id, at)
VALUES (%(customer_id)s, %(contact_id)s, 'in', %(channel)s, %(subject)s, %(body)s, %(salt)s, %(body_digest)s,
        %(provider_id)s, %(at)s)
ON CONFLICT (channel, provider_id) WHERE direction = 'in' DO NOTHING
RETURNING id;

-- inbound_by_provider --
SELECT id FROM message WHERE direction = 'in' AND channel = %(channel)s AND provider_id = %(provider_id)s;

-- store_outbound --
INSERT INTO message (customer_id, contact_id, direction, channel, subject, body, salt, body_digest, language, purpose,
                     template, episode_id, at)
VALUES (%(customer_id)s, %(contact_id)s, 'out', %(channel)s, %(subject)s, %(body)s, %(salt)s, %(body_digest)s,
        %(language)s, %(purpose)s, %(template)s, %(episode_id)s, %(at)s)
RETURNING id;

-- recent_window --
-- The newest messages up to `upto`, newest first; outbound ones only when they left or are about to.
SELECT m.id, m.direction, m.channel, m.purpose, coalesce(m.body, '') AS body, m.contact_id, m.at
  FROM message m LEFT JOIN outbox o ON o.message_id = m.id
 WHERE m.customer_id = %(customer_id)s AND (%(upto)s::bigint IS NULL OR m.id <= %(upto)s)
   AND (o.id IS NULL OR o.state IN ('queued', 'sending', 'sent', 'delivered', 'unknown'))
 ORDER BY m.id DESC LIMIT %(limit)s;

-- count_messages --
SELECT count(*) FROM message WHERE customer_id = %(customer_id)s AND (%(upto)s::bigint IS NULL OR id <= %(upto)s);

-- standing_facts --
SELECT kind, fact, message_id, at FROM standing_fact
 WHERE customer_id = %(customer_id)s AND ended_at IS NULL ORDER BY id DESC LIMIT %(limit)s;

-- inbound --
SELECT id, customer_id, contact_id, channel, coalesce(body, '') AS body, at, handled_at
  FROM message WHERE id = %(message_id)s AND direction = 'in';

-- replies_to --
SELECT count(*) FROM outbox WHERE reply_to = %(message_id)s AND state <> 'withdrawn';

-- mark_handled --
UPDATE message SET handled_at = %(now)s, episode_id = %(episode_id)s
 WHERE id = %(message_id)s AND handled_at IS NULL RETURNING body_digest;

-- unhandled --
SELECT id, customer_id FROM message WHERE direction = 'in' AND handled_at IS NULL ORDER BY id LIMIT %(limit)s;

-- senders --
-- The contact points that an inbound address may be, with their customers.
SELECT k.id AS contact_id, k.customer_id FROM contact k
 WHERE k.channel = %(channel)s AND lower(k.address) = lower(%(address)s) ORDER BY k.customer_id;

-- thread --
-- The whole conversation for a person to read, oldest first, with what became of each outbound message.
SELECT m.id, m.at, m.direction, m.channel, m.purpose, m.template, m.subject, m.body, o.state, o.reason, o.not_before,
       m.episode_id
  FROM message m LEFT JOIN outbox o ON o.message_id = m.id
 WHERE m.customer_id = %(customer_id)s ORDER BY m.id DESC LIMIT %(limit)s;
