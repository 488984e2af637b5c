-- How often where a run stands has changed, so that what a host remembers of it can be told from what it was before.
ALTER TABLE run ADD COLUMN changes BIGINT NOT NULL DEFAULT 0;

-- What URLs stand for in a run: the bytes it found there first.
CREATE TABLE pinned_url (
    run TEXT COLLATE "C" NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    -- SHA-256 of the URL, which may be longer than an index takes.
    url_digest TEXT COLLATE "C" NOT NULL,
    url TEXT COLLATE "C" NOT NULL,
    bytes TEXT COLLATE "C" NOT NULL,
    pinned_at BIGINT NOT NULL,
    PRIMARY KEY (run, url_digest)
);
