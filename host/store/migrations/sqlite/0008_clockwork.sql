-- Schedules as hosts know them: since when they say what they say, and up to which moment they are done.
CREATE TABLE schedule (
    project TEXT NOT NULL,
    -- The function or the pipeline.
    function TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The expression and the zone; a change begins anew.
    says TEXT NOT NULL,
    -- Moments up to here are done, or were before it was there.
    since BIGINT NOT NULL,
    PRIMARY KEY (project, function, name)
);

-- Each moment of a schedule that was done, with its run, so that several hosts do it once.
CREATE TABLE firing (
    project TEXT NOT NULL,
    function TEXT NOT NULL,
    name TEXT NOT NULL,
    moment BIGINT NOT NULL,
    -- Empty where it was left out.
    run TEXT,
    -- The run that was still at work, where it was left out for that.
    left_out_for TEXT,
    fired_at BIGINT NOT NULL,
    PRIMARY KEY (project, function, name, moment)
);

-- How many events led to an event, itself included; and when it was handed over to whoever it wakes.
ALTER TABLE platform_event ADD COLUMN depth BIGINT NOT NULL DEFAULT 1;
ALTER TABLE platform_event ADD COLUMN taken_at BIGINT;
-- Nobody waits for what happened before.
UPDATE platform_event SET taken_at = happened_at;
CREATE INDEX platform_event_untaken ON platform_event (happened_at, id) WHERE taken_at IS NULL;

-- Pipelines that are kept in their project: every version, and which is in force.
CREATE TABLE standing_pipeline (
    project TEXT NOT NULL REFERENCES project (name),
    name TEXT NOT NULL,
    number BIGINT NOT NULL,
    -- The SHA-256 of the text.
    digest TEXT NOT NULL,
    yaml TEXT NOT NULL,
    description TEXT,
    -- What starts it by itself, as JSON.
    triggers TEXT NOT NULL,
    created_by TEXT NOT NULL,
    -- When it came into force last.
    since BIGINT NOT NULL,
    is_in_force BIGINT NOT NULL,
    PRIMARY KEY (project, name, number),
    UNIQUE (project, name, digest)
);
