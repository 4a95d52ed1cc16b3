-- Closed cases are listed latest first.
CREATE INDEX cases_latest ON cases (status, (-closed_at), rank, incident) WHERE closed = 1;
