-- note --
-- A row for each approval that waits and each role that decides it, or was told when nobody did. What is there stays.
INSERT INTO notification (id, approval_id, customer_id, event, role, created_at, try_at)
SELECT 'nt-' || substr(encode(sha256(convert_to(concat_ws(':', w.id, w.event, w.role), 'UTF8')), 'hex'), 1, 24),
       w.id, w.customer_id, w.event, w.role, %(now)s, %(now)s
  FROM (SELECT a.id, a.customer_id, 'asked' AS event, a.role FROM approval a WHERE a.state = 'pending'
         UNION ALL
        SELECT a.id, a.customer_id, 'reminded', a.reminded_role FROM approval a
         WHERE a.state = 'pending' AND a.reminded_role IS NOT NULL) AS w
 WHERE NOT EXISTS (SELECT FROM notification n
                    WHERE n.approval_id = w.id AND n.event = w.event AND n.role = w.role)
    ON CONFLICT DO NOTHING;

-- take --
-- Whoever takes one has it for a while: then it is tried once more, by anybody.
UPDATE notification n SET tries = n.tries + 1, try_at = %(now)s::timestamptz + (%(waits)s::interval[])[least(n.tries + 1, %(most)s)]
  FROM approval a
 WHERE a.id = n.approval_id
   AND n.id = (SELECT id FROM notification WHERE try_at <= %(now)s ORDER BY try_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING n.id, n.event, n.approval_id, n.role, n.tries, a.kind, a.state, a.asked_at, a.expires_at, a.role AS decides;

-- settle --
UPDATE notification SET outcome = %(outcome)s, settled_at = %(now)s, try_at = NULL WHERE id = %(id)s AND outcome IS NULL;
