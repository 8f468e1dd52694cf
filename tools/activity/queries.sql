-- ends --
SELECT customer_id, seq, hash FROM activity_head WHERE customer_id = ANY(%(customer_ids)s) ORDER BY customer_id FOR UPDATE;

-- append --
-- The entries, and with them the heads of their chains.
WITH moved AS (
    INSERT INTO activity_head (customer_id, seq, hash)
    SELECT h.customer_id, h.seq, h.hash FROM jsonb_to_recordset(%(heads)s) AS h(customer_id text, seq bigint, hash text)
    ON CONFLICT (customer_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash
)
INSERT INTO activity_log (customer_id, seq, at, actor, source, action, subject, episode_id, decision_id, prev_hash, hash)
SELECT e.customer_id, e.seq, %(at)s, e.actor, e.source, e.action, e.subject, e.episode_id, e.decision_id,
       e.prev_hash, e.hash
  FROM jsonb_to_recordset(%(entries)s) AS e(customer_id text, seq bigint, actor text, source text, action text,
       subject jsonb, episode_id text, decision_id bigint, prev_hash text, hash text);

-- chain --
SELECT customer_id, seq, at, actor, source, action, subject, episode_id, decision_id, prev_hash, hash
  FROM activity_log WHERE %(customer_id)s::text IS NULL OR customer_id = %(customer_id)s
 ORDER BY customer_id, seq;

-- heads --
SELECT customer_id, seq, hash FROM activity_head WHERE %(customer_id)s::text IS NULL OR customer_id = %(customer_id)s;
