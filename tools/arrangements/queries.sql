-- add_promise --
-- What was applied to its invoices today, before it was made, is not paid towards it.
INSERT INTO promise (customer_id, decision_id, position, invoice_ids, amount_minor, currency, due_date, made_at,
                     message_id, source, paid_before_minor)
SELECT %(customer_id)s, %(decision_id)s, %(position)s, %(invoice_ids)s, %(amount_minor)s, %(currency)s, %(due_date)s,
       %(now)s, %(message_id)s, %(source)s, coalesce(sum(a.amount_minor), 0)
  FROM allocation a WHERE a.invoice_id = ANY(%(invoice_ids)s::text[]) AND a.customer_id = %(customer_id)s
   AND a.applied_on >= (%(now)s::timestamptz AT TIME ZONE %(zone)s)::date;

-- promises_to_settle --
-- Open promises that the ledger keeps, or whose day has passed, with what was paid towards each. Money counts once: what is
-- applied to the invoices goes to the payments of one promise in the order of their days.
SELECT id, customer_id, amount_minor, due_date, paid_minor, waits_until
  FROM (SELECT p.id, p.customer_id, p.amount_minor, p.due_date,
               least(p.amount_minor, greatest(0, paid.minor - earlier.minor))::bigint AS paid_minor,
               p.due_date + %(grace_days)s::int + CASE WHEN pays_by_mail(p.customer_id, %(today)s) THEN %(float_days)s::int ELSE 0 END AS waits_until
          FROM promise p
         CROSS JOIN LATERAL (SELECT coalesce(sum(a.amount_minor), 0) - p.paid_before_minor AS minor FROM allocation a
                              WHERE a.invoice_id = ANY(p.invoice_ids) AND a.customer_id = p.customer_id
                                AND a.applied_on >= (p.made_at AT TIME ZONE %(zone)s)::date
                                AND a.applied_on <= %(today)s) paid
         CROSS JOIN LATERAL (SELECT coalesce(sum(CASE WHEN e.state IN ('open', 'kept') THEN e.amount_minor
                                                      ELSE coalesce(e.paid_minor, 0) END), 0) AS minor
                               FROM promise e WHERE e.decision_id = p.decision_id
                                AND (e.due_date, e.position) < (p.due_date, p.position)) earlier
         WHERE p.state = 'open' AND (%(promise_id)s::bigint IS NULL OR p.id = %(promise_id)s)) AS watched
 WHERE paid_minor = amount_minor OR waits_until <= %(today)s
 ORDER BY due_date, id LIMIT %(limit)s;

-- settle_promise --
UPDATE promise SET state = %(state)s, paid_minor = %(paid_minor)s, settled_at = %(now)s
 WHERE id = %(promise_id)s AND state = 'open' RETURNING customer_id;

-- call_off_promise --
UPDATE promise SET state = 'cancelled', settled_at = %(now)s WHERE id = %(promise_id)s AND state = 'open' RETURNING id;

-- cancel_promises --
UPDATE promise SET state = 'cancelled', settled_at = %(now)s
 WHERE customer_id = %(customer_id)s AND state = 'open' AND decision_id <> %(decision_id)s
   AND invoice_ids && %(invoice_ids)s;

-- end_promises_of_plan --
-- The plan takes the place of what was promised before on its invoices.
UPDATE promise p SET state = 'cancelled', settled_at = %(now)s FROM payment_plan n
 WHERE n.id = %(plan_id)s AND p.customer_id = n.customer_id AND p.state = 'open' AND p.invoice_ids && n.invoice_ids;

-- add_plan --
INSERT INTO payment_plan (id, customer_id, decision_id, invoice_ids, total_minor, currency, state, proposed_by,
                          approved_by, approved_at, created_at, paid_before_minor)
SELECT %(plan_id)s, %(customer_id)s, %(decision_id)s, %(invoice_ids)s, %(total_minor)s, %(currency)s, 'approved',
       %(proposed_by)s, %(approved_by)s, %(now)s, %(now)s, coalesce(sum(a.amount_minor), 0)
  FROM allocation a WHERE a.invoice_id = ANY(%(invoice_ids)s::text[]) AND a.customer_id = %(customer_id)s
   AND a.applied_on >= (%(now)s::timestamptz AT TIME ZONE %(zone)s)::date;

