-- counted --
-- What is on record of each action in each segment since `after`, or since its mode last changed. A message is answered
-- for seven days: a complaint, an opt-out or a wrong person is laid to the last one that was sent before. Paid money
-- that came to our knowledge later than the message makes it a false positive.
WITH changed AS (
    SELECT segment, action, max(at) AS at FROM autonomy_change GROUP BY segment, action
), decided AS (
    SELECT c.segment, d.action, d.state, d.edit_permille, d.decision_id
      FROM (SELECT customer_id, state, edit_permille, decision_id, decided_at,
                   CASE tool WHEN 'generate_dunning_message' THEN args ->> 'purpose' WHEN 'schedule_follow_up' THEN 'follow_up'
                        ELSE args #>> '{record,kind}' END AS action
              FROM approval
             WHERE state IN ('approved', 'edited', 'rejected') AND proposed_by = 'agent' AND decided_at > %(after)s) AS d
      JOIN customer c ON c.id = d.customer_id
      LEFT JOIN changed h ON h.segment = c.segment AND h.action = d.action
     WHERE d.action IS NOT NULL AND (h.at IS NULL OR d.decided_at > h.at)
), sent AS (
    SELECT c.segment, m.purpose AS action, o.id
      FROM outbox o JOIN message m ON m.id = o.message_id JOIN customer c ON c.id = o.customer_id
      LEFT JOIN changed h ON h.segment = c.segment AND h.action = m.purpose
     WHERE o.state IN ('sent', 'delivered') AND o.sent_at > greatest(%(after)s, h.at)
), said AS (
    SELECT customer_id, at, decision_id, CASE reason WHEN 'wrong_party' THEN 'false_positive' ELSE 'complaint' END AS kind
      FROM suppression WHERE reason IN ('opt_out', 'complaint', 'wrong_party') AND at > %(after)s
     UNION ALL
    SELECT customer_id, placed_at, decision_id, reason
      FROM hold WHERE reason IN ('complaint', 'payment_claim') AND placed_at > %(after)s
), trouble AS (
    SELECT c.segment, l.action, l.id, said.decision_id, CASE said.kind WHEN 'complaint' THEN 'complaint' ELSE 'false_positive' END AS kind
      FROM said JOIN customer c ON c.id = said.customer_id
      JOIN LATERAL (SELECT o.id, o.sent_at, m.purpose AS action FROM outbox o JOIN message m ON m.id = o.message_id
                     WHERE o.customer_id = said.customer_id AND o.state IN ('sent', 'delivered')
                       AND o.sent_at < said.at AND o.sent_at > said.at - interval '7 days'
                     ORDER BY o.sent_at DESC, o.id DESC LIMIT 1) AS l ON true
      LEFT JOIN changed h ON h.segment = c.segment AND h.action = l.action
     WHERE (h.at IS NULL OR said.at > h.at)
       AND (said.kind <> 'payment_claim' OR EXISTS (
            SELECT FROM payment p JOIN ledger_event e ON e.kind = 'payment' AND e.ref = p.id
             WHERE p.customer_id = said.customer_id AND p.paid_on <= l.sent_at::date AND e.at > l.sent_at))
), each AS (
    SELECT segment, action, (state = 'approved')::int AS accepted, (state = 'edited')::int AS edited,
           (state = 'rejected')::int AS rejected, coalesce(edit_permille, 0) AS distance_permille, 0 AS sent, NULL::bigint AS complained,
           NULL::bigint AS false_positive, CASE state WHEN 'rejected' THEN decision_id END AS decision_id
      FROM decided
     UNION ALL
    SELECT segment, action, 0, 0, 0, 0, 1, NULL, NULL, NULL FROM sent
     UNION ALL
    SELECT segment, action, 0, 0, 0, 0, 0, CASE kind WHEN 'complaint' THEN id END,
           CASE kind WHEN 'false_positive' THEN id END, decision_id
      FROM trouble
     UNION ALL   -- what has a level is listed even where nothing was counted since
    SELECT segment, action, 0, 0, 0, 0, 0, NULL, NULL, NULL FROM autonomy_level
)
SELECT e.segment, e.action, l.mode AS level, sum(accepted)::int AS accepted, sum(edited)::int AS edited,
       sum(rejected)::int AS rejected, sum(distance_permille)::int AS distance_permille, sum(sent)::int AS sent,
       count(DISTINCT complained)::int AS complaints, count(DISTINCT false_positive)::int AS false_positives,
       max(decision_id) AS last_trouble
  FROM each e LEFT JOIN autonomy_level l ON l.segment = e.segment AND l.action = e.action
 WHERE %(segment)s::text IS NULL OR e.segment = %(segment)s
 GROUP BY e.segment, e.action, l.mode ORDER BY e.segment, e.action;

-- lock --
-- One step at a time, whoever makes it.
SELECT pg_advisory_xact_lock(hashtext('autonomy'));

-- set_level --
INSERT INTO autonomy_level (segment, action, mode) VALUES (%(segment)s, %(action)s, %(mode)s)
ON CONFLICT (segment, action) DO UPDATE SET mode = excluded.mode;

-- change --
INSERT INTO autonomy_change (segment, action, before, after, why, evidence, by, policy_version, at)
VALUES (%(segment)s, %(action)s, %(before)s, %(mode)s, %(why)s, %(evidence)s, %(by)s, %(policy_version)s, %(now)s)
RETURNING id;

-- changes --
SELECT id, segment, action, before, after, why, evidence, by, policy_version, at FROM autonomy_change
 WHERE %(segment)s::text IS NULL OR segment = %(segment)s ORDER BY id DESC LIMIT %(limit)s;

-- troubled --
-- The decision that the last trouble goes back to: a person's task hangs on it.
SELECT id AS decision_id, episode_id, customer_id FROM decision WHERE id = %(decision_id)s;
