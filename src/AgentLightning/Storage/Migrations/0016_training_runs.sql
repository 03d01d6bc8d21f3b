-- What any server needs to execute a run, and to go on with it: who is asked to stop, how far it is, and where it was saved.
ALTER TABLE training_runs ADD COLUMN labels TEXT;
ALTER TABLE training_runs ADD COLUMN is_queued INTEGER NOT NULL DEFAULT 0;
ALTER TABLE training_runs ADD COLUMN cancel_requested INTEGER NOT NULL DEFAULT 0;
ALTER TABLE training_runs ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE training_runs ADD COLUMN step INTEGER;
ALTER TABLE training_runs ADD COLUMN steps INTEGER;
ALTER TABLE training_runs ADD COLUMN progressed_at BIGINT;
ALTER TABLE training_runs ADD COLUMN checkpoint TEXT;
ALTER TABLE training_runs ADD COLUMN checkpoint_step INTEGER;
CREATE INDEX training_runs_to_do ON training_runs (created_at, id) WHERE is_queued = 1 AND (status = 'pending' OR status = 'running');
CREATE INDEX training_runs_by_model ON training_runs (agent_id, tuned_model_name) WHERE tuned_model_name IS NOT NULL;

-- What a run says while it goes on: a message, or what a step measured. A bounded number of lines each.
CREATE TABLE training_log (
    run_id  TEXT NOT NULL REFERENCES training_runs (id) ON DELETE CASCADE,
    number  BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    step    INTEGER,
    message TEXT,
    metrics TEXT,
    PRIMARY KEY (run_id, number)
);