-- replace_offers --
-- Of offers on the same invoices only the newest stands; a plan that runs goes on until the customer accepts another.
UPDATE payment_plan SET state = 'replaced', settled_at = %(now)s
 WHERE customer_id = %(customer_id)s AND id <> %(plan_id)s AND state IN ('approved', 'offered')
   AND invoice_ids && %(invoice_ids)s::text[];

-- replace_running --
UPDATE payment_plan p SET state = 'replaced', settled_at = %(now)s FROM payment_plan n
 WHERE n.id = %(plan_id)s AND p.id <> n.id AND p.customer_id = n.customer_id AND p.state IN ('active', 'defaulted')
   AND p.invoice_ids && n.invoice_ids;

-- plans_to_settle --
-- Running plans that are paid, or that are behind: what was paid on their invoices since they were made, against the
-- instalments whose days have passed.
SELECT id, customer_id, decision_id, episode_id, digest, total_minor, paid_minor, due_minor, left_minor
  FROM (SELECT p.id, p.customer_id, p.decision_id, d.episode_id, d.digest, p.total_minor,
               greatest(0, paid.minor)::bigint AS paid_minor,
               (SELECT coalesce(sum(i.amount_minor), 0) FROM plan_instalment i WHERE i.plan_id = p.id
                   AND i.due_date + %(grace_days)s::int
                       + CASE WHEN pays_by_mail(p.customer_id, %(today)s) THEN %(float_days)s::int ELSE 0 END <= %(today)s)::bigint AS due_minor,
               (SELECT coalesce(sum(i.balance_minor), 0) FROM invoice i WHERE i.id = ANY(p.invoice_ids)
                   AND i.customer_id = p.customer_id AND NOT i.deleted)::bigint AS left_minor
          FROM payment_plan p JOIN decision d ON d.id = p.decision_id
         CROSS JOIN LATERAL (SELECT coalesce(sum(a.amount_minor), 0) - p.paid_before_minor AS minor FROM allocation a
                              WHERE a.invoice_id = ANY(p.invoice_ids) AND a.customer_id = p.customer_id
                                AND a.applied_on >= (p.created_at AT TIME ZONE %(zone)s)::date
                                AND a.applied_on <= %(today)s) paid
         WHERE p.state = 'active' AND (%(plan_id)s::text IS NULL OR p.id = %(plan_id)s)) AS watched
 WHERE paid_minor >= total_minor OR left_minor = 0 OR paid_minor < due_minor
 ORDER BY id LIMIT %(limit)s;

-- add_instalments --
INSERT INTO plan_instalment (plan_id, customer_id, position, due_date, amount_minor)
SELECT %(plan_id)s, %(customer_id)s, n, d, a
  FROM unnest(%(positions)s::int[], %(dates)s::date[], %(amounts)s::bigint[]) AS t(n, d, a);

-- move_plan --
UPDATE payment_plan SET state = %(state)s,
       settled_at = CASE WHEN %(state)s IN ('completed', 'rejected', 'cancelled') THEN %(now)s::timestamptz END
 WHERE id = %(plan_id)s AND state = ANY(%(from_states)s) RETURNING id;

-- add_dispute --
INSERT INTO dispute (id, customer_id, decision_id, reason, amount_minor, opened_at, source)
VALUES (%(dispute_id)s, %(customer_id)s, %(decision_id)s, %(reason)s, %(amount_minor)s, %(now)s, %(source)s);

-- add_dispute_invoices --
INSERT INTO dispute_invoice (dispute_id, invoice_id, customer_id)
SELECT %(dispute_id)s, i, %(customer_id)s FROM unnest(%(invoice_ids)s::text[]) AS t(i);

-- close_dispute --
UPDATE dispute SET state = %(state)s, outcome = %(outcome)s,
       closed_at = CASE WHEN %(state)s = 'under_review' THEN NULL ELSE %(now)s::timestamptz END
 WHERE id = %(dispute_id)s AND source <> 'ledger' AND state = ANY(%(from_states)s) RETURNING id;

