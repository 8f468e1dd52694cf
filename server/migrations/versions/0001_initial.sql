-- The first schema. Names follow the canonical AR model (ledger tables) and the architecture (the rest).
-- Money is integer minor units; the currency stands beside it. Instants are timestamptz and always
-- given by the application's clock, never by now(): a frozen clock must freeze the database too.

-- ---------------------------------------------------------------- ledger
CREATE TABLE customer (
    id text PRIMARY KEY CHECK (id <> ''),
    ext_system text NOT NULL,
    ext_id text NOT NULL,
    ext_version text,
    ext_fetched_at timestamptz NOT NULL,
    ext_via text NOT NULL DEFAULT 'file' CHECK (ext_via IN ('file', 'connector')),   -- a file cannot be read again
    raw_hash text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL DEFAULT 'unknown' CHECK (kind IN ('business', 'consumer', 'unknown')),
    parent_id text REFERENCES customer,
    currency char(3) NOT NULL,
    time_zone text,
    region text,                      -- state or province: one candidate for the customer's time zone
    language text NOT NULL DEFAULT 'en',
    terms_days int CHECK (terms_days >= 0),
    credit_limit_minor bigint CHECK (credit_limit_minor >= 0),
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive', 'archived', 'merged', 'erased')),
    merged_to text REFERENCES customer,
    segment text NOT NULL DEFAULT 'default',
    owner text,                       -- the collector whose account this is; approvals and tasks go there first
    risk_tier text NOT NULL DEFAULT 'unscored' CHECK (risk_tier IN ('low', 'medium', 'high', 'unscored')),
    hold_reason text,                 -- a hold that the source ledger states
    do_not_contact boolean NOT NULL DEFAULT false,
    tags text[] NOT NULL DEFAULT '{}',
    UNIQUE (ext_system, ext_id),
    CHECK ((status = 'merged') = (merged_to IS NOT NULL))
);

CREATE TABLE contact (
    id text PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    role text NOT NULL DEFAULT 'billing' CHECK (role IN ('billing', 'owner', 'site', 'other')),
    name text,
    channel text NOT NULL CHECK (channel IN ('email', 'sms', 'voice', 'post', 'portal')),
    address text NOT NULL CHECK (address <> ''),
    verified_at timestamptz,
    consent text NOT NULL DEFAULT 'unknown' CHECK (consent IN ('granted', 'implied', 'denied', 'unknown')),
    consent_source text,
    consent_at timestamptz,
    opted_out_at timestamptz,
    quiet_hours jsonb,                -- {"start": "08:00", "end": "12:00"}: hours in which the customer wants to hear from us
    UNIQUE (customer_id, channel, address)
);
CREATE INDEX contact_address ON contact (channel, address);

CREATE TABLE invoice (
    id text PRIMARY KEY CHECK (id <> ''),
    ext_system text NOT NULL,
    ext_id text NOT NULL,
    ext_version text,
    ext_fetched_at timestamptz NOT NULL,
    raw_hash text NOT NULL,
    customer_id text NOT NULL REFERENCES customer,
    number text NOT NULL,
    po_number text,
    job_ref text,
    job_state text,
    job_notes text,                   -- untrusted: written by whoever did the job
    issue_date date NOT NULL,
    due_date date,                    -- NULL: the source did not say; never overdue, a finding of the import
    terms text,
    currency char(3) NOT NULL,
    total_minor bigint NOT NULL CHECK (total_minor >= 0),
    tax_minor bigint NOT NULL DEFAULT 0 CHECK (tax_minor >= 0),
    balance_minor bigint NOT NULL CHECK (balance_minor >= 0),
    paid_minor bigint NOT NULL DEFAULT 0 CHECK (paid_minor >= 0),
    credited_minor bigint NOT NULL DEFAULT 0 CHECK (credited_minor >= 0),
    ledger_state text NOT NULL CHECK (ledger_state IN
        ('draft', 'open', 'partially_paid', 'paid', 'void', 'written_off', 'reversed', 'unknown')),
    posted_at timestamptz,
    sent_at timestamptz,
    paid_date date,
    payment_url text,
    is_adjustment_of text REFERENCES invoice,
    modified_at timestamptz,
    deleted boolean NOT NULL DEFAULT false,
    UNIQUE (ext_system, ext_id),
    CONSTRAINT invoice_adds_up CHECK (paid_minor + credited_minor + balance_minor = total_minor),
    CONSTRAINT invoice_balance_decides CHECK (
        (ledger_state <> 'paid' OR balance_minor = 0)
        AND (ledger_state <> 'open' OR balance_minor = total_minor)
        AND (ledger_state <> 'partially_paid' OR (balance_minor > 0 AND balance_minor < total_minor)))
);
CREATE INDEX invoice_customer ON invoice (customer_id, due_date);
CREATE INDEX invoice_number ON invoice (number);

