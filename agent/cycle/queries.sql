-- plan --
-- The whole portfolio on one day, one row a customer: what is owed and how old it is, the tier and what it is made of,
-- what is in the way of a message, and which ladder step the oldest undisputed overdue invoice has reached.
-- Balances are those of the day: what is open now and what was applied after it. A tier is the arithmetic of
-- tools.risk.score, whose numbers are the parameters; a step is that of agent.policy.ladder.next_step.
CREATE TEMPORARY TABLE planned ON COMMIT DROP AS
WITH later AS (
    SELECT invoice_id, sum(amount_minor)::bigint AS minor FROM allocation WHERE applied_on > %(today)s GROUP BY invoice_id
), stopped AS (
    SELECT di.invoice_id FROM dispute d JOIN dispute_invoice di ON di.dispute_id = d.id
     WHERE d.state IN ('open', 'under_review') AND (d.opened_at IS NULL OR d.opened_at <= %(now)s)
     UNION
    SELECT unnest(h.invoice_ids) FROM hold h WHERE h.lifted_at IS NULL
), owed AS (
    -- The anchor is the oldest invoice that nobody holds: days since the year 1, six digits of them, and its id.
    SELECT i.customer_id, sum(i.balance_minor + coalesce(l.minor, 0))::bigint AS owed_minor, min(i.due_date) AS oldest_due,
           coalesce(sum(i.balance_minor + coalesce(l.minor, 0)) FILTER (WHERE i.due_date < %(today)s), 0)::bigint
               AS overdue_minor,
           count(*) FILTER (WHERE i.due_date < %(today)s) AS overdue_invoices,
           count(*) FILTER (WHERE i.due_date < %(today)s AND s.invoice_id IS NOT NULL) AS held_invoices,
           min((i.due_date - date '0001-01-01')::text || i.id) FILTER (WHERE s.invoice_id IS NULL) AS anchor
      FROM invoice i LEFT JOIN later l ON l.invoice_id = i.id LEFT JOIN stopped s ON s.invoice_id = i.id
     WHERE i.issue_date <= %(today)s AND NOT i.deleted AND i.ledger_state IN ('open', 'partially_paid', 'paid')
       AND (i.balance_minor > 0 OR l.minor > 0) GROUP BY i.customer_id
), history AS (
    -- Nothing left, and the last of it was applied before the day: settled by then.
    SELECT i.customer_id, count(*) AS settled, count(*) FILTER (WHERE p.last_on - i.due_date > 0) AS late_0d,
           count(*) FILTER (WHERE p.last_on - i.due_date > 7) AS late_7d,
           count(*) FILTER (WHERE p.last_on - i.due_date > 15) AS late_15d,
           count(*) FILTER (WHERE p.last_on - i.due_date > 30) AS late_30d
      FROM invoice i JOIN (SELECT invoice_id, max(applied_on) AS last_on FROM allocation GROUP BY invoice_id) p
           ON p.invoice_id = i.id
     WHERE i.balance_minor = 0 AND i.due_date IS NOT NULL AND p.last_on < %(today)s AND i.issue_date <= %(today)s
       AND NOT i.deleted AND i.ledger_state IN ('open', 'partially_paid', 'paid') GROUP BY i.customer_id
), base AS (
    SELECT sum(late_7d)::float8 / nullif(sum(settled), 0)::float8 AS rate FROM history
), broken AS (
    SELECT customer_id, count(*) AS promises FROM promise
     WHERE state = 'broken' AND settled_at > %(now)s::timestamptz - interval '180 days' GROUP BY customer_id
), account AS (
    SELECT c.id AS customer_id, c.status, c.do_not_contact, c.hold_reason,
           coalesce(%(segments)s::jsonb ->> c.segment, %(segments)s::jsonb ->> 'default') AS ladder,
           coalesce(o.overdue_minor, 0) AS overdue_minor, coalesce(o.overdue_invoices, 0) AS overdue_invoices,
           coalesce(o.held_invoices, 0) AS held_invoices, substr(o.anchor, 7) AS anchor,
           %(today)s::date - (date '0001-01-01' + left(o.anchor, 6)::int) AS days,
           coalesce(h.settled, 0) AS settled, coalesce(h.late_0d, 0) AS late_0d, coalesce(h.late_7d, 0) AS late_7d,
           coalesce(h.late_15d, 0) AS late_15d, coalesce(h.late_30d, 0) AS late_30d, coalesce(b.promises, 0) AS broken,
           greatest(%(today)s::date - o.oldest_due, 0) AS oldest,
           coalesce(o.owed_minor, 0)::float8 / nullif(c.credit_limit_minor, 0) AS utilisation
      FROM customer c LEFT JOIN owed o ON o.customer_id = c.id LEFT JOIN history h ON h.customer_id = c.id
      LEFT JOIN broken b ON b.customer_id = c.id
), scored AS (
    SELECT a.*, CASE WHEN a.settled >= %(min_settled)s
                     THEN (a.late_7d + %(prior)s * base.rate) / (a.settled + %(prior)s)::float8 END AS probability
      FROM account a CROSS JOIN base
), tiered AS (
    SELECT s.*, CASE WHEN s.probability IS NULL THEN 'unscored'
                     ELSE (ARRAY['low', 'medium', 'high', 'high'])[1 + (s.probability >= %(medium)s)::int
                          + (s.probability >= %(high)s)::int + (coalesce(s.utilisation >= %(full)s, false)
                          OR coalesce(s.oldest >= %(long)s, false) OR s.broken > 0)::int] END AS tier
      FROM scored s
), ladder AS (
    -- Place 0 is the early notice; the steps after the due date are counted from 1.
    SELECT * FROM jsonb_to_recordset(%(ladders)s) AS l(ladder text, place int, step text, days int)
), rung AS (
    -- Where none ran it is the step for the account's age; where some did, the next one and no later one.
    SELECT ladder, 0 AS last, step, days AS from_day, lead(days) OVER (PARTITION BY ladder ORDER BY place) AS to_day
      FROM ladder WHERE place > 0
     UNION ALL
    SELECT ladder, place - 1, step, days, NULL FROM ladder WHERE place > 1
), taken AS MATERIALIZED (
    -- Materialized, or the planner gives every customer every step of the ladder before it looks which ones ran.
    SELECT t.customer_id, t.ladder, r.step FROM ladder_step_ran r JOIN tiered t ON t.customer_id = r.customer_id
       AND (t.anchor = r.anchor_invoice_id OR t.anchor = ANY(r.invoice_ids))
), ran AS (
    SELECT customer_id, max(place) AS last, bool_or(place = 0) AS noticed
      FROM taken JOIN ladder USING (ladder, step) GROUP BY customer_id
), obstacle AS (
    SELECT customer_id, min(rank) AS rank
      FROM (SELECT customer_id, 1 AS rank FROM hold WHERE lifted_at IS NULL AND invoice_ids IS NULL
             UNION ALL SELECT customer_id, 2 FROM payment_plan WHERE state = 'active'
             UNION ALL SELECT customer_id, 3 FROM promise WHERE state = 'open' AND due_date >= %(today)s
             UNION ALL SELECT customer_id, 4 FROM approval
                        WHERE state IN ('pending', 'resuming') AND tool = 'generate_dunning_message'
             UNION ALL SELECT customer_id, 5 FROM outbox WHERE state IN ('queued', 'sending') AND reply_to IS NULL) AS found
     GROUP BY customer_id
), reachable AS (
    SELECT DISTINCT k.customer_id FROM contact k LEFT JOIN suppression s ON s.customer_id = k.customer_id AND s.lifted_at IS NULL
           AND coalesce(s.channel, k.channel) = k.channel AND coalesce(s.contact_id, k.id) = k.id
     WHERE k.channel IN ('email', 'sms') AND k.opted_out_at IS NULL AND k.consent <> 'denied' AND s.id IS NULL
)
SELECT t.customer_id, t.tier, t.probability, t.settled, t.late_0d, t.late_7d, t.late_15d, t.late_30d, t.utilisation,
       t.oldest, t.broken, t.overdue_minor, t.overdue_invoices, t.ladder, t.anchor, coalesce(g.step, e.step) AS step,
       CASE WHEN o.rank = 1 THEN t.overdue_invoices ELSE t.held_invoices END AS held_invoices,
       CASE WHEN o.rank IS DISTINCT FROM 1 THEN t.days END AS days,
       CASE WHEN t.status <> 'active' THEN 'the customer is ' || t.status
            WHEN t.do_not_contact THEN 'the customer is not to be contacted'
            WHEN t.hold_reason IS NOT NULL THEN 'the ledger holds the account'
            WHEN o.rank = 1 THEN 'the account is on hold'
            WHEN t.overdue_invoices > 0 AND t.held_invoices = t.overdue_invoices
                 THEN 'all that is overdue is disputed or held'
            WHEN o.rank = 2 THEN 'a plan runs'
            WHEN o.rank = 3 THEN 'a promise is not due yet'
            WHEN o.rank = 4 THEN 'a message waits for approval'
            WHEN o.rank = 5 THEN 'a message is on its way'
            WHEN p.customer_id IS NULL THEN 'nobody can be reached' END AS in_the_way
  FROM tiered t
  LEFT JOIN obstacle o ON o.customer_id = t.customer_id
  LEFT JOIN reachable p ON p.customer_id = t.customer_id
  LEFT JOIN ran r ON r.customer_id = t.customer_id
  LEFT JOIN rung g ON t.days > 0 AND g.ladder = t.ladder AND g.last = coalesce(r.last, 0)
        AND t.days >= g.from_day AND t.days < coalesce(g.to_day, t.days + 1)
  LEFT JOIN ladder e ON t.days <= 0 AND e.ladder = t.ladder AND e.place = 0 AND e.days <= t.days
        AND t.tier IN ('high', 'unscored') AND NOT coalesce(r.noticed, false);

