namespace AgentLightning.Storage;

/// <summary>What one write adds to the totals of a release, or takes off them.</summary>
/// <param name="Latency">Microseconds.</param>
/// <param name="TokenSquares">Of all tokens of an episode; more than <see cref="MostTokens"/> count as so many here.</param>
/// <param name="RewardSum">In units of 1e-9, as are the squares.</param>
internal readonly record struct ReleaseDelta(
    long Episodes,
    long Failed,
    long Latency,
    long PromptTokens,
    long CompletionTokens,
    long TokenSquares,
    long Rewards,
    long RewardSum,
    long RewardSquares
)
{
    /// <summary>So that the sum of squares stays a number of 64 bits.</summary>
    private const long MostTokens = 3_000_000;

    public static ReleaseDelta OfEpisode(bool succeeded, double latencyMs, long promptTokens, long completionTokens) =>
        new(
            1,
            succeeded ? 0 : 1,
            (long)Math.Round(latencyMs * 1_000, MidpointRounding.AwayFromZero),
            promptTokens,
            completionTokens,
            Math.Min(promptTokens + completionTokens, MostTokens) is var tokens ? tokens * tokens : 0,
            0,
            0,
            0
        );

    public static ReleaseDelta OfReward(double value) =>
        TotalDelta.OfReward(value) is var reward ? new(0, 0, 0, 0, 0, 0, 1, reward.RewardSum, reward.RewardSquares) : default;

    public static ReleaseDelta operator +(ReleaseDelta a, ReleaseDelta b) =>
        new(
            a.Episodes + b.Episodes,
            a.Failed + b.Failed,
            a.Latency + b.Latency,
            a.PromptTokens + b.PromptTokens,
            a.CompletionTokens + b.CompletionTokens,
            a.TokenSquares + b.TokenSquares,
            a.Rewards + b.Rewards,
            a.RewardSum + b.RewardSum,
            a.RewardSquares + b.RewardSquares
        );

    public static ReleaseDelta operator -(ReleaseDelta a) =>
        new(
            -a.Episodes,
            -a.Failed,
            -a.Latency,
            -a.PromptTokens,
            -a.CompletionTokens,
            -a.TokenSquares,
            -a.Rewards,
            -a.RewardSum,
            -a.RewardSquares
        );
}

/// <summary>
/// The changes that one transaction makes to the tables <c>release_totals</c> and <c>release_latencies</c>.
/// </summary>
internal sealed class ReleaseTotals
{
    private const string UpsertSql = """
        INSERT INTO release_totals (deployment_id, agent_id, slot, episodes, failed, latency, prompt_tokens, completion_tokens,
            token_squares, rewards, reward_sum, reward_squares)
        VALUES (@deployment, @agent, @slot, @episodes, @failed, @latency, @prompt, @completion, @tokens, @rewards, @sum, @squares)
        ON CONFLICT (deployment_id, agent_id, slot) DO UPDATE SET
            episodes = release_totals.episodes + excluded.episodes, failed = release_totals.failed + excluded.failed,
                latency = release_totals.latency + excluded.latency,
            prompt_tokens = release_totals.prompt_tokens + excluded.prompt_tokens,
                completion_tokens = release_totals.completion_tokens + excluded.completion_tokens,
            token_squares = release_totals.token_squares + excluded.token_squares,
            rewards = release_totals.rewards + excluded.rewards, reward_sum = release_totals.reward_sum + excluded.reward_sum,
            reward_squares = release_totals.reward_squares + excluded.reward_squares
        """;

    private const string UpsertLatencySql = """
        INSERT INTO release_latencies (deployment_id, agent_id, bucket, slot, episodes)
        VALUES (@deployment, @agent, @bucket, @slot, @episodes)
        ON CONFLICT (deployment_id, agent_id, bucket, slot) DO UPDATE SET episodes = release_latencies.episodes + excluded.episodes
        """;

    private readonly Dictionary<(string Deployment, string Agent), ReleaseDelta> _deltas = [];
    private readonly Dictionary<(string Deployment, string Agent, int Bucket), long> _latencies = [];

    /// <summary>An episode of a release that comes, or goes; what belongs to no release is left out.</summary>
    /// <param name="latencyMs">Milliseconds, which also tell the bucket.</param>
    public void AddEpisode(string? deploymentId, string agentId, ReleaseDelta delta, double latencyMs, bool takeOff = false)
    {
        if (deploymentId is not null)
        {
            Add(deploymentId, agentId, takeOff ? -delta : delta);
            var key = (deploymentId, agentId, LatencyBuckets.Of(latencyMs));
            _latencies[key] = _latencies.GetValueOrDefault(key) + (takeOff ? -1 : 1);
        }
    }

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

    /// <summary>In the same order.</summary>
    public SqlWrites Latencies(int slot) =>
        new(
            UpsertLatencySql,
            [
                .. _latencies
                    .Where(entry => entry.Value != 0)
                    .OrderBy(entry => entry.Key.Deployment, StringComparer.Ordinal)
                    .ThenBy(entry => entry.Key.Agent, StringComparer.Ordinal)
                    .ThenBy(entry => entry.Key.Bucket)
                    .Select(entry =>
                        new (string, SqlValue)[]
                        {
                            ("@deployment", entry.Key.Deployment),
                            ("@agent", entry.Key.Agent),
                            ("@bucket", entry.Key.Bucket),
                            ("@slot", slot),
                            ("@episodes", entry.Value),
                        }
                    ),
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
            ("@tokens", delta.TokenSquares),
            ("@rewards", delta.Rewards),
            ("@sum", delta.RewardSum),
            ("@squares", delta.RewardSquares),
        ];
}
