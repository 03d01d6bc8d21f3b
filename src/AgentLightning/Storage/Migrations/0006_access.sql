-- Keys are kept as hashes: whoever reads the store cannot use them. Rows are never deleted, so that a store that had a key never becomes an open one.
CREATE TABLE api_keys (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    role         TEXT NOT NULL,
    agents       TEXT,
    key_hash     TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    revoked_at   BIGINT,
    last_used_at BIGINT
);

CREATE TABLE audit_entries (
    id       TEXT PRIMARY KEY,
    at       BIGINT NOT NULL,
    agent_id TEXT,
    actor    TEXT NOT NULL,
    action   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    outcome  TEXT NOT NULL,
    detail   TEXT
);
CREATE INDEX audit_entries_by_time ON audit_entries (at, id);
CREATE INDEX audit_entries_by_agent ON audit_entries (agent_id, at, id) WHERE agent_id IS NOT NULL;
