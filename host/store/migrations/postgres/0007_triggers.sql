-- Triggers: those that are paused on every host, and what was told of them last.
CREATE TABLE trigger_state (
    project TEXT COLLATE "C" NOT NULL,
    function TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    -- Why it is paused; empty while it is not.
    paused TEXT COLLATE "C",
    -- Why it cannot read, as it was told last; empty once it reads again.
    unhealthy TEXT COLLATE "C",
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (project, function, name)
);

-- Events that were given up.
CREATE TABLE dead_letter (
    -- The same however often the event is read again.
    id TEXT COLLATE "C" PRIMARY KEY,
    project TEXT COLLATE "C" NOT NULL,
    function TEXT COLLATE "C" NOT NULL,
    trigger_name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    happened_at BIGINT NOT NULL,
    -- The attributes as JSON; key and data in base64.
    event TEXT COLLATE "C" NOT NULL,
    data TEXT COLLATE "C" NOT NULL,
    -- Where it was read, as JSON.
    place TEXT COLLATE "C",
    failure TEXT COLLATE "C" NOT NULL,
    revision TEXT COLLATE "C",
    attempts BIGINT NOT NULL,
    replayed_at BIGINT,
    replayed_by TEXT COLLATE "C"
);
CREATE INDEX dead_letter_newest ON dead_letter (project, happened_at, id);
CREATE INDEX dead_letter_by_trigger ON dead_letter (project, function, trigger_name, happened_at, id);
CREATE INDEX dead_letter_by_age ON dead_letter (happened_at);
