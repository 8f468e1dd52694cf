-- lock_imports --
-- One import at a time: two that bring the same new customers would wait for each other in a circle.
SELECT pg_advisory_xact_lock(hashtext('dunwell.import'));

-- lock_customers --
-- The lock that a committing episode takes too: no message can be queued between what is read here and the commit.
SELECT id FROM customer
 WHERE id = ANY(%(customers)s)
    OR id IN (SELECT customer_id FROM invoice WHERE id = ANY(%(invoices)s) OR number = ANY(%(invoices)s))
 ORDER BY id FOR UPDATE;

-- known_customers --
SELECT c.id, c.ext_system, c.currency, c.terms_days, c.status FROM customer c
 WHERE c.id = ANY(%(customers)s)
    OR c.id IN (SELECT customer_id FROM invoice WHERE id = ANY(%(invoices)s) OR number = ANY(%(invoices)s));

-- known_contacts --
SELECT id, customer_id, channel, address FROM contact
 WHERE customer_id = ANY(%(customers)s) OR id = ANY(%(contacts)s);

-- known_invoices --
SELECT id, ext_system, customer_id, number, currency, total_minor, balance_minor, issue_date, ledger_state
  FROM invoice
 WHERE id = ANY(%(invoices)s) OR number = ANY(%(invoices)s)
    OR id IN (SELECT invoice_id FROM allocation
               WHERE payment_id = ANY(%(payments)s) OR credit_memo_id = ANY(%(credits)s));

-- known_payments --
SELECT id, ext_system, customer_id, status FROM payment WHERE id = ANY(%(payments)s);

-- known_credits --
SELECT id, ext_system, customer_id, state AS status FROM credit_memo WHERE id = ANY(%(credits)s);

-- known_allocations --
SELECT a.id, a.payment_id, a.credit_memo_id, a.invoice_id, a.amount_minor, a.applied_on, p.ext_fetched_at AS stated_at
  FROM allocation a LEFT JOIN payment p ON p.id = a.payment_id
 WHERE a.invoice_id = ANY(%(invoices)s);

-- known_disputes --
SELECT id, customer_id, source, state, closed_at FROM dispute WHERE id = ANY(%(disputes)s);

-- upsert_customers --
-- An erased customer stays erased, whatever the source still knows.
WITH incoming AS (SELECT * FROM jsonb_populate_recordset(NULL::customer, %(rows)s)),
before AS (SELECT c.id, c.raw_hash FROM customer c JOIN incoming USING (id)),
written AS (
    INSERT INTO customer (id, ext_system, ext_id, ext_fetched_at, raw_hash, name, kind, parent_id, currency, time_zone,
                          region, postal_area, language, terms_days, credit_limit_minor, status, segment, owner, hold_reason,
                          do_not_contact, tags)
    SELECT id, ext_system, ext_id, ext_fetched_at, raw_hash, name, kind, parent_id, currency, time_zone,
           region, postal_area, language, terms_days, credit_limit_minor, status, segment, owner, hold_reason,
           do_not_contact, tags
      FROM incoming
    ON CONFLICT (id) DO UPDATE SET
           ext_fetched_at = excluded.ext_fetched_at, raw_hash = excluded.raw_hash, name = excluded.name,
           kind = excluded.kind, parent_id = excluded.parent_id, time_zone = excluded.time_zone,
           region = excluded.region, postal_area = excluded.postal_area, language = excluded.language, terms_days = excluded.terms_days,
           credit_limit_minor = excluded.credit_limit_minor, status = excluded.status, merged_to = NULL,
           segment = excluded.segment, owner = excluded.owner, hold_reason = excluded.hold_reason,
           do_not_contact = excluded.do_not_contact, tags = excluded.tags
     WHERE customer.status <> 'erased')
SELECT CASE WHEN b.id IS NULL THEN 'new' WHEN b.raw_hash = i.raw_hash THEN 'unchanged' ELSE 'updated' END AS change,
       count(*) AS rows
  FROM incoming i LEFT JOIN before b USING (id) GROUP BY 1;

