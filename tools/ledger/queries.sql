-- account --
-- One customer's account on one day, as JSON: every fact that policy and tools may know, in one statement.
-- Balances are those of the day: total less what was applied until then, so that a run "as of" a past
-- date knows neither later invoices nor later payments.
WITH known AS (
    SELECT i.*, i.total_minor - coalesce(a.applied, 0) AS balance_then, a.settled_on
      FROM invoice i
      LEFT JOIN LATERAL (SELECT sum(amount_minor) AS applied, max(applied_on) AS settled_on
                           FROM allocation WHERE invoice_id = i.id AND applied_on <= %(today)s) a ON true
     WHERE i.customer_id = %(customer_id)s AND i.issue_date <= %(today)s AND NOT i.deleted
), settled AS (
    SELECT settled_on - due_date AS days_late FROM known
     WHERE balance_then = 0 AND settled_on < %(today)s AND due_date IS NOT NULL
       AND ledger_state IN ('open', 'partially_paid', 'paid')
)
SELECT json_build_object(
    'today', %(today)s::date,
    'now', %(now)s::timestamptz,
    'customer', json_build_object(
        'id', c.id, 'name', c.name, 'kind', c.kind, 'status', c.status, 'currency', c.currency,
        'language', c.language, 'segment', c.segment, 'time_zone', c.time_zone, 'region', c.region, 'postal_area', c.postal_area,
        'owner', c.owner, 'terms_days', c.terms_days, 'credit_limit_minor', c.credit_limit_minor,
        'hold_reason', c.hold_reason, 'do_not_contact', c.do_not_contact, 'salt', c.salt),
    'contacts', (SELECT coalesce(json_agg(json_build_object(
            'id', k.id, 'role', k.role, 'name', k.name, 'channel', k.channel, 'address', k.address,
            'verified_at', k.verified_at, 'consent', k.consent, 'opted_out_at', k.opted_out_at,
            'quiet_hours', k.quiet_hours, 'shared', contact_is_shared(k.channel, k.address, k.customer_id))
            ORDER BY k.role = 'billing' DESC, k.id), '[]')
        FROM contact k WHERE k.customer_id = c.id),
    'invoices', (SELECT coalesce(json_agg(json_build_object(
            'id', k.id, 'number', k.number, 'issue_date', k.issue_date, 'due_date', k.due_date,
            'currency', k.currency, 'total_minor', k.total_minor, 'balance_minor', k.balance_then,
            'ledger_state', k.ledger_state, 'payment_url', k.payment_url, 'job_ref', k.job_ref,
            'job_state', k.job_state, 'job_notes', k.job_notes) ORDER BY k.due_date NULLS LAST, k.id), '[]')
        FROM known k WHERE k.balance_then > 0),
    'disputes', (SELECT coalesce(json_agg(json_build_object(
            'id', d.id, 'reason', d.reason, 'amount_minor', d.amount_minor, 'state', d.state,
            'opened_at', d.opened_at, 'source', d.source, 'invoice_ids',
            (SELECT json_agg(di.invoice_id ORDER BY di.invoice_id) FROM dispute_invoice di WHERE di.dispute_id = d.id))
            ORDER BY d.id), '[]')
        FROM dispute d WHERE d.customer_id = c.id AND d.state IN ('open', 'under_review')
         AND (d.opened_at IS NULL OR d.opened_at <= %(now)s)
         AND EXISTS (SELECT FROM dispute_invoice di JOIN known k ON k.id = di.invoice_id
                      WHERE di.dispute_id = d.id AND k.balance_then > 0)),
    'promises', (SELECT coalesce(json_agg(json_build_object(
            'id', p.id, 'invoice_ids', p.invoice_ids, 'amount_minor', p.amount_minor, 'currency', p.currency,
            'due_date', p.due_date, 'made_at', p.made_at, 'state', p.state) ORDER BY p.id), '[]')
        FROM promise p WHERE p.customer_id = c.id
         AND (p.state = 'open' OR (p.state <> 'cancelled' AND p.settled_at > %(now)s - interval '180 days'))),
    'plans', (SELECT coalesce(json_agg(json_build_object(
            'id', p.id, 'invoice_ids', p.invoice_ids, 'total_minor', p.total_minor, 'currency', p.currency,
            'state', p.state, 'instalments',
            (SELECT json_agg(json_build_object('due_date', n.due_date, 'amount_minor', n.amount_minor) ORDER BY n.position)
               FROM plan_instalment n WHERE n.plan_id = p.id)) ORDER BY p.created_at, p.id), '[]')
        FROM payment_plan p WHERE p.customer_id = c.id AND p.state IN ('approved', 'offered', 'active', 'defaulted')),
    'holds', (SELECT coalesce(json_agg(json_build_object(
            'id', h.id, 'reason', h.reason, 'invoice_ids', h.invoice_ids, 'cleared_by', h.cleared_by,
            'placed_at', h.placed_at, 'message_id', h.message_id) ORDER BY h.id), '[]')
        FROM hold h WHERE h.customer_id = c.id AND h.lifted_at IS NULL),
    'suppressions', (SELECT coalesce(json_agg(json_build_object(
            'id', s.id, 'channel', s.channel, 'contact_id', s.contact_id, 'reason', s.reason) ORDER BY s.id), '[]')
        FROM suppression s WHERE s.customer_id = c.id AND s.lifted_at IS NULL),
    'touches', (SELECT coalesce(json_agg(json_build_object(
            'outbox_id', o.id, 'at', coalesce(o.sent_at, o.not_before), 'channel', o.channel, 'purpose', m.purpose,
            'template', m.template, 'reply_to', o.reply_to, 'state', o.state)
            ORDER BY coalesce(o.sent_at, o.not_before) DESC, o.id DESC), '[]')
        FROM outbox o JOIN message m ON m.id = o.message_id
       WHERE o.customer_id = c.id AND o.state IN ('queued', 'sending', 'sent', 'delivered', 'unknown')
         AND coalesce(o.sent_at, o.not_before) > %(now)s - interval '30 days'),
    'ladder', (SELECT coalesce(json_agg(json_build_object(
            'anchor_invoice_id', l.anchor_invoice_id, 'step', l.step, 'invoice_ids', l.invoice_ids, 'at', l.at)
            ORDER BY l.at, l.step), '[]')
        FROM ladder_step_ran l WHERE l.customer_id = c.id),
    'history', (SELECT json_build_object(
            'settled', count(*), 'late_0d', count(*) FILTER (WHERE days_late > 0),
            'late_7d', count(*) FILTER (WHERE days_late > 7), 'late_15d', count(*) FILTER (WHERE days_late > 15),
            'late_30d', count(*) FILTER (WHERE days_late > 30)) FROM settled),
    'portfolio', (SELECT json_build_object('settled', coalesce(max(h.settled), 0), 'late_0d', coalesce(max(h.late_0d), 0),
            'late_7d', coalesce(max(h.late_7d), 0), 'late_15d', coalesce(max(h.late_15d), 0),
            'late_30d', coalesce(max(h.late_30d), 0))
        FROM (SELECT * FROM portfolio_history WHERE as_of <= %(today)s ORDER BY as_of DESC LIMIT 1) h),
    'payments_pending_minor', (SELECT coalesce(sum(p.amount_minor), 0) FROM payment p
        WHERE p.customer_id = c.id AND p.status = 'pending' AND p.paid_on <= %(today)s),
    'pays_by_mail', pays_by_mail(c.id, %(today)s),
    'levels', (SELECT coalesce(json_object_agg(l.action, l.mode), '{}') FROM autonomy_level l WHERE l.segment = c.segment),
    'ledger_as_of', c.ext_fetched_at,
    'ledger_system', CASE c.ext_via WHEN 'file' THEN 'file' ELSE c.ext_system END)::text AS account
  FROM customer c WHERE c.id = %(customer_id)s;

