-- customers --
INSERT INTO customer (id, ext_system, ext_id, ext_fetched_at, raw_hash, name, kind, currency, time_zone)
SELECT id, 'csv', id, %(now)s, '', 'Customer ' || id, 'business', 'USD', 'America/Chicago' FROM unnest(%(ids)s::text[]) AS id;

-- messages --
COPY message (customer_id, direction, channel, body, body_digest, provider_id, at, handled_at, embedding, embedding_model)
FROM STDIN;

-- ids --
SELECT provider_id::int, id FROM message ORDER BY provider_id::int;

-- index --
SELECT pg_get_indexdef('store_vectors_embedding_idx'::regclass);

-- remember --
-- The same messages as the store's own calls would leave them, under the customer's namespace.
SET maintenance_work_mem = '1GB';
SET synchronous_commit = off;
DROP INDEX store_vectors_embedding_idx;
INSERT INTO store (prefix, key, value) SELECT customer_id, id::text, jsonb_build_object('text', body) FROM message;
INSERT INTO store_vectors (prefix, key, field_name, embedding) SELECT customer_id, id::text, 'text', embedding::vector FROM message;
