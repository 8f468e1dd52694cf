-- observe --
-- The order of stops and claims as the database saw it: both happen under their customer's lock.
CREATE TABLE chaos_order (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    what text NOT NULL,
    customer_id text NOT NULL,
    channel text,
    outbox_id bigint
);
CREATE FUNCTION chaos_note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    CASE TG_TABLE_NAME
        WHEN 'suppression' THEN
            IF NEW.reason = 'opt_out' THEN
                INSERT INTO chaos_order (what, customer_id, channel) VALUES ('opt_out', NEW.customer_id, NEW.channel);
            END IF;
        WHEN 'hold' THEN
            IF NEW.invoice_ids IS NULL AND TG_OP = 'INSERT' THEN
                INSERT INTO chaos_order (what, customer_id) VALUES ('hold', NEW.customer_id);
            ELSIF NEW.invoice_ids IS NULL AND NEW.lifted_at IS NOT NULL THEN
                INSERT INTO chaos_order (what, customer_id) VALUES ('lift', NEW.customer_id);
            END IF;
        ELSE
            IF NEW.state = 'sending' AND OLD.state <> 'sending' THEN
                INSERT INTO chaos_order (what, customer_id, channel, outbox_id)
                VALUES ('claim', NEW.customer_id, NEW.channel, NEW.id);
            END IF;
    END CASE;
    RETURN NULL;
END $$;
GRANT SELECT ON chaos_order TO dunwell;
CREATE TRIGGER chaos_stop AFTER INSERT ON suppression FOR EACH ROW EXECUTE FUNCTION chaos_note();
CREATE TRIGGER chaos_hold AFTER INSERT OR UPDATE OF lifted_at ON hold FOR EACH ROW EXECUTE FUNCTION chaos_note();
CREATE TRIGGER chaos_claim AFTER UPDATE OF state ON outbox FOR EACH ROW EXECUTE FUNCTION chaos_note();

-- cast --
-- A customer for each mode, and one more of each, and so on; the ledger's facts are as old as the story's morning.
UPDATE customer SET segment = (%(segments)s::text[])[1 + substr(id, 2)::int %% cardinality(%(segments)s::text[])],
       ext_fetched_at = %(now)s;

-- reviewer --
INSERT INTO app_user (name, role, limit_minor, created_at) VALUES (%(name)s, %(role)s, %(limit_minor)s, %(now)s);

-- pay --
-- The newest invoice of a customer is paid in full, in one statement: money, invoice and the event that tells of it.
WITH due AS (
    SELECT id, customer_id, balance_minor FROM invoice
     WHERE customer_id = %(customer_id)s AND ledger_state = 'open' ORDER BY due_date DESC LIMIT 1
), money AS (
    INSERT INTO payment (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, paid_on, amount_minor, currency, status)
    SELECT 'pay-' || id, 'csv', 'pay-' || id, %(now)s, '', customer_id, %(now)s::date, balance_minor, 'USD', 'succeeded'
      FROM due
), applied AS (
    INSERT INTO allocation (id, customer_id, payment_id, invoice_id, amount_minor, applied_on)
    SELECT 'alloc-' || id, customer_id, 'pay-' || id, id, balance_minor, %(now)s::date FROM due
), told AS (
    INSERT INTO ledger_event (customer_id, kind, ref, at) SELECT customer_id, 'payment', 'pay-' || id, %(now)s FROM due
)
UPDATE invoice i SET paid_minor = i.paid_minor + due.balance_minor, balance_minor = 0, ledger_state = 'paid'
  FROM due WHERE i.id = due.id RETURNING i.id, due.balance_minor;

-- unverify --
UPDATE contact SET verified_at = NULL WHERE customer_id = %(customer_id)s;

-- unclaim --
UPDATE outbox SET state = 'queued' WHERE id = ANY(%(ids)s) AND state = 'sending';

-- pending --
SELECT id, digest, role, amount_minor FROM approval WHERE state = 'pending' ORDER BY asked_at, id;

-- given_up --
SELECT id, state FROM outbox WHERE (state = 'failed' AND attempts < 3) OR (state = 'unknown' AND check_at IS NULL);

-- workers --
SELECT id FROM procrastinate_workers;

-- doing --
SELECT id FROM procrastinate_jobs WHERE task_name = 'turn' AND status = 'doing';

-- unfinished --
SELECT id FROM procrastinate_jobs WHERE id = ANY(%(ids)s);