CREATE TABLE invoice_line (
    invoice_id text NOT NULL REFERENCES invoice ON DELETE CASCADE,
    customer_id text NOT NULL REFERENCES customer,
    position int NOT NULL,
    description text NOT NULL,        -- untrusted
    quantity numeric,
    amount_minor bigint NOT NULL,
    tax_minor bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (invoice_id, position)
);

CREATE TABLE payment (
    id text PRIMARY KEY CHECK (id <> ''),
    ext_system text NOT NULL,
    ext_id text NOT NULL,
    ext_version text,
    ext_fetched_at timestamptz NOT NULL,
    raw_hash text NOT NULL,
    customer_id text NOT NULL REFERENCES customer,
    paid_on date NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    unapplied_minor bigint NOT NULL DEFAULT 0 CHECK (unapplied_minor BETWEEN 0 AND amount_minor),
    currency char(3) NOT NULL,
    method text NOT NULL DEFAULT 'other' CHECK (method IN ('card', 'ach', 'check', 'cash', 'wire', 'financing', 'other')),
    reference text,
    status text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed', 'refunded', 'voided', 'charged_back')),
    failure_code text,
    processor_ref text,
    UNIQUE (ext_system, ext_id)
);
CREATE INDEX payment_customer ON payment (customer_id);

CREATE TABLE credit_memo (
    id text PRIMARY KEY CHECK (id <> ''),
    ext_system text NOT NULL,
    ext_id text NOT NULL,
    ext_version text,
    ext_fetched_at timestamptz NOT NULL,
    raw_hash text NOT NULL,
    customer_id text NOT NULL REFERENCES customer,
    number text NOT NULL,
    issue_date date NOT NULL,
    currency char(3) NOT NULL,
    total_minor bigint NOT NULL CHECK (total_minor > 0),
    remaining_minor bigint NOT NULL CHECK (remaining_minor BETWEEN 0 AND total_minor),
    state text NOT NULL DEFAULT 'open' CHECK (state IN
        ('draft', 'open', 'partially_paid', 'paid', 'void', 'written_off', 'reversed', 'unknown')),
    UNIQUE (ext_system, ext_id)
);
CREATE INDEX credit_memo_customer ON credit_memo (customer_id);

-- Money applied to an invoice, dated, so that the balance on any day is total less what was applied until then.
CREATE TABLE allocation (
    id text PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    payment_id text REFERENCES payment,
    credit_memo_id text REFERENCES credit_memo,
    invoice_id text NOT NULL REFERENCES invoice,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    applied_on date NOT NULL,
    CHECK (num_nonnulls(payment_id, credit_memo_id) = 1)
);
CREATE INDEX allocation_invoice ON allocation (invoice_id);
CREATE INDEX allocation_customer ON allocation (customer_id);
CREATE INDEX allocation_payment ON allocation (payment_id);
CREATE INDEX allocation_credit_memo ON allocation (credit_memo_id);

-- Sum of allocations + balance = total, to the cent, whoever writes: checked when the transaction commits.
CREATE FUNCTION invoice_allocations_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    subject text;
    applied record;
    stated record;
