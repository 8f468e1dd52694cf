-- Conversation memory. The search is exact and one customer's: it goes through btrees on the customer and there is no ANN
-- index, which with a filter on the customer would return almost nothing (facts/langgraph.md 3.2).

-- Words to search by, in any language: what is no letter or digit separates, letters are kept apart from digits, and
-- digits stay together over a thousands separator. "INV-2207", "inv2207" and "#2207" all hold 2207; "1,250.00" holds 1250.
-- The configuration is named in full, or the function would depend on a setting and not be immutable.
CREATE FUNCTION search_words(of_text text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_tsvector('pg_catalog.simple'::regconfig,
           regexp_replace(regexp_replace(regexp_replace(regexp_replace(of_text,
               '(\d),(?=\d{3}(\D|$))', '\1', 'g'),
               '(\d)\.00(?!\d)', '\1', 'g'),
               '(?<=[[:alpha:]])(?=\d)|(?<=\d)(?=[[:alpha:]])', ' ', 'g'),
               '[^[:alnum:]]+', ' ', 'g'))
$$;

ALTER TABLE message
    ADD COLUMN embedding halfvec,      -- NULL: not embedded yet (the endpoint was down), or erased
    ADD COLUMN embedding_model text,   -- which model made it: vectors of two models are never compared
    ADD COLUMN words tsvector GENERATED ALWAYS AS
        (search_words(left(coalesce(subject, '') || ' ' || coalesce(body, ''), 20000))) STORED,
    ADD CONSTRAINT message_embedding_is_labelled CHECK ((embedding IS NULL) = (embedding_model IS NULL));
-- A search reads every vector of a customer: they stay in the row, and long texts move out of it instead. An index that
-- holds the vectors as well finds the nearest of 10,000 five times as fast, and writes 1.3 KiB more for each turn.
ALTER TABLE message ALTER COLUMN embedding SET STORAGE MAIN;

-- Which model this installation's vectors are from: one row. A process that is set to another one does not start.
CREATE TABLE embedding_model (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    model_id text NOT NULL,
    dimensions int NOT NULL CHECK (dimensions BETWEEN 1 AND 16000),
    since timestamptz NOT NULL
);

GRANT SELECT ON embedding_model TO dunwell_agent;

-- Messages that an embedding endpoint owes us: the cycle looks for them, and there are none as a rule.
CREATE INDEX message_without_vector ON message (id) WHERE embedding IS NULL AND body IS NOT NULL;

-- The words of a decision. What a tool was called with may quote the customer, so it stands in a row of its own that goes
-- when the customer is erased; the decision itself holds no text of anybody and stays append-only without an exception.
-- Arguments that were tampered with show: the decision keeps their digest.
CREATE TABLE decision_args (
    decision_id bigint PRIMARY KEY REFERENCES decision,
    customer_id text NOT NULL REFERENCES customer,
    args jsonb NOT NULL
);
CREATE INDEX decision_args_customer ON decision_args (customer_id);
INSERT INTO decision_args SELECT id, customer_id, args FROM decision;
ALTER TABLE decision DROP COLUMN args;

CREATE FUNCTION only_of_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM customer WHERE id = OLD.customer_id AND status = 'erased') THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only until its customer is erased', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER decision_args_append_only BEFORE UPDATE OR TRUNCATE ON decision_args
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER decision_args_only_of_erased BEFORE DELETE ON decision_args
    FOR EACH ROW EXECUTE FUNCTION only_of_erased();

GRANT SELECT, INSERT ON decision_args TO dunwell_agent;
ALTER TABLE decision_args ENABLE ROW LEVEL SECURITY;
ALTER TABLE decision_args FORCE ROW LEVEL SECURITY;
CREATE POLICY one_customer ON decision_args TO dunwell_agent
    USING (customer_id = current_setting('app.customer_id')) WITH CHECK (customer_id = current_setting('app.customer_id'));
CREATE POLICY portfolio ON decision_args TO dunwell USING (true) WITH CHECK (true);

-- Whether a ladder step ran is asked of every step of the portfolio: without this, a scan of all follow-ups for each.
CREATE INDEX follow_up_episode ON follow_up (episode_id);
