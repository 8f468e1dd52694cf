-- customers --
-- Businesses in Chicago: an e-mail address and a mobile number each, both verified.
WITH made AS (
    INSERT INTO customer (id, ext_system, ext_id, ext_fetched_at, raw_hash, name, kind, currency, time_zone, region, owner,
                          terms_days)
    SELECT 'c' || n, 'csv', 'c' || n, %(now)s, '', 'Quillfeather Bakery ' || n, 'business', 'USD', 'America/Chicago', 'IL',
           'carla', 30
      FROM generate_series(1, %(customers)s) AS g(n) RETURNING id, substr(id, 2)::int AS n
)
INSERT INTO contact (id, customer_id, name, channel, address, verified_at, consent)
SELECT made.id || '-' || k.channel, made.id, 'Odalys Brambleworth', k.channel,
       CASE k.channel WHEN 'email' THEN 'billing@' || made.id || '.example' ELSE '+1312' || lpad((5550000 + made.n)::text, 7, '0') END,
       %(now)s - interval '90 days', 'granted'
  FROM made, (VALUES ('email'), ('sms')) AS k(channel);

-- invoices --
-- Of each customer: three that are 6, 20 and 40 days late, and eight that were paid, one of them late.
INSERT INTO invoice (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, number, issue_date, due_date, currency,
                     total_minor, paid_minor, balance_minor, ledger_state, payment_url)
SELECT c.id || '-i' || k.n, 'csv', c.id || '-i' || k.n, %(now)s, '', c.id, 'INV-' || substr(c.id, 2) || '-' || k.n,
       %(today)s::date - k.days - 30, %(today)s::date - k.days, 'USD', k.minor,
       CASE WHEN k.n > 3 THEN k.minor ELSE 0 END, CASE WHEN k.n > 3 THEN 0 ELSE k.minor END,
       CASE WHEN k.n > 3 THEN 'paid' ELSE 'open' END, 'https://pay.example/' || c.id || '/' || k.n
  FROM customer c, (SELECT n, CASE WHEN n = 1 THEN 6 WHEN n = 2 THEN 20 WHEN n = 3 THEN 40 ELSE 40 + 30 * (n - 3) END,
                           10000 + 2500 * n FROM generate_series(1, 11) AS g(n)) AS k(n, days, minor);

-- payments --
WITH paid AS (
    INSERT INTO payment (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, paid_on, amount_minor, currency, status)
    SELECT 'p-' || id, 'csv', 'p-' || id, %(now)s, '', customer_id,
           due_date + CASE WHEN id LIKE '%%-i11' THEN 12 ELSE 2 END, total_minor, 'USD', 'succeeded'
      FROM invoice WHERE ledger_state = 'paid' RETURNING id, customer_id, paid_on, amount_minor
)
INSERT INTO allocation (id, customer_id, payment_id, invoice_id, amount_minor, applied_on)
SELECT 'a-' || id, customer_id, id, substr(id, 3), amount_minor, paid_on FROM paid;

-- base_rate --
INSERT INTO portfolio_history (as_of, settled, late_0d, late_7d, late_15d, late_30d) VALUES (%(today)s, 1000, 370, 200, 80, 4);

-- book --
-- The portfolio that a plan is measured on: as many customers as a quarter of its open invoices, each with two contact
-- points; open invoices spread unevenly, 130 days deep; as many settled ones, so that tiers rest on a history.
INSERT INTO customer (id, ext_system, ext_id, ext_fetched_at, raw_hash, name, kind, currency, time_zone, region, owner,
                      terms_days, credit_limit_minor, status, do_not_contact, hold_reason)
SELECT 'c' || n, 'csv', 'c' || n, %(now)s, '', 'Customer ' || n, 'business', 'USD', 'America/Chicago', 'IL', 'carla', 30,
       CASE WHEN n %% 3 = 0 THEN 500000 + n %% 1000 * 1000 END, CASE WHEN n %% 100 = 0 THEN 'inactive' ELSE 'active' END,
       n %% 131 = 0, CASE WHEN n %% 151 = 0 THEN 'credit hold' END
  FROM generate_series(1, %(customers)s) AS g(n);
INSERT INTO contact (id, customer_id, channel, address, verified_at, consent, opted_out_at)
SELECT c.id || '-' || k.channel, c.id, k.channel, k.channel || '@' || c.id || '.example', %(now)s, 'granted',
       CASE WHEN hashtext(c.id || k.channel) %% 50 = 0 THEN %(now)s::timestamptz END
  FROM customer c, (VALUES ('email'), ('sms')) AS k(channel);

-- book_invoices --
INSERT INTO invoice (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, number, issue_date, due_date, currency,
                     total_minor, paid_minor, balance_minor, ledger_state)
