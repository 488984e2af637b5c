-- Times are microseconds since the epoch.

CREATE TABLE installation (
    -- There is one row.
    one BIGINT PRIMARY KEY CHECK (one = 1),
    -- The identity of the artifact store that belongs to this database.
    artifact_store TEXT,
    created_at BIGINT NOT NULL
);

-- Grows with every change, so that hosts learn of it by asking for one number.
CREATE TABLE generation (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO generation (name, value) VALUES ('functions', 0), ('models', 0);

CREATE TABLE project (
    name TEXT PRIMARY KEY,
    created_at BIGINT NOT NULL
);

CREATE TABLE function (
    project TEXT NOT NULL REFERENCES project (name),
    name TEXT NOT NULL,
    -- The revision that answers; none once the function is deleted.
    active TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (project, name)
);

CREATE TABLE revision (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    function TEXT NOT NULL,
    number BIGINT NOT NULL,
    component TEXT NOT NULL,
    component_size BIGINT NOT NULL,
    manifest TEXT NOT NULL,
    manifest_digest TEXT NOT NULL,
    entries TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (project, function, number),
    UNIQUE (project, function, component, manifest_digest),
    FOREIGN KEY (project, function) REFERENCES function (project, name)
);

-- Which revision answered from when on; what rollback goes by.
CREATE TABLE activation (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    function TEXT NOT NULL,
    revision TEXT NOT NULL REFERENCES revision (id),
    activated_at BIGINT NOT NULL,
    activated_by TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX activation_newest ON activation (project, function, activated_at, id);

-- The HTTP routes of active revisions, so that two functions never answer the same requests.
CREATE TABLE route (
    project TEXT NOT NULL,
    function TEXT NOT NULL,
    -- Empty for any host.
    host TEXT NOT NULL,
    -- The path with the names of its variables left out.
    shape TEXT NOT NULL,
    -- `*` for any method.
    method TEXT NOT NULL,
    PRIMARY KEY (host, shape, method)
);
CREATE INDEX route_function ON route (project, function);

CREATE TABLE call (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    function TEXT NOT NULL,
    revision TEXT NOT NULL,
    entry TEXT NOT NULL,
    trigger_kind TEXT NOT NULL,
    trigger_name TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    events BIGINT NOT NULL,
    verdict TEXT NOT NULL,
    status BIGINT,
    failure TEXT,
    started_at BIGINT NOT NULL,
    duration_us BIGINT NOT NULL,
    cpu_us BIGINT NOT NULL,
    memory_bytes BIGINT NOT NULL,
    bytes_in BIGINT NOT NULL,
    bytes_out BIGINT NOT NULL,
    fresh BIGINT NOT NULL,
    models TEXT NOT NULL,
    principal TEXT NOT NULL,
    run TEXT
);
CREATE INDEX call_newest ON call (project, started_at, id);
CREATE INDEX call_by_function ON call (project, function, started_at, id);
CREATE INDEX call_by_age ON call (started_at);

-- Exact totals of every call, whatever is recorded of it.
CREATE TABLE call_total (
    revision TEXT NOT NULL,
    at_second BIGINT NOT NULL,
    verdict TEXT NOT NULL,
    calls BIGINT NOT NULL,
    events BIGINT NOT NULL,
    duration_us BIGINT NOT NULL,
    longest_us BIGINT NOT NULL,
    cpu_us BIGINT NOT NULL,
    bytes_in BIGINT NOT NULL,
    bytes_out BIGINT NOT NULL,
    PRIMARY KEY (revision, at_second, verdict)
);

CREATE TABLE log_line (
    id TEXT PRIMARY KEY,
    logged_at BIGINT NOT NULL,
    project TEXT NOT NULL,
    function TEXT NOT NULL,
    revision TEXT NOT NULL,
    call TEXT NOT NULL,
    run TEXT,
    step TEXT,
    stream TEXT NOT NULL,
    -- 0 for trace to 4 for error.
    level BIGINT NOT NULL,
    message TEXT NOT NULL,
    fields TEXT NOT NULL
);
CREATE INDEX log_line_by_function ON log_line (project, function, id);
CREATE INDEX log_line_by_call ON log_line (call, id);
CREATE INDEX log_line_by_run ON log_line (run, id) WHERE run IS NOT NULL;
CREATE INDEX log_line_by_age ON log_line (logged_at);

CREATE TABLE audit_event (
    id TEXT PRIMARY KEY,
    happened_at BIGINT NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    project TEXT NOT NULL,
    subject TEXT NOT NULL,
    details TEXT NOT NULL
);
CREATE INDEX audit_event_newest ON audit_event (project, happened_at, id);

-- What the platform tells of itself, written with the change it tells of.
CREATE TABLE platform_event (
    id TEXT PRIMARY KEY,
    happened_at BIGINT NOT NULL,
    project TEXT NOT NULL,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    content TEXT NOT NULL
);
CREATE INDEX platform_event_newest ON platform_event (project, happened_at, id);

CREATE TABLE run (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL REFERENCES project (name),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    owner TEXT NOT NULL,
    -- Everything that was asked for, as JSON, as it was written: the order of params and steps counts.
    spec TEXT NOT NULL,
    failure TEXT,
    reproduces TEXT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT
);
CREATE INDEX run_newest ON run (project, created_at, id);
CREATE INDEX run_by_state ON run (project, state, created_at, id);
CREATE INDEX run_by_name ON run (project, name, created_at, id);
CREATE INDEX run_by_name_and_state ON run (project, name, state, created_at, id);

CREATE TABLE run_label (
    project TEXT NOT NULL,
    label TEXT NOT NULL,
    value TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    PRIMARY KEY (run, label)
);
CREATE INDEX run_label_newest ON run_label (project, label, value, created_at, run);

CREATE TABLE step (
    run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    -- Counted from 0; -1 is the step itself.
    trial BIGINT NOT NULL,
    project TEXT NOT NULL,
    position BIGINT NOT NULL,
    state TEXT NOT NULL,
    -- Grows at every claim; a writer with an older one has lost its lease.
    attempt BIGINT NOT NULL,
    -- Claims before the last retry by hand, which starts counting anew.
    attempts_before BIGINT NOT NULL,
    -- Of a trial what makes it this trial; `params` is the whole of what it ran with.
    drawn TEXT,
    params TEXT NOT NULL,
    inputs TEXT NOT NULL,
    outputs TEXT NOT NULL,
    results TEXT NOT NULL,
    progress TEXT,
    failure TEXT,
    function TEXT,
    cache_key TEXT,
    cached_from TEXT,
    usage TEXT,
    models TEXT NOT NULL,
    not_before BIGINT,
    -- From when on it may be claimed.
    ready_at BIGINT,
    host TEXT,
    lease_until BIGINT,
    started_at BIGINT,
    finished_at BIGINT,
    PRIMARY KEY (run, step, trial)
);
CREATE INDEX step_ready ON step (ready_at, run, position, trial) WHERE state = 'ready';
CREATE INDEX step_leased ON step (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX step_cached ON step (project, cache_key, finished_at) WHERE state = 'done' AND cache_key IS NOT NULL;

CREATE TABLE metric (
    id TEXT PRIMARY KEY,
    run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    trial BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    name TEXT NOT NULL,
    -- Empty for NaN and the infinities; then `special` says which, because SQLite would store NaN as NULL.
    value REAL,
    special TEXT,
    at_step BIGINT,
    logged_at BIGINT NOT NULL
);
CREATE INDEX metric_in_order ON metric (run, step, trial, name, logged_at, id);

CREATE TABLE artifact (
    id TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    size BIGINT NOT NULL,
    project TEXT NOT NULL REFERENCES project (name),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    media_type TEXT,
    metadata TEXT NOT NULL,
    run TEXT REFERENCES run (id) ON DELETE CASCADE,
    -- `name`, or `name#3` for a trial.
    step TEXT,
    created_at BIGINT NOT NULL,
    UNIQUE (run, step, name)
);
CREATE INDEX artifact_newest ON artifact (project, created_at, id);
CREATE INDEX artifact_by_kind ON artifact (project, kind, created_at, id);
CREATE INDEX artifact_by_digest ON artifact (digest, created_at);

CREATE TABLE model (
    project TEXT NOT NULL REFERENCES project (name),
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (project, name)
);

CREATE TABLE model_version (
    project TEXT NOT NULL,
    model TEXT NOT NULL,
    number BIGINT NOT NULL,
    digest TEXT NOT NULL,
    format TEXT NOT NULL,
    signature TEXT NOT NULL,
    metrics TEXT NOT NULL,
    description TEXT,
    run TEXT,
    step TEXT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT,
    PRIMARY KEY (project, model, number),
    UNIQUE (project, model, run, step, digest),
    FOREIGN KEY (project, model) REFERENCES model (project, name)
);

CREATE TABLE model_alias (
    project TEXT NOT NULL,
    model TEXT NOT NULL,
    alias TEXT NOT NULL,
    number BIGINT NOT NULL,
    moved_at BIGINT NOT NULL,
    moved_by TEXT NOT NULL,
    PRIMARY KEY (project, model, alias),
    FOREIGN KEY (project, model, number) REFERENCES model_version (project, model, number)
);

-- Every move of an alias, with where it came from.
CREATE TABLE alias_move (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    model TEXT NOT NULL,
    alias TEXT NOT NULL,
    number BIGINT NOT NULL,
    previous BIGINT,
    moved_at BIGINT NOT NULL,
    moved_by TEXT NOT NULL
);
CREATE INDEX alias_move_newest ON alias_move (project, model, moved_at, id);

CREATE TABLE endpoint (
    project TEXT NOT NULL REFERENCES project (name),
    name TEXT NOT NULL,
    model TEXT NOT NULL,
    updated_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (project, name)
);

-- Documented views, for people's own queries; their columns are a promise.
CREATE VIEW runs AS
SELECT
    id, project, kind, name, state, owner,
    spec -> '$.params' AS params,
    spec ->> '$.seed' AS seed,
    spec ->> '$.as_of' AS as_of,
    spec -> '$.labels' AS labels,
    spec -> '$.source' AS source,
    spec -> '$.platform' AS platform,
    failure AS failure,
    reproduces,
    strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000000.0, 'unixepoch') AS created_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', started_at / 1000000.0, 'unixepoch') AS started_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', finished_at / 1000000.0, 'unixepoch') AS finished_at,
    (finished_at - created_at) / 1000.0 AS duration_ms
FROM run;

CREATE VIEW artifacts AS
SELECT
    id, digest, size, project, name, kind, media_type,
    metadata AS metadata,
    run, step,
    strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000000.0, 'unixepoch') AS created_at
FROM artifact;
