-- read --
SELECT a.id, a.customer_id, a.episode_id, a.decision_id, a.kind, a.tool, a.args, a.digest, a.facts_digest, a.preview,
       a.reasons, a.role, a.amount_minor, a.currency, a.assignee, a.proposed_by, a.redrafts, a.state, a.interrupt_id,
       a.graph_version, a.asked_at, a.expires_at, a.claimed_at, a.answer, a.decided_by, a.decided_at, a.note, a.outcome,
       a.replaces, a.reminded_at, a.reminded_role, a.first_by, a.edited_preview, e.trigger,
       (SELECT c.salt FROM customer c WHERE c.id = a.customer_id) AS salt
  FROM approval a JOIN episode e ON e.id = a.episode_id WHERE a.id = %(approval_id)s;

-- alike --
-- The code says which of them are low risk.
SELECT a.id, a.customer_id, a.episode_id, a.decision_id, a.kind, a.tool, a.args, a.digest, a.facts_digest, a.preview,
       a.reasons, a.role, a.amount_minor, a.currency, a.assignee, a.proposed_by, a.redrafts, a.state, a.interrupt_id,
       a.graph_version, a.asked_at, a.expires_at, a.claimed_at, a.answer, a.decided_by, a.decided_at, a.note, a.outcome,
       a.replaces, a.reminded_at, a.reminded_role, a.first_by, a.edited_preview, e.trigger,
       (SELECT c.salt FROM customer c WHERE c.id = a.customer_id) AS salt
  FROM approval a JOIN episode e ON e.id = a.episode_id
 WHERE a.state = 'pending' AND a.tool = 'generate_dunning_message' AND a.id <> %(approval_id)s
   AND a.args ->> 'purpose' = %(purpose)s AND a.args ->> 'template' = %(template)s
 ORDER BY a.asked_at, a.id LIMIT %(limit)s;

-- list --
-- What waits goes before what was decided, and the reader's own accounts before the others.
SELECT a.id, a.customer_id, c.name AS customer, a.kind, a.tool, a.role, a.amount_minor, a.currency, a.assignee, a.state,
       a.asked_at, a.expires_at, a.reminded_at, a.reminded_role, a.replaces, a.first_by, a.decided_by, a.reasons, a.preview,
       a.outcome
  FROM approval a JOIN customer c ON c.id = a.customer_id
 WHERE (%(state)s::text IS NULL OR a.state = %(state)s)
   AND (%(customer_id)s::text IS NULL OR a.customer_id = %(customer_id)s)
   AND (%(assignee)s::text IS NULL OR a.assignee = %(assignee)s)
 ORDER BY a.state = 'pending' DESC, (a.assignee = %(reader)s::text) IS TRUE DESC, a.amount_minor DESC, a.asked_at, a.id
 LIMIT %(limit)s OFFSET %(offset)s;

-- claim --
-- One claim wins: whoever comes second finds the state moved. Handed up meanwhile, it is for another role to decide.
UPDATE approval SET state = 'resuming', answer = %(answer)s, decided_by = %(by)s, claimed_at = %(now)s, note = %(note)s
 WHERE id = %(approval_id)s AND state = 'pending' AND digest = %(digest)s AND role = %(role)s
RETURNING id;

-- release --
-- The resume failed before it committed anything: the approval waits again.
UPDATE approval SET state = 'pending', answer = NULL, decided_by = NULL, claimed_at = NULL, note = NULL
 WHERE id = %(approval_id)s AND state = 'resuming';

-- finish --
-- Of the answer that was claimed: one that was given back and claimed for another answer meanwhile is not this one's to end.
UPDATE approval SET state = %(state)s, decided_at = %(now)s, outcome = %(outcome)s, edited_preview = %(edited_preview)s,
       edit_permille = %(edit_permille)s
 WHERE id = %(approval_id)s AND state = 'resuming' AND answer = %(answer)s RETURNING id;

-- hand_up --
-- Whoever agreed before it was handed up did so with another role.
UPDATE approval SET role = %(role)s, assignee = NULL, note = %(note)s, first_by = NULL, first_at = NULL
 WHERE id = %(approval_id)s AND state = 'pending' AND role = %(from_role)s RETURNING id;

-- agree_first --
UPDATE approval SET first_by = %(by)s, first_at = %(now)s
 WHERE id = %(approval_id)s AND state = 'pending' AND digest = %(digest)s AND role = %(role)s AND first_by IS NULL
RETURNING id;

-- to_remind --
-- Nobody decided for so long that the next role hears of it, once, while there is time.
SELECT id FROM approval
 WHERE state = 'pending' AND reminded_at IS NULL AND asked_at <= %(before)s AND expires_at > %(now)s
 ORDER BY asked_at, id LIMIT %(limit)s;

-- remind --
UPDATE approval SET reminded_at = %(now)s, reminded_role = %(role)s
 WHERE id = %(approval_id)s AND state = 'pending' AND reminded_at IS NULL RETURNING id;

-- of_other_graphs --
-- Waiting in threads that another version of the graph built.
SELECT id FROM approval WHERE state = 'pending' AND graph_version <> %(graph_version)s ORDER BY asked_at, id LIMIT %(limit)s;

-- expired --
SELECT id FROM approval WHERE state = 'pending' AND expires_at <= %(now)s ORDER BY expires_at, id LIMIT %(limit)s;

-- pending_of --
SELECT id FROM approval WHERE state = 'pending' AND customer_id = %(customer_id)s ORDER BY asked_at, id;

-- stranded --
-- Claimed and never finished: the process died between its claim and its commit. The stored answer still stands.
-- A claim of the future is as old as any: the clock was set back since.
SELECT id FROM approval WHERE state = 'resuming' AND claimed_at NOT BETWEEN %(before)s AND %(after)s
 ORDER BY claimed_at, id LIMIT %(limit)s;

-- to_redraft --
-- Rejected messages whose reason was not answered by a new draft yet; at most two redrafts each.
SELECT a.id, a.customer_id, a.tool, a.args, a.note, a.redrafts, e.trigger
  FROM approval a JOIN episode e ON e.id = a.episode_id
 WHERE a.state = 'rejected' AND a.tool = 'generate_dunning_message' AND a.outcome IS NULL AND a.note <> ''
   AND (%(customer_id)s::text IS NULL OR a.customer_id = %(customer_id)s)
 ORDER BY a.decided_at, a.id LIMIT %(limit)s;