-- upsert_contacts --
-- An opt-out that is on file is never lifted by a source that does not know of it.
WITH incoming AS (SELECT * FROM jsonb_populate_recordset(NULL::contact, %(rows)s)),
written AS (
    INSERT INTO contact AS c (id, customer_id, role, name, channel, address, verified_at, consent, consent_source,
                              consent_at, opted_out_at, quiet_hours)
    SELECT id, customer_id, role, name, channel, address, verified_at, consent, consent_source,
           consent_at, opted_out_at, nullif(quiet_hours, 'null') FROM incoming
    ON CONFLICT (id) DO UPDATE SET
           role = excluded.role, name = excluded.name, channel = excluded.channel, address = excluded.address,
           verified_at = excluded.verified_at, consent = excluded.consent, consent_source = excluded.consent_source,
           consent_at = excluded.consent_at, opted_out_at = coalesce(c.opted_out_at, excluded.opted_out_at),
           quiet_hours = excluded.quiet_hours
     WHERE (c.role, c.name, c.channel, c.address, c.verified_at, c.consent, c.consent_source, c.consent_at,
            c.opted_out_at, c.quiet_hours)
           IS DISTINCT FROM
           (excluded.role, excluded.name, excluded.channel, excluded.address, excluded.verified_at, excluded.consent,
            excluded.consent_source, excluded.consent_at, coalesce(c.opted_out_at, excluded.opted_out_at),
            excluded.quiet_hours)
    RETURNING xmax = 0 AS is_new)
SELECT CASE WHEN is_new THEN 'new' ELSE 'updated' END AS change, count(*) AS rows FROM written GROUP BY 1;

-- upsert_invoices --
WITH incoming AS (SELECT * FROM jsonb_populate_recordset(NULL::invoice, %(rows)s)),
before AS (SELECT i.id, i.raw_hash FROM invoice i JOIN incoming USING (id)),
written AS (
    INSERT INTO invoice (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, number, po_number, job_ref,
                         job_state, job_notes, issue_date, due_date, terms, currency, total_minor, tax_minor,
                         balance_minor, paid_minor, credited_minor, ledger_state, posted_at, sent_at, paid_date,
                         payment_url, modified_at, deleted)
    SELECT id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, number, po_number, job_ref,
           job_state, job_notes, issue_date, due_date, terms, currency, total_minor, tax_minor,
           balance_minor, paid_minor, credited_minor, ledger_state, posted_at, sent_at, paid_date,
           payment_url, modified_at, deleted
      FROM incoming
    ON CONFLICT (id) DO UPDATE SET
           ext_fetched_at = excluded.ext_fetched_at, raw_hash = excluded.raw_hash, number = excluded.number,
           po_number = excluded.po_number, job_ref = excluded.job_ref, job_state = excluded.job_state,
           job_notes = excluded.job_notes, issue_date = excluded.issue_date, due_date = excluded.due_date,
           terms = excluded.terms, currency = excluded.currency, total_minor = excluded.total_minor,
           tax_minor = excluded.tax_minor, balance_minor = excluded.balance_minor, paid_minor = excluded.paid_minor,
           credited_minor = excluded.credited_minor, ledger_state = excluded.ledger_state,
           posted_at = excluded.posted_at, sent_at = excluded.sent_at, paid_date = excluded.paid_date,
           payment_url = excluded.payment_url, modified_at = excluded.modified_at, deleted = excluded.deleted)
SELECT CASE WHEN b.id IS NULL THEN 'new' WHEN b.raw_hash = i.raw_hash THEN 'unchanged' ELSE 'updated' END AS change,
       count(*) AS rows
  FROM incoming i LEFT JOIN before b USING (id) GROUP BY 1;

-- move_balances --
-- Invoices that are in no file of this import, but whose payments or credits are.
UPDATE invoice i
   SET balance_minor = r.balance_minor, paid_minor = r.paid_minor, credited_minor = r.credited_minor,
       ledger_state = r.ledger_state, paid_date = r.paid_date
  FROM jsonb_populate_recordset(NULL::invoice, %(rows)s) r
 WHERE i.id = r.id
   AND (i.balance_minor, i.paid_minor, i.credited_minor, i.ledger_state, i.paid_date)
       IS DISTINCT FROM (r.balance_minor, r.paid_minor, r.credited_minor, r.ledger_state, r.paid_date);

-- upsert_payments --
WITH incoming AS (SELECT * FROM jsonb_populate_recordset(NULL::payment, %(rows)s)),
before AS (SELECT p.id, p.raw_hash FROM payment p JOIN incoming USING (id)),
written AS (
    INSERT INTO payment (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, paid_on, amount_minor,
                         currency, method, reference, status, failure_code, processor_ref)
    SELECT id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, paid_on, amount_minor,
           currency, method, reference, status, failure_code, processor_ref
      FROM incoming
    ON CONFLICT (id) DO UPDATE SET
           ext_fetched_at = excluded.ext_fetched_at, raw_hash = excluded.raw_hash, paid_on = excluded.paid_on,
           amount_minor = excluded.amount_minor, unapplied_minor = 0, currency = excluded.currency,
           method = excluded.method, reference = excluded.reference, status = excluded.status,
           failure_code = excluded.failure_code, processor_ref = excluded.processor_ref)