-- add_ledger_request --
INSERT INTO ledger_request (customer_id, kind, decision_id, invoice_ids, amount_minor, currency, reason, state,
                            proposed_by, proposed_at, approved_by, approved_at, expires_at, facts_digest)
VALUES (%(customer_id)s, %(kind)s, %(decision_id)s, %(invoice_ids)s, %(amount_minor)s, %(currency)s, %(reason)s, %(state)s,
        %(proposed_by)s, %(now)s, %(approved_by)s, CASE WHEN %(state)s = 'approved' THEN %(now)s::timestamptz END,
        %(expires_at)s, %(facts_digest)s)
RETURNING id;

-- waiting_requests --
-- What a manager has to agree to, the largest first; one of them, one customer's, or those of one person's accounts.
SELECT r.id, r.customer_id, c.name AS customer, c.owner AS assignee, r.kind, r.invoice_ids, r.amount_minor, r.currency,
       r.reason, r.proposed_by, r.proposed_at, r.expires_at, r.facts_digest, r.first_by
  FROM ledger_request r JOIN customer c ON c.id = r.customer_id
 WHERE r.state = 'proposed' AND (%(request_id)s::bigint IS NULL OR r.id = %(request_id)s)
   AND (%(customer_id)s::text IS NULL OR r.customer_id = %(customer_id)s)
   AND (%(assignee)s::text IS NULL OR c.owner = %(assignee)s)
 ORDER BY r.amount_minor DESC, r.proposed_at, r.id LIMIT %(limit)s;

-- agree_first_to_request --
UPDATE ledger_request SET first_by = %(by)s, first_at = %(now)s
 WHERE id = %(request_id)s AND state = 'proposed' AND first_by IS NULL RETURNING id;

-- customers_with_expired_requests --
SELECT DISTINCT customer_id FROM ledger_request WHERE state = 'proposed' AND expires_at <= %(now)s LIMIT %(limit)s;

-- expire_requests --
UPDATE ledger_request SET state = 'withdrawn', settled_at = %(now)s
 WHERE customer_id = %(customer_id)s AND state = 'proposed' AND expires_at <= %(now)s RETURNING id;

-- add_reason --
INSERT INTO arrangement_reason (customer_id, kind, arrangement_id, step, by, reason, at)
VALUES (%(customer_id)s, %(kind)s, %(identity)s, %(step)s, %(by)s, %(reason)s, %(now)s)
RETURNING (SELECT salt FROM customer WHERE id = %(customer_id)s);

-- move_ledger_request --
UPDATE ledger_request
   SET state = %(state)s,
       approved_by = CASE WHEN %(state)s = 'approved' THEN %(by)s ELSE approved_by END,
       approved_at = CASE WHEN %(state)s = 'approved' THEN %(now)s::timestamptz ELSE approved_at END,
       settled_at = CASE WHEN %(state)s <> 'approved' THEN %(now)s::timestamptz END
 WHERE id = %(request_id)s AND state = ANY(%(from_states)s) RETURNING id;

-- clear_entered_write_offs --
-- The ledger shows an approved write-off: its invoices are written off, or nothing is left on them.
UPDATE ledger_request r SET state = 'entered', settled_at = %(now)s
 WHERE r.customer_id = %(customer_id)s AND r.kind = 'write_off' AND r.state = 'approved'
   AND NOT EXISTS (SELECT FROM invoice i WHERE i.id = ANY(r.invoice_ids) AND NOT i.deleted AND i.balance_minor > 0
                      AND i.ledger_state NOT IN ('written_off', 'void', 'reversed'))
RETURNING r.id;

-- promise_state --
SELECT customer_id, state, invoice_ids, amount_minor AS minor, NULL AS reason, NULL AS by, 'customer' AS source
  FROM promise WHERE id::text = %(identity)s;

-- plan_state --
SELECT customer_id, state, invoice_ids, total_minor AS minor, NULL AS reason, proposed_by AS by, 'customer' AS source
  FROM payment_plan WHERE id = %(identity)s;

