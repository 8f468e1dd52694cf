-- Conversation memory. The search is exact and one customer's: it goes through message_customer and there is no ANN
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
    ADD COLUMN embedding vector,       -- NULL: not embedded yet (the endpoint was down), or erased
    ADD COLUMN embedding_model text,   -- which model made it: vectors of two models are never compared
    ADD COLUMN words tsvector GENERATED ALWAYS AS
        (search_words(left(coalesce(subject, '') || ' ' || coalesce(body, ''), 20000))) STORED,
    ADD CONSTRAINT message_embedding_is_labelled CHECK ((embedding IS NULL) = (embedding_model IS NULL));
-- A search reads every vector of a customer: they stay in the row, and long texts move out of it instead.
ALTER TABLE message ALTER COLUMN embedding SET STORAGE MAIN;

-- Which model this installation's vectors are from: one row. A process that is set to another one does not start.
CREATE TABLE embedding_model (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    model_id text NOT NULL,
    dimensions int NOT NULL CHECK (dimensions BETWEEN 1 AND 16000),
    since timestamptz NOT NULL
);

-- What a record keeps of a customer's words goes with the customer. Everything else of a decision stays as it was made:
-- one row at a time, only its arguments, and only of a customer who was erased.
CREATE FUNCTION without_words(args jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(key, CASE
        WHEN key = 'record' AND jsonb_typeof(value) = 'object' THEN without_words(value)
        WHEN jsonb_typeof(value) = 'string' AND (key IN ('quote', 'text', 'body')
             OR (key = 'reason' AND args ->> 'kind' IS DISTINCT FROM 'dispute')) THEN '"erased"'
        ELSE value END), '{}') FROM jsonb_each(args)
$$;
CREATE FUNCTION decision_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - 'args' = to_jsonb(OLD) - 'args' AND NEW.args = without_words(OLD.args)
       AND EXISTS (SELECT FROM customer WHERE id = OLD.customer_id AND status = 'erased') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'decision is append-only' USING ERRCODE = 'restrict_violation';
END $$;
DROP TRIGGER decision_append_only ON decision;
CREATE TRIGGER decision_append_only BEFORE DELETE OR TRUNCATE ON decision
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER decision_is_kept BEFORE UPDATE ON decision FOR EACH ROW EXECUTE FUNCTION decision_is_kept();
