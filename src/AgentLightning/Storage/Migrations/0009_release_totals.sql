-- Tokens in the row of facts: they outlive the payload, and a deletion takes off what was added.
ALTER TABLE episodes ADD COLUMN prompt_tokens BIGINT;
ALTER TABLE episodes ADD COLUMN completion_tokens BIGINT;
-- SQLite: UPDATE episodes SET prompt_tokens = (SELECT json_extract(p.token_usage, '$.prompt') FROM episode_payloads p WHERE p.episode_id = episodes.id), completion_tokens = (SELECT json_extract(p.token_usage, '$.completion') FROM episode_payloads p WHERE p.episode_id = episodes.id);
-- PostgreSQL: UPDATE episodes SET prompt_tokens = (p.token_usage::json ->> 'prompt')::bigint, completion_tokens = (p.token_usage::json ->> 'completion')::bigint FROM episode_payloads p WHERE p.episode_id = episodes.id AND p.token_usage IS NOT NULL;

-- Exact totals of each release, kept as the daily ones are. Latency is in microseconds, sums of rewards are in units of 1e-9. Cost is in tokens: what one costs is the reader's to say.
CREATE TABLE release_totals (
    deployment_id     TEXT NOT NULL,
    agent_id          TEXT NOT NULL,
    slot              INTEGER NOT NULL,
    episodes          BIGINT NOT NULL,
    failed            BIGINT NOT NULL,
    latency           BIGINT NOT NULL,
    prompt_tokens     BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    rewards           BIGINT NOT NULL,
    reward_sum        BIGINT NOT NULL,
    reward_squares    BIGINT NOT NULL,
    PRIMARY KEY (deployment_id, agent_id, slot)
);
INSERT INTO release_totals (deployment_id, agent_id, slot, episodes, failed, latency, prompt_tokens, completion_tokens, rewards, reward_sum, reward_squares)
SELECT deployment_id, agent_id, 0, SUM(episodes), SUM(failed), SUM(latency), SUM(prompt_tokens), SUM(completion_tokens), SUM(rewards), SUM(reward_sum), SUM(reward_squares)
FROM (
    SELECT deployment_id, agent_id, 1 AS episodes, CASE WHEN status = 'succeeded' THEN 0 ELSE 1 END AS failed, CAST(ROUND(latency_ms * 1000) AS BIGINT) AS latency,
           COALESCE(prompt_tokens, 0) AS prompt_tokens, COALESCE(completion_tokens, 0) AS completion_tokens, 0 AS rewards, 0 AS reward_sum, 0 AS reward_squares
    FROM episodes WHERE deployment_id IS NOT NULL
    UNION ALL
    SELECT deployment_id, agent_id, 0, 0, 0, 0, 0, 1, CAST(ROUND(value * 1000000000) AS BIGINT), CAST(ROUND(value * value * 1000000000) AS BIGINT)
    FROM rewards WHERE is_current = 1 AND deployment_id IS NOT NULL
) AS counted
GROUP BY deployment_id, agent_id;
