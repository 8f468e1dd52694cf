-- users --
-- Beside carla and mona: a viewer, another collector and manager, a manager with a low limit, and an admin.
INSERT INTO app_user (name, role, limit_minor, created_at)
VALUES ('vera', 'viewer', 1000000000, %(now)s), ('tina', 'manager', 100, %(now)s), ('milo', 'manager', 1000000000, %(now)s),
       ('ada', 'admin', 1000000000, %(now)s);

-- charged --
UPDATE invoice SET total_minor = total_minor + 5000, balance_minor = balance_minor + 5000 WHERE id = 'QB-1';

-- disputed --
WITH opened AS (
    INSERT INTO dispute (id, customer_id, reason, source) SELECT 'd', id, 'quality', 'ledger' FROM customer RETURNING customer_id
)
INSERT INTO dispute_invoice SELECT 'd', 'QB-1', customer_id FROM opened;

-- held --
UPDATE customer SET hold_reason = 'court';

-- marked --
UPDATE customer SET do_not_contact = true;

-- moved_due --
UPDATE invoice SET due_date = due_date + 5 WHERE id = 'QB-1';

-- readdressed --
UPDATE contact SET address = CASE channel WHEN 'email' THEN 'new@else.example' ELSE '+13125550199' END;

-- another_invoice --
UPDATE invoice SET due_date = due_date - 30, balance_minor = balance_minor + 100, total_minor = total_minor + 100 WHERE id = 'QB-2';

-- proposed_by_mona --
UPDATE approval SET proposed_by = 'mona';

-- row --
UPDATE approval SET state = 'approved', decided_by = 'mona', decided_at = asked_at;

-- args --
-- Other arguments than those that were shown, of the same kind and about the same invoices.
UPDATE approval SET args = replace(replace(replace(replace(args::text, '"amount": "1000.00"', '"amount": "1.00"'),
       '"instalments": ', '"instalments": 1'), '2026-06-18', '2026-06-25'), '"quote": "', '"quote": " ')::jsonb
       || CASE WHEN args ? 'tone' THEN '{"tone": "direct"}'::jsonb ELSE '{}' END;
UPDATE approval SET args = jsonb_set(args, '{record,reason}', '"Another reason."') WHERE args->'record' ? 'reason';

-- answer --
-- The same in an answer that was claimed and not carried out yet.
UPDATE approval SET answer = jsonb_set(answer, '{args}', CASE
       WHEN args ? 'tone' THEN args || '{"tone": "direct"}'
       WHEN args ? 'on' THEN args || '{"on": "2026-06-25"}'
       WHEN args->'record' ? 'payments' THEN jsonb_set(args, '{record,payments,0,amount}', '"1.00"')
       WHEN args->'record' ? 'instalments' THEN jsonb_set(args, '{record,instalments}', '12')
       WHEN args->'record' ? 'reason' THEN jsonb_set(args, '{record,reason}', '"Another reason."')
       ELSE jsonb_set(args, '{record,quote}', to_jsonb(' ' || (args->'record'->>'quote'))) END);

-- thread --
DELETE FROM checkpoints;
DELETE FROM checkpoint_blobs;
DELETE FROM checkpoint_writes;

-- version --
UPDATE approval SET graph_version = '0';

-- approvals_by_age --
SELECT id, digest, state, replaces FROM approval ORDER BY asked_at, id;

-- left --
SELECT count(*) FROM outbox WHERE state IN ('sent', 'delivered');

-- ledger_requests --
SELECT 'ledger_request' AS kind, customer_id, decision_id, NULL AS digest FROM ledger_request WHERE decision_id IS NOT NULL;
