-- store_inbound --
-- One row for each message of a provider, however often it is delivered: no row comes back for a duplicate.
INSERT INTO message (customer_id, contact_id, direction, channel, subject, body, salt, body_digest, provider_id, at,
                     original, html, internet_id, attachments, handled_at)
VALUES (%(customer_id)s, %(contact_id)s, 'in', %(channel)s, %(subject)s, %(body)s, %(salt)s, %(body_digest)s,
        %(provider_id)s, %(at)s, %(original)s, %(html)s, %(internet_id)s, %(attachments)s, %(handled_at)s)
ON CONFLICT (channel, provider_id) WHERE direction = 'in' DO NOTHING
RETURNING id;

-- inbound_by_provider --
SELECT id FROM message WHERE direction = 'in' AND channel = %(channel)s AND provider_id = %(provider_id)s;

-- store_outbound --
INSERT INTO message (customer_id, contact_id, direction, channel, subject, body, salt, body_digest, language, purpose,
                     template, episode_id, at, embedding, embedding_model)
VALUES (%(customer_id)s, %(contact_id)s, 'out', %(channel)s, %(subject)s, %(body)s, %(salt)s, %(body_digest)s,
        %(language)s, %(purpose)s, %(template)s, %(episode_id)s, %(at)s,
        CASE WHEN NOT EXISTS (SELECT FROM embedding_model WHERE model_id <> %(embedding_model)s) THEN %(embedding)s::halfvec END,
        CASE WHEN NOT EXISTS (SELECT FROM embedding_model WHERE model_id <> %(embedding_model)s) THEN %(embedding_model)s END)
RETURNING id;

-- recent_window --
-- The newest messages up to `upto`, newest first, outbound ones only when they left or are about to; and in each row
-- how many messages there are up to it.
SELECT m.id, m.direction, m.channel, m.purpose, m.template, coalesce(m.body, '') AS body, m.contact_id, m.at,
       (SELECT count(*) FROM message a
         WHERE a.customer_id = %(customer_id)s AND (%(upto)s::bigint IS NULL OR a.id <= %(upto)s))
       - (SELECT count(*) FROM outbox n
           WHERE n.customer_id = %(customer_id)s AND (%(upto)s::bigint IS NULL OR n.message_id <= %(upto)s)
             AND n.state IN ('failed', 'bounced', 'withdrawn')) AS in_all
  FROM message m LEFT JOIN outbox o ON o.message_id = m.id
 WHERE m.customer_id = %(customer_id)s AND (%(upto)s::bigint IS NULL OR m.id <= %(upto)s)
   AND (o.id IS NULL OR o.state IN ('queued', 'sending', 'sent', 'delivered', 'unknown'))
 ORDER BY m.id DESC LIMIT %(limit)s;

-- standing_facts --
SELECT kind, fact, message_id, at, count(*) OVER () FROM standing_fact
 WHERE customer_id = %(customer_id)s AND ended_at IS NULL ORDER BY id DESC LIMIT %(limit)s;

-- inbound --
SELECT id, customer_id, contact_id, channel, coalesce(body, '') AS body, at, handled_at,
       (SELECT count(*) FROM outbox o WHERE o.reply_to = m.id AND o.customer_id = m.customer_id
           AND o.state <> 'withdrawn') AS replies
  FROM message m WHERE id = %(message_id)s AND direction = 'in';

-- mark_handled --
-- What a re-embedding gave the message stays where the episode has no vector for it, or one of a model that was replaced
-- meanwhile: a process that still runs with that one stores none, and the message gets its vector later.
WITH given AS (
    SELECT %(embedding)s::halfvec AS embedding, %(embedding_model)s::text AS model
     WHERE NOT EXISTS (SELECT FROM embedding_model WHERE model_id <> %(embedding_model)s)
)
UPDATE message SET handled_at = %(now)s, episode_id = %(episode_id)s,
       embedding = coalesce((SELECT g.embedding FROM given g), embedding),
       embedding_model = coalesce((SELECT g.model FROM given g), embedding_model)
 WHERE id = %(message_id)s AND handled_at IS NULL RETURNING body_digest;

-- unhandled --
SELECT id, customer_id FROM message WHERE direction = 'in' AND handled_at IS NULL ORDER BY id LIMIT %(limit)s;

-- body_digest --
SELECT body_digest FROM message WHERE id = %(message_id)s;

