-- What a project makes of packages that nobody it trusts has signed.
CREATE TABLE trust (
    project TEXT NOT NULL PRIMARY KEY REFERENCES project (name),
    -- off, warn, require
    signatures TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- Keys that a project takes for those of a namespace. One that is revoked stays, so that it is never taken again.
CREATE TABLE trusted_key (
    project TEXT NOT NULL REFERENCES project (name),
    namespace TEXT NOT NULL,
    -- The digest of the key.
    id TEXT NOT NULL,
    public_key TEXT NOT NULL,
    is_warm BIGINT NOT NULL,
    added_by TEXT NOT NULL,
    added_at BIGINT NOT NULL,
    revoked_by TEXT,
    revoked_at BIGINT,
    PRIMARY KEY (project, namespace, id)
);

-- The packages that revisions were made of.
CREATE TABLE provenance (
    revision TEXT NOT NULL PRIMARY KEY REFERENCES revision (id),
    project TEXT NOT NULL,
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    -- The key whose signature held.
    signed_by TEXT,
    pulled_by TEXT NOT NULL,
    pulled_at BIGINT NOT NULL
);
CREATE INDEX provenance_by_key ON provenance (project, signed_by) WHERE signed_by IS NOT NULL;
