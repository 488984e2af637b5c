-- What a project makes of packages that nobody it trusts has signed.
CREATE TABLE trust (
    project TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES project (name),
    -- off, warn, require
    signatures TEXT COLLATE "C" NOT NULL,
    changed_by TEXT COLLATE "C" NOT NULL,
    changed_at BIGINT NOT NULL
);

-- Keys that a project takes for those of a namespace. One that is revoked stays, so that it is never taken again.
CREATE TABLE trusted_key (
    project TEXT COLLATE "C" NOT NULL REFERENCES project (name),
    namespace TEXT COLLATE "C" NOT NULL,
    -- The digest of the key.
    id TEXT COLLATE "C" NOT NULL,
    public_key TEXT COLLATE "C" NOT NULL,
    is_warm BIGINT NOT NULL,
    added_by TEXT COLLATE "C" NOT NULL,
    added_at BIGINT NOT NULL,
    revoked_by TEXT COLLATE "C",
    revoked_at BIGINT,
    PRIMARY KEY (project, namespace, id)
);

-- The packages that revisions were made of.
CREATE TABLE provenance (
    revision TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES revision (id),
    project TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    -- The key whose signature held.
    signed_by TEXT COLLATE "C",
    pulled_by TEXT COLLATE "C" NOT NULL,
    pulled_at BIGINT NOT NULL
);
CREATE INDEX provenance_by_key ON provenance (project, signed_by) WHERE signed_by IS NOT NULL;
