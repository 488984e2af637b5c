-- Keyed state: what functions remember between calls, by bucket and key.

CREATE TABLE keyvalue (
    project TEXT COLLATE "C" NOT NULL,
    bucket TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    -- As it is where it is text, so that numbers and JSON can be read here; else in base64.
    value TEXT COLLATE "C" NOT NULL,
    is_base64 BIGINT NOT NULL,
    PRIMARY KEY (project, bucket, key)
);
