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

-- send --
-- What is due has left: between two turns the sender was there.
UPDATE outbox SET state = 'sent', sent_at = not_before, settled_at = not_before WHERE state = 'queued';

-- tamper --
UPDATE activity_log SET subject = jsonb_set(subject, '{forged}', 'true') WHERE customer_id = %(customer_id)s AND seq = %(seq)s;

-- audit_episodes --
-- Decisions stand under an episode: one for each customer is enough.
WITH policy AS (
    INSERT INTO policy_version (version, body, first_used_at) VALUES ('bench', '', %(now)s) RETURNING version
)
INSERT INTO episode (id, customer_id, turn_key, trigger, model_id, prompt_version, policy_version, graph_version, outcome,
                     started_at, committed_at)
SELECT 'ep-' || c.id, c.id, c.id, '{}', 'bench', 'bench', version, 'bench', 'settled', %(now)s, %(now)s FROM customer c, policy;

-- audit_salts --
-- Salts that the benchmark knows: digests of its decisions are made of them.
UPDATE customer SET salt = id;

-- audit_decisions --
-- Decisions of many customers, with facts as large as those of a small account: their numbers and seals, in that order.
WITH given AS (
    SELECT customer_id, position, digest, args
      FROM jsonb_to_recordset(%(decisions)s) AS g(customer_id text, position int, digest text, args jsonb)
), decided AS (
    INSERT INTO decision (customer_id, episode_id, position, tool, digest, actor, verdict, reasons, policy_version, facts,
                          facts_digest, at)
    SELECT customer_id, 'ep-' || customer_id, position, 'log_collection_activity', digest, 'agent', 'allow',
           '[{"rule": "RECORD-1", "says": "allow", "reason": "The amount is within the balance and the date within 30 days."}]',
           'bench', %(facts)s, digest, %(now)s
      FROM given RETURNING id, customer_id, position, decision_seal(decision) AS seal
), kept AS (
    INSERT INTO decision_args (decision_id, customer_id, args)
    SELECT d.id, d.customer_id, g.args FROM decided d JOIN given g USING (customer_id, position)
)
SELECT customer_id, position, id, seal FROM decided;