-- dispute_state --
SELECT d.customer_id, d.state, ARRAY(SELECT invoice_id FROM dispute_invoice i WHERE i.dispute_id = d.id) AS invoice_ids,
       coalesce(d.amount_minor, 0) AS minor, d.reason, NULL AS by, d.source
  FROM dispute d WHERE d.id = %(identity)s;

-- hold_state --
SELECT customer_id, state, coalesce(invoice_ids, '{}') AS invoice_ids, 0 AS minor, reason, NULL AS by, 'customer' AS source
  FROM hold WHERE id::text = %(identity)s;

-- ledger_request_state --
SELECT customer_id, state, invoice_ids, amount_minor AS minor, kind AS reason, proposed_by AS by, 'collector' AS source
  FROM ledger_request WHERE id::text = %(identity)s;

-- arrangements --
-- Everything that was arranged with a customer, newest first, as a person reads it.
SELECT kind, id, state, at, minor, currency, invoice_ids, about FROM (
    SELECT 'promise' AS kind, id::text, state, made_at AS at, amount_minor AS minor, currency, invoice_ids,
           'by ' || due_date AS about FROM promise WHERE customer_id = %(customer_id)s
     UNION ALL
    SELECT 'plan', id, state, created_at, total_minor, currency, invoice_ids,
           (SELECT count(*) || ' instalments' FROM plan_instalment i WHERE i.plan_id = p.id)
      FROM payment_plan p WHERE customer_id = %(customer_id)s
     UNION ALL
    SELECT 'dispute', d.id, d.state, d.opened_at, d.amount_minor, c.currency,
           ARRAY(SELECT invoice_id FROM dispute_invoice i WHERE i.dispute_id = d.id),
           d.reason || CASE WHEN d.amount_minor IS NULL THEN ', the whole' ELSE ', a part' END
      FROM dispute d JOIN customer c ON c.id = d.customer_id WHERE d.customer_id = %(customer_id)s
     UNION ALL
    SELECT 'hold', id::text, state, placed_at, NULL, NULL, invoice_ids, reason || ', cleared by the ' || cleared_by
      FROM hold WHERE customer_id = %(customer_id)s
     UNION ALL
    SELECT 'ledger_request', id::text, state, proposed_at, amount_minor, currency, invoice_ids, kind
      FROM ledger_request WHERE customer_id = %(customer_id)s) AS arranged
 ORDER BY at DESC NULLS LAST, kind, id;

-- add_hold --
INSERT INTO hold (customer_id, decision_id, reason, invoice_ids, cleared_by, message_id, placed_at)
SELECT %(customer_id)s, %(decision_id)s, %(reason)s, %(invoice_ids)s, %(cleared_by)s, %(message_id)s, %(now)s
 WHERE NOT EXISTS (SELECT FROM hold h WHERE h.customer_id = %(customer_id)s AND h.lifted_at IS NULL
                      AND h.reason = %(reason)s AND h.invoice_ids IS NOT DISTINCT FROM %(invoice_ids)s::text[]);

-- lift_hold --
UPDATE hold SET lifted_at = %(now)s, lifted_by = %(by)s, lift_reason = %(reason)s
 WHERE id = %(hold_id)s AND lifted_at IS NULL RETURNING customer_id;

-- clear_paid_holds --
-- A payment claim ends when the ledger shows the money: every invoice that it covers has no balance left.
UPDATE hold SET lifted_at = %(now)s, lifted_by = 'ledger', lift_reason = 'the ledger shows it paid'
 WHERE customer_id = %(customer_id)s AND lifted_at IS NULL AND cleared_by = 'ledger'
   AND NOT EXISTS (SELECT FROM invoice i WHERE i.customer_id = hold.customer_id AND i.balance_minor > 0 AND NOT i.deleted
                      AND (hold.invoice_ids IS NULL OR i.id = ANY(hold.invoice_ids)))
RETURNING id;

-- add_suppression --
INSERT INTO suppression (customer_id, decision_id, channel, contact_id, reason, message_id, at)
VALUES (%(customer_id)s, %(decision_id)s, %(channel)s, %(contact_id)s, %(change)s, %(message_id)s, %(now)s)
ON CONFLICT DO NOTHING;

