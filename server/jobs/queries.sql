-- defer_turn --
-- A job for the turn of what this transaction has stored, which can have none yet: not a look at the queue, which may be
-- long and whose plan was made when it was short.
SELECT procrastinate_defer_jobs_v1(ARRAY[
           ROW('turns', 'turn', %(priority)s, %(lock)s, %(key)s,
               jsonb_build_object('customer_id', %(customer_id)s::text, 'key', %(key)s::text),
               CASE WHEN %(wait_seconds)s > 0 THEN now() + make_interval(secs => %(wait_seconds)s) END
           )::procrastinate_job_to_defer_v1]);

-- defer_turns --
-- A job for each turn that has none: waiting, running, or failed for good and waiting to be tried again. One statement
-- through procrastinate's own function, in the caller's transaction; a turn's key is its job's queueing lock.
WITH given AS (
    SELECT g.*, row_number() OVER () AS place
      FROM jsonb_to_recordset(%(turns)s) AS g(customer_id text, key text, lock text, priority int)
), missing AS (
    SELECT g.* FROM given g
     WHERE NOT EXISTS (SELECT FROM procrastinate_jobs j WHERE j.queueing_lock = g.key AND j.status = 'todo')
       AND NOT EXISTS (SELECT FROM procrastinate_jobs j WHERE j.queueing_lock = g.key AND j.status IN ('doing', 'failed'))
)
SELECT coalesce(cardinality(procrastinate_defer_jobs_v1(array_agg(
           ROW('turns', 'turn', priority, lock, key, jsonb_build_object('customer_id', customer_id, 'key', key), NULL
           )::procrastinate_job_to_defer_v1 ORDER BY place))), 0)
  FROM missing HAVING count(*) > 0;

-- drop_turn --
DELETE FROM procrastinate_jobs WHERE queueing_lock = %(key)s AND status = 'todo';

-- give_back_stalled --
-- Jobs whose worker is gone or shows no sign of life go back to the queue, and every worker is told. No two jobs with one
-- queueing lock may wait: where another waits already (a chore's next tick), that one does the work, and the stalled one
-- goes, with the lock that it held.
WITH stalled AS (
    SELECT j.id, j.queueing_lock FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
     WHERE j.status = 'doing' AND j.worker_id IS DISTINCT FROM %(mine)s   -- whoever asks is alive
       AND (w.id IS NULL OR w.last_heartbeat < now() - make_interval(secs => %(after_seconds)s))
       FOR UPDATE OF j SKIP LOCKED
), replaced AS (
    DELETE FROM procrastinate_jobs j USING stalled s
     WHERE j.id = s.id
       AND (EXISTS (SELECT FROM procrastinate_jobs t WHERE t.queueing_lock = s.queueing_lock AND t.status = 'todo')
            OR EXISTS (SELECT FROM stalled t WHERE t.queueing_lock = s.queueing_lock AND t.id < s.id))
    RETURNING j.id
), given_back AS (
    SELECT id, procrastinate_retry_job_v2(id, NULL, NULL, NULL, NULL) FROM stalled
     WHERE id NOT IN (SELECT id FROM replaced)
)
SELECT id, pg_notify('procrastinate_any_queue_v1', json_build_object('type', 'job_inserted', 'job_id', id)::text)
  FROM (SELECT id FROM given_back UNION ALL SELECT id FROM replaced) AS freed;

-- try_failed_again --
-- A turn that failed for good is tried again after a while: its row still waits, and nothing may be forgotten.
WITH rested AS (
    SELECT j.id FROM procrastinate_jobs j
     WHERE j.status = 'failed' AND j.task_name = 'turn'
       AND NOT EXISTS (SELECT FROM procrastinate_events e
                        WHERE e.job_id = j.id AND e.at > now() - make_interval(secs => %(after_seconds)s))
     ORDER BY j.id LIMIT 100 FOR UPDATE OF j SKIP LOCKED
)
SELECT id, procrastinate_retry_job_v2(id, NULL, NULL, NULL, NULL) FROM rested;

-- delete_finished --
-- Chores leave their row behind when they fail, and turns that were aborted for good; nobody needs it after a week.
DELETE FROM procrastinate_jobs j
 WHERE j.status NOT IN ('todo', 'doing') AND (j.task_name <> 'turn' OR j.status <> 'failed')
   AND NOT EXISTS (SELECT FROM procrastinate_events e WHERE e.job_id = j.id AND e.at > now() - interval '7 days');

-- forget_dead_workers --
DELETE FROM procrastinate_workers WHERE last_heartbeat < now() - interval '1 hour';

-- inactive_customers --
-- Nothing owed, nothing waiting, and nothing said, decided, billed or paid since: what keeps their words has run out.
SELECT c.id FROM customer c
 WHERE c.status <> 'erased'
   AND NOT EXISTS (SELECT FROM activity_log a WHERE a.customer_id = c.id AND a.at > %(before)s)
   AND NOT EXISTS (SELECT FROM message m WHERE m.customer_id = c.id AND (m.at > %(before)s OR (m.direction = 'in' AND m.handled_at IS NULL)))
   AND NOT EXISTS (SELECT FROM invoice i WHERE i.customer_id = c.id AND NOT i.deleted
                      AND (i.balance_minor > 0 OR i.issue_date > %(before)s::date))
   AND NOT EXISTS (SELECT FROM payment p WHERE p.customer_id = c.id AND p.paid_on > %(before)s::date)
   AND EXISTS (SELECT FROM activity_log a WHERE a.customer_id = c.id)
 ORDER BY c.id LIMIT %(limit)s;