SELECT 'i' || n, 'csv', 'i' || n, %(now)s, '', 'c' || owner, 'INV-' || n, due - 30, due, 'USD', minor, 0, minor, 'open'
  FROM (SELECT n, 1 + (power(random(), 1.5) * (%(customers)s - 1))::int AS owner, 100 + (random() * 500000)::bigint AS minor,
               %(today)s::date + 15 - (random() * 130)::int AS due FROM generate_series(1, %(open)s) AS g(n)) AS drawn;
INSERT INTO invoice (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, number, issue_date, due_date, currency,
                     total_minor, paid_minor, balance_minor, ledger_state)
SELECT 's' || n, 'csv', 's' || n, %(now)s, '', 'c' || 1 + n %% %(customers)s, 'OLD-' || n, %(today)s::date - 200 - n %% 300,
       %(today)s::date - 170 - n %% 300, 'USD', 50000, 50000, 0, 'paid'
  FROM generate_series(1, %(open)s) AS g(n);
INSERT INTO payment (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, paid_on, amount_minor, currency, status)
SELECT 'p-' || id, 'csv', 'p-' || id, %(now)s, '', id, %(today)s::date - 100, 200000, 'USD', 'succeeded' FROM customer;
INSERT INTO allocation (id, customer_id, payment_id, invoice_id, amount_minor, applied_on)
SELECT 'a' || substr(id, 2), customer_id, 'p-' || customer_id, id, total_minor,
       due_date + CASE WHEN random() < 0.2 THEN 12 ELSE 2 END FROM invoice WHERE ledger_state = 'paid';

-- book_stops --
-- Two customers in five were written to already; and a few of everything that stands in a plan's way.
INSERT INTO policy_version (version, body, first_used_at) VALUES ('bench', '', %(now)s);
INSERT INTO episode (id, customer_id, turn_key, trigger, model_id, prompt_version, policy_version, graph_version, outcome,
                     started_at, committed_at)
SELECT 'ep-' || id, id, id, '{}', '', '', 'bench', '1', 'settled', %(now)s, %(now)s FROM customer
 WHERE hashtext(id) %% 5 IN (0, 1, -1);
INSERT INTO decision (customer_id, episode_id, position, tool, args, digest, actor, verdict, reasons, policy_version, facts,
                      facts_digest, at)
SELECT customer_id, id, 0, '', '{}', id, 'agent', 'allow', '[]', 'bench', '{}', '', %(now)s FROM episode;
INSERT INTO message (customer_id, direction, channel, body_digest, episode_id, at)
SELECT customer_id, 'out', 'email', '', id, %(now)s FROM episode;
INSERT INTO outbox (customer_id, episode_id, decision_id, digest, message_id, contact_id, channel, action, state, not_before,
                    created_at, sent_at)
SELECT d.customer_id, d.episode_id, d.id, d.digest, m.id, d.customer_id || '-email', 'email', '{}',
       CASE WHEN d.id %% 40 = 0 THEN 'queued' ELSE 'sent' END, %(now)s, %(now)s, %(now)s
  FROM decision d JOIN message m ON m.episode_id = d.episode_id;
INSERT INTO ladder_step (customer_id, anchor_invoice_id, step, episode_id, invoice_ids, at)
SELECT DISTINCT ON (i.customer_id) i.customer_id, i.id, CASE WHEN e.id LIKE '%%7' THEN 'reminder_2' ELSE 'reminder_1' END, e.id,
       ARRAY[i.id], %(now)s
  FROM invoice i JOIN episode e ON e.customer_id = i.customer_id WHERE i.ledger_state = 'open'
 ORDER BY i.customer_id, i.due_date, i.id;
INSERT INTO dispute (id, customer_id, reason, source)
SELECT 'd-' || id, customer_id, 'quality', 'ledger' FROM invoice WHERE ledger_state = 'open' AND hashtext(id) %% 25 = 0;
INSERT INTO dispute_invoice (dispute_id, invoice_id, customer_id)
SELECT 'd-' || id, id, customer_id FROM invoice WHERE ledger_state = 'open' AND hashtext(id) %% 25 = 0;
INSERT INTO hold (customer_id, decision_id, reason, cleared_by, placed_at)
SELECT customer_id, id, 'hardship', 'person', %(now)s FROM decision WHERE id %% 41 = 0;
INSERT INTO promise (customer_id, decision_id, position, invoice_ids, amount_minor, currency, due_date, made_at, source, state,
                     settled_at)
SELECT customer_id, id, 0, ARRAY['i1'], 100, 'USD', %(today)s::date + 5, %(now)s, 'customer',
       CASE WHEN id %% 2 = 0 THEN 'open' ELSE 'broken' END, CASE WHEN id %% 2 = 1 THEN %(now)s::timestamptz END
  FROM decision WHERE id %% 13 = 0;
INSERT INTO payment_plan (id, customer_id, decision_id, invoice_ids, total_minor, currency, state, proposed_by, created_at)
SELECT 'plan-' || id, customer_id, id, ARRAY['i1'], 100, 'USD', 'active', 'agent', %(now)s FROM decision WHERE id %% 83 = 0;
