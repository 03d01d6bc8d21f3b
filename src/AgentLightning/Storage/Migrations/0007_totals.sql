-- Exact totals, kept in the transaction that writes or deletes the rows they count, so that figures over a million episodes are read from a few thousand rows.
-- A day is the UTC day of the episode, counted from 1970; sums of rewards are in units of 1e-9. One key may lie in several slots, which writers at the same time do not share.
CREATE TABLE daily_totals (
    agent_id       TEXT NOT NULL,
    day            INTEGER NOT NULL,
    model          TEXT NOT NULL,
    intent         TEXT NOT NULL,
    persona        TEXT NOT NULL,
    slot           INTEGER NOT NULL,
    episodes       BIGINT NOT NULL,
    failed         BIGINT NOT NULL,
    rewards        BIGINT NOT NULL,
    reward_sum     BIGINT NOT NULL,
    reward_squares BIGINT NOT NULL,
    excellent      BIGINT NOT NULL,
    good           BIGINT NOT NULL,
    PRIMARY KEY (agent_id, day, model, intent, persona, slot)
);
INSERT INTO daily_totals (agent_id, day, model, intent, persona, slot, episodes, failed, rewards, reward_sum, reward_squares, excellent, good)
SELECT agent_id, day, model, intent, persona, 0, SUM(episodes), SUM(failed), SUM(rewards), SUM(reward_sum), SUM(reward_squares), SUM(excellent), SUM(good)
FROM (
    SELECT agent_id, created_at / 86400000000 AS day, COALESCE(model, '') AS model, COALESCE(intent, '') AS intent, COALESCE(persona, '') AS persona,
           1 AS episodes, CASE WHEN status = 'succeeded' THEN 0 ELSE 1 END AS failed, 0 AS rewards, 0 AS reward_sum, 0 AS reward_squares, 0 AS excellent, 0 AS good
    FROM episodes
    UNION ALL
    SELECT r.agent_id, e.created_at / 86400000000, COALESCE(e.model, ''), COALESCE(e.intent, ''), COALESCE(e.persona, ''), 0, 0, 1,
           CAST(ROUND(r.value * 1000000000) AS BIGINT), CAST(ROUND(r.value * r.value * 1000000000) AS BIGINT),
           CASE WHEN r.value >= 0.6 THEN 1 ELSE 0 END, CASE WHEN r.value >= 0 AND r.value < 0.6 THEN 1 ELSE 0 END
    FROM rewards r JOIN episodes e ON e.id = r.episode_id WHERE r.is_current = 1
) AS counted
GROUP BY agent_id, day, model, intent, persona;

-- What lists of all agents and the sweeps of retention read in order.
ALTER TABLE episodes ADD COLUMN payload_removed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX episodes_by_age ON episodes (created_at, id);
CREATE INDEX episodes_with_payload ON episodes (created_at, id) WHERE payload_removed = 0;

-- The release that had answered, beside the reward: the guard asks for the newest rewards of a release after every one.
ALTER TABLE rewards ADD COLUMN deployment_id TEXT;
UPDATE rewards SET deployment_id = (SELECT e.deployment_id FROM episodes e WHERE e.id = rewards.episode_id);
CREATE INDEX rewards_by_deployment ON rewards (deployment_id, created_at, id) WHERE is_current = 1 AND deployment_id IS NOT NULL;
