-- Drills that a desk began and whose end is not known: whoever is the active desk then withdraws what they sent.
CREATE TABLE desk_drills (
    exercise TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    run_json TEXT NOT NULL
);
