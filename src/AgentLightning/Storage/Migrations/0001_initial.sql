-- Times are microseconds since 1970 UTC. Metadata rows are small; what is long lies in payload rows.

CREATE TABLE episodes (
    id                     TEXT PRIMARY KEY,
    agent_id               TEXT NOT NULL,
    session_id             TEXT,
    correlation_id         TEXT,
    model                  TEXT,
    deployment_id          TEXT,
    training_run_id        TEXT,
    status                 TEXT NOT NULL,
    internal               INTEGER NOT NULL DEFAULT 0,
    action                 TEXT,
    action_log_probability DOUBLE PRECISION,
    input_key              TEXT NOT NULL,
    latency_ms             DOUBLE PRECISION NOT NULL,
    created_at             BIGINT NOT NULL
);
CREATE INDEX episodes_by_time ON episodes (agent_id, created_at, id);
CREATE INDEX episodes_by_input ON episodes (agent_id, input_key, created_at, id);
CREATE INDEX episodes_by_deployment ON episodes (deployment_id) WHERE deployment_id IS NOT NULL;

CREATE TABLE episode_payloads (
    episode_id       TEXT PRIMARY KEY REFERENCES episodes (id) ON DELETE CASCADE,
    user_input       TEXT NOT NULL,
    assistant_output TEXT NOT NULL,
    tool_calls       TEXT,
    token_usage      TEXT,
    metadata         TEXT
);

-- Nothing is overwritten: a later reward of one source and evaluator supersedes the earlier one, which stays as history.
CREATE TABLE rewards (
    id         TEXT PRIMARY KEY,
    episode_id TEXT NOT NULL REFERENCES episodes (id) ON DELETE CASCADE,
    agent_id   TEXT NOT NULL,
    source     TEXT NOT NULL,
    evaluator  TEXT NOT NULL DEFAULT '',
    value      DOUBLE PRECISION NOT NULL CHECK (value >= -1 AND value <= 1),
    raw_value  DOUBLE PRECISION,
    scale      TEXT,
    correction TEXT,
    rubric     TEXT,
    comments   TEXT,
    is_current INTEGER NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX rewards_one_current ON rewards (episode_id, source, evaluator) WHERE is_current = 1;
CREATE INDEX rewards_by_agent ON rewards (agent_id, created_at, id);

CREATE TABLE datasets (
    id               TEXT PRIMARY KEY,
    agent_id         TEXT NOT NULL,
    name             TEXT NOT NULL,
    version          INTEGER NOT NULL,
    query_filter     TEXT NOT NULL,
    reward_threshold DOUBLE PRECISION,
    seed             BIGINT NOT NULL,
    training_count   INTEGER NOT NULL,
    validation_count INTEGER NOT NULL,
    episode_count    INTEGER NOT NULL,
    artifact         TEXT NOT NULL,
    created_at       BIGINT NOT NULL,
    UNIQUE (agent_id, name, version)
);

CREATE TABLE training_runs (
    id               TEXT PRIMARY KEY,
    agent_id         TEXT NOT NULL,
    dataset_id       TEXT NOT NULL REFERENCES datasets (id),
    engine           TEXT NOT NULL,
    method           TEXT NOT NULL,
    base_model       TEXT NOT NULL,
    tuned_model_name TEXT,
    artifact         TEXT,
    status           TEXT NOT NULL,
    hyperparameters  TEXT NOT NULL,
    metrics          TEXT,
    error_message    TEXT,
    created_at       BIGINT NOT NULL,
    started_at       BIGINT,
    completed_at     BIGINT
);
CREATE INDEX training_runs_by_time ON training_runs (agent_id, created_at, id);

CREATE TABLE evaluations (
    id              TEXT PRIMARY KEY,
    agent_id        TEXT NOT NULL,
    training_run_id TEXT NOT NULL REFERENCES training_runs (id),
    dataset_id      TEXT NOT NULL REFERENCES datasets (id),
    passed          INTEGER NOT NULL,
    report          TEXT NOT NULL,
    created_at      BIGINT NOT NULL
);
CREATE INDEX evaluations_by_run ON evaluations (training_run_id, created_at, id);

CREATE TABLE deployments (
    id               TEXT PRIMARY KEY,
    agent_id         TEXT NOT NULL,
    slot             TEXT NOT NULL,
    number           INTEGER NOT NULL,
    training_run_id  TEXT REFERENCES training_runs (id),
    evaluation_id    TEXT REFERENCES evaluations (id),
    tuned_model_name TEXT NOT NULL,
    artifact         TEXT,
    is_active        INTEGER NOT NULL,
    forced           INTEGER NOT NULL,
    replaces         TEXT REFERENCES deployments (id),
    promoted_at      BIGINT NOT NULL,
    promoted_by      TEXT NOT NULL,
    rollback_from    TEXT REFERENCES deployments (id),
    rollback_reason  TEXT,
    UNIQUE (agent_id, slot, number)
);
CREATE UNIQUE INDEX deployments_one_active ON deployments (agent_id, slot) WHERE is_active = 1;
