-- A split of an agent's slot between releases. The rules never change; the shares do, with the phase.
CREATE TABLE experiments (
    id         TEXT PRIMARY KEY,
    agent_id   TEXT NOT NULL,
    slot       TEXT NOT NULL,
    status     TEXT NOT NULL,
    phase      INTEGER NOT NULL,
    rules      TEXT NOT NULL,
    variants   TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    started_by TEXT NOT NULL,
    ended_at   BIGINT,
    ended_by   TEXT,
    reason     TEXT,
    winner     TEXT
);
CREATE UNIQUE INDEX experiments_one_running ON experiments (agent_id, slot) WHERE status = 'running';
CREATE INDEX experiments_by_time ON experiments (agent_id, started_at, id);

-- The first time that a session was answered by a variant in a phase. The session is the number that also decides its variant, not its name.
CREATE TABLE experiment_exposures (
    experiment_id TEXT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    phase         INTEGER NOT NULL,
    session       BIGINT NOT NULL,
    variant       TEXT NOT NULL,
    exposed_at    BIGINT NOT NULL,
    PRIMARY KEY (experiment_id, phase, session)
);

-- How many they are.
CREATE TABLE experiment_counts (
    experiment_id TEXT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    phase         INTEGER NOT NULL,
    variant       TEXT NOT NULL,
    sessions      BIGINT NOT NULL,
    PRIMARY KEY (experiment_id, phase, variant)
);

-- The shares of a phase, as the experiment began it.
CREATE TABLE experiment_phases (
    experiment_id TEXT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    phase         INTEGER NOT NULL,
    variants      TEXT NOT NULL,
    started_at    BIGINT NOT NULL,
    PRIMARY KEY (experiment_id, phase)
);
