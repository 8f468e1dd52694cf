-- plan --
-- The whole portfolio on one day, one row a customer: what is owed and how old it is, the tier and what it is made of,
-- what is in the way of a message, and which ladder step the oldest undisputed overdue invoice has reached.
-- Balances are those of the day: what is open now and what was applied after it. A tier is the arithmetic of
-- tools.risk.score, whose numbers are the parameters; a step is that of agent.policy.ladder.next_step.
CREATE TEMPORARY TABLE planned ON COMMIT DROP AS
WITH applied AS (
    SELECT invoice_id, max(applied_on) AS last_on,
           sum(amount_minor) FILTER (WHERE applied_on > %(today)s)::bigint AS later_minor
      FROM allocation GROUP BY invoice_id
), stopped AS (
    SELECT di.invoice_id FROM dispute d JOIN dispute_invoice di ON di.dispute_id = d.id
     WHERE d.state IN ('open', 'under_review') AND (d.opened_at IS NULL OR d.opened_at <= %(now)s)
     UNION
    SELECT unnest(h.invoice_ids) FROM hold h WHERE h.lifted_at IS NULL
), bill AS (
    -- Open and settled invoices in one pass, because what costs is to sort them by customer. Days late are of one that was
    -- settled by then: nothing left, and the last of it applied before the day. The anchor is the oldest open invoice that
    -- nobody holds: days since the year 1, six digits of them, and its id.
    SELECT customer_id, due_date, minor, days_late, held,
           CASE WHEN minor > 0 AND NOT held THEN (due_date - date '0001-01-01')::text || id END AS anchor
      FROM (SELECT i.customer_id, i.id, i.due_date, i.balance_minor + coalesce(a.later_minor, 0) AS minor,
                   s.invoice_id IS NOT NULL AS held,
                   CASE WHEN i.balance_minor = 0 AND a.last_on < %(today)s THEN a.last_on - i.due_date END AS days_late
              FROM invoice i LEFT JOIN applied a ON a.invoice_id = i.id LEFT JOIN stopped s ON s.invoice_id = i.id
             WHERE i.issue_date <= %(today)s AND NOT i.deleted AND i.ledger_state IN ('open', 'partially_paid', 'paid')) AS each
), book AS MATERIALIZED (
    SELECT customer_id, sum(minor)::bigint AS owed_minor, min(due_date) FILTER (WHERE minor > 0) AS oldest_due,
           sum(minor) FILTER (WHERE due_date < %(today)s)::bigint AS overdue_minor,
           count(*) FILTER (WHERE minor > 0 AND due_date < %(today)s) AS overdue_invoices,
           count(*) FILTER (WHERE held AND minor > 0 AND due_date < %(today)s) AS held_invoices, substr(min(anchor), 7) AS anchor,
           date '0001-01-01' + left(min(anchor), 6)::int AS anchor_due,
           count(days_late) AS settled, count(*) FILTER (WHERE days_late > 0) AS late_0d,
           count(*) FILTER (WHERE days_late > 7) AS late_7d, count(*) FILTER (WHERE days_late > 15) AS late_15d,
           count(*) FILTER (WHERE days_late > 30) AS late_30d
      FROM bill GROUP BY customer_id
), base AS (
    SELECT sum(late_7d)::float8 / nullif(sum(settled), 0)::float8 AS rate FROM book
), broken AS (
    SELECT customer_id, count(*) AS promises FROM promise
     WHERE state = 'broken' AND settled_at > %(now)s::timestamptz - interval '180 days' GROUP BY customer_id
), account AS (
    SELECT c.id AS customer_id, c.status, c.do_not_contact, c.hold_reason,
           coalesce(g.ladder, %(segments)s::jsonb ->> 'default') AS ladder,
           coalesce(k.overdue_minor, 0) AS overdue_minor, coalesce(k.overdue_invoices, 0) AS overdue_invoices,
           coalesce(k.held_invoices, 0) AS held_invoices, k.anchor,
           %(today)s::date - k.anchor_due AS days,
           coalesce(k.settled, 0) AS settled, coalesce(k.late_0d, 0) AS late_0d, coalesce(k.late_7d, 0) AS late_7d,
           coalesce(k.late_15d, 0) AS late_15d, coalesce(k.late_30d, 0) AS late_30d, coalesce(b.promises, 0) AS broken,
           greatest(%(today)s::date - k.oldest_due, 0) AS oldest,
           coalesce(k.owed_minor, 0)::float8 / nullif(c.credit_limit_minor, 0) AS utilisation
      FROM customer c LEFT JOIN book k ON k.customer_id = c.id LEFT JOIN broken b ON b.customer_id = c.id
      LEFT JOIN jsonb_each_text(%(segments)s) AS g(segment, ladder) ON g.segment = c.segment
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
), ran AS (
    SELECT r.customer_id, r.invoice_id, l.ladder, max(l.place) AS last, bool_or(l.place = 0) AS noticed
      FROM (SELECT customer_id, unnest(array_append(invoice_ids, anchor_invoice_id)) AS invoice_id, step
              FROM ladder_step_ran) AS r
      JOIN ladder l ON l.step = r.step GROUP BY r.customer_id, r.invoice_id, l.ladder
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
  LEFT JOIN ran r ON r.customer_id = t.customer_id AND r.invoice_id = t.anchor AND r.ladder = t.ladder
  LEFT JOIN rung g ON t.days > 0 AND g.ladder = t.ladder AND g.last = coalesce(r.last, 0)
        AND t.days >= g.from_day AND t.days < coalesce(g.to_day, t.days + 1)
  LEFT JOIN ladder e ON t.days <= 0 AND e.ladder = t.ladder AND e.place = 0 AND e.days <= t.days
        AND t.tier IN ('high', 'unscored') AND NOT coalesce(r.noticed, false);

-- batch_memory --
-- For the rest of the transaction, whatever the server is set to: the plan reads whole tables, and what does not fit
-- goes to disk. One process, so that this is all it takes. More memory made it slower, and so did hashed groups, which
-- are read in no order where a sort runs through memory in one (both measured on a million open invoices).
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
-- A score for each open invoice whose last one was made of something else, or that has none: for whoever asks later how
-- good it was. The day's base rate is in it too but is no feature, or every night would write every row again: that of
-- any day stands in portfolio_history.
WITH score AS MATERIALIZED (
    SELECT customer_id, probability, md5(settled || ':' || late_7d) AS features_hash,
           jsonb_build_object('settled', settled, 'late_7d', late_7d, 'base_rate', b.rate) AS reasons
      FROM planned, (SELECT late_7d::float8 / nullif(settled, 0) AS rate FROM portfolio_history WHERE as_of = %(today)s) AS b
     WHERE probability IS NOT NULL
), kept AS (
    SELECT DISTINCT ON (invoice_id) invoice_id, features_hash FROM risk_score
     WHERE horizon = %(horizon)s AND model_id = %(model_id)s AND as_of <= %(today)s ORDER BY invoice_id, as_of DESC
)
INSERT INTO risk_score (invoice_id, customer_id, as_of, horizon, probability, model_id, features_hash, reasons)
SELECT i.id, i.customer_id, %(today)s, %(horizon)s, s.probability, %(model_id)s, s.features_hash, s.reasons
  FROM score s JOIN invoice i ON i.customer_id = s.customer_id LEFT JOIN kept k ON k.invoice_id = i.id
  LEFT JOIN (SELECT invoice_id, sum(amount_minor) AS minor FROM allocation WHERE applied_on > %(today)s GROUP BY 1) l
       ON l.invoice_id = i.id
 WHERE i.issue_date <= %(today)s AND NOT i.deleted AND i.ledger_state IN ('open', 'partially_paid', 'paid')
   AND i.balance_minor + coalesce(l.minor, 0) > 0 AND k.features_hash IS DISTINCT FROM s.features_hash
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

-- is_planned --
SELECT FROM cycle_day WHERE day = %(day)s;

-- keep_day --
INSERT INTO cycle_day (day, planned_at, steps) VALUES (%(day)s, %(now)s, %(steps)s) ON CONFLICT (day) DO NOTHING RETURNING day;

-- forget_steps --
DELETE FROM cycle_step WHERE day < %(day)s;

-- keep_steps --
INSERT INTO cycle_step (turn_key, customer_id, day, step, channel, anchor_invoice_id)
SELECT k, c, %(day)s, s, h, a
  FROM unnest(%(keys)s::text[], %(customers)s::text[], %(steps)s::text[], %(channels)s::text[], %(anchors)s::text[])
       AS t(k, c, s, h, a);

-- step_is_done --
DELETE FROM cycle_step WHERE turn_key = %(turn_key)s;
