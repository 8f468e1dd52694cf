-- ends --
SELECT customer_id, seq, hash FROM activity_head WHERE customer_id = ANY(%(customer_ids)s) ORDER BY customer_id FOR UPDATE;

-- append --
-- The entries, and with them the heads of their chains.
WITH moved AS (
    INSERT INTO activity_head (customer_id, seq, hash)
    SELECT h.customer_id, h.seq, h.hash FROM jsonb_to_recordset(%(heads)s) AS h(customer_id text, seq bigint, hash text)
    ON CONFLICT (customer_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash
)
INSERT INTO activity_log (customer_id, seq, at, actor, source, action, subject, episode_id, decision_id, prev_hash, hash)
SELECT e.customer_id, e.seq, %(at)s, e.actor, e.source, e.action, e.subject, e.episode_id, e.decision_id,
       e.prev_hash, e.hash
  FROM jsonb_to_recordset(%(entries)s) AS e(customer_id text, seq bigint, actor text, source text, action text,
       subject jsonb, episode_id text, decision_id bigint, prev_hash text, hash text);

-- chain --
SELECT customer_id, seq, at, actor, source, action, subject, episode_id, decision_id, prev_hash, hash
  FROM activity_log
 WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
   AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
 ORDER BY customer_id, seq;

-- chain_with_anchors --
-- As `chain`, each entry with the hash that an anchor has of it.
SELECT l.customer_id, l.seq, l.at, l.actor, l.source, l.action, l.subject, l.episode_id, l.decision_id, l.prev_hash, l.hash,
       a.hash
  FROM activity_log l LEFT JOIN audit_anchor_head a ON a.customer_id = l.customer_id AND a.seq = l.seq
 WHERE %(customer_id)s::text IS NULL OR l.customer_id = %(customer_id)s
 ORDER BY l.customer_id, l.seq;

-- heads --
SELECT customer_id, seq, hash FROM activity_head WHERE %(customer_id)s::text IS NULL OR customer_id = %(customer_id)s;

-- anchored_ends --
SELECT customer_id, max(seq) FROM audit_anchor_head
 WHERE %(customer_id)s::text IS NULL OR customer_id = %(customer_id)s GROUP BY customer_id;

-- lock_anchors --
LOCK TABLE audit_anchor IN SHARE ROW EXCLUSIVE MODE;

-- last_anchor --
SELECT id, at, chains, entries, prev_hash, hash FROM audit_anchor ORDER BY id DESC LIMIT 1;

-- anchor_heads --
-- The ends that no anchor has yet; with it, how many chains and entries there are at this moment.
WITH moved AS (
    INSERT INTO audit_anchor_head (customer_id, seq, hash, anchor_id)
    SELECT h.customer_id, h.seq, h.hash, %(anchor_id)s FROM activity_head h
     WHERE NOT EXISTS (SELECT FROM audit_anchor_head a WHERE a.customer_id = h.customer_id AND a.seq = h.seq)
    RETURNING customer_id, seq, hash
), counted AS (
    SELECT count(*) AS chains, coalesce(sum(seq), 0)::bigint AS entries FROM activity_head
)
SELECT m.customer_id, m.seq, m.hash, c.chains, c.entries FROM moved m, counted c ORDER BY m.customer_id COLLATE "C";

-- add_anchor --
INSERT INTO audit_anchor (id, at, chains, entries, prev_hash, hash)
VALUES (%(id)s, %(at)s, %(chains)s, %(entries)s, %(prev_hash)s, %(hash)s);

-- anchors --
-- Every anchor with the ends that moved until then, in the order in which they were hashed. Ends without an anchor as well.
SELECT coalesce(a.id, h.anchor_id), a.at, a.chains, a.entries, a.prev_hash, a.hash, h.customer_id, h.seq, h.hash
  FROM audit_anchor a FULL JOIN audit_anchor_head h ON h.anchor_id = a.id
 ORDER BY 1, h.customer_id COLLATE "C";

-- misfit_decisions --
-- Decisions that are not what the log says of them. An entry from before decisions were sealed has their digest alone.
WITH told AS (
    SELECT customer_id, decision_id, subject ->> 'digest' AS digest, subject ->> 'seal' AS seal
      FROM activity_log
     WHERE action IN ('decision.allowed', 'decision.asked', 'decision.refused', 'decision.suggested')
       AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
), decided AS (
    SELECT d.customer_id, d.id, d.digest, decision_seal(d) AS seal, a.decision_id IS NULL AND c.status <> 'erased' AS bare
      FROM decision d JOIN customer c ON c.id = d.customer_id LEFT JOIN decision_args a ON a.decision_id = d.id
     WHERE %(customer_id)s::text IS NULL OR d.customer_id = %(customer_id)s
)
SELECT coalesce(d.customer_id, t.customer_id) AS customer_id, 'decision' AS kind, coalesce(d.id, t.decision_id)::text AS id,
       CASE WHEN t.decision_id IS NULL THEN 'it is not in the log' WHEN d.id IS NULL THEN 'it is missing'
            WHEN d.bare THEN 'its arguments are missing' ELSE 'it was changed' END AS why
  FROM decided d FULL JOIN told t ON t.decision_id = d.id AND t.customer_id = d.customer_id
 WHERE t.decision_id IS NULL OR d.id IS NULL OR d.bare OR t.digest <> d.digest OR t.seal <> d.seal
 ORDER BY 1, coalesce(d.id, t.decision_id) LIMIT %(limit)s;

-- misfit_messages --
-- What was said, against the newest digest that the log has of it, and against its own. An inbound message is in the log
-- once it was answered.
WITH told AS (
    SELECT DISTINCT ON (customer_id, subject ->> 'message') customer_id, (subject ->> 'message')::bigint AS id, subject ->> 'body' AS body_digest
      FROM activity_log
     WHERE subject ? 'message' AND subject ? 'body' AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
     ORDER BY customer_id, subject ->> 'message', seq DESC
), said AS (
    SELECT m.customer_id, m.id, m.direction, m.body_digest,
           m.body IS NOT NULL AND encode(sha256(m.salt || convert_to(m.body, 'UTF8')), 'hex') IS DISTINCT FROM m.body_digest AS forged
      FROM message m WHERE %(customer_id)s::text IS NULL OR m.customer_id = %(customer_id)s
)
SELECT coalesce(s.customer_id, t.customer_id) AS customer_id, 'message' AS kind, coalesce(s.id, t.id)::text AS id,
       CASE WHEN s.id IS NULL THEN 'it is missing' WHEN t.id IS NULL AND NOT s.forged THEN 'it is not in the log'
            ELSE 'its text was changed' END AS why
  FROM said s FULL JOIN told t ON t.id = s.id AND t.customer_id = s.customer_id
 WHERE s.id IS NULL OR s.forged OR (t.id IS NULL AND s.direction = 'out') OR t.body_digest <> s.body_digest
 ORDER BY 1, coalesce(s.id, t.id) LIMIT %(limit)s;

-- misfit_approvals --
-- Who proposed, who agreed first, who decided, what, and about how much. An entry from before these were in it says less.
WITH entries AS (
    SELECT customer_id, seq, actor, action, subject, subject ->> 'approval' AS id FROM activity_log
     WHERE subject ? 'approval' AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
), asked AS (
    SELECT customer_id, id, (subject ->> 'minor')::bigint AS minor, subject ->> 'proposed_by' AS proposed_by
      FROM entries WHERE action = 'decision.asked'
), first AS (
    SELECT DISTINCT ON (id) id, CASE action WHEN 'approval.agreed_first' THEN actor END AS first_by
      FROM entries WHERE action IN ('approval.agreed_first', 'approval.handed_up') ORDER BY id, seq DESC
), ended AS (
    SELECT DISTINCT ON (id) id, actor, substr(action, 10) AS state FROM entries
     WHERE action IN ('approval.approved', 'approval.edited', 'approval.rejected', 'approval.withdrawn', 'approval.expired', 'approval.superseded')
     ORDER BY id, seq DESC
), held AS (
    SELECT a.*, d.digest AS asked_digest FROM approval a LEFT JOIN decision d ON d.id = a.decision_id
     WHERE %(customer_id)s::text IS NULL OR a.customer_id = %(customer_id)s
)
SELECT coalesce(a.customer_id, k.customer_id) AS customer_id, 'approval' AS kind, coalesce(a.id, k.id) AS id,
       CASE WHEN a.id IS NULL THEN 'it is missing' WHEN k.id IS NULL THEN 'it is not in the log' ELSE 'it was changed' END AS why
  FROM held a FULL JOIN asked k ON k.id = a.id AND k.customer_id = a.customer_id
  LEFT JOIN first f ON f.id = a.id LEFT JOIN ended e ON e.id = a.id
 WHERE a.id IS NULL OR k.id IS NULL OR k.minor <> a.amount_minor OR k.proposed_by <> a.proposed_by
    OR a.digest IS DISTINCT FROM a.asked_digest OR a.first_by IS DISTINCT FROM f.first_by
    OR CASE WHEN a.state IN ('pending', 'resuming') THEN e.id IS NOT NULL
            ELSE (a.state, a.decided_by) IS DISTINCT FROM (e.state, e.actor) END
 ORDER BY 1, 3 LIMIT %(limit)s;

-- misfit_requests --
-- What a person proposed or an approval came to, that only the source ledger can do: how much, by whom, and how far it went.
WITH entries AS (
    SELECT customer_id, seq, actor, action, subject, (subject ->> 'ledger_request')::bigint AS id FROM activity_log
     WHERE subject ? 'ledger_request' AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
), opened AS (
    SELECT customer_id, id, (subject ->> 'minor')::bigint AS minor, coalesce(subject ->> 'proposed_by', actor) AS proposed_by
      FROM entries WHERE action IN ('ledger_request.proposed', 'decision.allowed')
), agreed AS (
    SELECT id, max(coalesce(subject ->> 'approved_by', actor)) FILTER (WHERE action <> 'ledger_request.agreed_first') AS approved_by,
           max(actor) FILTER (WHERE action = 'ledger_request.agreed_first') AS first_by
      FROM entries WHERE action IN ('ledger_request.approved', 'ledger_request.agreed_first', 'decision.allowed') GROUP BY id
), reached AS (
    SELECT DISTINCT ON (id) id, CASE action WHEN 'decision.allowed' THEN 'approved' ELSE substr(action, 16) END AS state
      FROM entries WHERE action <> 'ledger_request.agreed_first' ORDER BY id, seq DESC
), held AS (
    SELECT * FROM ledger_request WHERE %(customer_id)s::text IS NULL OR customer_id = %(customer_id)s
)
SELECT coalesce(r.customer_id, o.customer_id) AS customer_id, 'ledger_request' AS kind, coalesce(r.id, o.id)::text AS id,
       CASE WHEN r.id IS NULL THEN 'it is missing' WHEN o.id IS NULL THEN 'it is not in the log' ELSE 'it was changed' END AS why
  FROM held r FULL JOIN opened o ON o.id = r.id AND o.customer_id = r.customer_id
  LEFT JOIN agreed g ON g.id = r.id LEFT JOIN reached s ON s.id = r.id
 WHERE r.id IS NULL OR o.id IS NULL OR o.minor <> r.amount_minor OR o.proposed_by <> r.proposed_by
    OR r.approved_by IS DISTINCT FROM g.approved_by OR r.first_by IS DISTINCT FROM g.first_by OR s.state <> r.state
 ORDER BY 1, coalesce(r.id, o.id) LIMIT %(limit)s;

-- salted --
-- What was hashed with the customer's salt and still has it: the arguments of decisions, approvals and queued messages, and
-- why people made their steps, each with the digest that it had. A decision's from before there were salts are not among them.
WITH sealed AS (
    SELECT d.id, d.customer_id, d.tool, d.digest, c.salt
      FROM activity_log l JOIN decision d ON d.id = l.decision_id JOIN customer c ON c.id = d.customer_id AND c.status <> 'erased'
     WHERE l.subject ? 'seal' AND (%(customer_id)s::text IS NULL OR l.customer_id = %(customer_id)s)
), told AS (
    SELECT customer_id, split_part(action, '.', 1) AS kind, split_part(action, '.', 2) AS step, subject ->> split_part(action, '.', 1) AS id,
           subject ->> 'reason' AS digest
      FROM activity_log WHERE subject ? 'reason' AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
)
SELECT s.customer_id, 'decision' AS kind, s.id::text AS id, s.tool, a.args AS content, s.digest, s.salt
  FROM sealed s JOIN decision_args a ON a.decision_id = s.id
 UNION ALL
SELECT s.customer_id, 'approval', p.id, p.tool, p.args, p.digest, s.salt FROM sealed s JOIN approval p ON p.decision_id = s.id
 UNION ALL
SELECT s.customer_id, 'message', o.message_id::text, o.action ->> 'tool', o.action -> 'args', s.digest, s.salt
  FROM sealed s JOIN outbox o ON o.decision_id = s.id
 UNION ALL
SELECT t.customer_id, t.kind, t.id, NULL, to_jsonb(coalesce(r.reason, q.reason, '')), t.digest, c.salt
  FROM told t JOIN customer c ON c.id = t.customer_id AND c.status <> 'erased'
  LEFT JOIN arrangement_reason r ON (r.kind, r.arrangement_id, r.step) = (t.kind, t.id, t.step)
  LEFT JOIN ledger_request q ON t.kind = 'ledger_request' AND t.step = 'proposed' AND q.id::text = t.id;