-- candidates --
-- Who may have written: contact points with the sender's address, and whom the messages that it answers went to: by our
-- signed reply address, or by the Message-IDs that the providers gave us of our own messages.
SELECT k.id AS contact_id, k.customer_id, false AS by_thread FROM contact k
 WHERE k.channel = %(channel)s AND lower(k.address) = lower(%(address)s)
UNION ALL
SELECT o.contact_id, o.customer_id, true FROM outbox o WHERE o.id = %(answers)s::bigint AND o.channel = %(channel)s
UNION ALL
SELECT m.contact_id, m.customer_id, true FROM message m
 WHERE %(answers)s::bigint IS NULL AND m.internet_id = ANY(%(follows)s::text[]) AND m.direction = 'out'
   AND m.contact_id IS NOT NULL;

-- store_unmatched --
INSERT INTO unmatched_message (channel, provider_id, address, subject, body, original, html, internet_id, attachments, why,
                               customer_ids, at)
VALUES (%(channel)s, %(provider_id)s, %(address)s, %(subject)s, %(body)s, %(original)s, %(html)s, %(internet_id)s,
        %(attachments)s, %(why)s, %(customer_ids)s, %(at)s)
ON CONFLICT (channel, provider_id) DO NOTHING
RETURNING id;

-- unmatched_by_provider --
SELECT id FROM unmatched_message WHERE channel = %(channel)s AND provider_id = %(provider_id)s;

-- unmatched --
SELECT id, channel, address, subject, body, original, html, attachments, why, customer_ids, at, settled_at, settled_by, outcome,
       message_id
  FROM unmatched_message
 WHERE (%(inbox_id)s::bigint IS NULL OR id = %(inbox_id)s) AND (%(all)s OR settled_at IS NULL)
 ORDER BY id LIMIT %(limit)s;

-- lock_unmatched --
SELECT id, channel, provider_id, address, subject, body, original, html, internet_id, attachments, why, customer_ids, at
  FROM unmatched_message WHERE id = %(inbox_id)s AND settled_at IS NULL FOR UPDATE;

-- settle_unmatched --
-- Once it is a customer's message, its words are kept there only.
UPDATE unmatched_message SET settled_at = %(now)s, settled_by = %(by)s, outcome = %(outcome)s, message_id = %(message_id)s,
       subject = CASE WHEN %(message_id)s::bigint IS NULL THEN subject END, body = CASE WHEN %(message_id)s::bigint IS NULL THEN body END,
       original = CASE WHEN %(message_id)s::bigint IS NULL THEN original END, html = CASE WHEN %(message_id)s::bigint IS NULL THEN html END
 WHERE id = %(inbox_id)s;

-- forget_unmatched --
UPDATE unmatched_message SET address = 'erased', subject = NULL, body = NULL, original = NULL, html = NULL, internet_id = NULL,
       attachments = '[]'
 WHERE coalesce(settled_at, at) < %(before)s AND address <> 'erased';

-- thread --
-- The whole conversation for a person to read, oldest first, with what became of each outbound message.
SELECT m.id, m.at, m.direction, m.channel, m.purpose, m.template, m.subject, m.body, o.state, o.reason, o.not_before,
       m.episode_id, m.attachments
  FROM message m LEFT JOIN outbox o ON o.message_id = m.id
 WHERE m.customer_id = %(customer_id)s ORDER BY m.id DESC LIMIT %(limit)s;

-- message --
SELECT id, customer_id, at, direction, channel, subject, body, original, html, attachments, purpose, template, episode_id
  FROM message WHERE id = %(message_id)s;

-- nearest --
-- The messages of one customer nearest in meaning, of all there are: exact, through the btree on the customer.
SELECT m.id, m.embedding <=> %(embedding)s::halfvec AS distance FROM message m
 WHERE m.customer_id = %(customer_id)s AND m.embedding_model = %(model)s
   AND (%(before)s::bigint IS NULL OR m.id < %(before)s)
 ORDER BY distance, m.id DESC LIMIT %(limit)s;

