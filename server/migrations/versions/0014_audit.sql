-- Anchors: at a moment, the end of every chain of the log. Each holds the hash of the one before it, so that one hash that
-- is kept elsewhere vouches for every entry that was there: whoever rewrites the log, its ends and the anchors still
-- cannot make that hash come out.
CREATE TABLE audit_anchor (
    id bigint PRIMARY KEY CHECK (id > 0),       -- 1, 2, 3, ..: a gap is a missing one
    at timestamptz NOT NULL,
    chains bigint NOT NULL CHECK (chains >= 0),
    entries bigint NOT NULL CHECK (entries >= 0),
    prev_hash text NOT NULL,
    hash text NOT NULL UNIQUE
);
-- The ends that moved since the anchor before. An end is anchored once; that of a chain that rested stands in an earlier one.
CREATE TABLE audit_anchor_head (
    customer_id text NOT NULL REFERENCES customer,
    seq bigint NOT NULL,
    hash text NOT NULL,
    anchor_id bigint NOT NULL REFERENCES audit_anchor DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (customer_id, seq)
);
CREATE INDEX audit_anchor_head_anchor ON audit_anchor_head (anchor_id, customer_id);
CREATE TRIGGER audit_anchor_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_anchor
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER audit_anchor_head_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_anchor_head
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
-- No grant: an episode has no business with them. The policies say the same, should somebody grant them one day.
ALTER TABLE audit_anchor ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_anchor FORCE ROW LEVEL SECURITY;
CREATE POLICY portfolio ON audit_anchor TO dunwell USING (true) WITH CHECK (true);
ALTER TABLE audit_anchor_head ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_anchor_head FORCE ROW LEVEL SECURITY;
CREATE POLICY one_customer ON audit_anchor_head TO dunwell_agent USING (customer_id = current_setting('app.customer_id'))
    WITH CHECK (customer_id = current_setting('app.customer_id'));
CREATE POLICY portfolio ON audit_anchor_head TO dunwell USING (true) WITH CHECK (true);

-- What an erased customer writes is not kept: that something came is, with a digest whose salt nobody has. The lock waits
-- for an erasure that is under way, so that no message slips in behind it; the foreign key would take the same one.
CREATE FUNCTION nothing_said_by_erased() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    standing text;
BEGIN
    SELECT c.status INTO standing FROM customer c WHERE c.id = NEW.customer_id FOR KEY SHARE;
    IF standing = 'erased' THEN
        NEW.subject := NULL;
        NEW.body := NULL;
        NEW.salt := NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER message_of_erased BEFORE INSERT ON message FOR EACH ROW EXECUTE FUNCTION nothing_said_by_erased();

-- Everything that is held on one customer: the rows of each table that has its id, by the table's name. Whatever table is
-- added is in it by itself. Without what only serves us: salts, vectors, words to search by.
CREATE FUNCTION customer_file(of_customer text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    held jsonb;
    found jsonb;
    t record;
BEGIN
    SELECT jsonb_build_object('customer', jsonb_agg(to_jsonb(c))) INTO held FROM customer c WHERE c.id = of_customer;
    FOR t IN SELECT k.relname AS name FROM pg_class k JOIN pg_attribute a ON a.attrelid = k.oid
              WHERE k.relnamespace = 'public'::regnamespace AND k.relkind IN ('r', 'p') AND a.attname = 'customer_id'
              ORDER BY k.relname
    LOOP
        EXECUTE format('SELECT coalesce(jsonb_agg(r ORDER BY r -> ''at'', r -> ''seq'', r -> ''id'', r), ''[]'')
                          FROM (SELECT to_jsonb(x) - ''{salt,embedding,words}''::text[] AS r FROM %I x
                                 WHERE x.customer_id = $1) AS rows', t.name)
           INTO found USING of_customer;
        held := held || jsonb_build_object(t.name, found);
    END LOOP;
    RETURN held;
END $$;

-- What digests of proposed actions and of facts are salted with. They are kept for good, in decisions and in the log; with
-- the salt erased nobody can try out which words, names or numbers they were made of.
ALTER TABLE customer ADD COLUMN salt text NOT NULL DEFAULT gen_random_uuid()::text;

-- A decision in one hash: its entry in the log has it, so that a changed verdict, reason or fact shows. Its arguments are in
-- it by their digest, because they go when the customer is erased.
CREATE FUNCTION decision_seal(d decision) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(jsonb_build_array(d.id, d.customer_id, d.episode_id, d.approval_id, d.position, d.tool,
        d.digest, d.actor, d.verdict, d.role, d.reasons, d.policy_version, d.facts, d.facts_digest,
        d.at AT TIME ZONE 'UTC')::text, 'UTF8')), 'hex')
$$;
