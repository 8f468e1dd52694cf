-- Four eyes: `first_by` agreed first; whoever decides is somebody else. What an edit made of the draft stays beside it, and
-- how far it went as a share in thousandths, which outlives an erasure.
ALTER TABLE approval
    ADD COLUMN first_by text,
    ADD COLUMN first_at timestamptz,
    ADD COLUMN edited_preview jsonb,
    ADD COLUMN edit_permille smallint CHECK (edit_permille BETWEEN 0 AND 1000),
    ADD CONSTRAINT approval_first_is_whole CHECK ((first_by IS NULL) = (first_at IS NULL)),
    ADD CONSTRAINT approval_four_eyes CHECK (state <> 'approved' OR first_by <> decided_by);

-- Who is told of an approval, and whether they were: written by a chore from the approvals that wait, so that none is
-- lost; the id goes with each try, so that a receiver can drop what came twice.
CREATE TABLE notification (
    id text PRIMARY KEY,
    approval_id text NOT NULL REFERENCES approval,
    customer_id text NOT NULL REFERENCES customer,
    event text NOT NULL CHECK (event IN ('asked', 'reminded')),
    role text NOT NULL CHECK (role IN ('collector', 'manager', 'admin')),
    created_at timestamptz NOT NULL,
    try_at timestamptz,               -- NULL: settled
    tries int NOT NULL DEFAULT 0 CHECK (tries >= 0),
    outcome text CHECK (outcome IN ('delivered', 'moot', 'given_up')),
    settled_at timestamptz,
    UNIQUE (approval_id, event, role),
    CHECK ((try_at IS NULL) = (outcome IS NOT NULL)),
    CHECK ((outcome IS NULL) = (settled_at IS NULL))
);
CREATE INDEX notification_due ON notification (try_at) WHERE try_at IS NOT NULL;
CREATE INDEX notification_customer ON notification (customer_id);
GRANT SELECT ON notification TO dunwell_agent;
ALTER TABLE notification ENABLE ROW LEVEL SECURITY;
ALTER TABLE notification FORCE ROW LEVEL SECURITY;
CREATE POLICY one_customer ON notification TO dunwell_agent
    USING (customer_id = current_setting('app.customer_id')) WITH CHECK (customer_id = current_setting('app.customer_id'));
CREATE POLICY portfolio ON notification TO dunwell USING (true) WITH CHECK (true);

-- The autonomy ladder. How far a segment may go with an action by what is on record; the policy file is a bound above it.
CREATE TABLE autonomy_level (
    segment text NOT NULL,
    action text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('observe', 'draft', 'assisted', 'automatic')),
    PRIMARY KEY (segment, action)
);
GRANT SELECT ON autonomy_level TO dunwell_agent;

-- Every step up and down, on which evidence and by whom.
CREATE TABLE autonomy_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    segment text NOT NULL,
    action text NOT NULL,
    before text NOT NULL CHECK (before IN ('observe', 'draft', 'assisted', 'automatic')),
    after text NOT NULL CHECK (after IN ('observe', 'draft', 'assisted', 'automatic')),
    why text NOT NULL CHECK (why <> ''),
    evidence jsonb NOT NULL,          -- counts
    by text NOT NULL,                 -- 'system', or who promoted
    policy_version text NOT NULL REFERENCES policy_version,
    at timestamptz NOT NULL,
    CHECK (before <> after)
);
CREATE INDEX autonomy_change_of ON autonomy_change (segment, action, at DESC);
CREATE TRIGGER autonomy_change_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON autonomy_change
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
