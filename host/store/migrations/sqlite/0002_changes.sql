-- How often where a run stands has changed, so that what a host remembers of it can be told from what it was before.
ALTER TABLE run ADD COLUMN changes BIGINT NOT NULL DEFAULT 0;

-- What URLs stand for in a run: the bytes it found there first.
CREATE TABLE pinned_url (
    run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    -- SHA-256 of the URL, which may be longer than an index takes.
    url_digest TEXT NOT NULL,
    url TEXT NOT NULL,
    bytes TEXT NOT NULL,
    pinned_at BIGINT NOT NULL,
    PRIMARY KEY (run, url_digest)
);
