-- What the desk keeps. One text for SQLite and PostgreSQL: times are milliseconds since 1970, structures JSON text, truth 0 or 1.

CREATE TABLE cases (
    incident TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    state TEXT NOT NULL,
    closed BIGINT NOT NULL,
    level BIGINT NOT NULL,
    -- Position on the board: lower stands higher.
    rank BIGINT NOT NULL,
    hazard TEXT NOT NULL,
    -- Codes of the place and its ancestors, each between spaces.
    places TEXT NOT NULL,
    -- Lower-case words that a search finds it by.
    search TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    closed_at BIGINT,
    due_at BIGINT,
    agenda_at BIGINT,
    verdict TEXT,
    version BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    row_json TEXT NOT NULL,
    case_json TEXT NOT NULL
);
CREATE INDEX cases_board ON cases (status, closed, rank, opened_at, incident);
CREATE INDEX cases_updated ON cases (updated_at);
CREATE INDEX cases_closed ON cases (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX cases_due ON cases (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX cases_agenda ON cases (status, rank) WHERE agenda_at IS NOT NULL;

-- Revisions of the machine: every material one, and the newest.
CREATE TABLE revisions (
    incident TEXT NOT NULL,
    revision BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    material BIGINT NOT NULL,
    -- Whether it still quotes reports.
    excerpts BIGINT NOT NULL,
    alert_json TEXT NOT NULL,
    PRIMARY KEY (incident, revision)
);
CREATE INDEX revisions_excerpts ON revisions (sent) WHERE excerpts = 1;

CREATE TABLE obligations (
    incident TEXT NOT NULL,
    round BIGINT NOT NULL,
    number BIGINT NOT NULL,
    status TEXT NOT NULL,
    department TEXT NOT NULL,
    office TEXT NOT NULL,
    duty TEXT NOT NULL,
    required BIGINT NOT NULL,
    cause TEXT NOT NULL,
    state TEXT NOT NULL,
    pending BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    acknowledge_by BIGINT NOT NULL,
    dispose_by BIGINT NOT NULL,
    acknowledged_at BIGINT,
    disposed_at BIGINT,
    -- 1 in time, 0 too late or not at all, null while open.
    acknowledged_on_time BIGINT,
    disposed_on_time BIGINT,
    disposition TEXT,
    offered_to TEXT,
    PRIMARY KEY (incident, round, number)
);
CREATE INDEX obligations_department ON obligations (department, status, pending, dispose_by);

-- Everything that was decided or came about. Rows are appended and never changed: triggers see to that.
CREATE TABLE audit (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    incident TEXT,
    kind TEXT NOT NULL,
    actor TEXT,
    event_json TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX audit_incident ON audit (incident, seq);
CREATE INDEX audit_kind ON audit (kind, seq);

-- What a page has to draw again. Old ones are forgotten.
CREATE TABLE changes (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    incident TEXT NOT NULL,
    version BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    kind TEXT NOT NULL
);

-- What has to be published, in order.
CREATE TABLE outbox (
    seq BIGINT PRIMARY KEY,
    created_at BIGINT NOT NULL,
    topic TEXT NOT NULL,
    record_key TEXT NOT NULL,
    payload TEXT NOT NULL
);

-- The next offset to be read.
CREATE TABLE offsets (
    topic TEXT NOT NULL,
    number BIGINT NOT NULL,
    next BIGINT NOT NULL,
    PRIMARY KEY (topic, number)
);

-- One row: the ends of the sequences, and the epoch of the desk that may write.
CREATE TABLE heads (
    id BIGINT PRIMARY KEY,
    epoch BIGINT NOT NULL,
    writes BIGINT NOT NULL,
    audit_seq BIGINT NOT NULL,
    audit_hash TEXT NOT NULL,
    change_seq BIGINT NOT NULL,
    outbox_seq BIGINT NOT NULL
);
INSERT INTO heads VALUES (1, 0, 0, 0, '', 0, 0);

CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
INSERT INTO leases VALUES ('desk', '', 0, 0);