-- batch_memory --
-- For the rest of the transaction, whatever the server is set to: the plan reads whole tables, and what does not fit
-- goes to disk. One process, so that this is all it takes. More memory made it slower, and so did hashed groups, which
-- spill in many pieces where a sort spills in one run (both measured on a million open invoices).
SELECT set_config('work_mem', '8MB', true), set_config('max_parallel_workers_per_gather', '0', true),
       set_config('enable_hashagg', 'off', true), set_config('jit', 'off', true);

-- forget_plan --
DROP TABLE IF EXISTS pg_temp.planned;

-- planned --
-- Who is overdue or close to a due date, most overdue first. The rest of the plan is nobody's work today.
SELECT customer_id, overdue_minor, overdue_invoices, held_invoices, days, ladder, anchor, step, in_the_way FROM planned
 WHERE overdue_invoices > 0 OR days >= %(first_day)s
 ORDER BY overdue_minor DESC, customer_id;

-- keep_base_rate --
-- How the whole portfolio paid before the day, for whoever looks at one account of it later.
INSERT INTO portfolio_history (as_of, settled, late_0d, late_7d, late_15d, late_30d)
SELECT %(today)s, coalesce(sum(settled), 0), coalesce(sum(late_0d), 0), coalesce(sum(late_7d), 0), coalesce(sum(late_15d), 0),
       coalesce(sum(late_30d), 0) FROM planned
    ON CONFLICT (as_of) DO UPDATE SET (settled, late_0d, late_7d, late_15d, late_30d) =
       (excluded.settled, excluded.late_0d, excluded.late_7d, excluded.late_15d, excluded.late_30d);

