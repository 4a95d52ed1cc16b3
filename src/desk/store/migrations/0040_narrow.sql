-- What is counted over all open cases is counted in an index.
CREATE INDEX cases_counts ON cases (closed, status, level, state);