-- search --
-- One pass over the customer's messages (exact, through the btree): nearest in meaning, and holding the words that were
-- asked for, fused by their places in both lists (reciprocal rank fusion, k = 60). Words that say nothing in that language are not asked for; the others match by their stem, and the
-- fewer of the customer's messages hold one, the more it counts: an invoice number beats "invoice". Messages that hold
-- less than half of what the best one holds are not listed, or common words would take half of the places.
WITH asked AS (
    SELECT word, (quote_literal(stem) || CASE WHEN stem ~ '^[[:alpha:]]{3,}$' THEN ':*' ELSE '' END)::tsquery AS query
      FROM unnest(tsvector_to_array(search_words(%(text)s))) AS word,
           LATERAL (SELECT ts_lexize(%(dictionary)s::regdictionary, word) AS stems) AS l,
           LATERAL (SELECT CASE WHEN starts_with(word, stems[1]) THEN stems[1] ELSE left(word, 20) END AS stem) AS s
     WHERE stems <> '{}'
), mine AS MATERIALIZED (
    SELECT m.id, CASE WHEN m.embedding_model = %(model)s THEN m.embedding <=> %(embedding)s::halfvec END AS distance,
           CASE WHEN m.words @@ (SELECT string_agg(query::text, ' | ')::tsquery FROM asked) THEN m.words END AS words
      FROM message m
     WHERE m.customer_id = %(customer_id)s AND (%(before)s::bigint IS NULL OR m.id < %(before)s)
), near AS (
    SELECT id, row_number() OVER (ORDER BY distance, id DESC) AS place
      FROM (SELECT id, distance FROM mine WHERE distance IS NOT NULL
             ORDER BY distance, id DESC LIMIT %(pool)s) AS n
), holding AS (
    SELECT id, sum(ln(1 + (SELECT count(*) FROM mine)::float8 / held)) AS worth
      FROM (SELECT m.id, count(*) OVER (PARTITION BY a.word) AS held
              FROM mine m JOIN asked a ON m.words @@ a.query WHERE m.words IS NOT NULL) AS h
     GROUP BY id
), matching AS (
    SELECT id, row_number() OVER (ORDER BY worth DESC, id DESC) AS place
      FROM holding WHERE worth >= 0.5 * (SELECT max(worth) FROM holding)
     ORDER BY place LIMIT %(pool)s
), fused AS (
    SELECT id, sum(1.0 / (60 + place)) AS score
      FROM (SELECT * FROM near UNION ALL SELECT * FROM matching) AS found GROUP BY id
)
SELECT m.id, m.at, m.direction, m.body
  FROM fused f JOIN message m ON m.id = f.id LEFT JOIN outbox o ON o.message_id = m.id
 WHERE m.customer_id = %(customer_id)s AND m.body IS NOT NULL AND m.id <> ALL(%(without)s)
   AND (o.id IS NULL OR o.state IN ('queued', 'sending', 'sent', 'delivered', 'unknown'))
 ORDER BY f.score DESC, m.id DESC LIMIT %(limit)s;

-- current_model --
SELECT model_id, dimensions FROM embedding_model;

-- any_embedded --
SELECT EXISTS (SELECT FROM message WHERE embedding IS NOT NULL);

-- set_model --
INSERT INTO embedding_model (model_id, dimensions, since) VALUES (%(model)s, %(dimensions)s, %(now)s)
ON CONFLICT (one) DO UPDATE
   SET model_id = excluded.model_id, dimensions = excluded.dimensions, since = excluded.since
 WHERE (embedding_model.model_id, embedding_model.dimensions) IS DISTINCT FROM (excluded.model_id, excluded.dimensions);

-- count_to_embed --
SELECT count(*) FILTER (WHERE embedding_model IS DISTINCT FROM %(model)s), count(*) FROM message WHERE body IS NOT NULL;

-- without_vector --
-- Messages that were stored while the endpoint did not answer, in the order of their ids.
SELECT id, body, body_digest FROM message
 WHERE body IS NOT NULL AND embedding IS NULL AND id > %(after)s ORDER BY id LIMIT %(limit)s;

-- to_embed --
-- Messages without a vector of that model, in the order of their ids.
SELECT id, body, body_digest FROM message
 WHERE body IS NOT NULL AND embedding_model IS DISTINCT FROM %(model)s AND id > %(after)s ORDER BY id LIMIT %(limit)s;

-- embed --
-- Only where the text is still the one that was embedded; a row that somebody else is writing is left for the next round.
WITH given AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(digests)s::text[], %(vectors)s::text[]) AS g(id, digest, embedding)
), free AS (
    SELECT m.id, g.embedding FROM message m JOIN given g ON g.id = m.id AND g.digest = m.body_digest
     WHERE m.body IS NOT NULL ORDER BY m.id FOR NO KEY UPDATE OF m SKIP LOCKED
)
UPDATE message m SET embedding = f.embedding::halfvec, embedding_model = %(model)s FROM free f WHERE f.id = m.id;

