-- A registry: repositories with manifests, tags and blobs, and what of them are versions of packages.

CREATE TABLE namespace (
    name TEXT NOT NULL PRIMARY KEY,
    -- 1 where an admin knows who is behind it.
    is_verified BIGINT NOT NULL DEFAULT 0,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE namespace_owner (
    namespace TEXT NOT NULL REFERENCES namespace (name),
    owner TEXT NOT NULL,
    -- publisher, owner
    role TEXT NOT NULL,
    added_by TEXT NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (namespace, owner)
);

CREATE TABLE registry_blob (
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    size BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (repository, digest)
);
CREATE INDEX registry_blob_by_digest ON registry_blob (digest);

CREATE TABLE registry_manifest (
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    media_type TEXT NOT NULL,
    artifact_type TEXT,
    -- The manifest that it says something about, which need not be there.
    subject TEXT,
    size BIGINT NOT NULL,
    -- What it says of itself, in JSON.
    annotations TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (repository, digest)
);
CREATE INDEX registry_manifest_by_digest ON registry_manifest (digest);
CREATE INDEX registry_manifest_by_subject ON registry_manifest (repository, subject, created_at) WHERE subject IS NOT NULL;

-- What a manifest consists of: blobs, or other manifests.
CREATE TABLE registry_part (
    repository TEXT NOT NULL,
    manifest TEXT NOT NULL,
    part TEXT NOT NULL,
    PRIMARY KEY (repository, manifest, part),
    FOREIGN KEY (repository, manifest) REFERENCES registry_manifest (repository, digest)
);
CREATE INDEX registry_part_by_part ON registry_part (repository, part);

CREATE TABLE registry_tag (
    repository TEXT NOT NULL,
    tag TEXT NOT NULL,
    digest TEXT NOT NULL,
    updated_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (repository, tag),
    FOREIGN KEY (repository, digest) REFERENCES registry_manifest (repository, digest)
);
CREATE INDEX registry_tag_by_digest ON registry_tag (repository, digest);

CREATE TABLE package (
    namespace TEXT NOT NULL REFERENCES namespace (name),
    name TEXT NOT NULL,
    -- The newest version that is offered and not yanked, and what it says; absent where there is none.
    latest TEXT,
    description TEXT NOT NULL DEFAULT '',
    licenses TEXT NOT NULL DEFAULT '',
    -- Its words, a JSON list.
    categories TEXT NOT NULL DEFAULT '[]',
    language TEXT,
    -- What is searched beside the name, in lower case: words with spaces around each, and the description.
    words TEXT NOT NULL DEFAULT '',
    prose TEXT NOT NULL DEFAULT '',
    deprecated TEXT,
    downloads BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (namespace, name)
);

CREATE TABLE package_version (
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    component TEXT NOT NULL,
    size BIGINT NOT NULL,
    -- What it says of itself, in JSON, with the manifest of the function.
    about TEXT NOT NULL,
    docs TEXT,
    -- pending, listed, refused
    state TEXT NOT NULL,
    reason TEXT,
    yanked_by TEXT,
    yanked_at BIGINT,
    yank_reason TEXT,
    downloads BIGINT NOT NULL DEFAULT 0,
    published_by TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    PRIMARY KEY (namespace, name, version),
    FOREIGN KEY (namespace, name) REFERENCES package (namespace, name)
);
CREATE INDEX package_version_by_digest ON package_version (namespace, name, digest);
CREATE INDEX package_version_pending ON package_version (published_at) WHERE state = 'pending';
