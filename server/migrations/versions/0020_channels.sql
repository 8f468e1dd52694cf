-- What an e-mail was besides its words. Attachments are named, never kept; html is what a collector may see of it.
ALTER TABLE message
    ADD COLUMN internet_id text,                    -- its Message-ID, in angle brackets
    ADD COLUMN attachments jsonb NOT NULL DEFAULT '[]',   -- [{"name", "type", "size"}]
    ADD COLUMN original text,                       -- the whole text of an e-mail, where `body` is what was new in it
    ADD COLUMN html text;                           -- sanitised
CREATE INDEX message_internet_id ON message (internet_id) WHERE internet_id IS NOT NULL;

-- Somebody wrote and we do not know for sure who: a person says whom it concerns. Nothing is answered.
CREATE TABLE unmatched_message (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel text NOT NULL CHECK (channel IN ('email', 'sms')),
    provider_id text NOT NULL,
    address text NOT NULL,
    subject text,
    body text,                                      -- NULL once erased, or a customer's message
    original text,
    html text,
    internet_id text,
    attachments jsonb NOT NULL DEFAULT '[]',
    why text NOT NULL CHECK (why IN ('unknown_sender', 'shared_address', 'other_sender', 'not_vouched_for', 'forwarded', 'automatic')),
    customer_ids text[] NOT NULL DEFAULT '{}',      -- whom it may concern, for the person who looks
    at timestamptz NOT NULL,
    settled_at timestamptz,
    settled_by text,
    outcome text CHECK (outcome IN ('assigned', 'dismissed')),
    message_id bigint REFERENCES message,           -- what it became, once assigned
    UNIQUE (channel, provider_id),
    CHECK ((settled_at IS NULL) = (outcome IS NULL))
);
CREATE INDEX unmatched_waiting ON unmatched_message (id) WHERE settled_at IS NULL;

-- Every change of what a customer allows us, with where and when we heard it. Only ever added to.
CREATE TABLE consent_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    contact_id text REFERENCES contact,             -- NULL: every contact point of the channel
    channel text CHECK (channel IN ('email', 'sms', 'voice', 'post', 'portal')),   -- NULL: every channel
    change text NOT NULL CHECK (change IN ('opt_out', 'opt_in', 'wrong_party', 'bounced', 'complaint')),
    source text NOT NULL CHECK (source IN ('words', 'keyword', 'carrier', 'unsubscribe', 'provider', 'collector')),
    message_id bigint REFERENCES message,
    decision_id bigint REFERENCES decision,
    provider_ref text,                              -- the provider's id of the event or message that said so
    at timestamptz NOT NULL
);
CREATE INDEX consent_event_customer ON consent_event (customer_id, id);
CREATE TRIGGER consent_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consent_event
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
GRANT SELECT, INSERT ON consent_event TO dunwell_agent;
ALTER TABLE consent_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE consent_event FORCE ROW LEVEL SECURITY;
CREATE POLICY one_customer ON consent_event TO dunwell_agent
    USING (customer_id = current_setting('app.customer_id')) WITH CHECK (customer_id = current_setting('app.customer_id'));
CREATE POLICY portfolio ON consent_event TO dunwell USING (true) WITH CHECK (true);

-- A carrier or a mailbox may tell us to stop: no proposal of the agent stands behind that, and none may be needed.
ALTER TABLE suppression ALTER COLUMN decision_id DROP NOT NULL;
-- One active stop of a kind is enough, however often it is said.
ALTER TABLE suppression DROP CONSTRAINT suppression_decision_id_channel_contact_id_key;
UPDATE suppression s SET lifted_at = s.at
 WHERE s.lifted_at IS NULL AND EXISTS (SELECT FROM suppression o
        WHERE o.customer_id = s.customer_id AND o.lifted_at IS NULL AND o.id < s.id AND o.reason = s.reason
          AND o.channel IS NOT DISTINCT FROM s.channel AND o.contact_id IS NOT DISTINCT FROM s.contact_id);
CREATE UNIQUE INDEX suppression_once ON suppression (customer_id, reason, channel, contact_id) NULLS NOT DISTINCT
    WHERE lifted_at IS NULL;

-- What a provider says of a message, once for each of its events, whatever order they come in.
CREATE TABLE provider_event (
    provider text NOT NULL CHECK (provider IN ('twilio', 'sendgrid')),
    event_id text NOT NULL,
    outbox_id bigint REFERENCES outbox,
    kind text NOT NULL,
    code text,
    at timestamptz NOT NULL,
    PRIMARY KEY (provider, event_id)
);
CREATE INDEX provider_event_outbox ON provider_event (outbox_id);
CREATE INDEX outbox_provider ON outbox (provider_id) WHERE provider_id IS NOT NULL;
