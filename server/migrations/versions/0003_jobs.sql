-- The queue is procrastinate's (its schema is applied before this file); the agent role has no right on its tables.

-- Whether a customer's lock is free is asked for every candidate job; without this the answer is a walk over all jobs.
CREATE INDEX job_lock ON procrastinate_jobs (lock, priority DESC, id) WHERE status IN ('todo', 'doing');
-- Rows come and go by the hundred a second: the dead ones are cleared away before they slow the next look.
ALTER TABLE procrastinate_jobs SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- The days whose portfolio was planned: one plan a day, however many workers there are.
CREATE TABLE cycle_day (
    day date PRIMARY KEY,
    planned_at timestamptz NOT NULL,
    steps int NOT NULL CHECK (steps >= 0)
);

-- Ladder steps of that plan that nobody ran yet. A row goes when its episode has committed.
CREATE TABLE cycle_step (
    turn_key text PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    day date NOT NULL REFERENCES cycle_day,
    step text NOT NULL,
    channel text CHECK (channel IN ('email', 'sms')),
    anchor_invoice_id text NOT NULL REFERENCES invoice
);
CREATE INDEX cycle_step_day ON cycle_step (day, turn_key);
CREATE INDEX cycle_step_customer ON cycle_step (customer_id);
ALTER TABLE cycle_step ENABLE ROW LEVEL SECURITY;
ALTER TABLE cycle_step FORCE ROW LEVEL SECURITY;
CREATE POLICY one_customer ON cycle_step TO dunwell_agent USING (customer_id = current_setting('app.customer_id'))
    WITH CHECK (customer_id = current_setting('app.customer_id'));
CREATE POLICY portfolio ON cycle_step TO dunwell USING (true) WITH CHECK (true);
GRANT SELECT ON cycle_step TO dunwell_agent;

-- An approval that nobody decided is brought up once more before it lapses, to the next role.
ALTER TABLE approval
    ADD COLUMN reminded_at timestamptz,
    ADD COLUMN reminded_role text CHECK (reminded_role IN ('collector', 'manager', 'admin')),
    ADD CONSTRAINT approval_reminder_names_a_role CHECK ((reminded_at IS NULL) = (reminded_role IS NULL));

-- Who writes is looked up by their address for each message that comes in, however it is written.
CREATE INDEX contact_address_lower ON contact (channel, lower(address));
