-- Tokens: who may ask this host for what. Of the secret only a digest is kept.
CREATE TABLE token (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    -- The one project it is for; every project, when empty.
    project TEXT,
    -- The SHA-256 of the secret part.
    digest TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_by TEXT,
    revoked_at BIGINT,
    -- About when: written once in a while, not at every use.
    last_used_at BIGINT
);
CREATE INDEX token_newest ON token (created_at, id);
CREATE INDEX token_by_name ON token (name) WHERE revoked_at IS NULL;

INSERT INTO generation (name, value) VALUES ('tokens', 0);

-- Where a change came from: the token that was shown, and the address it was shown from.
ALTER TABLE audit_event ADD COLUMN token TEXT;
ALTER TABLE audit_event ADD COLUMN from_address TEXT;
-- What concerns the whole host has an empty project; admins list every project at once.
CREATE INDEX audit_event_everywhere ON audit_event (happened_at, id);
