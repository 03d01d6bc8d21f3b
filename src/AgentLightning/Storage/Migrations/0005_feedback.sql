-- What people did or said about messages. Nothing is overwritten: later feedback of one user on one episode supersedes the earlier one.
-- user_id is '' for people who are not known. message_at is when the episode was made; opens is 1 on the first feedback that an episode got.
CREATE TABLE feedback (
    id            TEXT PRIMARY KEY,
    episode_id    TEXT NOT NULL REFERENCES episodes (id) ON DELETE CASCADE,
    agent_id      TEXT NOT NULL,
    message_id    TEXT NOT NULL,
    session_id    TEXT,
    user_id       TEXT NOT NULL,
    feedback_type TEXT NOT NULL,
    rating        INTEGER CHECK (rating >= 1 AND rating <= 5),
    helpful       INTEGER,
    accurate      INTEGER,
    complete      INTEGER,
    comment       TEXT,
    reward_score  DOUBLE PRECISION NOT NULL CHECK (reward_score >= 0 AND reward_score <= 1),
    is_current    INTEGER NOT NULL,
    opens         INTEGER NOT NULL,
    message_at    BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX feedback_one_current ON feedback (episode_id, user_id) WHERE is_current = 1;
CREATE INDEX feedback_by_episode ON feedback (episode_id, created_at, id);
CREATE INDEX feedback_by_agent ON feedback (agent_id, created_at, id);
CREATE INDEX feedback_by_time ON feedback (created_at, id);
CREATE INDEX feedback_by_user ON feedback (user_id) WHERE user_id <> '';
-- What statistics read, without the rows.
CREATE INDEX feedback_counted ON feedback (agent_id, is_current, created_at, feedback_type, reward_score);
CREATE INDEX feedback_answered ON feedback (agent_id, opens, message_at);

-- Lists of rewards by what they are asked for, and the least and the greatest.
CREATE INDEX rewards_by_episode ON rewards (episode_id, created_at, id);
CREATE INDEX rewards_by_source ON rewards (agent_id, source, created_at, id);
CREATE INDEX rewards_by_time ON rewards (created_at, id);
CREATE INDEX rewards_by_value ON rewards (agent_id, value) WHERE is_current = 1;
