-- fence --
INSERT INTO fence (turn_key, customer_id, at) VALUES (%(turn_key)s, %(customer_id)s, %(now)s);

-- fenced --
SELECT 1 FROM fence WHERE turn_key = %(turn_key)s;

-- policy_version --
INSERT INTO policy_version (version, body, first_used_at) VALUES (%(version)s, %(body)s, %(now)s)
ON CONFLICT (version) DO NOTHING;

-- episode --
INSERT INTO episode (id, customer_id, turn_key, trigger, model_id, prompt_version, policy_version, graph_version,
                     outcome, usage, started_at, committed_at)
VALUES (%(episode_id)s, %(customer_id)s, %(turn_key)s, %(trigger)s, %(model_id)s, %(prompt_version)s,
        %(policy_version)s, %(graph_version)s, %(outcome)s, %(usage)s, %(started_at)s, %(now)s);

-- episode_trigger --
SELECT customer_id, trigger FROM episode WHERE id = %(episode_id)s;

-- next_position --
SELECT coalesce(max(position) + 1, 0) FROM decision
 WHERE episode_id = %(episode_id)s AND approval_id IS NOT DISTINCT FROM %(approval_id)s;

-- decisions --
-- All decisions of a commit; their ids and seals in the order of their positions, in which they are drawn. The arguments, which may
-- quote somebody, stand in rows of their own that an erasure takes away.
WITH given AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(decisions)s) AS d(position int, tool text, args jsonb, digest text, actor text,
           verdict text, role text, reasons jsonb, facts jsonb, facts_digest text)
), decided AS (
    INSERT INTO decision (customer_id, episode_id, approval_id, position, tool, digest, actor, verdict, role,
                          reasons, policy_version, facts, facts_digest, at)
    SELECT %(customer_id)s, %(episode_id)s, %(approval_id)s, position, tool, digest, actor, verdict, role, reasons,
           %(policy_version)s, facts, facts_digest, %(now)s
      FROM given ORDER BY position
    RETURNING id, position, decision_seal(decision) AS seal
), kept AS (
    INSERT INTO decision_args (decision_id, customer_id, args)
    SELECT id, %(customer_id)s, args FROM decided JOIN given USING (position)
)
SELECT id, seal FROM decided ORDER BY position;

-- done_already --
SELECT 1 FROM decision WHERE episode_id = %(episode_id)s AND digest = %(digest)s AND verdict = 'allow' LIMIT 1;

-- approval --
INSERT INTO approval (id, customer_id, episode_id, decision_id, kind, tool, args, digest, facts_digest, preview, reasons,
                      role, amount_minor, currency, assignee, proposed_by, redrafts, interrupt_id, graph_version,
                      asked_at, expires_at, replaces)
VALUES (%(approval_id)s, %(customer_id)s, %(episode_id)s, %(decision_id)s, %(kind)s, %(tool)s, %(args)s, %(digest)s,
        %(facts_digest)s, %(preview)s, %(reasons)s, %(role)s, %(amount_minor)s, %(currency)s, %(assignee)s,
        %(proposed_by)s, %(redrafts)s, %(interrupt_id)s, %(graph_version)s, %(now)s, %(expires_at)s, %(replaces)s);

-- ladder_step --
INSERT INTO ladder_step (customer_id, anchor_invoice_id, step, episode_id, invoice_ids, at)
VALUES (%(customer_id)s, %(anchor)s, %(step)s, %(episode_id)s, %(invoice_ids)s, %(now)s)
ON CONFLICT (customer_id, anchor_invoice_id, step) DO UPDATE
   SET episode_id = excluded.episode_id, invoice_ids = excluded.invoice_ids, at = excluded.at;

-- event_handled --
UPDATE ledger_event SET handled_at = %(now)s WHERE id = %(event_id)s AND handled_at IS NULL;

-- waiting_events --
SELECT e.id, e.customer_id, e.kind, e.ref, p.amount_minor
  FROM ledger_event e LEFT JOIN payment p ON e.kind = 'payment' AND p.id = e.ref
 WHERE e.handled_at IS NULL AND (%(customer_id)s::text IS NULL OR e.customer_id = %(customer_id)s)
 ORDER BY e.id LIMIT %(limit)s;

-- waiting_steps --
SELECT customer_id, turn_key, step, channel, anchor_invoice_id FROM cycle_step
 WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
 ORDER BY day, turn_key LIMIT %(limit)s;

-- redrafted --
-- The reason of a rejection was answered by this episode.
UPDATE approval SET outcome = 'redrafted' WHERE id = %(approval_id)s AND state = 'rejected' AND outcome IS NULL;

-- tokens_spent --
SELECT tokens FROM model_day WHERE day = %(day)s AND model_id = %(model_id)s;

-- spend_tokens --
INSERT INTO model_day (day, model_id, calls, tokens) VALUES (%(day)s, %(model_id)s, 1, %(tokens)s)
ON CONFLICT (day, model_id) DO UPDATE SET calls = model_day.calls + 1, tokens = model_day.tokens + excluded.tokens;
