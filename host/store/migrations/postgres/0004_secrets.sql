-- Secrets: sealed values by name, and which key seals them.

CREATE TABLE secret (
    project TEXT COLLATE "C" NOT NULL REFERENCES project (name),
    name TEXT COLLATE "C" NOT NULL,
    -- Kept when the secret is deleted, so that no version stands for two values.
    version BIGINT NOT NULL,
    -- XChaCha20-Poly1305 in base64, nonce first, bound to project, name and version; empty once deleted.
    sealed TEXT COLLATE "C",
    -- Which key sealed it, by a hash of the key.
    key_id TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (project, name)
);

-- The key that seals what is set from now on. Hosts that share this database need it.
CREATE TABLE secret_key (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    key_id TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);

INSERT INTO generation (name, value) VALUES ('secrets', 0);
