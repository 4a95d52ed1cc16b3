-- What somebody outside the console was, is to be or was not told: one row for a notice at a channel.
CREATE TABLE notifications (
    -- Of the notice.
    id TEXT NOT NULL,
    -- Receiver: webhook:NAME or email:NAME.
    channel TEXT NOT NULL,
    -- The message that it is part of, and its Idempotency-Key.
    message TEXT NOT NULL,
    -- Audit event.
    seq BIGINT NOT NULL,
    incident TEXT NOT NULL,
    status TEXT NOT NULL,
    department TEXT NOT NULL,
    kind TEXT NOT NULL,
    level BIGINT NOT NULL,
    -- pending, sent, dead, muted or skipped
    state TEXT NOT NULL,
    -- Why it was muted or skipped; how the last attempt failed.
    reason TEXT,
    attempts BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    -- When it was sent, died, or was decided not to be sent.
    done_at BIGINT,
    notice_json TEXT NOT NULL,
    PRIMARY KEY (id, channel)
);
CREATE INDEX notifications_due ON notifications (channel, state, due_at);
CREATE INDEX notifications_message ON notifications (message);
CREATE INDEX notifications_created ON notifications (created_at);

-- One row: the last audit event that was planned. What happened before the first start of this version is no news.
CREATE TABLE notify_cursor (
    id BIGINT PRIMARY KEY,
    seq BIGINT NOT NULL,
    -- The first event that was found too late, while what was missed is read.
    catch_up BIGINT
);
INSERT INTO notify_cursor SELECT 1, audit_seq, NULL FROM heads WHERE id = 1;
