-- CAP messages that somebody was handed: a message never changes, and later ones refer to it.
CREATE TABLE cap_messages (
    incident TEXT NOT NULL,
    identifier TEXT NOT NULL,
    status TEXT NOT NULL,
    sent BIGINT NOT NULL,
    msg_type TEXT NOT NULL,
    xml TEXT NOT NULL,
    PRIMARY KEY (incident, identifier)
);
