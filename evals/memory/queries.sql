-- customer --
INSERT INTO customer (id, ext_system, ext_id, ext_fetched_at, raw_hash, name, kind, currency, time_zone)
VALUES (%(customer_id)s, 'csv', %(customer_id)s, %(now)s, '', 'Planted Facts', 'business', 'USD', 'America/Chicago');

-- messages --
-- A history, oldest first, one hour between two messages.
INSERT INTO message (customer_id, direction, channel, body, body_digest, provider_id, at, handled_at, embedding, embedding_model)
SELECT %(customer_id)s, h.direction, 'email', h.body, '', %(customer_id)s || '-' || gen_random_uuid(),
       %(now)s::timestamptz - (%(many)s - h.place) * interval '1 hour', %(now)s, h.vector::halfvec, %(model)s
  FROM unnest(%(directions)s::text[], %(bodies)s::text[], %(vectors)s::text[])
       WITH ORDINALITY AS h(direction, body, vector, place)
 ORDER BY h.place
RETURNING id;
