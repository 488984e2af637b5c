-- Triggers: those that are paused on every host, and what was told of them last.
CREATE TABLE trigger_state (
    project TEXT NOT NULL,
    function TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Why it is paused; empty while it is not.
    paused TEXT,
    -- Why it cannot read, as it was told last; empty once it reads again.
    unhealthy TEXT,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (project, function, name)
);

-- Events that were given up.
CREATE TABLE dead_letter (
    -- The same however often the event is read again.
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    function TEXT NOT NULL,
    trigger_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    happened_at BIGINT NOT NULL,
    -- The attributes as JSON; key and data in base64.
    event TEXT NOT NULL,
    data TEXT NOT NULL,
    -- Where it was read, as JSON.
    place TEXT,
    failure TEXT NOT NULL,
    revision TEXT,
    attempts BIGINT NOT NULL,
    replayed_at BIGINT,
    replayed_by TEXT
);
CREATE INDEX dead_letter_newest ON dead_letter (project, happened_at, id);
CREATE INDEX dead_letter_by_trigger ON dead_letter (project, function, trigger_name, happened_at, id);
CREATE INDEX dead_letter_by_age ON dead_letter (happened_at);
