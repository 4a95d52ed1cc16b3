-- Silences of notifications. The JSON is the silence; the columns are what is searched for.
CREATE TABLE silences (
    id TEXT NOT NULL PRIMARY KEY,
    status TEXT NOT NULL,
    -- 1: ended or past its time, and told of.
    over BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    -- When it next begins or ends; null once it is over.
    due_at BIGINT,
    version BIGINT NOT NULL,
    silence_json TEXT NOT NULL
);
CREATE INDEX silences_over ON silences (over, ends_at);

-- Code of the place that counts: what is wider than another incident is found by it.
ALTER TABLE cases ADD COLUMN place TEXT NOT NULL DEFAULT '';
