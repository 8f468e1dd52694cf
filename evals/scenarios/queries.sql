-- stage --
-- The ledger of a scenario, in an empty database: one customer, who is called as the scenario is.
INSERT INTO customer (id, ext_system, ext_id, ext_fetched_at, raw_hash, name, kind, currency, time_zone, region, segment, owner,
                      language, terms_days, hold_reason)
SELECT c.id, 'csv', c.id, %(now)s, '', c.name, c.kind, 'USD', c.time_zone, c.region, c.mode, 'carla', c.language, 30, c.hold
  FROM jsonb_to_record(%(customer)s) AS c(id text, name text, kind text, time_zone text, region text, mode text, language text,
                                          hold text);
INSERT INTO contact (id, customer_id, name, channel, address, verified_at, consent, opted_out_at, quiet_hours)
SELECT %(id)s || '-' || k.channel, %(id)s, k.name, k.channel, k.address,
       CASE WHEN k.verified THEN %(now)s::timestamptz - interval '90 days' END,
       CASE WHEN k.verified THEN 'granted' ELSE 'unknown' END,
       CASE WHEN k.opted_out THEN %(now)s::timestamptz - interval '20 days' END,
       CASE WHEN k.hours IS NOT NULL THEN jsonb_build_object('start', k.hours->>0, 'end', k.hours->>1) END
  FROM jsonb_to_recordset(%(contacts)s) AS k(channel text, name text, address text, verified bool, opted_out bool, hours jsonb);
INSERT INTO invoice (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, number, issue_date, due_date, currency,
                     total_minor, paid_minor, balance_minor, ledger_state, payment_url)
SELECT i.number, 'csv', i.number, %(now)s, '', %(id)s, i.number, least(i.due - 30, %(today)s::date), i.due, 'USD', i.minor, i.paid, i.minor - i.paid,
       CASE WHEN i.paid = 0 THEN 'open' WHEN i.paid = i.minor THEN 'paid' ELSE 'partially_paid' END,
       'https://pay.example/' || i.number
  FROM jsonb_to_recordset(%(invoices)s) AS i(number text, due date, minor bigint, paid bigint);
INSERT INTO invoice_line (invoice_id, customer_id, position, description, amount_minor)
SELECT i.number, %(id)s, 1, i.about, i.minor
  FROM jsonb_to_recordset(%(invoices)s) AS i(number text, about text, minor bigint) WHERE i.about <> '';
INSERT INTO payment (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, paid_on, amount_minor, currency, status)
SELECT 'part-' || i.number, 'csv', 'part-' || i.number, %(now)s, '', %(id)s, %(today)s::date - 1, i.paid, 'USD', 'succeeded'
  FROM jsonb_to_recordset(%(invoices)s) AS i(number text, paid bigint) WHERE i.paid > 0;
INSERT INTO allocation (id, customer_id, payment_id, invoice_id, amount_minor, applied_on)
SELECT 'part-' || i.number, %(id)s, 'part-' || i.number, i.number, i.paid, %(today)s::date - 1
  FROM jsonb_to_recordset(%(invoices)s) AS i(number text, paid bigint) WHERE i.paid > 0;
INSERT INTO dispute (id, customer_id, reason, source)
SELECT 'dispute-' || i.number, %(id)s, 'quality', 'ledger'
  FROM jsonb_to_recordset(%(invoices)s) AS i(number text, disputed bool) WHERE i.disputed;
INSERT INTO dispute_invoice
SELECT 'dispute-' || i.number, i.number, %(id)s
  FROM jsonb_to_recordset(%(invoices)s) AS i(number text, disputed bool) WHERE i.disputed;
-- How the customer paid before decides their tier: ten settled invoices, so many of them twelve days late.
INSERT INTO invoice (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, number, issue_date, due_date, currency,
                     total_minor, paid_minor, balance_minor, ledger_state)
SELECT 'settled-' || n, 'csv', 'settled-' || n, %(now)s, '', %(id)s, 'S-' || n, %(today)s::date - 70 - 30 * n,
       %(today)s::date - 40 - 30 * n, 'USD', 10000, 10000, 0, 'paid'
  FROM generate_series(1, %(settled)s) AS g(n);
INSERT INTO payment (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, paid_on, amount_minor, currency, status)
SELECT 'settled-' || n, 'csv', 'settled-' || n, %(now)s, '', %(id)s,
       %(today)s::date - 40 - 30 * n + CASE WHEN n <= %(late)s THEN 12 ELSE 0 END, 10000, 'USD', 'succeeded'
  FROM generate_series(1, %(settled)s) AS g(n);
INSERT INTO allocation (id, customer_id, payment_id, invoice_id, amount_minor, applied_on)
SELECT p.id, %(id)s, p.id, p.id, 10000, p.paid_on FROM payment p WHERE p.id LIKE 'settled-%%';
INSERT INTO portfolio_history (as_of, settled, late_0d, late_7d, late_15d, late_30d)
VALUES (%(today)s::date - 400, 1000, 370, 200, 80, 4);
INSERT INTO app_user (name, role, limit_minor, created_at)
VALUES ('carla', 'collector', 500000, %(now)s), ('mona', 'manager', 1000000000, %(now)s);
INSERT INTO policy_version (version, body, first_used_at) VALUES ('before', '', %(now)s);

