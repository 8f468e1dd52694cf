-- watch_turns --
-- When each turn's job was stored, first given to a worker, and gone because it was done: by the server's own clock, so
-- that it does not matter in which process that was. The job's own row is deleted when it is done.
CREATE TABLE bench_turn (key text PRIMARY KEY, stored_at timestamptz NOT NULL, fetched_at timestamptz, finished_at timestamptz);

CREATE FUNCTION bench_turn() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    CASE TG_OP
    WHEN 'INSERT' THEN INSERT INTO bench_turn VALUES (NEW.queueing_lock, clock_timestamp()) ON CONFLICT (key) DO NOTHING;
    WHEN 'UPDATE' THEN UPDATE bench_turn SET fetched_at = coalesce(fetched_at, clock_timestamp()) WHERE key = NEW.queueing_lock;
    ELSE UPDATE bench_turn SET finished_at = clock_timestamp() WHERE key = OLD.queueing_lock;
    END CASE;
    RETURN NULL;
END $$;

CREATE TRIGGER bench_stored AFTER INSERT ON procrastinate_jobs FOR EACH ROW
  WHEN (NEW.task_name = 'turn') EXECUTE FUNCTION bench_turn();
CREATE TRIGGER bench_fetched AFTER UPDATE OF status ON procrastinate_jobs FOR EACH ROW
  WHEN (NEW.task_name = 'turn' AND NEW.status = 'doing') EXECUTE FUNCTION bench_turn();
CREATE TRIGGER bench_finished AFTER DELETE ON procrastinate_jobs FOR EACH ROW
  WHEN (OLD.task_name = 'turn') EXECUTE FUNCTION bench_turn();

-- passages --
-- Milliseconds that each of these turns waited for a worker, and until it was done.
SELECT 1000 * extract(epoch FROM fetched_at - stored_at)::float8, 1000 * extract(epoch FROM finished_at - stored_at)::float8
  FROM bench_turn WHERE key = ANY(%(keys)s) AND finished_at IS NOT NULL;

-- unfinished --
SELECT count(*) FROM bench_turn WHERE key = ANY(%(keys)s) AND finished_at IS NULL;

-- seconds_of --
-- From the first of these turns stored to the last one done.
SELECT extract(epoch FROM max(finished_at) - min(stored_at))::float8 FROM bench_turn WHERE key = ANY(%(keys)s);

-- cycle_progress --
SELECT count(*), count(finished_at) FROM bench_turn WHERE key LIKE 'ladder:%%';

-- plan_cycle --
-- A day's plan of so many customers, each with one invoice that is eight days late and the ladder's first reminder due.
INSERT INTO customer (id, ext_system, ext_id, ext_fetched_at, raw_hash, name, kind, currency, time_zone, region, owner, terms_days)
SELECT 'n' || n, 'csv', 'n' || n, %(now)s, '', 'Thistledown Joinery ' || n, 'business', 'USD', 'America/Chicago', 'IL', 'carla', 30
  FROM generate_series(1, %(customers)s) AS g(n);
INSERT INTO contact (id, customer_id, name, channel, address, verified_at, consent)
SELECT 'n' || n || '-email', 'n' || n, 'Perpetua Aldersey', 'email', 'billing@n' || n || '.example', %(now)s::timestamptz - interval '90 days', 'granted'
  FROM generate_series(1, %(customers)s) AS g(n);
INSERT INTO invoice (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, number, issue_date, due_date, currency,
                     total_minor, paid_minor, balance_minor, ledger_state, payment_url)
SELECT 'n' || n || '-i', 'csv', 'n' || n || '-i', %(now)s, '', 'n' || n, 'INV-N' || n, %(today)s::date - 38, %(today)s::date - 8,
       'USD', 20000, 0, 20000, 'open', 'https://pay.example/n' || n
  FROM generate_series(1, %(customers)s) AS g(n);
INSERT INTO cycle_day (day, planned_at, steps) VALUES (%(today)s, %(now)s, %(customers)s);
INSERT INTO cycle_step (turn_key, customer_id, day, step, channel, anchor_invoice_id)
SELECT 'ladder:n' || n || ':n' || n || '-i:reminder_1:' || %(today)s::date, 'n' || n, %(today)s, 'reminder_1', 'email', 'n' || n || '-i'
  FROM generate_series(1, %(customers)s) AS g(n);

-- analyze --
ANALYZE customer, contact, invoice, cycle_step;
