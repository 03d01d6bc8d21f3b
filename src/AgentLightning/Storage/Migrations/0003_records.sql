-- What the doors of capture know of an episode, and what rewards are reported by.
ALTER TABLE episodes ADD COLUMN user_id TEXT;
ALTER TABLE episodes ADD COLUMN message_id TEXT;
ALTER TABLE episodes ADD COLUMN trace_id TEXT;
ALTER TABLE episodes ADD COLUMN intent TEXT;
ALTER TABLE episodes ADD COLUMN persona TEXT;
ALTER TABLE episodes ADD COLUMN time_to_first_token_ms DOUBLE PRECISION;
ALTER TABLE episodes ADD COLUMN tool_call_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE episodes ADD COLUMN tags TEXT;
-- A quote inside a value is written \", so that this counts the calls and nothing else.
UPDATE episodes SET tool_call_count = COALESCE(
    (SELECT (LENGTH(p.tool_calls) - LENGTH(REPLACE(p.tool_calls, '"tool_name":', ''))) / 12 FROM episode_payloads p WHERE p.episode_id = episodes.id), 0);
CREATE INDEX episodes_by_session ON episodes (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX episodes_by_user ON episodes (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX episodes_by_message ON episodes (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX episodes_by_trace ON episodes (trace_id) WHERE trace_id IS NOT NULL;

ALTER TABLE episode_payloads ADD COLUMN messages TEXT;
ALTER TABLE episode_payloads ADD COLUMN tokens TEXT;
ALTER TABLE episode_payloads ADD COLUMN error TEXT;
