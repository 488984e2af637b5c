-- Topics and queues whose messages are models.
CREATE TABLE model_stream (
    project TEXT COLLATE "C" NOT NULL REFERENCES project (name),
    name TEXT COLLATE "C" NOT NULL,
    -- What is read, as a trigger in JSON.
    source TEXT COLLATE "C" NOT NULL,
    alias TEXT COLLATE "C" NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (project, name)
);

-- The message of a stream that brought a version, in JSON, and what it is known by when it is read again.
ALTER TABLE model_version ADD COLUMN origin TEXT COLLATE "C";
ALTER TABLE model_version ADD COLUMN origin_id TEXT COLLATE "C";
CREATE UNIQUE INDEX model_version_by_origin ON model_version (project, model, origin_id, digest) WHERE origin_id IS NOT NULL;