SELECT CASE WHEN b.id IS NULL THEN 'new' WHEN b.raw_hash = i.raw_hash THEN 'unchanged' ELSE 'updated' END AS change,
       count(*) AS rows
  FROM incoming i LEFT JOIN before b USING (id) GROUP BY 1;

-- shrink_payments --
-- An earlier gap payment of which a real payment has explained a part. When its balance was stated does not change.
UPDATE payment p SET amount_minor = r.amount_minor, unapplied_minor = 0
  FROM jsonb_populate_recordset(NULL::payment, %(rows)s) r
 WHERE p.id = r.id AND p.amount_minor <> r.amount_minor;

-- upsert_credits --
WITH incoming AS (SELECT * FROM jsonb_populate_recordset(NULL::credit_memo, %(rows)s)),
before AS (SELECT c.id, c.raw_hash FROM credit_memo c JOIN incoming USING (id)),
written AS (
    INSERT INTO credit_memo (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, number, issue_date,
                             currency, total_minor, remaining_minor, state)
    SELECT id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, number, issue_date,
           currency, total_minor, total_minor, state
      FROM incoming
    ON CONFLICT (id) DO UPDATE SET
           ext_fetched_at = excluded.ext_fetched_at, raw_hash = excluded.raw_hash, number = excluded.number,
           issue_date = excluded.issue_date, currency = excluded.currency, total_minor = excluded.total_minor,
           remaining_minor = excluded.total_minor, state = excluded.state)
SELECT CASE WHEN b.id IS NULL THEN 'new' WHEN b.raw_hash = i.raw_hash THEN 'unchanged' ELSE 'updated' END AS change,
       count(*) AS rows
  FROM incoming i LEFT JOIN before b USING (id) GROUP BY 1;

-- upsert_allocations --
INSERT INTO allocation AS a (id, customer_id, payment_id, credit_memo_id, invoice_id, amount_minor, applied_on)
SELECT id, customer_id, payment_id, credit_memo_id, invoice_id, amount_minor, applied_on
  FROM jsonb_populate_recordset(NULL::allocation, %(rows)s)
ON CONFLICT (id) DO UPDATE SET amount_minor = excluded.amount_minor, applied_on = excluded.applied_on
 WHERE (a.amount_minor, a.applied_on) IS DISTINCT FROM (excluded.amount_minor, excluded.applied_on);

-- delete_allocations --
DELETE FROM allocation WHERE id = ANY(%(ids)s);

-- delete_payments --
-- Only ever the importer's own gap payments.
DELETE FROM payment WHERE id = ANY(%(ids)s);

-- refresh_payments --
UPDATE payment p SET unapplied_minor = r.unapplied
  FROM (SELECT p.id, CASE WHEN p.status = 'succeeded' THEN p.amount_minor - coalesce(
                    (SELECT sum(a.amount_minor) FROM allocation a WHERE a.payment_id = p.id), 0) ELSE 0 END AS unapplied
          FROM payment p WHERE p.id = ANY(%(ids)s)) r
 WHERE p.id = r.id AND p.unapplied_minor <> r.unapplied;

-- refresh_credits --
UPDATE credit_memo c
   SET remaining_minor = r.remaining,
       state = CASE WHEN c.state NOT IN ('open', 'partially_paid', 'paid') THEN c.state
                    WHEN r.remaining = 0 THEN 'paid' WHEN r.remaining = c.total_minor THEN 'open'
                    ELSE 'partially_paid' END
  FROM (SELECT c.id, c.total_minor - coalesce(
                    (SELECT sum(a.amount_minor) FROM allocation a WHERE a.credit_memo_id = c.id), 0) AS remaining
          FROM credit_memo c WHERE c.id = ANY(%(ids)s)) r
 WHERE c.id = r.id;

-- upsert_disputes --
WITH written AS (
    INSERT INTO dispute AS d (id, customer_id, reason, amount_minor, state, opened_at, source, closed_at, outcome)
    SELECT id, customer_id, reason, amount_minor, state, opened_at, 'ledger', closed_at, outcome
      FROM jsonb_populate_recordset(NULL::dispute, %(rows)s)
    ON CONFLICT (id) DO UPDATE SET
           reason = excluded.reason, amount_minor = excluded.amount_minor, state = excluded.state,
           opened_at = excluded.opened_at, closed_at = excluded.closed_at, outcome = excluded.outcome
     WHERE (d.reason, d.amount_minor, d.state, d.opened_at, d.closed_at, d.outcome)
           IS DISTINCT FROM (excluded.reason, excluded.amount_minor, excluded.state, excluded.opened_at,
                             excluded.closed_at, excluded.outcome)
    RETURNING xmax = 0 AS is_new)
