-- add_promise --
INSERT INTO promise (customer_id, decision_id, position, invoice_ids, amount_minor, currency, due_date, made_at,
                     message_id, source)
VALUES (%(customer_id)s, %(decision_id)s, %(position)s, %(invoice_ids)s, %(amount_minor)s, %(currency)s, %(due_date)s,
        %(now)s, %(message_id)s, %(source)s);

-- promises_to_watch --
-- Open promises with what was paid on their invoices since they were made.
SELECT p.id, p.customer_id, p.invoice_ids, p.amount_minor, p.currency, p.due_date,
       (SELECT coalesce(sum(a.amount_minor), 0) FROM allocation a
         WHERE a.invoice_id = ANY(p.invoice_ids) AND a.applied_on >= (p.made_at AT TIME ZONE %(zone)s)::date
           AND a.applied_on <= %(today)s)::bigint AS paid_minor
  FROM promise p WHERE p.state = 'open' ORDER BY p.id LIMIT %(limit)s;

-- settle_promise --
UPDATE promise SET state = %(state)s, settled_at = %(now)s WHERE id = %(promise_id)s AND state = 'open'
RETURNING customer_id;

-- cancel_promises --
UPDATE promise SET state = 'cancelled', settled_at = %(now)s
 WHERE customer_id = %(customer_id)s AND state = 'open' AND decision_id <> %(decision_id)s
   AND invoice_ids && %(invoice_ids)s;

-- add_plan --
INSERT INTO payment_plan (id, customer_id, decision_id, invoice_ids, total_minor, currency, state, proposed_by,
                          approved_by, approved_at, created_at)
VALUES (%(plan_id)s, %(customer_id)s, %(decision_id)s, %(invoice_ids)s, %(total_minor)s, %(currency)s, 'approved',
        %(proposed_by)s, %(approved_by)s, %(now)s, %(now)s);

-- add_instalments --
INSERT INTO plan_instalment (plan_id, customer_id, position, due_date, amount_minor)
SELECT %(plan_id)s, %(customer_id)s, n, d, a
  FROM unnest(%(positions)s::int[], %(dates)s::date[], %(amounts)s::bigint[]) AS t(n, d, a);

-- move_plan --
UPDATE payment_plan SET state = %(state)s WHERE id = %(plan_id)s AND state = ANY(%(from_states)s) RETURNING id;

-- add_dispute --
INSERT INTO dispute (id, customer_id, decision_id, reason, amount_minor, opened_at, source)
VALUES (%(dispute_id)s, %(customer_id)s, %(decision_id)s, %(reason)s, %(amount_minor)s, %(now)s, %(source)s);

-- add_dispute_invoices --
INSERT INTO dispute_invoice (dispute_id, invoice_id, customer_id)
SELECT %(dispute_id)s, i, %(customer_id)s FROM unnest(%(invoice_ids)s::text[]) AS t(i);

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
VALUES (%(customer_id)s, %(decision_id)s, %(channel)s, %(contact_id)s, %(reason)s, %(message_id)s, %(now)s)
ON CONFLICT DO NOTHING;

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
