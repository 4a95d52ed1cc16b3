-- Who may ask: tokens and the console's sessions. Only hashes of their secrets are here.
CREATE TABLE desk_token (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    department TEXT,
    -- SHA-256 of the whole text, hexadecimal.
    hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    last_used_at BIGINT
);
-- The name in an audit event is one account.
CREATE UNIQUE INDEX desk_token_name ON desk_token (name) WHERE revoked_at IS NULL;

CREATE TABLE desk_session (
    -- SHA-256 of the cookie's secret, hexadecimal.
    hash TEXT NOT NULL PRIMARY KEY,
    token_id TEXT NOT NULL REFERENCES desk_token (id),
    begun_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL
);
CREATE INDEX desk_session_token ON desk_session (token_id, begun_at);
