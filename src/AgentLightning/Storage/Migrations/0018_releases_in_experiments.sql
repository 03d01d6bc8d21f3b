-- What a release was part of, why it was forced, and why it was taken off.
ALTER TABLE deployments ADD COLUMN experiment_id TEXT;
ALTER TABLE deployments ADD COLUMN is_candidate INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deployments ADD COLUMN force_reason TEXT;
ALTER TABLE deployments ADD COLUMN deactivated_at BIGINT;
ALTER TABLE deployments ADD COLUMN deactivation_reason TEXT;

-- The totals of releases again, with the squares of tokens, of which the spread of the cost is told. What says more than 3,000,000 tokens counts as so many there.
DROP TABLE release_totals;
CREATE TABLE release_totals (
    deployment_id     TEXT NOT NULL,
    agent_id          TEXT NOT NULL,
    slot              INTEGER NOT NULL,
    episodes          BIGINT NOT NULL,
    failed            BIGINT NOT NULL,
    latency           BIGINT NOT NULL,
    prompt_tokens     BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    token_squares     BIGINT NOT NULL,
    rewards           BIGINT NOT NULL,
    reward_sum        BIGINT NOT NULL,
    reward_squares    BIGINT NOT NULL,
    PRIMARY KEY (deployment_id, agent_id, slot)
);
INSERT INTO release_totals (deployment_id, agent_id, slot, episodes, failed, latency, prompt_tokens, completion_tokens, token_squares, rewards, reward_sum, reward_squares)
SELECT deployment_id, agent_id, 0, SUM(episodes), SUM(failed), SUM(latency), SUM(prompt_tokens), SUM(completion_tokens), SUM(token_squares), SUM(rewards), SUM(reward_sum), SUM(reward_squares)
FROM (
    SELECT deployment_id, agent_id, 1 AS episodes, CASE WHEN status = 'succeeded' THEN 0 ELSE 1 END AS failed, CAST(ROUND(latency_ms * 1000) AS BIGINT) AS latency,
           COALESCE(prompt_tokens, 0) AS prompt_tokens, COALESCE(completion_tokens, 0) AS completion_tokens,
           CASE WHEN COALESCE(prompt_tokens, 0) + COALESCE(completion_tokens, 0) > 3000000 THEN 9000000000000
                ELSE (COALESCE(prompt_tokens, 0) + COALESCE(completion_tokens, 0)) * (COALESCE(prompt_tokens, 0) + COALESCE(completion_tokens, 0)) END AS token_squares,
           0 AS rewards, 0 AS reward_sum, 0 AS reward_squares
    FROM episodes WHERE deployment_id IS NOT NULL
    UNION ALL
    SELECT deployment_id, agent_id, 0, 0, 0, 0, 0, 0, 1, CAST(ROUND(value * 1000000000) AS BIGINT), CAST(ROUND(value * value * 1000000000) AS BIGINT)
    FROM rewards WHERE is_current = 1 AND deployment_id IS NOT NULL
) AS counted
GROUP BY deployment_id, agent_id;

-- How long the episodes of a release took: how many lie between two edges, which are 1 ms and the 79 after it, each 2^(1/4) times the one before, in microseconds.
CREATE TABLE release_latencies (
    deployment_id TEXT NOT NULL,
    agent_id      TEXT NOT NULL,
    bucket        INTEGER NOT NULL,
    slot          INTEGER NOT NULL,
    episodes      BIGINT NOT NULL,
    PRIMARY KEY (deployment_id, agent_id, bucket, slot)
);
INSERT INTO release_latencies (deployment_id, agent_id, bucket, slot, episodes)
SELECT deployment_id, agent_id, bucket, 0, COUNT(*)
FROM (
    SELECT deployment_id, agent_id, (SELECT COUNT(*) FROM (VALUES
        (1000), (1189), (1414), (1682), (2000), (2378), (2828), (3364), (4000), (4757), (5657), (6727), (8000), (9514), (11314), 
        (13454), (16000), (19027), (22627), (26909), (32000), (38055), (45255), (53817), (64000), (76109), (90510), (107635), 
        (128000), (152219), (181019), (215269), (256000), (304437), (362039), (430539), (512000), (608874), (724077), (861078), 
        (1024000), (1217748), (1448155), (1722156), (2048000), (2435496), (2896309), (3444312), (4096000), (4870992), (5792619), 
        (6888623), (8192000), (9741985), (11585238), (13777247), (16384000), (19483969), (23170475), (27554494), (32768000), 
        (38967939), (46340950), (55108987), (65536000), (77935877), (92681900), (110217975), (131072000), (155871755), 
        (185363800), (220435950), (262144000), (311743510), (370727600), (440871900), (524288000), (623487020), (741455200), 
        (881743800)
    ) AS edges WHERE column1 <= CAST(ROUND(e.latency_ms * 1000) AS BIGINT)) AS bucket
    FROM episodes e WHERE deployment_id IS NOT NULL
) AS counted
GROUP BY deployment_id, agent_id, bucket;