BEGIN
    IF TG_TABLE_NAME = 'invoice' THEN subject := NEW.id;
    ELSIF TG_OP = 'DELETE' THEN subject := OLD.invoice_id;
    ELSE subject := NEW.invoice_id;
    END IF;
    SELECT paid_minor, credited_minor INTO stated FROM invoice WHERE id = subject;
    IF NOT FOUND THEN RETURN NULL; END IF;
    SELECT coalesce(sum(amount_minor) FILTER (WHERE payment_id IS NOT NULL), 0) AS paid,
           coalesce(sum(amount_minor) FILTER (WHERE credit_memo_id IS NOT NULL), 0) AS credited
      INTO applied FROM allocation WHERE invoice_id = subject;
    IF applied.paid <> stated.paid_minor OR applied.credited <> stated.credited_minor THEN
        RAISE EXCEPTION 'invoice %: applied % and % but states % and %', subject,
            applied.paid, applied.credited, stated.paid_minor, stated.credited_minor
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_allocations_add_up';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER invoice_allocations_add_up AFTER INSERT OR UPDATE OF paid_minor, credited_minor ON invoice
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION invoice_allocations_add_up();
CREATE CONSTRAINT TRIGGER allocation_adds_up AFTER INSERT OR UPDATE OR DELETE ON allocation
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION invoice_allocations_add_up();

CREATE TABLE risk_score (
    invoice_id text NOT NULL REFERENCES invoice,
    customer_id text NOT NULL REFERENCES customer,
    as_of date NOT NULL,
    horizon text NOT NULL CHECK (horizon IN ('late_0d', 'late_7d', 'late_15d', 'late_30d')),
    probability double precision NOT NULL CHECK (probability BETWEEN 0 AND 1),
    model_id text NOT NULL,
    calibration_id text,
    features_hash text NOT NULL,
    reasons jsonb NOT NULL,
    PRIMARY KEY (invoice_id, as_of, horizon, model_id)
);

CREATE TABLE import_batch (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    ext_system text NOT NULL,
    imported_by text NOT NULL,
    report jsonb NOT NULL
);

-- How the whole portfolio paid before a day: the base rate that a customer's small history shrinks to.
CREATE TABLE portfolio_history (
    as_of date PRIMARY KEY,
    settled bigint NOT NULL,
    late_0d bigint NOT NULL,
    late_7d bigint NOT NULL,
    late_15d bigint NOT NULL,
    late_30d bigint NOT NULL
);

-- Money and disputes that arrived: written by the import's own transaction, handled by an episode afterwards.
CREATE TABLE ledger_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    kind text NOT NULL CHECK (kind IN ('payment', 'payment_reversed', 'credit', 'dispute_opened', 'dispute_closed', 'balance_changed')),
    ref text NOT NULL,
    at timestamptz NOT NULL,
    handled_at timestamptz,
    UNIQUE (kind, ref)
);
CREATE INDEX ledger_event_waiting ON ledger_event (id) WHERE handled_at IS NULL;

-- ---------------------------------------------------------------- who may decide
CREATE TABLE app_user (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name <> ''),
    role text NOT NULL CHECK (role IN ('viewer', 'collector', 'manager', 'admin')),
    limit_minor bigint NOT NULL DEFAULT 0 CHECK (limit_minor >= 0),
    key_id text NOT NULL UNIQUE,
    key_hash text NOT NULL,           -- SHA-256 of a 256-bit random key: nothing to guess, so no slow hash
    created_at timestamptz NOT NULL,
    disabled_at timestamptz
);

-- ---------------------------------------------------------------- conversation
CREATE TABLE message (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    contact_id text REFERENCES contact,
    direction text NOT NULL CHECK (direction IN ('in', 'out')),
    channel text NOT NULL CHECK (channel IN ('email', 'sms', 'portal')),
    subject text,
    body text,                        -- NULL once erased
    salt bytea,                       -- NULL once erased; the audit chain keeps the salted digest
    body_digest text NOT NULL,
    language text,
    purpose text,
    template text,
    provider_id text,
    episode_id text,
    at timestamptz NOT NULL,
    handled_at timestamptz,           -- inbound only: the episode that answered it has committed
    CHECK (direction = 'out' OR provider_id IS NOT NULL)
);
CREATE INDEX message_customer ON message (customer_id, id DESC);
CREATE UNIQUE INDEX message_provider ON message (channel, provider_id) WHERE direction = 'in';
CREATE INDEX message_unhandled ON message (id) WHERE direction = 'in' AND handled_at IS NULL;