-- before --
-- Messages of the time before: the customer's were answered; each of ours stands under a decision of then.
INSERT INTO message (customer_id, contact_id, direction, channel, body, body_digest, provider_id, at, handled_at)
SELECT %(id)s, %(id)s || '-' || h.channel, 'in', h.channel, h.text, '', 'before-' || h.n, h.at, h.at
  FROM jsonb_to_recordset(%(history)s) AS h(n int, way text, channel text, text text, at timestamptz) WHERE h.way = 'in';
INSERT INTO episode (id, customer_id, turn_key, trigger, model_id, prompt_version, policy_version, graph_version, outcome,
                     started_at, committed_at)
SELECT 'before-' || h.n, %(id)s, 'before-' || h.n, '{}', 'before', 'before', 'before', 'before', 'settled', h.at, h.at
  FROM jsonb_to_recordset(%(history)s) AS h(n int, way text, at timestamptz) WHERE h.way = 'out';
INSERT INTO decision (customer_id, episode_id, position, tool, digest, actor, verdict, reasons, policy_version, facts,
                      facts_digest, at)
SELECT %(id)s, 'before-' || h.n, 0, 'generate_dunning_message', 'before-' || h.n, 'agent', 'allow', '[]', 'before', '{}', '', h.at
  FROM jsonb_to_recordset(%(history)s) AS h(n int, way text, at timestamptz) WHERE h.way = 'out';
INSERT INTO message (customer_id, contact_id, direction, channel, body, body_digest, purpose, at, episode_id)
SELECT %(id)s, %(id)s || '-' || h.channel, 'out', h.channel, h.text, '', h.purpose, h.at, 'before-' || h.n
  FROM jsonb_to_recordset(%(history)s) AS h(n int, way text, channel text, text text, purpose text, at timestamptz)
 WHERE h.way = 'out';
INSERT INTO outbox (customer_id, episode_id, decision_id, digest, message_id, contact_id, channel, action, state, not_before,
                    attempts, provider_id, created_at, claimed_at, sent_at, settled_at)
SELECT %(id)s, m.episode_id, d.id, d.digest, m.id, m.contact_id, m.channel, '{}', 'delivered', m.at, 1, m.episode_id, m.at,
       m.at, m.at, m.at
  FROM message m JOIN decision d USING (episode_id) WHERE m.direction = 'out';

-- pays --
-- The ledger shows a payment, and says so, as an import does.
WITH paid AS (
    INSERT INTO payment (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, paid_on, amount_minor, currency, status)
    SELECT %(payment)s, 'csv', %(payment)s, %(now)s, '', customer_id, %(today)s,
           least(coalesce(%(minor)s, balance_minor), balance_minor), 'USD', 'succeeded'
      FROM invoice WHERE id = %(invoice)s RETURNING id, customer_id, paid_on, amount_minor
), applied AS (
    INSERT INTO allocation (id, customer_id, payment_id, invoice_id, amount_minor, applied_on)
    SELECT id, customer_id, id, %(invoice)s, amount_minor, paid_on FROM paid
), told AS (
    INSERT INTO ledger_event (customer_id, kind, ref, at) SELECT customer_id, 'payment', id, %(now)s FROM paid
)
UPDATE invoice i SET paid_minor = i.paid_minor + p.amount_minor, balance_minor = i.balance_minor - p.amount_minor,
       ledger_state = CASE WHEN i.balance_minor = p.amount_minor THEN 'paid' ELSE 'partially_paid' END
  FROM paid p WHERE i.id = %(invoice)s;

-- read_again --
-- The source was read just now: the facts are fresh at every turn.
UPDATE customer SET ext_fetched_at = %(now)s;

-- unanswered --
-- The customer's messages that nobody has answered yet, oldest first.
SELECT id FROM message WHERE direction = 'in' AND handled_at IS NULL ORDER BY id;

-- waiting_approvals --
SELECT id, digest FROM approval WHERE state = 'pending' ORDER BY asked_at, id;

-- cost --
SELECT coalesce(sum((usage->>'model_calls')::bigint), 0), coalesce(sum((usage->>'input_tokens')::bigint), 0),
       coalesce(sum((usage->>'output_tokens')::bigint), 0) FROM episode WHERE model_id <> 'before';

-- seen --
-- Everything that happened, as events (events.py): a key that changes when the event's state does, and its fields.
SELECT 'message-' || o.id AS key, jsonb_build_object('what', 'message', 'channel', o.channel, 'text', m.body, 'purpose', m.purpose,
       'subject', coalesce(m.subject, ''), 'to', k.address, 'at', coalesce(o.sent_at, o.claimed_at)) AS event, o.id AS place
  FROM outbox o JOIN message m ON m.id = o.message_id JOIN contact k ON k.id = o.contact_id
 WHERE o.state IN ('sent', 'delivered') AND o.episode_id NOT LIKE 'before-%%'
