-- Requests that were sent under a key: which were begun, and what they were answered.
CREATE TABLE idempotency (
    project TEXT NOT NULL,
    -- What was asked, such as `function hello`.
    subject TEXT NOT NULL,
    principal TEXT NOT NULL,
    key TEXT NOT NULL,
    -- The identity of the request: the same for every attempt.
    id TEXT NOT NULL,
    -- The SHA-256 of the request.
    fingerprint TEXT NOT NULL,
    -- Grows whenever somebody begins; a writer with an older one has lost its turn.
    attempt BIGINT NOT NULL,
    -- Until when it counts as being executed; empty once it was answered.
    lease_until BIGINT,
    status BIGINT,
    headers TEXT,
    -- In base64; empty where it was too large to keep.
    body TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (project, subject, principal, key)
);
CREATE INDEX idempotency_by_age ON idempotency (expires_at);