-- add_consent_event --
-- Once for each message: its keyword is heeded when it is stored, its words when it is read.
INSERT INTO consent_event (customer_id, contact_id, channel, change, source, message_id, decision_id, provider_ref, at)
SELECT %(customer_id)s, %(contact_id)s, %(channel)s, %(change)s, %(source)s, %(message_id)s, %(decision_id)s,
       %(provider_ref)s, %(now)s
 WHERE NOT EXISTS (SELECT FROM consent_event WHERE customer_id = %(customer_id)s AND message_id = %(message_id)s
                      AND change = %(change)s AND channel IS NOT DISTINCT FROM %(channel)s);

-- lift_opt_outs --
-- The channels of the opt-outs that end; NULL was every channel. Whoever stopped may start again: where the customer has
-- several contact points on the channel, one of them does not undo what another one asked for.
UPDATE suppression s SET lifted_at = %(now)s
 WHERE customer_id = %(customer_id)s AND lifted_at IS NULL AND reason = 'opt_out'
   AND (channel IS NULL OR channel = %(channel)s) AND (contact_id IS NULL OR contact_id = %(contact_id)s)
   AND (EXISTS (SELECT FROM message m WHERE m.id = s.message_id AND m.contact_id = %(contact_id)s)
        OR NOT EXISTS (SELECT FROM contact k WHERE k.customer_id = s.customer_id AND k.channel = %(channel)s
                          AND k.id <> %(contact_id)s))
RETURNING channel;

-- keep_others_out --
INSERT INTO suppression (customer_id, channel, reason, message_id, at)
SELECT %(customer_id)s, other, 'opt_out', %(message_id)s, %(now)s
  FROM unnest(ARRAY['email', 'sms', 'voice', 'post', 'portal']) AS other WHERE other <> %(channel)s
ON CONFLICT DO NOTHING;

-- grant_consent --
-- What the ledger once said of this contact point is overtaken by the customer's own later word.
UPDATE contact SET opted_out_at = NULL, consent = 'granted', consent_source = %(source)s, consent_at = %(now)s
 WHERE id = %(contact_id)s AND customer_id = %(customer_id)s AND (opted_out_at IS NOT NULL OR consent = 'denied');

-- is_opted_out --
SELECT FROM suppression WHERE customer_id = %(customer_id)s AND lifted_at IS NULL AND reason = 'opt_out'
   AND (channel IS NULL OR channel = %(channel)s)
UNION ALL
SELECT FROM contact WHERE customer_id = %(customer_id)s AND channel = %(channel)s
   AND (opted_out_at IS NOT NULL OR consent = 'denied')
LIMIT 1;

-- consent_ledger --
SELECT e.id, e.at, e.change, e.channel, e.contact_id, e.source, e.message_id, e.decision_id, e.provider_ref
  FROM consent_event e WHERE e.customer_id = %(customer_id)s ORDER BY e.id;

-- end_standing_facts --
UPDATE standing_fact SET ended_at = %(now)s
 WHERE customer_id = %(customer_id)s AND kind = %(kind)s AND ended_at IS NULL
   AND (%(replaces)s OR lower(fact) = lower(%(fact)s));

-- end_promise_facts --
-- A promise that was kept, broken or replaced stands no longer; the promise itself says what became of it.
UPDATE standing_fact f SET ended_at = %(now)s
 WHERE f.customer_id = %(customer_id)s AND f.kind = 'promise' AND f.ended_at IS NULL AND NOT EXISTS
       (SELECT FROM promise p WHERE p.decision_id = f.decision_id AND p.state = 'open');

-- add_standing_fact --
INSERT INTO standing_fact (customer_id, decision_id, kind, fact, message_id, at)
VALUES (%(customer_id)s, %(decision_id)s, %(kind)s, %(fact)s, %(message_id)s, %(now)s);

-- add_contact --
INSERT INTO contact (id, customer_id, role, name, channel, address, verified_at, consent, consent_source, consent_at)
VALUES (%(contact_id)s, %(customer_id)s, 'other', NULL, %(channel)s, %(address)s, %(now)s, 'granted', %(source)s, %(now)s)
ON CONFLICT (customer_id, channel, address) DO NOTHING;
