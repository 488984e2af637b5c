-- Bytes that were wanted again although they were stored already, and bytes that are taken away because nobody needs
-- them: whoever stores or names bytes looks here, so that none are taken away from under them.
CREATE TABLE stored_bytes (
    digest TEXT COLLATE "C" PRIMARY KEY,
    -- When they were last wanted.
    wanted_at BIGINT NOT NULL,
    -- From when on they are taken away.
    condemned_at BIGINT,
    -- When they were gone.
    removed_at BIGINT
);
CREATE INDEX stored_bytes_by_age ON stored_bytes (wanted_at);

-- Which bytes a URL stands for is asked by the bytes, too.
CREATE INDEX pinned_url_by_bytes ON pinned_url (bytes);
