-- schedule --
-- `once`: what an earlier episode put on the list in the same words, due no later, is not put on it a second time.
INSERT INTO follow_up (customer_id, episode_id, decision_id, digest, kind, due_at, reason, assignee, priority, talking_points)
SELECT %(customer_id)s, %(episode_id)s, %(decision_id)s, %(digest)s, %(kind)s, %(due_at)s, %(reason)s, %(assignee)s,
       %(priority)s, %(talking_points)s
 WHERE NOT EXISTS (SELECT FROM follow_up f WHERE f.customer_id = %(customer_id)s AND f.state = 'waiting'
                      AND f.kind = %(kind)s AND f.reason = %(reason)s AND f.due_at <= %(due_at)s AND f.episode_id <> %(episode_id)s
                      AND %(once)s::boolean)
ON CONFLICT (episode_id, digest, kind) DO NOTHING
RETURNING id;

-- due --
-- Follow-ups that the agent handles itself; calls and reviews are a person's and stay until somebody settles them.
SELECT id, customer_id, kind, reason FROM follow_up
 WHERE state = 'waiting' AND due_at <= %(now)s AND kind IN ('message', 'check_promise')
   AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
 ORDER BY due_at, id LIMIT %(limit)s;

-- settle --
UPDATE follow_up SET state = %(state)s, settled_at = %(now)s WHERE id = %(follow_up_id)s AND state = 'waiting' RETURNING id;

-- open --
SELECT id, customer_id, kind, due_at, reason, assignee, priority, talking_points, state FROM follow_up
 WHERE state = 'waiting' AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
   AND (%(assignee)s::text IS NULL OR assignee = %(assignee)s)
 ORDER BY array_position(ARRAY['urgent', 'high', 'normal', 'low'], priority), due_at, id LIMIT %(limit)s;