-- busy --
-- What the service still has to do by now, or within the hour: all zero when it is at rest.
SELECT (SELECT count(*) FROM message WHERE direction = 'in' AND handled_at IS NULL) AS messages,
       (SELECT count(*) FROM ledger_event WHERE handled_at IS NULL) AS events,
       (SELECT count(*) FROM outbox WHERE state = 'sending'
            OR (state = 'queued' AND not_before <= %(soon)s)) AS departures,
       (SELECT count(*) FROM outbox WHERE check_at IS NOT NULL AND state IN ('unknown', 'withdrawn')) AS checks,
       (SELECT count(*) FROM approval WHERE state = 'resuming') AS answers,
       (SELECT count(*) FROM approval WHERE state = 'rejected' AND tool = 'generate_dunning_message'
            AND outcome IS NULL AND note <> '') AS redrafts,
       (SELECT count(*) FROM follow_up WHERE state = 'waiting' AND due_at <= %(now)s
            AND kind IN ('message', 'check_promise')) AS follow_ups,
       (SELECT count(*) FROM cycle_step) AS steps,
       (SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'turn') AS jobs;

-- received --
-- A mail is known by its Message-ID. `heeded`: a keyword that took effect as it came in, and that the carrier answered.
SELECT m.id, m.customer_id, coalesce(m.internet_id, m.provider_id) AS provider_id, m.body, m.handled_at, m.episode_id,
       m.channel = 'sms' AND EXISTS (SELECT FROM consent_event e
        WHERE e.message_id = m.id AND e.source = 'keyword' AND e.change = 'opt_out') AS heeded
  FROM message m WHERE m.direction = 'in' ORDER BY m.id;

-- episodes --
SELECT id, customer_id, turn_key, trigger FROM episode;

-- decisions --
SELECT d.id, d.customer_id, d.episode_id, d.approval_id, d.tool, a.args, d.digest, d.actor, d.verdict, d.role
FROM decision d LEFT JOIN decision_args a ON a.decision_id = d.id;

-- approvals --
SELECT id, customer_id, decision_id, digest, facts_digest, role, amount_minor, proposed_by, state, decided_by, decided_at,
       claimed_at, expires_at, answer,
       EXISTS (SELECT FROM checkpoints c WHERE c.thread_id = approval.id) AS has_thread
  FROM approval;

-- outbox --
SELECT o.id, o.customer_id, o.decision_id, o.digest, o.channel, o.state, o.attempts, o.not_before, o.check_at, o.claimed_at,
       o.reply_to, o.reason, m.purpose, m.body
  FROM outbox o JOIN message m ON m.id = o.message_id;

-- effects --
SELECT 'outbox' AS kind, customer_id, decision_id, digest FROM outbox
UNION ALL SELECT 'follow_up', customer_id, decision_id, digest FROM follow_up f
 -- A provider said that an allowed message did not arrive: a task for a person is all that follows of it.
 WHERE NOT EXISTS (SELECT FROM provider_event e JOIN outbox o ON o.id = e.outbox_id
        WHERE o.customer_id = f.customer_id AND o.decision_id = f.decision_id AND f.kind = 'review'
          AND f.digest = 'undelivered:' || o.id)
UNION ALL SELECT 'promise', customer_id, decision_id, NULL FROM promise
UNION ALL SELECT 'payment_plan', customer_id, decision_id, NULL FROM payment_plan
UNION ALL SELECT 'hold', customer_id, decision_id, NULL FROM hold
UNION ALL SELECT 'suppression', customer_id, decision_id, NULL FROM suppression s
 -- One without a decision is a restriction; whoever imposed it on us is in the ledger of consent.
 WHERE s.decision_id IS NOT NULL OR NOT EXISTS (SELECT FROM consent_event e
        WHERE e.customer_id = s.customer_id AND e.change = s.reason AND e.channel IS NOT DISTINCT FROM s.channel
          AND e.contact_id IS NOT DISTINCT FROM s.contact_id AND (e.message_id IS NOT NULL OR e.provider_ref IS NOT NULL))
UNION ALL SELECT 'dispute', customer_id, decision_id, NULL FROM dispute WHERE source <> 'ledger'
UNION ALL SELECT 'standing_fact', customer_id, decision_id, NULL FROM standing_fact;

-- plans --
SELECT p.id, p.customer_id, p.total_minor, coalesce(sum(i.amount_minor), 0)::bigint AS instalments
  FROM payment_plan p LEFT JOIN plan_instalment i ON i.plan_id = p.id GROUP BY p.id;

-- invoices --
SELECT id, customer_id, number, balance_minor FROM invoice;

-- events --
SELECT id, customer_id, kind, ref, handled_at FROM ledger_event;

-- users --
SELECT name, role, limit_minor FROM app_user;

-- order --
SELECT n, what, customer_id, channel, outbox_id FROM chaos_order ORDER BY n;

-- log --
SELECT customer_id, seq, action, subject, decision_id FROM activity_log ORDER BY customer_id, seq;

-- jobs --
SELECT id, task_name, status::text, queueing_lock, attempts FROM procrastinate_jobs ORDER BY id;
