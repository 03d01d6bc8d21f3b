namespace AgentLightning.Storage;

/// <summary>What one write adds to the totals of a release, or takes off them.</summary>
/// <param name="Latency">Microseconds.</param>
/// <param name="RewardSum">In units of 1e-9, as are the squares.</param>
internal readonly record struct ReleaseDelta(
    long Episodes,
    long Failed,
    long Latency,
    long PromptTokens,
    long CompletionTokens,
    long Rewards,
    long RewardSum,
    long RewardSquares
)
{
    public static ReleaseDelta OfEpisode(bool succeeded, double latencyMs, long promptTokens, long completionTokens) =>
        new(
            1,
            succeeded ? 0 : 1,
            (long)Math.Round(latencyMs * 1_000, MidpointRounding.AwayFromZero),
            promptTokens,
            completionTokens,
            0,
            0,
            0
        );

    public static ReleaseDelta OfReward(double value) =>
        TotalDelta.OfReward(value) is var reward ? new(0, 0, 0, 0, 0, 1, reward.RewardSum, reward.RewardSquares) : default;

    public static ReleaseDelta operator +(ReleaseDelta a, ReleaseDelta b) =>
        new(
            a.Episodes + b.Episodes,
            a.Failed + b.Failed,
            a.Latency + b.Latency,
            a.PromptTokens + b.PromptTokens,
            a.CompletionTokens + b.CompletionTokens,
            a.Rewards + b.Rewards,
            a.RewardSum + b.RewardSum,
            a.RewardSquares + b.RewardSquares
        );

    public static ReleaseDelta operator -(ReleaseDelta a) =>
        new(-a.Episodes, -a.Failed, -a.Latency, -a.PromptTokens, -a.CompletionTokens, -a.Rewards, -a.RewardSum, -a.RewardSquares);
}

/// <summary>The changes that one transaction makes to the table <c>release_totals</c>.</summary>
internal sealed class ReleaseTotals
{
    private const string UpsertSql = """
        INSERT INTO release_totals (deployment_id, agent_id, slot, episodes, failed, latency, prompt_tokens, completion_tokens, rewards,
            reward_sum, reward_squares)
        VALUES (@deployment, @agent, @slot, @episodes, @failed, @latency, @prompt, @completion, @rewards, @sum, @squares)
        ON CONFLICT (deployment_id, agent_id, slot) DO UPDATE SET
            episodes = release_totals.episodes + excluded.episodes, failed = release_totals.failed + excluded.failed,
                latency = release_totals.latency + excluded.latency,
            prompt_tokens = release_totals.prompt_tokens + excluded.prompt_tokens,
                completion_tokens = release_totals.completion_tokens + excluded.completion_tokens,
            rewards = release_totals.rewards + excluded.rewards, reward_sum = release_totals.reward_sum + excluded.reward_sum,
            reward_squares = release_totals.reward_squares + excluded.reward_squares
        """;

    private readonly Dictionary<(string Deployment, string Agent), ReleaseDelta> _deltas = [];

    /// <summary>What belongs to no release is left out.</summary>
    public void Add(string? deploymentId, string agentId, ReleaseDelta delta)
    {
        if (deploymentId is not null)
        {
            var key = (deploymentId, agentId);
            _deltas[key] = _deltas.TryGetValue(key, out var sum) ? sum + delta : delta;
        }
    }

    /// <summary>In one order everywhere, so that two writers in one slot never wait for each other in a circle.</summary>
    public SqlWrites Writes(int slot) =>
        new(
            UpsertSql,
            [
                .. _deltas
                    .Where(entry => entry.Value != default)
                    .OrderBy(entry => entry.Key.Deployment, StringComparer.Ordinal)
                    .ThenBy(entry => entry.Key.Agent, StringComparer.Ordinal)
                    .Select(entry => Row(entry.Key, slot, entry.Value)),
            ]
        );

    private static (string, SqlValue)[] Row((string Deployment, string Agent) key, int slot, ReleaseDelta delta) =>
        [
            ("@deployment", key.Deployment),
            ("@agent", key.Agent),
            ("@slot", slot),
            ("@episodes", delta.Episodes),
            ("@failed", delta.Failed),
            ("@latency", delta.Latency),
            ("@prompt", delta.PromptTokens),
            ("@completion", delta.CompletionTokens),
            ("@rewards", delta.Rewards),
            ("@sum", delta.RewardSum),
            ("@squares", delta.RewardSquares),
        ];
}
