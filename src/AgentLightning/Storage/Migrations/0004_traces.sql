-- OpenTelemetry as it came, after redaction. A log record that belongs to a span is a row beside it. Times of spans are nanoseconds since 1970 UTC.

-- due_at: when the episode is read out of the trace; NULL when it was read and nothing came since.
CREATE TABLE traces (
    trace_id        TEXT PRIMARY KEY,
    agent_id        TEXT NOT NULL,
    episode_id      TEXT REFERENCES episodes (id) ON DELETE CASCADE,
    has_root        INTEGER NOT NULL,
    first_at        BIGINT NOT NULL,
    last_at         BIGINT NOT NULL,
    due_at          BIGINT,
    read_at         BIGINT,
    payload_removed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX traces_by_due ON traces (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX traces_by_episode ON traces (episode_id) WHERE episode_id IS NOT NULL;
CREATE INDEX traces_by_age ON traces (first_at, trace_id);

-- body: NULL when retention has removed it. In the row, because a span is written once and in one piece: a second row for it would cost as much again.
CREATE TABLE spans (
    trace_id    TEXT NOT NULL REFERENCES traces (trace_id) ON DELETE CASCADE,
    span_id     TEXT NOT NULL,
    parent_id   TEXT,
    form        TEXT NOT NULL,
    name        TEXT NOT NULL,
    agent_id    TEXT NOT NULL,
    session_id  TEXT,
    user_id     TEXT,
    status      TEXT NOT NULL,
    marks       INTEGER NOT NULL,
    start_ns    BIGINT NOT NULL,
    end_ns      BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    body        BYTEA,
    PRIMARY KEY (trace_id, span_id)
);
-- Three of them in a page, as they are: by default each of 2 kB would be compressed and laid aside.
-- PostgreSQL: ALTER TABLE spans SET (toast_tuple_target = 8160);

-- What was received, by who sent it: the answer to "why is my trace empty?".
CREATE TABLE trace_counts (
    service  TEXT NOT NULL,
    scope    TEXT NOT NULL,
    what     TEXT NOT NULL,
    count    BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at  BIGINT NOT NULL,
    PRIMARY KEY (service, scope, what)
);
