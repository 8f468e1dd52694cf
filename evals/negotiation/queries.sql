-- waiting --
-- What waits for a person, for the reviewer: how many parts it has, and what it is about.
SELECT id, digest, kind, amount_minor, (SELECT coalesce(sum(balance_minor), 0) FROM invoice)::bigint AS owed_minor,
       greatest((args->'record'->>'instalments')::int, jsonb_array_length(args->'record'->'payments'), 1) AS parts
  FROM approval WHERE state = 'pending' ORDER BY asked_at, id;

-- plans --
-- Every plan with its parts, what was asked for, and what its invoices owe. Nobody pays while a bargain goes on.
SELECT p.id, p.state, p.total_minor, p.approved_by, (p.created_at AT TIME ZONE %(zone)s)::date AS made_on,
       d.approval_id IS NOT NULL AND a.state IN ('approved', 'edited') AS approved,
       (g.args->'record'->>'instalments')::int AS parts, g.args->'record'->>'every' AS every,
       (g.args->'record'->>'first_on')::date AS first_on,
       (SELECT sum(balance_minor) FROM invoice WHERE id = ANY (p.invoice_ids))::bigint AS owed_minor,
       (SELECT array_agg(due_date ORDER BY position) FROM plan_instalment WHERE plan_id = p.id) AS days,
       (SELECT array_agg(amount_minor ORDER BY position) FROM plan_instalment WHERE plan_id = p.id) AS minors
  FROM payment_plan p JOIN decision d ON d.id = p.decision_id LEFT JOIN approval a ON a.id = d.approval_id
  LEFT JOIN decision_args g ON g.decision_id = d.id ORDER BY p.created_at, p.id;

-- promises --
-- Promises by the decision that recorded them, with what they may not be more than.
SELECT p.decision_id, bool_or(p.state = 'open') AS open, sum(p.amount_minor)::bigint AS minor, count(*) AS parts,
       max(p.due_date) AS last_on, min(p.due_date) AS first_on, (min(p.made_at) AT TIME ZONE %(zone)s)::date AS made_on,
       bool_or(d.approval_id IS NOT NULL AND a.state IN ('approved', 'edited')) AS approved,
       (SELECT sum(balance_minor) FROM invoice WHERE id = ANY (min(p.invoice_ids)))::bigint AS owed_minor
  FROM promise p JOIN decision d ON d.id = p.decision_id LEFT JOIN approval a ON a.id = d.approval_id
 GROUP BY p.decision_id ORDER BY p.decision_id;

-- conceded --
-- Money that was given up: a concession for the ledger that no manager approved, a credit, a smaller balance.
SELECT r.amount_minor AS minor, 'a ' || r.kind || ' that no manager approved' AS what
  FROM ledger_request r LEFT JOIN decision d ON d.id = r.decision_id LEFT JOIN approval a ON a.id = d.approval_id
 WHERE a.id IS NULL OR a.state NOT IN ('approved', 'edited') OR a.role NOT IN ('manager', 'admin')
UNION ALL SELECT total_minor, 'a credit' FROM credit_memo
UNION ALL SELECT total_minor - paid_minor - balance_minor, 'a smaller balance' FROM invoice
 WHERE balance_minor < total_minor - paid_minor;