-- customer_status --
SELECT status FROM customer WHERE id = %(customer_id)s;

-- waiting_approvals --
SELECT id FROM approval WHERE customer_id = %(customer_id)s AND state IN ('pending', 'resuming') ORDER BY asked_at, id;

-- erase_decision_args --
DELETE FROM decision_args WHERE customer_id = %(customer_id)s;

-- erase_outbox --
UPDATE outbox SET action = jsonb_set(action, '{args}', '{}')
 WHERE customer_id = %(customer_id)s AND action -> 'args' <> '{}';

-- erase_messages --
-- The words to search by are generated from subject and body, and are gone with them.
UPDATE message SET body = NULL, salt = NULL, subject = NULL, embedding = NULL, embedding_model = NULL, original = NULL,
       html = NULL, internet_id = NULL, attachments = '[]'
 WHERE customer_id = %(customer_id)s
   AND (num_nonnulls(body, salt, subject, embedding, original, html, internet_id) > 0 OR attachments <> '[]');

-- erase_unmatched --
-- What was found to be this customer's, or could have been nobody else's.
UPDATE unmatched_message SET address = 'erased', subject = NULL, body = NULL, original = NULL, html = NULL, internet_id = NULL,
       attachments = '[]', settled_at = coalesce(settled_at, %(now)s), settled_by = coalesce(settled_by, 'erasure'),
       outcome = coalesce(outcome, 'dismissed')
 WHERE address <> 'erased' AND (customer_ids = ARRAY[%(customer_id)s::text]
       OR message_id IN (SELECT m.id FROM message m WHERE m.customer_id = %(customer_id)s));

-- erase_standing_facts --
UPDATE standing_fact SET fact = 'erased', ended_at = coalesce(ended_at, %(now)s)
 WHERE customer_id = %(customer_id)s AND fact <> 'erased';

-- erase_contacts --
-- The row stays, because messages and suppressions point to it.
UPDATE contact SET name = NULL, address = 'erased:' || id, verified_at = NULL, consent = 'denied', quiet_hours = NULL,
       opted_out_at = coalesce(opted_out_at, %(now)s)
 WHERE customer_id = %(customer_id)s AND address <> 'erased:' || id;

-- erase_follow_ups --
UPDATE follow_up SET reason = 'erased', talking_points = NULL, settled_at = coalesce(settled_at, %(now)s),
       state = CASE state WHEN 'waiting' THEN 'cancelled' ELSE state END
 WHERE customer_id = %(customer_id)s AND reason <> 'erased';

-- erase_approvals --
UPDATE approval SET preview = jsonb_build_object('channel', preview -> 'channel', 'subject', NULL, 'body', 'erased'),
       args = '{}', note = NULL, answer = answer - 'args', edited_preview = NULL
 WHERE customer_id = %(customer_id)s AND preview ->> 'body' IS DISTINCT FROM 'erased';

-- erase_invoices --
UPDATE invoice SET job_notes = NULL, job_ref = NULL, payment_url = NULL, po_number = NULL
 WHERE customer_id = %(customer_id)s AND num_nonnulls(job_notes, job_ref, payment_url, po_number) > 0;

-- erase_lines --
UPDATE invoice_line SET description = 'erased' WHERE customer_id = %(customer_id)s AND description <> 'erased';

-- erase_payments --
UPDATE payment SET reference = NULL WHERE customer_id = %(customer_id)s AND reference IS NOT NULL;

-- erase_holds --
UPDATE hold SET lift_reason = NULL WHERE customer_id = %(customer_id)s AND lift_reason IS NOT NULL;

-- erase_ledger_requests --
UPDATE ledger_request SET reason = 'erased' WHERE customer_id = %(customer_id)s AND reason <> 'erased';

-- erase_arrangement_reasons --
UPDATE arrangement_reason SET reason = NULL WHERE customer_id = %(customer_id)s AND reason IS NOT NULL;

-- erase_disputes --
UPDATE dispute SET outcome = NULL WHERE customer_id = %(customer_id)s AND outcome IS NOT NULL;

-- erase_customer --
-- Import keeps an erased customer erased: its name, its contacts and its notes do not come back from the source.
UPDATE customer SET name = 'erased', status = 'erased', merged_to = NULL, do_not_contact = true, hold_reason = NULL,
       postal_area = NULL, tags = '{}', raw_hash = '', salt = gen_random_uuid()::text
 WHERE id = %(customer_id)s;