-- ---------------------------------------------------------------- episodes and decisions
-- The fence: one row for each trigger and each resume that ever committed. A second commit is a unique violation.
CREATE TABLE fence (
    turn_key text PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    at timestamptz NOT NULL
);

CREATE TABLE policy_version (
    version text PRIMARY KEY,
    body text NOT NULL,
    first_used_at timestamptz NOT NULL
);

CREATE TABLE episode (
    id text PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    turn_key text NOT NULL UNIQUE,
    trigger jsonb NOT NULL,           -- kind and ids, no text
    model_id text NOT NULL,
    prompt_version text NOT NULL,
    policy_version text NOT NULL REFERENCES policy_version,
    graph_version text NOT NULL,
    outcome text NOT NULL,            -- 'settled', or why the turn was cut short
    usage jsonb NOT NULL DEFAULT '{}',
    started_at timestamptz NOT NULL,
    committed_at timestamptz NOT NULL
);
CREATE INDEX episode_customer ON episode (customer_id, committed_at DESC);

CREATE TABLE decision (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    episode_id text NOT NULL REFERENCES episode,
    approval_id text,
    position int NOT NULL,
    tool text NOT NULL,
    args jsonb NOT NULL,
    digest text NOT NULL,
    actor text NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('allow', 'ask', 'refuse', 'suggest')),
    role text,                        -- who has to approve, when the verdict is ask
    reasons jsonb NOT NULL,           -- [{"rule": id, "says": verdict, "reason": sentence}]
    policy_version text NOT NULL REFERENCES policy_version,
    facts jsonb NOT NULL,             -- what the rules looked at: ids, figures and states, no personal data
    facts_digest text NOT NULL,
    at timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (episode_id, approval_id, position)
);
CREATE INDEX decision_customer ON decision (customer_id, id DESC);

CREATE TABLE approval (
    id text PRIMARY KEY,              -- also the id of its graph thread
    customer_id text NOT NULL REFERENCES customer,
    episode_id text NOT NULL REFERENCES episode,
    decision_id bigint NOT NULL REFERENCES decision,
    kind text NOT NULL CHECK (kind IN ('send', 'plan', 'write_off', 'credit_hold', 'refund', 'legal', 'dispute',
                                       'promise', 'contact_change', 'concession', 'follow_up', 'record')),
    tool text NOT NULL,
    args jsonb NOT NULL,
    digest text NOT NULL,
    facts_digest text NOT NULL,
    preview jsonb NOT NULL,           -- the message as the customer would read it, or the record in one sentence
    reasons jsonb NOT NULL,
    role text NOT NULL CHECK (role IN ('collector', 'manager', 'admin')),
    amount_minor bigint NOT NULL DEFAULT 0,
    currency char(3) NOT NULL,
    assignee text,
    proposed_by text NOT NULL,
    redrafts int NOT NULL DEFAULT 0 CHECK (redrafts BETWEEN 0 AND 2),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN
        ('pending', 'resuming', 'approved', 'edited', 'rejected', 'withdrawn', 'expired', 'superseded')),
    interrupt_id text NOT NULL,
    graph_version text NOT NULL,
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    claimed_at timestamptz,
    answer jsonb,
    decided_by text,
    decided_at timestamptz,
    note text,
    outcome text,
    replaces text REFERENCES approval,   -- the approval that this one asks again, on newer facts or with an edit
    UNIQUE NULLS NOT DISTINCT (episode_id, digest, replaces)
);
CREATE INDEX approval_open ON approval (asked_at) WHERE state IN ('pending', 'resuming');
CREATE INDEX approval_customer ON approval (customer_id) WHERE state IN ('pending', 'resuming');

