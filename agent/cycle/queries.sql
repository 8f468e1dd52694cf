-- score_customers --
-- What a tier is made of, for every customer: how their settled invoices were paid, how much of the credit limit is
-- used, how old the oldest overdue invoice is, how many promises broke. tools.risk.score turns it into a tier.
WITH applied AS (
    SELECT invoice_id, sum(amount_minor) AS applied, max(applied_on) AS settled_on
      FROM allocation WHERE applied_on <= %(today)s GROUP BY 1
), known AS (
    SELECT i.customer_id, i.due_date, i.total_minor - coalesce(a.applied, 0) AS balance_then, a.settled_on
      FROM invoice i LEFT JOIN applied a ON a.invoice_id = i.id
     WHERE i.issue_date <= %(today)s AND NOT i.deleted AND i.ledger_state IN ('open', 'partially_paid', 'paid')
), account AS (
    SELECT customer_id,
           count(*) FILTER (WHERE balance_then = 0 AND settled_on < %(today)s AND due_date IS NOT NULL) AS settled,
           count(*) FILTER (WHERE balance_then = 0 AND settled_on < %(today)s AND settled_on - due_date > 7) AS late_7d,
           coalesce(sum(balance_then), 0) AS exposure_minor,
           coalesce(max(%(today)s - due_date) FILTER (WHERE balance_then > 0 AND due_date < %(today)s), 0) AS oldest
      FROM known GROUP BY customer_id
), broken AS (
    SELECT customer_id, count(*) AS broken FROM promise
     WHERE state = 'broken' AND settled_at > %(now)s - interval '180 days' GROUP BY 1
)
SELECT c.id, coalesce(a.settled, 0)::int AS settled, coalesce(a.late_7d, 0)::int AS late_7d,
       (a.exposure_minor::float8 / nullif(c.credit_limit_minor, 0)) AS utilisation,
       coalesce(a.oldest, 0)::int AS oldest, coalesce(b.broken, 0)::int AS broken
  FROM customer c LEFT JOIN account a ON a.customer_id = c.id LEFT JOIN broken b ON b.customer_id = c.id;

-- keep_scores --
-- One score for each open invoice on a day: what risk was taken to be, for whoever asks later how good it was.
INSERT INTO risk_score (invoice_id, customer_id, as_of, horizon, probability, model_id, features_hash, reasons)
SELECT i.id, i.customer_id, %(today)s, %(horizon)s, t.probability, %(model_id)s, t.features_hash, t.reasons::jsonb
  FROM unnest(%(ids)s::text[], %(probabilities)s::float8[], %(hashes)s::text[], %(reasons)s::text[])
       AS t(customer_id, probability, features_hash, reasons)
  JOIN invoice i ON i.customer_id = t.customer_id
  LEFT JOIN LATERAL (SELECT sum(amount_minor) AS applied FROM allocation
                      WHERE invoice_id = i.id AND applied_on <= %(today)s) a ON true
 WHERE i.issue_date <= %(today)s AND NOT i.deleted AND i.ledger_state IN ('open', 'partially_paid', 'paid')
   AND i.total_minor > coalesce(a.applied, 0)
    ON CONFLICT (invoice_id, as_of, horizon, model_id) DO NOTHING;

