-- queue --
-- How long the oldest turns have been due, and how many jobs are held by a worker without a sign of life. Among the
-- hundred oldest, so that a look at a long queue costs no more than one at a short one.
SELECT coalesce((
           SELECT max(extract(epoch FROM now() - coalesce(j.scheduled_at, (
                      SELECT max(e.at) FROM procrastinate_events e WHERE e.job_id = j.id))))
             FROM (SELECT id, scheduled_at FROM procrastinate_jobs
                    WHERE status = 'todo' AND queue_name = 'turns' AND (scheduled_at IS NULL OR scheduled_at <= now())
                    ORDER BY id LIMIT 100) j), 0)::float8 AS lag_seconds,
       (SELECT count(*) FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
         WHERE j.status = 'doing' AND (w.id IS NULL OR w.last_heartbeat < now() - make_interval(secs => %(silent_seconds)s))
       ) AS stalled;

-- workers --
SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %(silent_seconds)s);

-- jobs --
SELECT queue_name, status::text, count(*) FROM procrastinate_jobs GROUP BY 1, 2;

-- outbox --
-- What has not come to an end, through its partial indexes; a queue of more than a hundred thousand reads as that many.
SELECT channel, 'queued', (SELECT count(*) FROM (SELECT FROM outbox o WHERE o.state = 'queued' AND o.channel = c.channel
                                                   LIMIT 100000) capped)
  FROM (VALUES ('email'), ('sms')) c (channel)
UNION ALL
SELECT channel, state, count(*) FROM outbox WHERE check_at IS NOT NULL AND state IN ('sending', 'unknown') GROUP BY 1, 2;

-- approvals --
SELECT kind, CASE WHEN age < interval '1 hour' THEN '<1h' WHEN age < interval '4 hours' THEN '<4h'
                  WHEN age < interval '24 hours' THEN '<24h' WHEN age < interval '48 hours' THEN '<48h'
                  ELSE '>=48h' END, count(*)
  FROM (SELECT kind, %(now)s - asked_at AS age FROM approval WHERE state IN ('pending', 'resuming')) waiting GROUP BY 1, 2;
