-- Keyed state: what functions remember between calls, by bucket and key.

CREATE TABLE keyvalue (
    project TEXT NOT NULL,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    -- As it is where it is text, so that numbers and JSON can be read here; else in base64.
    value TEXT NOT NULL,
    is_base64 BIGINT NOT NULL,
    PRIMARY KEY (project, bucket, key)
);
