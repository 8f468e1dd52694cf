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
