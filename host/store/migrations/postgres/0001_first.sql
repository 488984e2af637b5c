-- Text sorts by bytes, as on SQLite, so that pages are cut the same way. Times are microseconds since the epoch.

CREATE TABLE installation (
    -- There is one row.
    one BIGINT PRIMARY KEY CHECK (one = 1),
    -- The identity of the artifact store that belongs to this database.
    artifact_store TEXT COLLATE "C",
    created_at BIGINT NOT NULL
);

-- Grows with every change, so that hosts learn of it by asking for one number.
CREATE TABLE generation (
    name TEXT COLLATE "C" PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO generation (name, value) VALUES ('functions', 0), ('models', 0);

CREATE TABLE project (
    name TEXT COLLATE "C" PRIMARY KEY,
    created_at BIGINT NOT NULL
);

CREATE TABLE function (
    project TEXT COLLATE "C" NOT NULL REFERENCES project (name),
    name TEXT COLLATE "C" NOT NULL,
    -- The revision that answers; none once the function is deleted.
    active TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    PRIMARY KEY (project, name)
);

CREATE TABLE revision (
    id TEXT COLLATE "C" PRIMARY KEY,
    project TEXT COLLATE "C" NOT NULL,
    function TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    component TEXT COLLATE "C" NOT NULL,
    component_size BIGINT NOT NULL,
    manifest TEXT COLLATE "C" NOT NULL,
    manifest_digest TEXT COLLATE "C" NOT NULL,
    entries TEXT COLLATE "C" NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (project, function, number),
    UNIQUE (project, function, component, manifest_digest),
    FOREIGN KEY (project, function) REFERENCES function (project, name)
);

-- Which revision answered from when on; what rollback goes by.
CREATE TABLE activation (
    id TEXT COLLATE "C" PRIMARY KEY,
    project TEXT COLLATE "C" NOT NULL,
    function TEXT COLLATE "C" NOT NULL,
    revision TEXT COLLATE "C" NOT NULL REFERENCES revision (id),
    activated_at BIGINT NOT NULL,
    activated_by TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL
);
CREATE INDEX activation_newest ON activation (project, function, activated_at, id);

-- The HTTP routes of active revisions, so that two functions never answer the same requests.
CREATE TABLE route (
    project TEXT COLLATE "C" NOT NULL,
    function TEXT COLLATE "C" NOT NULL,
    -- Empty for any host.
    host TEXT COLLATE "C" NOT NULL,
    -- The path with the names of its variables left out.
    shape TEXT COLLATE "C" NOT NULL,
    -- `*` for any method.
    method TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (host, shape, method)
);
CREATE INDEX route_function ON route (project, function);

CREATE TABLE call (
    id TEXT COLLATE "C" PRIMARY KEY,
    project TEXT COLLATE "C" NOT NULL,
    function TEXT COLLATE "C" NOT NULL,
    revision TEXT COLLATE "C" NOT NULL,
    entry TEXT COLLATE "C" NOT NULL,
    trigger_kind TEXT COLLATE "C" NOT NULL,
    trigger_name TEXT COLLATE "C" NOT NULL,
    attempt BIGINT NOT NULL,
    events BIGINT NOT NULL,
    verdict TEXT COLLATE "C" NOT NULL,
    status BIGINT,
    failure TEXT COLLATE "C",
    started_at BIGINT NOT NULL,
    duration_us BIGINT NOT NULL,
    cpu_us BIGINT NOT NULL,
    memory_bytes BIGINT NOT NULL,
    bytes_in BIGINT NOT NULL,
    bytes_out BIGINT NOT NULL,
    fresh BIGINT NOT NULL,
    models TEXT COLLATE "C" NOT NULL,
    principal TEXT COLLATE "C" NOT NULL,
    run TEXT COLLATE "C"
);
CREATE INDEX call_newest ON call (project, started_at, id);
CREATE INDEX call_by_function ON call (project, function, started_at, id);
CREATE INDEX call_by_age ON call (started_at);

-- Exact totals of every call, whatever is recorded of it.
CREATE TABLE call_total (
    revision TEXT COLLATE "C" NOT NULL,
    at_second BIGINT NOT NULL,
    verdict TEXT COLLATE "C" NOT NULL,
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
    id TEXT COLLATE "C" PRIMARY KEY,
    logged_at BIGINT NOT NULL,
    project TEXT COLLATE "C" NOT NULL,
    function TEXT COLLATE "C" NOT NULL,
    revision TEXT COLLATE "C" NOT NULL,
    call TEXT COLLATE "C" NOT NULL,
    run TEXT COLLATE "C",
    step TEXT COLLATE "C",
    stream TEXT COLLATE "C" NOT NULL,
    -- 0 for trace to 4 for error.
    level BIGINT NOT NULL,
    message TEXT COLLATE "C" NOT NULL,
    fields TEXT COLLATE "C" NOT NULL
);
CREATE INDEX log_line_by_function ON log_line (project, function, id);
CREATE INDEX log_line_by_call ON log_line (call, id);
CREATE INDEX log_line_by_run ON log_line (run, id) WHERE run IS NOT NULL;
CREATE INDEX log_line_by_age ON log_line (logged_at);

CREATE TABLE audit_event (
    id TEXT COLLATE "C" PRIMARY KEY,
    happened_at BIGINT NOT NULL,
    who TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    project TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    details TEXT COLLATE "C" NOT NULL
);
CREATE INDEX audit_event_newest ON audit_event (project, happened_at, id);

-- What the platform tells of itself, written with the change it tells of.
CREATE TABLE platform_event (
    id TEXT COLLATE "C" PRIMARY KEY,
    happened_at BIGINT NOT NULL,
    project TEXT COLLATE "C" NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    content TEXT COLLATE "C" NOT NULL
);
CREATE INDEX platform_event_newest ON platform_event (project, happened_at, id);

CREATE TABLE run (
    id TEXT COLLATE "C" PRIMARY KEY,
    project TEXT COLLATE "C" NOT NULL REFERENCES project (name),
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    -- Everything that was asked for, as JSON, as it was written: the order of params and steps counts.
    spec TEXT COLLATE "C" NOT NULL,
    failure TEXT COLLATE "C",
    reproduces TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT
);
CREATE INDEX run_newest ON run (project, created_at, id);
CREATE INDEX run_by_state ON run (project, state, created_at, id);
CREATE INDEX run_by_name ON run (project, name, created_at, id);
CREATE INDEX run_by_name_and_state ON run (project, name, state, created_at, id);

CREATE TABLE run_label (
    project TEXT COLLATE "C" NOT NULL,
    label TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    run TEXT COLLATE "C" NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    PRIMARY KEY (run, label)
);
CREATE INDEX run_label_newest ON run_label (project, label, value, created_at, run);

CREATE TABLE step (
    run TEXT COLLATE "C" NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    step TEXT COLLATE "C" NOT NULL,
    -- Counted from 0; -1 is the step itself.
    trial BIGINT NOT NULL,
    project TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    -- Grows at every claim; a writer with an older one has lost its lease.
    attempt BIGINT NOT NULL,
    -- Claims before the last retry by hand, which starts counting anew.
    attempts_before BIGINT NOT NULL,
    -- Of a trial what makes it this trial; `params` is the whole of what it ran with.
    drawn TEXT COLLATE "C",
    params TEXT COLLATE "C" NOT NULL,
    inputs TEXT COLLATE "C" NOT NULL,
    outputs TEXT COLLATE "C" NOT NULL,
    results TEXT COLLATE "C" NOT NULL,
    progress TEXT COLLATE "C",
    failure TEXT COLLATE "C",
    function TEXT COLLATE "C",
    cache_key TEXT COLLATE "C",
    cached_from TEXT COLLATE "C",
    usage TEXT COLLATE "C",
    models TEXT COLLATE "C" NOT NULL,
    not_before BIGINT,
    -- From when on it may be claimed.
    ready_at BIGINT,
    host TEXT COLLATE "C",
    lease_until BIGINT,
    started_at BIGINT,
    finished_at BIGINT,
    PRIMARY KEY (run, step, trial)
);
CREATE INDEX step_ready ON step (ready_at, run, position, trial) WHERE state = 'ready';
CREATE INDEX step_leased ON step (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX step_cached ON step (project, cache_key, finished_at) WHERE state = 'done' AND cache_key IS NOT NULL;

CREATE TABLE metric (
    id TEXT COLLATE "C" PRIMARY KEY,
    run TEXT COLLATE "C" NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    step TEXT COLLATE "C" NOT NULL,
    trial BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    -- Empty for NaN and the infinities; then `special` says which, because SQLite would store NaN as NULL.
    value DOUBLE PRECISION,
    special TEXT COLLATE "C",
    at_step BIGINT,
    logged_at BIGINT NOT NULL
);
CREATE INDEX metric_in_order ON metric (run, step, trial, name, logged_at, id);

CREATE TABLE artifact (
    id TEXT COLLATE "C" PRIMARY KEY,
    digest TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    project TEXT COLLATE "C" NOT NULL REFERENCES project (name),
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    media_type TEXT COLLATE "C",
    metadata TEXT COLLATE "C" NOT NULL,
    run TEXT COLLATE "C" REFERENCES run (id) ON DELETE CASCADE,
    -- `name`, or `name#3` for a trial.
    step TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    UNIQUE (run, step, name)
);
CREATE INDEX artifact_newest ON artifact (project, created_at, id);
CREATE INDEX artifact_by_kind ON artifact (project, kind, created_at, id);
CREATE INDEX artifact_by_digest ON artifact (digest, created_at);

CREATE TABLE model (
    project TEXT COLLATE "C" NOT NULL REFERENCES project (name),
    name TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (project, name)
);

CREATE TABLE model_version (
    project TEXT COLLATE "C" NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    format TEXT COLLATE "C" NOT NULL,
    signature TEXT COLLATE "C" NOT NULL,
    metrics TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C",
    run TEXT COLLATE "C",
    step TEXT COLLATE "C",
    created_by TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT,
    PRIMARY KEY (project, model, number),
    UNIQUE (project, model, run, step, digest),
    FOREIGN KEY (project, model) REFERENCES model (project, name)
);

CREATE TABLE model_alias (
    project TEXT COLLATE "C" NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    alias TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    moved_at BIGINT NOT NULL,
    moved_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (project, model, alias),
    FOREIGN KEY (project, model, number) REFERENCES model_version (project, model, number)
);

-- Every move of an alias, with where it came from.
CREATE TABLE alias_move (
    id TEXT COLLATE "C" PRIMARY KEY,
    project TEXT COLLATE "C" NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    alias TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    previous BIGINT,
    moved_at BIGINT NOT NULL,
    moved_by TEXT COLLATE "C" NOT NULL
);
CREATE INDEX alias_move_newest ON alias_move (project, model, moved_at, id);

CREATE TABLE endpoint (
    project TEXT COLLATE "C" NOT NULL REFERENCES project (name),
    name TEXT COLLATE "C" NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (project, name)
);

-- Documented views, for people's own queries; their columns are a promise.
CREATE VIEW runs AS
SELECT
    id, project, kind, name, state, owner,
    CAST(spec AS JSONB) -> 'params' AS params,
    CAST(CAST(spec AS JSONB) ->> 'seed' AS NUMERIC) AS seed,
    CAST(CAST(spec AS JSONB) ->> 'as_of' AS TIMESTAMPTZ) AS as_of,
    CAST(spec AS JSONB) -> 'labels' AS labels,
    CAST(spec AS JSONB) -> 'source' AS source,
    CAST(spec AS JSONB) -> 'platform' AS platform,
    CAST(failure AS JSONB) AS failure,
    reproduces,
    TIMESTAMPTZ 'epoch' + created_at * INTERVAL '1 microsecond' AS created_at,
    TIMESTAMPTZ 'epoch' + started_at * INTERVAL '1 microsecond' AS started_at,
    TIMESTAMPTZ 'epoch' + finished_at * INTERVAL '1 microsecond' AS finished_at,
    (finished_at - created_at) / 1000.0 AS duration_ms
FROM run;

CREATE VIEW artifacts AS
SELECT
    id, digest, size, project, name, kind, media_type,
    CAST(metadata AS JSONB) AS metadata,
    run, step,
    TIMESTAMPTZ 'epoch' + created_at * INTERVAL '1 microsecond' AS created_at
FROM artifact;
