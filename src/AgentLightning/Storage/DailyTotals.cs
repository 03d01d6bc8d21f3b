using AgentLightning.Common;

namespace AgentLightning.Storage;

/// <summary>
/// What a total is kept for: the episodes of one agent on one UTC day that share model, intent and persona, empty where an episode has
/// none.
/// </summary>
/// <param name="Day">Days since 1970-01-01.</param>
internal readonly record struct TotalKey(string AgentId, long Day, string Model, string Intent, string Persona)
{
    private const long MicrosecondsOfDay = 86_400_000_000;

    public static TotalKey Of(string agentId, long createdAt, string? model, string? intent, string? persona) =>
        new(agentId, DayOf(createdAt), model ?? "", intent ?? "", persona ?? "");

    /// <summary>The day that a time in microseconds belongs to.</summary>
    public static long DayOf(long microseconds) => microseconds / MicrosecondsOfDay;
}

/// <summary>What one write adds to a total, or takes off it.</summary>
/// <param name="RewardSum">In units of 1e-9, as are the squares: whole numbers, so that what is added and taken off again leaves
/// nothing.</param>
/// <param name="Excellent">Rewards of <see cref="RewardBands.Excellent"/> and more.</param>
/// <param name="Good">Rewards from <see cref="RewardBands.Good"/> on that are not excellent.</param>
internal readonly record struct TotalDelta(
    long Episodes,
    long Failed,
    long Rewards,
    long RewardSum,
    long RewardSquares,
    long Excellent,
    long Good
)
{
    public static TotalDelta OfEpisode(bool succeeded) => new(1, succeeded ? 0 : 1, 0, 0, 0, 0, 0);

    public static TotalDelta OfReward(double value) =>
        new(
            0,
            0,
            1,
            Units(value),
            Units(value * value),
            value >= RewardBands.Excellent ? 1 : 0,
            value is >= RewardBands.Good and < RewardBands.Excellent ? 1 : 0
        );

    public static TotalDelta operator +(TotalDelta a, TotalDelta b) =>
        new(
            a.Episodes + b.Episodes,
            a.Failed + b.Failed,
            a.Rewards + b.Rewards,
            a.RewardSum + b.RewardSum,
            a.RewardSquares + b.RewardSquares,
            a.Excellent + b.Excellent,
            a.Good + b.Good
        );

    public static TotalDelta operator -(TotalDelta a) =>
        new(-a.Episodes, -a.Failed, -a.Rewards, -a.RewardSum, -a.RewardSquares, -a.Excellent, -a.Good);

    private static long Units(double value) => (long)Math.Round(value * 1e9, MidpointRounding.AwayFromZero);
}

/// <summary>
/// The changes that one transaction makes to the tables <c>daily_totals</c> and <c>release_totals</c>, gathered and written together.
/// Whoever adds, supersedes or deletes episodes or rewards changes the totals in the same transaction: they are what a count over all rows
/// would give.
/// </summary>
internal sealed class DailyTotals
{
    /// <summary>Writers on several connections take different slots of one key, and so do not wait for each other's commit.</summary>
    private const int Slots = 8;

    private const string UpsertSql = """
        INSERT INTO daily_totals (agent_id, day, model, intent, persona, slot, episodes, failed, rewards, reward_sum, reward_squares,
            excellent, good)
        VALUES (@agent, @day, @model, @intent, @persona, @slot, @episodes, @failed, @rewards, @sum, @squares, @excellent, @good)
        ON CONFLICT (agent_id, day, model, intent, persona, slot) DO UPDATE SET
            episodes = daily_totals.episodes + excluded.episodes, failed = daily_totals.failed + excluded.failed,
                rewards = daily_totals.rewards + excluded.rewards,
            reward_sum = daily_totals.reward_sum + excluded.reward_sum,
                reward_squares = daily_totals.reward_squares + excluded.reward_squares,
            excellent = daily_totals.excellent + excluded.excellent, good = daily_totals.good + excluded.good
        """;

    private readonly Dictionary<TotalKey, TotalDelta> _deltas = [];

    public void Add(TotalKey key, TotalDelta delta) => _deltas[key] = _deltas.TryGetValue(key, out var sum) ? sum + delta : delta;

    /// <summary>Those of the releases that the episodes belong to.</summary>
    public ReleaseTotals Releases { get; } = new();

    public Task WriteAsync(SqlDatabase database, SqlSession session, CancellationToken cancellationToken) =>
        session.WriteTogetherAsync(Writes(database), cancellationToken);

    /// <summary>What <see cref="WriteAsync"/> would write.</summary>
    public IReadOnlyList<SqlWrites> Writes(SqlDatabase database)
    {
        var slot = database.ManyWriters ? Random.Shared.Next(Slots) : 0;
        return [Daily(slot), Releases.Writes(slot), Releases.Latencies(slot)];
    }

    // In one order everywhere, so that two writers in one slot never wait for each other in a circle.
    private SqlWrites Daily(int slot) =>
        new(
            UpsertSql,
            [
                .. _deltas
                    .Where(entry => entry.Value != default)
                    .OrderBy(entry => entry.Key.AgentId, StringComparer.Ordinal)
                    .ThenBy(entry => entry.Key.Day)
                    .ThenBy(entry => entry.Key.Model, StringComparer.Ordinal)
                    .ThenBy(entry => entry.Key.Intent, StringComparer.Ordinal)
                    .ThenBy(entry => entry.Key.Persona, StringComparer.Ordinal)
                    .Select(entry => Row(entry.Key, slot, entry.Value)),
            ]
        );

    private static (string, SqlValue)[] Row(TotalKey key, int slot, TotalDelta delta) =>
        [
            ("@agent", key.AgentId),
            ("@day", key.Day),
            ("@model", key.Model),
            ("@intent", key.Intent),
            ("@persona", key.Persona),
            ("@slot", slot),
            ("@episodes", delta.Episodes),
            ("@failed", delta.Failed),
            ("@rewards", delta.Rewards),
            ("@sum", delta.RewardSum),
            ("@squares", delta.RewardSquares),
            ("@excellent", delta.Excellent),
            ("@good", delta.Good),
        ];
}