SELECT CASE WHEN is_new THEN 'new' ELSE 'updated' END AS change, count(*) AS rows FROM written GROUP BY 1;

-- delete_dispute_invoices --
DELETE FROM dispute_invoice d
 WHERE d.dispute_id = ANY(%(ids)s)
   AND NOT EXISTS (SELECT FROM jsonb_populate_recordset(NULL::dispute_invoice, %(rows)s) r
                    WHERE r.dispute_id = d.dispute_id AND r.invoice_id = d.invoice_id);

-- insert_dispute_invoices --
INSERT INTO dispute_invoice (dispute_id, invoice_id, customer_id)
SELECT dispute_id, invoice_id, customer_id FROM jsonb_populate_recordset(NULL::dispute_invoice, %(rows)s)
ON CONFLICT DO NOTHING;

-- check_sums --
-- The sums are checked when the transaction commits; asked for now, a wrong one is this import's own error.
SET CONSTRAINTS invoice_allocations_add_up, allocation_adds_up IMMEDIATE;

-- defer_sums --
SET CONSTRAINTS invoice_allocations_add_up, allocation_adds_up DEFERRED;

-- insert_events --
-- A thing that happens again after it was handled is a new event, with a new id.
INSERT INTO ledger_event AS e (customer_id, kind, ref, at)
SELECT customer_id, kind, ref, %(now)s FROM jsonb_populate_recordset(NULL::ledger_event, %(rows)s)
ON CONFLICT (kind, ref) DO UPDATE SET id = DEFAULT, at = excluded.at, handled_at = NULL
 WHERE e.handled_at IS NOT NULL;

-- withdraw_queued --
UPDATE outbox o SET state = 'withdrawn', reason = w.reason, settled_at = %(now)s
  FROM jsonb_populate_recordset(NULL::outbox, %(rows)s) w
 WHERE o.customer_id = w.customer_id AND o.state = 'queued';

-- findings --
-- What a person should look at among the customers of this import, each as a kind and the ids it is about.
SELECT 'duplicate_invoice' AS kind, array_agg(id ORDER BY id) AS ids FROM invoice
 WHERE customer_id = ANY(%(customers)s) AND NOT deleted GROUP BY customer_id, number HAVING count(*) > 1
UNION ALL
SELECT 'shared_contact_point', array_agg(DISTINCT customer_id) FROM contact k
 WHERE address IN (SELECT address FROM contact WHERE customer_id = ANY(%(customers)s))
   AND channel IN ('email', 'sms', 'voice') GROUP BY address HAVING count(DISTINCT customer_id) > 1
UNION ALL
SELECT 'missing_contact', array_agg(id ORDER BY id) FROM customer c
 WHERE id = ANY(%(customers)s) AND status = 'active'
   AND NOT EXISTS (SELECT FROM contact k WHERE k.customer_id = c.id AND k.channel IN ('email', 'sms'))
UNION ALL
SELECT 'missing_owner', array_agg(id ORDER BY id) FROM customer
 WHERE id = ANY(%(customers)s) AND status = 'active' AND owner IS NULL
UNION ALL
SELECT 'missing_due_date', array_agg(id ORDER BY id) FROM invoice
 WHERE customer_id = ANY(%(customers)s) AND due_date IS NULL AND balance_minor > 0 AND NOT deleted
   AND ledger_state IN ('open', 'partially_paid', 'unknown')
UNION ALL
SELECT 'unapplied_payment', array_agg(id ORDER BY id) FROM payment
 WHERE id = ANY(%(payments)s) AND unapplied_minor > 0
UNION ALL
SELECT 'nobody_reachable', '{}' WHERE EXISTS (SELECT FROM customer WHERE status = 'active')
   AND NOT EXISTS (SELECT FROM contact k JOIN customer c ON c.id = k.customer_id
                    WHERE c.status = 'active' AND NOT c.do_not_contact AND k.channel IN ('email', 'sms')
                      AND k.opted_out_at IS NULL AND k.consent <> 'denied');

-- insert_batch --
INSERT INTO import_batch (at, ext_system, imported_by, report)
VALUES (%(now)s, %(ext_system)s, %(imported_by)s, %(report)s) RETURNING id;