-- ---------------------------------------------------------------- effects: each cites the decision that allowed it
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    episode_id text NOT NULL REFERENCES episode,
    decision_id bigint NOT NULL REFERENCES decision,
    digest text NOT NULL,
    message_id bigint NOT NULL UNIQUE REFERENCES message,
    contact_id text NOT NULL REFERENCES contact,
    channel text NOT NULL,
    action jsonb NOT NULL,            -- {"tool": .., "args": ..}: what is judged again at dispatch
    reply_to bigint REFERENCES message,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN
        ('queued', 'sending', 'sent', 'delivered', 'failed', 'bounced', 'unknown', 'withdrawn')),
    not_before timestamptz NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    provider_id text,
    reason text,
    created_at timestamptz NOT NULL,
    claimed_at timestamptz,
    sent_at timestamptz,
    settled_at timestamptz,
    UNIQUE (episode_id, digest)
);
CREATE INDEX outbox_due ON outbox (not_before, id) WHERE state = 'queued';
CREATE INDEX outbox_episode ON outbox (episode_id);
CREATE INDEX outbox_customer ON outbox (customer_id, id DESC);

CREATE TABLE follow_up (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    episode_id text NOT NULL REFERENCES episode,
    decision_id bigint NOT NULL REFERENCES decision,
    digest text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('message', 'check_promise', 'call_task', 'review')),
    due_at timestamptz NOT NULL,
    reason text NOT NULL,
    assignee text,
    priority text NOT NULL DEFAULT 'normal' CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    talking_points jsonb,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'cancelled')),
    settled_at timestamptz,
    UNIQUE (episode_id, digest, kind)
);
CREATE INDEX follow_up_due ON follow_up (due_at) WHERE state = 'waiting';
CREATE INDEX follow_up_customer ON follow_up (customer_id);

CREATE TABLE dispute (
    id text PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    decision_id bigint REFERENCES decision,   -- NULL only where the source ledger states the dispute
    reason text NOT NULL CHECK (reason IN ('not_received', 'quality', 'warranty', 'price', 'duplicate', 'already_paid',
                                           'wrong_party', 'tax', 'other')),
    amount_minor bigint CHECK (amount_minor > 0),
    state text NOT NULL DEFAULT 'open' CHECK (state IN
        ('open', 'under_review', 'resolved_for_customer', 'resolved_for_us', 'withdrawn')),
    opened_at timestamptz,            -- NULL: the source gives no date; counts while the invoice is open, never as a feature
    source text NOT NULL CHECK (source IN ('ledger', 'customer', 'collector')),
    closed_at timestamptz,
    outcome text,
    CHECK (decision_id IS NOT NULL OR source = 'ledger')
);
CREATE INDEX dispute_customer ON dispute (customer_id);

CREATE TABLE dispute_invoice (
    dispute_id text NOT NULL REFERENCES dispute ON DELETE CASCADE,
    invoice_id text NOT NULL REFERENCES invoice,
    customer_id text NOT NULL REFERENCES customer,
    PRIMARY KEY (dispute_id, invoice_id)
);

CREATE TABLE promise (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    decision_id bigint NOT NULL REFERENCES decision,
    position int NOT NULL,
    invoice_ids text[] NOT NULL CHECK (cardinality(invoice_ids) > 0),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    due_date date NOT NULL,
    made_at timestamptz NOT NULL,
    message_id bigint REFERENCES message,
    source text NOT NULL CHECK (source IN ('customer', 'collector')),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'kept', 'broken', 'partial', 'cancelled')),
    settled_at timestamptz,
    UNIQUE (decision_id, position)
);
CREATE INDEX promise_customer ON promise (customer_id);

