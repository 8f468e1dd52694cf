-- Arrangements are state machines. What may become what stands in a table (the same as in tools.arrangements.machines,
-- a test compares them) and no writer gets past it.
CREATE TABLE arrangement_move (
    kind text NOT NULL CHECK (kind IN ('promise', 'plan', 'dispute', 'hold', 'ledger_request')),
    before text NOT NULL,             -- '': the state in which one begins
    after text NOT NULL,
    PRIMARY KEY (kind, before, after)
);
INSERT INTO arrangement_move (kind, before, after) VALUES
    ('promise', '', 'open'), ('promise', 'open', 'kept'), ('promise', 'open', 'partial'), ('promise', 'open', 'broken'),
    ('promise', 'open', 'cancelled'),
    ('plan', '', 'approved'), ('plan', 'approved', 'offered'), ('plan', 'approved', 'rejected'),
    ('plan', 'approved', 'replaced'), ('plan', 'offered', 'active'), ('plan', 'offered', 'rejected'),
    ('plan', 'offered', 'replaced'), ('plan', 'active', 'completed'), ('plan', 'active', 'defaulted'),
    ('plan', 'active', 'replaced'), ('plan', 'active', 'cancelled'), ('plan', 'defaulted', 'replaced'),
    ('plan', 'defaulted', 'cancelled'),
    ('dispute', '', 'open'), ('dispute', 'open', 'under_review'), ('dispute', 'open', 'resolved_for_customer'),
    ('dispute', 'open', 'resolved_for_us'), ('dispute', 'open', 'withdrawn'),
    ('dispute', 'under_review', 'resolved_for_customer'), ('dispute', 'under_review', 'resolved_for_us'),
    ('dispute', 'under_review', 'withdrawn'),
    ('hold', '', 'active'), ('hold', 'active', 'lifted'),
    ('ledger_request', '', 'proposed'), ('ledger_request', '', 'approved'), ('ledger_request', 'proposed', 'approved'),
    ('ledger_request', 'proposed', 'rejected'), ('ledger_request', 'proposed', 'withdrawn'),
    ('ledger_request', 'approved', 'entered'), ('ledger_request', 'approved', 'withdrawn');
GRANT SELECT ON arrangement_move TO dunwell_agent;

-- What had been applied when it was made, of that day and later: it is not paid towards the arrangement.
ALTER TABLE promise ADD COLUMN paid_before_minor bigint NOT NULL DEFAULT 0 CHECK (paid_before_minor >= 0);
ALTER TABLE payment_plan ADD COLUMN paid_before_minor bigint NOT NULL DEFAULT 0 CHECK (paid_before_minor >= 0);

-- What was paid towards a promise when it was settled, each cent towards one of them; NULL: not settled by the ledger,
-- or before this was kept.
ALTER TABLE promise ADD COLUMN paid_minor bigint;
ALTER TABLE promise ADD CONSTRAINT promise_settled_by_money CHECK (paid_minor IS NULL
    OR (state = 'kept' AND paid_minor = amount_minor) OR (state = 'broken' AND paid_minor = 0)
    OR (state = 'partial' AND paid_minor > 0 AND paid_minor < amount_minor));
ALTER TABLE promise ADD CONSTRAINT promise_settled_once CHECK ((state = 'open') = (settled_at IS NULL));

-- Whether the customer's last payment until a day was a cheque: then money is longer on its way.
CREATE FUNCTION pays_by_mail(of_customer text, until date) RETURNS boolean LANGUAGE sql STABLE AS
$$ SELECT coalesce((SELECT p.method = 'check' FROM payment p
                     WHERE p.customer_id = of_customer AND p.status = 'succeeded' AND p.paid_on <= until
                     ORDER BY p.paid_on DESC, p.id DESC LIMIT 1), false) $$;

ALTER TABLE payment_plan ADD COLUMN settled_at timestamptz;
ALTER TABLE payment_plan DROP CONSTRAINT payment_plan_state_check;
ALTER TABLE payment_plan ADD CONSTRAINT payment_plan_state_check CHECK (state IN
    ('approved', 'offered', 'active', 'completed', 'defaulted', 'rejected', 'replaced', 'cancelled'));

ALTER TABLE hold ADD COLUMN state text NOT NULL
    GENERATED ALWAYS AS (CASE WHEN lifted_at IS NULL THEN 'active' ELSE 'lifted' END) STORED;
ALTER TABLE hold ADD CONSTRAINT hold_the_ledger_lifts_its_own CHECK (lifted_by <> 'ledger' OR cleared_by = 'ledger');

-- What only the source ledger can do and a manager has to agree to: a write-off, a credit hold, a concession. We propose
-- and remember it; a person enters it there.
CREATE TABLE ledger_request (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    kind text NOT NULL CHECK (kind IN ('write_off', 'credit_hold', 'concession')),
    decision_id bigint UNIQUE REFERENCES decision,   -- NULL: a person proposed it, not the agent
    invoice_ids text[] NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    currency char(3) NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    state text NOT NULL CHECK (state IN ('proposed', 'approved', 'rejected', 'withdrawn', 'entered')),
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    approved_by text,
    approved_at timestamptz,
    settled_at timestamptz,
    -- Of what waits: until when, on which facts, and who was the first of two to approve. NULL: nobody may approve it.
    expires_at timestamptz,
    facts_digest text,
    first_by text,
    first_at timestamptz,
    CHECK ((first_by IS NULL) = (first_at IS NULL)),
    CHECK (first_by <> proposed_by),
    CHECK (first_by <> approved_by),
    CHECK (kind <> 'write_off' OR (amount_minor > 0 AND cardinality(invoice_ids) > 0)),
    CHECK (approved_by <> proposed_by),              -- four eyes
    CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
    CHECK (state NOT IN ('approved', 'entered') OR approved_by IS NOT NULL),
    CHECK ((state IN ('rejected', 'withdrawn', 'entered')) = (settled_at IS NOT NULL))
);
CREATE INDEX ledger_request_customer ON ledger_request (customer_id);
CREATE UNIQUE INDEX ledger_request_open ON ledger_request (customer_id, kind, invoice_ids)
    WHERE state IN ('proposed', 'approved') AND kind = 'write_off';
