-- Requests that were sent under a key: which were begun, and what they were answered.
CREATE TABLE idempotency (
    project TEXT COLLATE "C" NOT NULL,
    -- What was asked, such as `function hello`.
    subject TEXT COLLATE "C" NOT NULL,
    principal TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    -- The identity of the request: the same for every attempt.
    id TEXT COLLATE "C" NOT NULL,
    -- The SHA-256 of the request.
    fingerprint TEXT COLLATE "C" NOT NULL,
    -- Grows whenever somebody begins; a writer with an older one has lost its turn.
    attempt BIGINT NOT NULL,
    -- Until when it counts as being executed; empty once it was answered.
    lease_until BIGINT,
    status BIGINT,
    headers TEXT COLLATE "C",
    -- In base64; empty where it was too large to keep.
    body TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (project, subject, principal, key)
);
CREATE INDEX idempotency_by_age ON idempotency (expires_at);