CREATE TABLE payment_plan (
    id text PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    decision_id bigint NOT NULL UNIQUE REFERENCES decision,
    invoice_ids text[] NOT NULL CHECK (cardinality(invoice_ids) > 0),
    total_minor bigint NOT NULL CHECK (total_minor > 0),
    currency char(3) NOT NULL,
    state text NOT NULL CHECK (state IN
        ('proposed', 'approved', 'offered', 'accepted', 'active', 'completed', 'defaulted', 'rejected')),
    proposed_by text NOT NULL,
    approved_by text,
    approved_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE INDEX payment_plan_customer ON payment_plan (customer_id);

CREATE TABLE plan_instalment (
    plan_id text NOT NULL REFERENCES payment_plan ON DELETE CASCADE,
    customer_id text NOT NULL REFERENCES customer,
    position int NOT NULL,
    due_date date NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    PRIMARY KEY (plan_id, position)
);
CREATE FUNCTION plan_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    subject text;
BEGIN
    IF TG_TABLE_NAME = 'payment_plan' THEN subject := NEW.id;
    ELSIF TG_OP = 'DELETE' THEN subject := OLD.plan_id;
    ELSE subject := NEW.plan_id;
    END IF;
    IF EXISTS (SELECT 1 FROM payment_plan p WHERE p.id = subject AND p.total_minor <>
               (SELECT coalesce(sum(i.amount_minor), 0) FROM plan_instalment i WHERE i.plan_id = subject)) THEN
        RAISE EXCEPTION 'plan %: its instalments do not add up to its total', subject
            USING ERRCODE = 'check_violation', CONSTRAINT = 'plan_adds_up';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER plan_adds_up AFTER INSERT OR UPDATE OF total_minor ON payment_plan
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION plan_adds_up();
CREATE CONSTRAINT TRIGGER plan_instalment_adds_up AFTER INSERT OR UPDATE OR DELETE ON plan_instalment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION plan_adds_up();

CREATE TABLE hold (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    decision_id bigint NOT NULL REFERENCES decision,
    reason text NOT NULL CHECK (reason IN ('dispute', 'payment_claim', 'fraud_claim', 'representation', 'deceased',
                                           'safety', 'hardship', 'wrong_party', 'complaint', 'person_asked', 'unclear')),
    invoice_ids text[],               -- NULL: the whole account
    cleared_by text NOT NULL CHECK (cleared_by IN ('person', 'ledger')),
    message_id bigint REFERENCES message,
    placed_at timestamptz NOT NULL,
    lifted_at timestamptz,
    lifted_by text,
    lift_reason text,
    UNIQUE (decision_id, reason),
    CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
);
CREATE INDEX hold_active ON hold (customer_id) WHERE lifted_at IS NULL;

CREATE TABLE suppression (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    decision_id bigint NOT NULL REFERENCES decision,
    channel text CHECK (channel IN ('email', 'sms', 'voice', 'post', 'portal')),   -- NULL: every channel
    contact_id text REFERENCES contact,                                            -- NULL: every contact point
    reason text NOT NULL CHECK (reason IN ('opt_out', 'wrong_party', 'bounced', 'complaint')),
    message_id bigint REFERENCES message,
    at timestamptz NOT NULL,
    lifted_at timestamptz,
    UNIQUE NULLS NOT DISTINCT (decision_id, channel, contact_id)
);
CREATE INDEX suppression_active ON suppression (customer_id) WHERE lifted_at IS NULL;

-- Ladder steps that ran, per anchor invoice: once running never skips a step, never repeats one for the same invoice set.
CREATE TABLE ladder_step (
    customer_id text NOT NULL REFERENCES customer,
    anchor_invoice_id text NOT NULL REFERENCES invoice,
    step text NOT NULL,
    episode_id text NOT NULL REFERENCES episode,
    invoice_ids text[] NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, anchor_invoice_id, step)
);
-- A step ran when its message left or is on its way, its task exists, or a person has it or said no to it. One whose
-- message was withdrawn, or whose approval lapsed, did not run: the next cycle proposes it again.
CREATE VIEW ladder_step_ran WITH (security_invoker = true) AS
SELECT l.* FROM ladder_step l
 WHERE EXISTS (SELECT FROM outbox o WHERE o.episode_id = l.episode_id AND o.state <> 'withdrawn')
    OR EXISTS (SELECT FROM follow_up f WHERE f.episode_id = l.episode_id
                  AND (l.step, f.kind) IN (('call_task', 'call_task'), ('hand_over', 'review')))
    OR EXISTS (SELECT FROM approval a WHERE a.episode_id = l.episode_id AND a.state IN ('pending', 'resuming', 'rejected'));