GRANT SELECT, INSERT, UPDATE ON ledger_request TO dunwell_agent;
ALTER TABLE ledger_request ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_request FORCE ROW LEVEL SECURITY;
CREATE POLICY one_customer ON ledger_request TO dunwell_agent
    USING (customer_id = current_setting('app.customer_id')) WITH CHECK (customer_id = current_setting('app.customer_id'));
CREATE POLICY portfolio ON ledger_request TO dunwell USING (true) WITH CHECK (true);

-- Why a person made each step. The log has a salted digest of it.
CREATE TABLE arrangement_reason (
    customer_id text NOT NULL REFERENCES customer,
    kind text NOT NULL CHECK (kind IN ('promise', 'plan', 'dispute', 'hold', 'ledger_request')),
    arrangement_id text NOT NULL,
    step text NOT NULL,               -- the state that it became, or agreed_first
    by text NOT NULL,
    reason text,                      -- NULL: erased
    at timestamptz NOT NULL,
    PRIMARY KEY (kind, arrangement_id, step),
    CHECK (btrim(reason) <> '')
);
CREATE INDEX arrangement_reason_customer ON arrangement_reason (customer_id);
GRANT SELECT, INSERT ON arrangement_reason TO dunwell_agent;
ALTER TABLE arrangement_reason ENABLE ROW LEVEL SECURITY;
ALTER TABLE arrangement_reason FORCE ROW LEVEL SECURITY;
CREATE POLICY one_customer ON arrangement_reason TO dunwell_agent
    USING (customer_id = current_setting('app.customer_id')) WITH CHECK (customer_id = current_setting('app.customer_id'));
CREATE POLICY portfolio ON arrangement_reason TO dunwell USING (true) WITH CHECK (true);

CREATE FUNCTION arrangement_moves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was text := CASE TG_OP WHEN 'INSERT' THEN '' ELSE OLD.state END;
BEGIN
    IF NOT EXISTS (SELECT FROM arrangement_move m WHERE m.kind = TG_ARGV[0] AND m.before = was AND m.after = NEW.state) THEN
        RAISE EXCEPTION 'a % that is % cannot become %', TG_ARGV[0], coalesce(nullif(was, ''), 'new'), NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'arrangement_moves';
    END IF;
    RETURN NULL;
END $$;
-- What was agreed on stays as it was agreed on; another agreement is another row.
CREATE FUNCTION agreed_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the figures of a % do not change', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = 'agreed_for_good';
END $$;

DO $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT * FROM (VALUES ('promise', 'promise', 'true'), ('payment_plan', 'plan', 'true'),
                                   ('dispute', 'dispute', 'NEW.source <> ''ledger'''), ('hold', 'hold', 'true'),
                                   ('ledger_request', 'ledger_request', 'true')) AS v(name, kind, ours)
    LOOP
        EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %I FOR EACH ROW
                        WHEN (OLD.state IS DISTINCT FROM NEW.state AND %s) EXECUTE FUNCTION arrangement_moves(%L)',
                       t.name || '_moves', t.name, t.ours, t.kind);
        -- The agent begins at the beginning; the owner may carry over what lived elsewhere.
        EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %I FOR EACH ROW
                        WHEN (current_user = ''dunwell_agent'' AND %s) EXECUTE FUNCTION arrangement_moves(%L)',
                       t.name || '_begins', t.name, t.ours, t.kind);
    END LOOP;
END $$;
CREATE TRIGGER promise_agreed BEFORE UPDATE ON promise FOR EACH ROW
    WHEN ((OLD.customer_id, OLD.invoice_ids, OLD.amount_minor, OLD.currency, OLD.due_date, OLD.made_at, OLD.paid_before_minor)
       IS DISTINCT FROM
          (NEW.customer_id, NEW.invoice_ids, NEW.amount_minor, NEW.currency, NEW.due_date, NEW.made_at, NEW.paid_before_minor))
    EXECUTE FUNCTION agreed_for_good();
CREATE TRIGGER payment_plan_agreed BEFORE UPDATE ON payment_plan FOR EACH ROW
    WHEN ((OLD.customer_id, OLD.invoice_ids, OLD.total_minor, OLD.currency, OLD.paid_before_minor) IS DISTINCT FROM
          (NEW.customer_id, NEW.invoice_ids, NEW.total_minor, NEW.currency, NEW.paid_before_minor))
    EXECUTE FUNCTION agreed_for_good();
CREATE TRIGGER plan_instalment_agreed BEFORE UPDATE ON plan_instalment FOR EACH ROW
    WHEN (OLD IS DISTINCT FROM NEW) EXECUTE FUNCTION agreed_for_good();
CREATE TRIGGER ledger_request_agreed BEFORE UPDATE ON ledger_request FOR EACH ROW
    WHEN ((OLD.customer_id, OLD.kind, OLD.invoice_ids, OLD.amount_minor, OLD.currency, OLD.proposed_by) IS DISTINCT FROM
          (NEW.customer_id, NEW.kind, NEW.invoice_ids, NEW.amount_minor, NEW.currency, NEW.proposed_by))
    EXECUTE FUNCTION agreed_for_good();
