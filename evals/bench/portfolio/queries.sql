-- customers --
-- Three in four are of the default segment. A third have a credit limit. One in fifty contact points has opted out, one
-- in a hundred was denied; both of a customer fail together rarely.
SELECT setseed(0.42);
INSERT INTO customer (id, ext_system, ext_id, ext_fetched_at, raw_hash, name, kind, currency, time_zone, region, segment, owner,
                      terms_days, credit_limit_minor, status, do_not_contact, hold_reason)
SELECT 'c' || n, 'csv', 'c' || n, %(now)s, '', 'Customer ' || n, 'business', 'USD', 'America/Chicago', 'IL',
       CASE WHEN n %% 4 = 0 THEN 'key' ELSE 'default' END, 'carla', 30,
       CASE WHEN n %% 3 = 0 THEN 500000 + n %% 1000 * 1000 END, CASE WHEN n %% 101 = 0 THEN 'inactive' ELSE 'active' END,
       n %% 131 = 0, CASE WHEN n %% 151 = 0 THEN 'credit hold' END
  FROM generate_series(1, %(customers)s) AS g(n);
INSERT INTO contact (id, customer_id, channel, address, verified_at, consent, opted_out_at)
SELECT c.id || '-' || k.channel, c.id, k.channel, k.channel || '@' || c.id || '.example', %(now)s,
       CASE WHEN random() < 0.01 THEN 'denied' ELSE 'granted' END, CASE WHEN random() < 0.02 THEN %(now)s::timestamptz END
  FROM customer c, (VALUES ('email'), ('sms')) AS k(channel);

-- invoices --
-- Ids have a fixed width, so that indexes grow at their end. Open ones: unevenly owned (the first tenth of the customers has a fifth of them), from 115 days late to 15 days before they are due;
-- one in ten is partly paid.
INSERT INTO invoice (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, number, issue_date, due_date, currency,
                     total_minor, paid_minor, balance_minor, ledger_state)
SELECT id, 'csv', id, %(now)s, '', 'c' || owner, 'INV-' || id, due - 30, due, 'USD', minor, paid, minor - paid,
       CASE WHEN paid > 0 THEN 'partially_paid' ELSE 'open' END
  FROM (SELECT 'i' || lpad(n::text, 7, '0') AS id, 1 + (power(random(), 1.5) * (%(customers)s - 1))::int AS owner, minor, %(today)s::date + 15 - (random() * 130)::int AS due,
               CASE WHEN n %% 10 = 0 THEN minor / 4 ELSE 0 END AS paid
          FROM (SELECT n, 100 + (random() * 500000)::bigint AS minor FROM generate_series(1, %(open)s) AS g(n)) AS m) AS drawn;

-- As many that were paid, unevenly too, so that some customers have a score and some have none.
INSERT INTO invoice (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, number, issue_date, due_date, currency,
                     total_minor, paid_minor, balance_minor, ledger_state)
SELECT id, 'csv', id, %(now)s, '', 'c' || 1 + (power(random(), 1.5) * (%(customers)s - 1))::int, 'OLD-' || id, due - 30, due,
       'USD', 50000, 50000, 0, 'paid'
  FROM (SELECT 's' || lpad(n::text, 7, '0') AS id, %(today)s::date - 170 - n %% 300 AS due FROM generate_series(1, %(open)s) AS g(n)) AS drawn;
WITH applied AS (
    SELECT id, customer_id, paid_minor, CASE WHEN ledger_state <> 'paid' THEN issue_date + 10
           ELSE due_date + (ARRAY[-3, 0, 1, 2, 5, 5, 9, 12, 20, 40])[1 + (random() * 9)::int] END AS applied_on
      FROM invoice WHERE paid_minor > 0
), paid AS (
    INSERT INTO payment (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, paid_on, amount_minor, currency, status)
    SELECT 'p-' || id, 'csv', 'p-' || id, %(now)s, '', customer_id, applied_on, paid_minor, 'USD', 'succeeded' FROM applied
)
INSERT INTO allocation (id, customer_id, payment_id, invoice_id, amount_minor, applied_on)
SELECT 'a-' || id, customer_id, 'p-' || id, id, paid_minor, applied_on FROM applied;

-- touches --
-- Two customers in five were written to in the last weeks: the step that ran for the oldest open invoice, and its message;
-- one message in forty has not left yet.
INSERT INTO policy_version (version, body, first_used_at) VALUES ('bench', '', %(now)s);
INSERT INTO episode (id, customer_id, turn_key, trigger, model_id, prompt_version, policy_version, graph_version, outcome,
                     started_at, committed_at)
SELECT 'ep-' || id, id, id, '{}', '', '', 'bench', '1', 'settled', at, at
  FROM (SELECT id, %(now)s::timestamptz - random() * interval '30 days' AS at FROM customer WHERE random() < 0.4) AS touched;
INSERT INTO decision (customer_id, episode_id, position, tool, digest, actor, verdict, reasons, policy_version, facts,
                      facts_digest, at)