-- Facts that stay true between conversations, each with its source; the next issue searches them.
CREATE TABLE standing_fact (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    decision_id bigint NOT NULL UNIQUE REFERENCES decision,
    kind text NOT NULL,
    fact text NOT NULL,
    message_id bigint REFERENCES message,
    at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX standing_fact_customer ON standing_fact (customer_id) WHERE ended_at IS NULL;

-- ---------------------------------------------------------------- the activity log: append-only, one hash chain per customer
CREATE TABLE activity_log (
    customer_id text NOT NULL REFERENCES customer,
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    source text NOT NULL CHECK (source IN ('AI Agent', 'Collector', 'Customer', 'System')),
    action text NOT NULL,
    subject jsonb NOT NULL,           -- ids, figures and states; bodies only as salted digests
    episode_id text,
    decision_id bigint,
    prev_hash text NOT NULL,
    hash text NOT NULL,
    PRIMARY KEY (customer_id, seq)
);
CREATE TABLE activity_head (
    customer_id text PRIMARY KEY REFERENCES customer,
    seq bigint NOT NULL,
    hash text NOT NULL
);
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER activity_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON activity_log
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON decision
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- ---------------------------------------------------------------- one customer at a time for the agent
-- `dunwell` (login, owner) serves the whole portfolio; episodes switch to `dunwell_agent`, which sees one customer.
-- current_setting without missing_ok: never set is an error, set and gone is '', which no customer has.
GRANT USAGE ON SCHEMA public TO dunwell_agent;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO dunwell_agent;
REVOKE ALL ON app_user, import_batch FROM dunwell_agent;
GRANT INSERT ON message, fence, episode, decision, approval, outbox, follow_up, dispute, dispute_invoice, promise,
    payment_plan, plan_instalment, hold, suppression, ladder_step, standing_fact, activity_log, activity_head, contact
    TO dunwell_agent;
GRANT UPDATE ON message, approval, outbox, follow_up, dispute, promise, payment_plan, hold, suppression, activity_head,
    standing_fact, ledger_event TO dunwell_agent;
GRANT UPDATE (id) ON customer TO dunwell_agent;   -- SELECT .. FOR UPDATE, the customer lock, needs it; ids never change
GRANT UPDATE ON ladder_step TO dunwell_agent;     -- a step that did not run and is proposed again

-- Whether a contact point is on another customer too: the one question about others that an episode may ask.
CREATE FUNCTION contact_is_shared(of_channel text, of_address text, of_customer text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
$$ SELECT EXISTS (SELECT FROM contact c
                   WHERE c.channel = of_channel AND c.address = of_address AND c.customer_id <> of_customer) $$;

DO $$
DECLARE
    t text;
    mine text;
BEGIN
    FOREACH t IN ARRAY ARRAY['customer', 'contact', 'invoice', 'invoice_line', 'payment', 'credit_memo', 'allocation',
        'risk_score', 'ledger_event', 'message', 'fence', 'episode', 'decision', 'approval', 'outbox', 'follow_up',
        'dispute', 'dispute_invoice', 'promise', 'payment_plan', 'plan_instalment', 'hold', 'suppression',
        'ladder_step', 'standing_fact', 'activity_log', 'activity_head']
    LOOP
        mine := format('%I = current_setting(''app.customer_id'')', CASE t WHEN 'customer' THEN 'id' ELSE 'customer_id' END);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY; ALTER TABLE %I FORCE ROW LEVEL SECURITY', t, t);
        EXECUTE format('CREATE POLICY one_customer ON %I TO dunwell_agent USING (%s) WITH CHECK (%s)', t, mine, mine);
        EXECUTE format('CREATE POLICY portfolio ON %I TO dunwell USING (true) WITH CHECK (true)', t);
    END LOOP;
END $$;