-- lock_customer --
-- Everything that changes a customer's account takes this lock first, so that one change is seen by the next.
SELECT id FROM customer WHERE id = %(customer_id)s FOR UPDATE;

-- remember_portfolio --
-- How all settled invoices known on a day were paid; the base rate of the risk baseline.
INSERT INTO portfolio_history (as_of, settled, late_0d, late_7d, late_15d, late_30d)
SELECT %(today)s, count(*), count(*) FILTER (WHERE late > 0), count(*) FILTER (WHERE late > 7),
       count(*) FILTER (WHERE late > 15), count(*) FILTER (WHERE late > 30)
  FROM (SELECT max(a.applied_on) - i.due_date AS late
          FROM invoice i JOIN allocation a ON a.invoice_id = i.id AND a.applied_on < %(today)s
         WHERE i.due_date IS NOT NULL AND NOT i.deleted AND i.ledger_state IN ('open', 'partially_paid', 'paid')
         GROUP BY i.id, i.total_minor, i.due_date HAVING sum(a.amount_minor) = i.total_minor) settled
    ON CONFLICT (as_of) DO UPDATE SET (settled, late_0d, late_7d, late_15d, late_30d) =
       (excluded.settled, excluded.late_0d, excluded.late_7d, excluded.late_15d, excluded.late_30d)
RETURNING settled, late_0d, late_7d, late_15d, late_30d;

-- find_customers --
-- Customers by id, name or contact address, for the people who look one up.
SELECT c.id, c.name, c.segment, c.owner, c.language, c.status, c.risk_tier,
       coalesce(sum(i.balance_minor) FILTER (WHERE i.due_date < %(today)s
                AND i.ledger_state IN ('open', 'partially_paid')), 0)::bigint AS overdue_minor, c.currency
  FROM customer c LEFT JOIN invoice i ON i.customer_id = c.id AND NOT i.deleted
 WHERE %(like)s::text IS NULL OR c.id ILIKE %(like)s OR c.name ILIKE %(like)s
    OR EXISTS (SELECT FROM contact k WHERE k.customer_id = c.id AND k.address ILIKE %(like)s)
 GROUP BY c.id ORDER BY overdue_minor DESC, c.id LIMIT %(limit)s OFFSET %(offset)s;