-- plan --
-- Who owes what on a day, what is in the way, and which ladder step the oldest undisputed overdue invoice has reached.
-- One row a customer with something open and due or about to be.
WITH known AS (
    SELECT i.id, i.customer_id, i.due_date, i.total_minor - coalesce(a.applied, 0) AS balance_then
      FROM invoice i
      LEFT JOIN (SELECT invoice_id, sum(amount_minor) AS applied FROM allocation
                  WHERE applied_on <= %(today)s GROUP BY 1) a ON a.invoice_id = i.id
     WHERE i.issue_date <= %(today)s AND NOT i.deleted AND i.ledger_state IN ('open', 'partially_paid', 'paid')
), owed AS (
    SELECT k.*, %(today)s - k.due_date AS days,
           EXISTS (SELECT FROM dispute_invoice di JOIN dispute d ON d.id = di.dispute_id
                    WHERE di.invoice_id = k.id AND d.state IN ('open', 'under_review')
                      AND (d.opened_at IS NULL OR d.opened_at <= %(now)s))
        OR EXISTS (SELECT FROM hold h WHERE h.customer_id = k.customer_id AND h.lifted_at IS NULL
                      AND (h.invoice_ids IS NULL OR k.id = ANY(h.invoice_ids))) AS held
      FROM known k WHERE k.balance_then > 0
), account AS (
    SELECT customer_id,
           count(*) FILTER (WHERE days > 0) AS overdue_invoices,
           coalesce(sum(balance_then) FILTER (WHERE days > 0), 0)::bigint AS overdue_minor,
           count(*) FILTER (WHERE days > 0 AND held) AS held_invoices,
           coalesce(max(days) FILTER (WHERE days > 0 AND NOT held), max(days) FILTER (WHERE NOT held)) AS days,
           (array_agg(id ORDER BY due_date, id) FILTER (WHERE NOT held AND due_date IS NOT NULL))[1] AS anchor,
           array_agg(id ORDER BY id) FILTER (WHERE days > 0) AS invoice_ids
      FROM owed GROUP BY customer_id
)
SELECT c.id AS customer_id, c.segment, c.owner, c.currency, a.overdue_invoices, a.overdue_minor, a.held_invoices,
       a.days, a.anchor, a.invoice_ids,
       (SELECT coalesce(array_agg(l.step), '{}') FROM ladder_step_ran l
         WHERE l.customer_id = c.id AND (l.anchor_invoice_id = a.anchor OR a.anchor = ANY(l.invoice_ids))) AS steps_done,
       CASE WHEN c.status <> 'active' THEN 'the customer is ' || c.status
            WHEN c.do_not_contact THEN 'the customer is not to be contacted'
            WHEN c.hold_reason IS NOT NULL THEN 'the ledger holds the account'
            WHEN EXISTS (SELECT FROM hold h WHERE h.customer_id = c.id AND h.lifted_at IS NULL AND h.invoice_ids IS NULL)
                 THEN 'the account is on hold'
            WHEN a.overdue_invoices > 0 AND a.held_invoices = a.overdue_invoices THEN 'all that is overdue is disputed or held'
            WHEN EXISTS (SELECT FROM payment_plan p WHERE p.customer_id = c.id AND p.state = 'active') THEN 'a plan runs'
            WHEN EXISTS (SELECT FROM promise p WHERE p.customer_id = c.id AND p.state = 'open'
                            AND p.due_date >= %(today)s) THEN 'a promise is not due yet'
            WHEN EXISTS (SELECT FROM approval p WHERE p.customer_id = c.id AND p.state IN ('pending', 'resuming')
                            AND p.tool = 'generate_dunning_message') THEN 'a message waits for approval'
            WHEN EXISTS (SELECT FROM outbox o WHERE o.customer_id = c.id AND o.state IN ('queued', 'sending')
                            AND o.reply_to IS NULL) THEN 'a message is on its way'
            WHEN NOT EXISTS (SELECT FROM contact k WHERE k.customer_id = c.id AND k.channel IN ('email', 'sms')
                            AND k.opted_out_at IS NULL AND k.consent <> 'denied') THEN 'nobody can be reached'
       END AS in_the_way
  FROM account a JOIN customer c ON c.id = a.customer_id
 WHERE a.overdue_invoices > 0 OR a.days >= %(first_day)s
 ORDER BY a.overdue_minor DESC, c.id;

-- known --
-- What the ledger copy knows on a day.
SELECT count(*) AS invoices, count(DISTINCT customer_id) AS customers FROM invoice
 WHERE issue_date <= %(today)s AND NOT deleted;

-- first_invoice --
-- The day of the oldest invoice in the ledger copy, whatever day it is now.
SELECT min(issue_date) FROM invoice WHERE NOT deleted;

-- set_tier --
UPDATE customer c SET risk_tier = t.tier
  FROM unnest(%(ids)s::text[], %(tiers)s::text[]) AS t(id, tier)
 WHERE c.id = t.id AND c.risk_tier <> t.tier;

-- reachable --
SELECT count(*) FROM contact WHERE channel IN ('email', 'sms') AND opted_out_at IS NULL AND consent <> 'denied';

-- held_customer --
SELECT customer_id FROM hold WHERE id = %(hold_id)s AND lifted_at IS NULL;