SELECT customer_id, id, 0, '', id, 'agent', 'allow', '[]', 'bench', '{}', '', started_at FROM episode;
INSERT INTO message (customer_id, direction, channel, body_digest, episode_id, at)
SELECT customer_id, 'out', 'email', '', id, started_at FROM episode;
INSERT INTO outbox (customer_id, episode_id, decision_id, digest, message_id, contact_id, channel, action, state, not_before,
                    created_at, sent_at)
SELECT d.customer_id, d.episode_id, d.id, d.digest, m.id, d.customer_id || '-email', 'email', '{}',
       CASE WHEN d.id %% 40 = 0 THEN 'queued' ELSE 'sent' END, d.at, d.at, CASE WHEN d.id %% 40 <> 0 THEN d.at END
  FROM decision d JOIN message m ON m.episode_id = d.episode_id;
INSERT INTO ladder_step (customer_id, anchor_invoice_id, step, episode_id, invoice_ids, at)
SELECT i.customer_id, i.id, s.step, i.episode_id, ARRAY[i.id], i.started_at
  FROM (SELECT DISTINCT ON (i.customer_id) i.customer_id, i.id, e.id AS episode_id, e.started_at
          FROM invoice i JOIN episode e ON e.customer_id = i.customer_id WHERE i.balance_minor > 0
         ORDER BY i.customer_id, i.due_date, i.id) AS i,
       (VALUES ('reminder_1', 1.0), ('reminder_2', 0.5), ('call_task', 0.2)) AS s(step, share)
 WHERE random() < s.share;

-- stops --
-- What stands in a plan's way: 4 %% of the open invoices are disputed; and of those written to 2.5 %% have a hold on all or
-- one invoice, 8 %% a promise (open, broken or kept), 1.2 %% a running plan, 1 %% a suppression, 1.3 %% a message with a person.
INSERT INTO dispute (id, customer_id, reason, source)
SELECT 'd-' || id, customer_id, 'quality', 'ledger' FROM invoice WHERE balance_minor > 0 AND random() < 0.04;
INSERT INTO dispute_invoice (dispute_id, invoice_id, customer_id) SELECT id, substr(id, 3), customer_id FROM dispute;
INSERT INTO hold (customer_id, decision_id, reason, invoice_ids, cleared_by, placed_at)
SELECT d.customer_id, d.id, 'hardship', CASE WHEN d.id %% 2 = 0 THEN (SELECT ARRAY[min(i.id)] FROM invoice i
        WHERE i.customer_id = d.customer_id AND i.balance_minor > 0 HAVING count(*) > 0) END, 'person', d.at
  FROM decision d WHERE d.id %% 41 = 0;
INSERT INTO promise (customer_id, decision_id, position, invoice_ids, amount_minor, currency, due_date, made_at, source, state,
                     settled_at)
SELECT customer_id, id, 0, ARRAY['i0000001'], 100, 'USD', %(today)s::date + 5, at, 'customer',
       (ARRAY['open', 'broken', 'kept'])[1 + id %% 3], CASE WHEN id %% 3 > 0 THEN %(now)s::timestamptz - interval '1 day' END
  FROM decision WHERE id %% 13 = 0;
INSERT INTO payment_plan (id, customer_id, decision_id, invoice_ids, total_minor, currency, state, proposed_by, created_at)
SELECT 'plan-' || id, customer_id, id, ARRAY['i0000001'], 100, 'USD', 'active', 'agent', at FROM decision WHERE id %% 83 = 0;
INSERT INTO plan_instalment (plan_id, customer_id, position, due_date, amount_minor)
SELECT id, customer_id, 0, %(today)s::date + 30, 100 FROM payment_plan;
INSERT INTO suppression (customer_id, decision_id, channel, contact_id, reason, at)
SELECT customer_id, id, CASE WHEN id %% 2 = 0 THEN 'email' END, NULL, 'opt_out', at FROM decision WHERE id %% 97 = 0;
INSERT INTO approval (id, customer_id, episode_id, decision_id, kind, tool, args, digest, facts_digest, preview, reasons, role,
                      currency, proposed_by, interrupt_id, graph_version, asked_at, expires_at)
SELECT 'ap-' || id, customer_id, episode_id, id, 'send', 'generate_dunning_message', '{}', digest, '', '{}', '[]', 'collector',
       'USD', 'agent', 'in-' || id, '1', at, %(now)s::timestamptz + interval '2 days'
  FROM decision WHERE id %% 79 = 0;

-- owed --
SELECT count(*), sum(balance_minor) FROM invoice WHERE balance_minor > 0;

-- owed_by_customer --
SELECT count(*), sum(minor) FROM (SELECT customer_id, sum(balance_minor) AS minor FROM invoice WHERE balance_minor > 0
                                   GROUP BY customer_id) AS each;

-- as_the_plan --
-- The floors get what the plan gets: one process and no compilation.
SELECT set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true);

-- planned --
SELECT count(*) FROM planned;