-- keep_scores --
-- One score for each open invoice on a day, with what it was made of: for whoever asks later how good it was.
INSERT INTO risk_score (invoice_id, customer_id, as_of, horizon, probability, model_id, features_hash, reasons)
SELECT i.id, i.customer_id, %(today)s, %(horizon)s, f.probability, %(model_id)s, md5(f.reasons::text), f.reasons
  FROM (SELECT customer_id, probability, jsonb_build_object('settled', settled, 'late_7d', late_7d, 'utilisation', utilisation, 'oldest', oldest, 'broken', broken,
               'base_rate', (SELECT late_7d::float8 / nullif(settled, 0) FROM portfolio_history WHERE as_of = %(today)s)) AS reasons
          FROM planned WHERE probability IS NOT NULL) AS f
  JOIN invoice i ON i.customer_id = f.customer_id
  LEFT JOIN (SELECT invoice_id, sum(amount_minor) AS minor FROM allocation WHERE applied_on > %(today)s GROUP BY 1) l
       ON l.invoice_id = i.id
 WHERE i.issue_date <= %(today)s AND NOT i.deleted AND i.ledger_state IN ('open', 'partially_paid', 'paid')
   AND i.balance_minor + coalesce(l.minor, 0) > 0
    ON CONFLICT (invoice_id, as_of, horizon, model_id) DO NOTHING;

-- known --
-- What the ledger copy knows on a day.
SELECT count(*) AS invoices, count(DISTINCT customer_id) AS customers FROM invoice
 WHERE issue_date <= %(today)s AND NOT deleted;

-- first_invoice --
-- The day of the oldest invoice in the ledger copy, whatever day it is now.
SELECT min(issue_date) FROM invoice WHERE NOT deleted;

-- set_tier --
UPDATE customer c SET risk_tier = p.tier FROM planned p WHERE c.id = p.customer_id AND c.risk_tier <> p.tier;

-- reachable --
SELECT count(*) FROM contact WHERE channel IN ('email', 'sms') AND opted_out_at IS NULL AND consent <> 'denied';

-- held_customer --
SELECT customer_id FROM hold WHERE id = %(hold_id)s AND lifted_at IS NULL;
