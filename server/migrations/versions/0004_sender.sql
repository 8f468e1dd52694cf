-- The sender. `check_at` says when somebody has to look at a row that left the queue: a claim whose sender may have died,
-- a message of unknown fate, a withdrawn one of which a person has still to hear. NULL: there is nothing more to do.
ALTER TABLE outbox ADD COLUMN check_at timestamptz;
UPDATE outbox SET check_at = coalesce(settled_at, claimed_at) WHERE state IN ('sending', 'unknown');
CREATE INDEX outbox_check ON outbox (check_at) WHERE check_at IS NOT NULL;

-- Each channel has a queue of its own, so that trouble on one never makes the other scan past its rows.
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (channel, not_before, id) WHERE state = 'queued';

-- A claim reads this index from its front, where the rows that left it lie dead: they are cleared away early.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1);

-- One row for each channel, shared by all senders on all machines: how much of its pace is spent, and whether its
-- provider is in trouble. No row: nothing was ever wrong, and no pace is set.
CREATE TABLE channel_lane (
    channel text PRIMARY KEY CHECK (channel IN ('email', 'sms')),
    tokens double precision NOT NULL DEFAULT 0 CHECK (tokens >= 0),   -- messages that may leave at once
    refilled_at timestamptz,                                          -- NULL: full
    failures int NOT NULL DEFAULT 0 CHECK (failures >= 0),            -- calls without an answer, one after the other
    open_until timestamptz                                            -- nothing is sent before; then one message tries
);