UNION ALL
SELECT 'promise-' || p.id, jsonb_build_object('what', 'promise', 'amount', (p.amount_minor / 100.0)::numeric(14, 2)::text,
       'on', p.due_date, 'status', 'recorded'), p.id
  FROM promise p
UNION ALL
SELECT 'asked-' || a.id || n, jsonb_build_object('what', 'promise', 'amount', (p->>'amount')::numeric(14, 2)::text, 'on', p->>'on',
       'status', 'asked'), n
  FROM approval a, jsonb_array_elements(a.args->'record'->'payments') WITH ORDINALITY AS g(p, n) WHERE a.kind = 'promise'
UNION ALL
SELECT 'asked-' || a.id, jsonb_build_object('what', 'plan', 'instalments', (a.args->'record'->>'instalments')::int,
       'first_on', a.args->'record'->>'first_on', 'status', 'asked'), 0
  FROM approval a WHERE a.kind = 'plan' AND a.args->'record'->>'instalments' IS NOT NULL
UNION ALL
SELECT 'plan-' || p.id || p.state, jsonb_build_object('what', 'plan', 'instalments', i.n, 'first_on', i.first_on,
       'total', (p.total_minor / 100.0)::numeric(14, 2)::text,
       'status', CASE p.state WHEN 'approved' THEN 'offered' WHEN 'offered' THEN 'offered' ELSE 'running' END), 0
  FROM payment_plan p, LATERAL (SELECT count(*) AS n, min(due_date) AS first_on FROM plan_instalment WHERE plan_id = p.id) i
 WHERE p.state IN ('approved', 'offered', 'active', 'completed')
UNION ALL
SELECT 'dispute-' || d.id, jsonb_build_object('what', 'dispute', 'amount', (d.amount_minor / 100.0)::numeric(14, 2)::text,
       'invoices', (SELECT coalesce(jsonb_agg(invoice_id ORDER BY invoice_id), '[]') FROM dispute_invoice WHERE dispute_id = d.id)), 0
  FROM dispute d WHERE d.source <> 'ledger'
UNION ALL
SELECT 'hold-' || h.id, jsonb_build_object('what', 'hold', 'reason', h.reason, 'invoices', coalesce(to_jsonb(h.invoice_ids), '[]')), h.id
  FROM hold h
UNION ALL
SELECT 'stop-' || s.id, CASE s.reason WHEN 'wrong_party' THEN jsonb_build_object('what', 'wrong_party', 'channel', coalesce(k.channel, s.channel))
       ELSE jsonb_build_object('what', 'opt_out', 'channel', coalesce(s.channel, k.channel, 'all')) END, s.id
  FROM suppression s LEFT JOIN contact k ON k.id = s.contact_id
 WHERE s.reason IN ('opt_out', 'wrong_party') AND (s.reason = 'opt_out' OR s.contact_id IS NOT NULL)
UNION ALL
SELECT 'start-' || e.id, jsonb_build_object('what', 'opt_in', 'channel', coalesce(e.channel, 'all')), e.id
  FROM consent_event e WHERE e.change = 'opt_in'
UNION ALL
SELECT 'approval-' || a.id || s.status, jsonb_build_object('what', 'approval', 'role', CASE a.role WHEN 'admin' THEN 'manager' ELSE a.role END,
       'status', s.status,
       'of', CASE WHEN a.kind IN ('send', 'legal') THEN 'message' WHEN a.kind IN ('concession', 'refund', 'write_off') THEN 'concession'
                  WHEN a.kind IN ('plan', 'promise', 'contact_change', 'credit_hold', 'follow_up') THEN a.kind ELSE 'other' END), 0
  FROM approval a, LATERAL (SELECT CASE WHEN a.state IN ('pending', 'resuming') THEN 'pending'
       WHEN a.state IN ('approved', 'edited') THEN 'approved' WHEN a.state = 'rejected' THEN 'rejected' ELSE 'closed' END AS status) s
UNION ALL
SELECT 'task-' || f.id, jsonb_build_object('what', 'task', 'urgent', f.priority = 'urgent'), f.id
  FROM follow_up f WHERE f.kind IN ('review', 'call_task')
UNION ALL
SELECT 'follow-up-' || f.id, jsonb_build_object('what', 'follow_up', 'on', (f.due_at AT TIME ZONE %(zone)s)::date,
       'kind', CASE f.kind WHEN 'call_task' THEN 'call' ELSE f.kind END), f.id
  FROM follow_up f
UNION ALL
SELECT 'fact-' || f.id, jsonb_build_object('what', 'fact', 'about', CASE WHEN f.kind IN ('channel', 'language', 'hours',
       'payment_habit', 'contact_role') THEN f.kind ELSE 'other' END), f.id
  FROM standing_fact f
ORDER BY place, key;

-- latest_offer --
SELECT id FROM payment_plan WHERE state IN ('approved', 'offered') ORDER BY created_at DESC, id DESC LIMIT 1;
