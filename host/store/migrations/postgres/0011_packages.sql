-- A registry: repositories with manifests, tags and blobs, and what of them are versions of packages.

CREATE TABLE namespace (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- 1 where an admin knows who is behind it.
    is_verified BIGINT NOT NULL DEFAULT 0,
    created_by TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE namespace_owner (
    namespace TEXT COLLATE "C" NOT NULL REFERENCES namespace (name),
    owner TEXT COLLATE "C" NOT NULL,
    -- publisher, owner
    role TEXT COLLATE "C" NOT NULL,
    added_by TEXT COLLATE "C" NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (namespace, owner)
);

CREATE TABLE registry_blob (
    repository TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (repository, digest)
);
CREATE INDEX registry_blob_by_digest ON registry_blob (digest);

CREATE TABLE registry_manifest (
    repository TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    media_type TEXT COLLATE "C" NOT NULL,
    artifact_type TEXT COLLATE "C",
    -- The manifest that it says something about, which need not be there.
    subject TEXT COLLATE "C",
    size BIGINT NOT NULL,
    -- What it says of itself, in JSON.
    annotations TEXT COLLATE "C" NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (repository, digest)
);
CREATE INDEX registry_manifest_by_digest ON registry_manifest (digest);
CREATE INDEX registry_manifest_by_subject ON registry_manifest (repository, subject, created_at) WHERE subject IS NOT NULL;

-- What a manifest consists of: blobs, or other manifests.
CREATE TABLE registry_part (
    repository TEXT COLLATE "C" NOT NULL,
    manifest TEXT COLLATE "C" NOT NULL,
    part TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (repository, manifest, part),
    FOREIGN KEY (repository, manifest) REFERENCES registry_manifest (repository, digest)
);
CREATE INDEX registry_part_by_part ON registry_part (repository, part);

CREATE TABLE registry_tag (
    repository TEXT COLLATE "C" NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (repository, tag),
    FOREIGN KEY (repository, digest) REFERENCES registry_manifest (repository, digest)
);
CREATE INDEX registry_tag_by_digest ON registry_tag (repository, digest);

CREATE TABLE package (
    namespace TEXT COLLATE "C" NOT NULL REFERENCES namespace (name),
    name TEXT COLLATE "C" NOT NULL,
    -- The newest version that is offered and not yanked, and what it says; absent where there is none.
    latest TEXT COLLATE "C",
    description TEXT COLLATE "C" NOT NULL DEFAULT '',
    licenses TEXT COLLATE "C" NOT NULL DEFAULT '',
    -- Its words, a JSON list.
    categories TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    language TEXT COLLATE "C",
    -- What is searched beside the name, in lower case: words with spaces around each, and the description.
    words TEXT COLLATE "C" NOT NULL DEFAULT '',
    prose TEXT COLLATE "C" NOT NULL DEFAULT '',
    deprecated TEXT COLLATE "C",
    downloads BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (namespace, name)
);

CREATE TABLE package_version (
    namespace TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    component TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    -- What it says of itself, in JSON, with the manifest of the function.
    about TEXT COLLATE "C" NOT NULL,
    docs TEXT COLLATE "C",
    -- pending, listed, refused
    state TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C",
    yanked_by TEXT COLLATE "C",
    yanked_at BIGINT,
    yank_reason TEXT COLLATE "C",
    downloads BIGINT NOT NULL DEFAULT 0,
    published_by TEXT COLLATE "C" NOT NULL,
    published_at BIGINT NOT NULL,
    PRIMARY KEY (namespace, name, version),
    FOREIGN KEY (namespace, name) REFERENCES package (namespace, name)
);
CREATE INDEX package_version_by_digest ON package_version (namespace, name, digest);
CREATE INDEX package_version_pending ON package_version (published_at) WHERE state = 'pending';
