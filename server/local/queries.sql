-- people --
-- Customers who can be reached, those we talked to last first.
SELECT c.id, c.name, (SELECT max(m.at) FROM message m WHERE m.customer_id = c.id) AS last_at
  FROM customer c
 WHERE EXISTS (SELECT FROM contact k WHERE k.customer_id = c.id AND k.channel = ANY(%(channels)s) AND k.address NOT LIKE 'erased:%%')
   AND (%(like)s::text IS NULL OR c.id ILIKE %(like)s OR c.name ILIKE %(like)s
        OR EXISTS (SELECT FROM contact k WHERE k.customer_id = c.id AND k.address ILIKE %(like)s))
 ORDER BY last_at DESC NULLS LAST, (SELECT max(d.id) FROM decision d WHERE d.customer_id = c.id) DESC NULLS LAST, c.id
 LIMIT %(limit)s;

-- lines --
-- Where the customer writes from: their numbers and addresses, those for bills first.
SELECT id, channel, address, name FROM contact
 WHERE customer_id = %(customer_id)s AND channel = ANY(%(channels)s) AND address NOT LIKE 'erased:%%'
 ORDER BY role = 'billing' DESC, id;

-- conversation --
SELECT m.id, m.at, m.direction, m.channel, m.contact_id, m.subject, coalesce(m.original, m.body) AS body, m.handled_at,
       o.id AS outbox_id, o.state, o.reason, o.not_before
  FROM message m LEFT JOIN outbox o ON o.message_id = m.id
 WHERE m.customer_id = %(customer_id)s AND m.channel = ANY(%(channels)s) ORDER BY m.id DESC LIMIT %(limit)s;

-- unmatched --
SELECT id, why, at FROM unmatched_message
 WHERE settled_at IS NULL AND (%(customer_id)s = ANY(customer_ids) OR lower(address) = ANY(%(addresses)s)) ORDER BY id;

-- answered --
-- The message that a reply quotes: only one that reached this contact point.
SELECT o.id, m.subject, m.body, m.at FROM outbox o JOIN message m ON m.id = o.message_id
 WHERE o.id = %(outbox_id)s AND o.contact_id = %(contact_id)s AND o.channel = 'email';
