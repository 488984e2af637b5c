-- How often an event was given up: more than once where it was read or replayed again, and failed again.
ALTER TABLE dead_letter ADD COLUMN times BIGINT NOT NULL DEFAULT 1;
-- Events of the platform and runs that were woken by events are forgotten by their age.
CREATE INDEX platform_event_by_age ON platform_event (happened_at);
CREATE INDEX run_woken_by_age ON run (finished_at) WHERE kind = 'event';
