-- lanes --
SELECT channel, tokens, refilled_at, failures, open_until FROM channel_lane
 WHERE %(channel)s::text IS NULL OR channel = %(channel)s ORDER BY channel;

-- lock_lane --
SELECT channel, tokens, refilled_at, failures, open_until FROM channel_lane WHERE channel = %(channel)s FOR UPDATE;

-- open_lane --
INSERT INTO channel_lane (channel) VALUES (%(channel)s) ON CONFLICT (channel) DO NOTHING;

-- spend --
UPDATE channel_lane SET tokens = %(tokens)s, refilled_at = %(refilled_at)s, open_until = %(open_until)s
 WHERE channel = %(channel)s;

-- answered --
UPDATE channel_lane SET failures = 0, open_until = NULL WHERE channel = %(channel)s AND failures > 0;

-- unanswered --
INSERT INTO channel_lane AS l (channel, failures, open_until)
VALUES (%(channel)s, %(failures)s, CASE WHEN %(failures)s >= %(threshold)s THEN %(until)s::timestamptz END)
    ON CONFLICT (channel) DO UPDATE SET failures = l.failures + excluded.failures,
       open_until = CASE WHEN l.failures + excluded.failures >= %(threshold)s THEN %(until)s ELSE l.open_until END;
