using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Rewards;

/// <summary>
/// Rewards that are stored in one transaction. What the store knows of their episodes is read at once, who supersedes whom is settled in
/// order here, and the outcome is written at once: a group costs few more turns to the database than one reward.
/// </summary>
internal sealed class RewardBatch(SqlDatabase database, SqlSession session, IReadOnlyList<Reward> rewards)
{
    private const int Together = 500;

    private const string InsertSql = """
        INSERT INTO rewards (id, episode_id, agent_id, source, evaluator, value, raw_value, scale, correction, rubric, comments,
            is_current, created_at, deployment_id)
        VALUES (@id, @episode, @agent, @source, @evaluator, @value, @raw, @scale, @correction, @rubric, @comments, @current, @at,
            @deployment)
        """;

    private readonly Dictionary<string, Rewarded> _episodes = [];
    private readonly HashSet<string> _known = [];
    private readonly List<string> _superseded = [];
    private readonly List<Entry> _new = [];
    private readonly DailyTotals _totals = new();

    /// <summary>For each reward whether it was new. One for an unknown episode is <see cref="ErrorKind.NotFound"/>.</summary>
    public async Task<IReadOnlyList<bool>> AddAsync(CancellationToken cancellationToken)
    {
        foreach (var reward in rewards)
        {
            Reward.CheckValue(reward.Value);
        }

        await ReadAsync(cancellationToken).ConfigureAwait(false);
        var added = rewards.Select(Settle).ToList();
        await session
            .WriteTogetherAsync(
                [
                    new SqlWrites(
                        "UPDATE rewards SET is_current = 0 WHERE id = @id",
                        [.. _superseded.Select(id => new (string, SqlValue)[] { ("@id", id) })]
                    ),
                    new SqlWrites(InsertSql, [.. _new.Select(Row)]),
                    .. _totals.Writes(database),
                ],
                cancellationToken
            )
            .ConfigureAwait(false);
        return added;
    }

    private Task ReadAsync(CancellationToken cancellationToken)
    {
        // Of two rewards at the same moment one supersedes the other, and of two with one id one is known.
        var reads = new[]
        {
            database.Serialising(rewards.SelectMany(reward => new[] { $"reward {reward.Id}", $"rewards of {reward.EpisodeId}" })),
            database.ByIndex,
        }
            .OfType<SqlRead>()
            .ToList();

        foreach (var chunk in rewards.Select(reward => reward.Id).Distinct().Chunk(Together))
        {
            var ids = new SqlConditions().AddAny("id", "@id", chunk);
            reads.Add(new SqlRead($"SELECT id FROM rewards {ids}", reader => _known.Add(reader.Text("id")), ids.Parameters));
        }

        foreach (var chunk in rewards.Select(reward => reward.EpisodeId).Distinct().Chunk(Together))
        {
            // Where others write at the same time, the episodes are kept from being deleted until the end of the transaction.
            var ids = new SqlConditions().AddAny("id", "@id", chunk);
            reads.Add(
                new SqlRead(
                    $"SELECT id, agent_id, created_at, model, intent, persona, deployment_id FROM episodes {ids} ORDER BY "
                        + $"id{(database.ManyWriters ? " FOR KEY SHARE" : "")}",
                    reader =>
                        _episodes.Add(
                            reader.Text("id"),
                            new Rewarded(
                                reader.Text("agent_id"),
                                reader.Integer("created_at"),
                                reader.TextOrNull("model"),
                                reader.TextOrNull("intent"),
                                reader.TextOrNull("persona"),
                                reader.TextOrNull("deployment_id")
                            )
                        ),
                    ids.Parameters
                )
            );
            ids = new SqlConditions().AddAny("episode_id", "@id", chunk);
            // Not "= 1": PostgreSQL would then walk the whole of an index of current rewards, which it takes for small until it has counted
            // them.
            reads.Add(
                new SqlRead(
                    $"SELECT id, episode_id, agent_id, source, evaluator, value FROM rewards {ids} AND is_current <> 0",
                    reader =>
                        _episodes[reader.Text("episode_id")]
                            .Current.Add(
                                new Entry(
                                    reader.Text("id"),
                                    reader.Text("agent_id"),
                                    EnumText.Parse<RewardSource>(reader.Text("source"), "source"),
                                    reader.Text("evaluator"),
                                    reader.Number("value"),
                                    null
                                )
                            ),
                    ids.Parameters
                )
            );
        }

        return session.ReadTogetherAsync(reads, cancellationToken);
    }

    /// <summary>Decides what becomes of a reward, given those before it. True when it is new.</summary>
    private bool Settle(Reward reward)
    {
        if (!_known.Add(reward.Id))
        {
            return false;
        }

        if (!_episodes.TryGetValue(reward.EpisodeId, out var episode))
        {
            throw RewardService.UnknownEpisode(reward.EpisodeId);
        }

        // As the store has it now: an episode may have moved to the agent that its root names since its reward was made.
        var entry = new Entry(reward.Id, episode.AgentId, reward.Source, reward.Evaluator, reward.Value, reward);
        _new.Add(entry);
        foreach (var old in episode.Current.FindAll(entry.Supersedes))
        {
            episode.Current.Remove(old);
            old.IsCurrent = false;
            _totals.Add(episode.KeyFor(old.AgentId), -TotalDelta.OfReward(old.Value));
            _totals.Releases.Add(episode.DeploymentId, old.AgentId, -ReleaseDelta.OfReward(old.Value));
            if (old.New is null)
            {
                _superseded.Add(old.Id);
            }
        }

        // Signals count only as long as nobody has judged.
        entry.IsCurrent = entry.Source != RewardSource.ImplicitSignals || episode.Current.TrueForAll(other => !other.Source.IsJudgement());
        if (entry.IsCurrent)
        {
            episode.Current.Add(entry);
            _totals.Add(episode.KeyFor(entry.AgentId), TotalDelta.OfReward(entry.Value));
            _totals.Releases.Add(episode.DeploymentId, entry.AgentId, ReleaseDelta.OfReward(entry.Value));
        }

        return true;
    }

    private (string, SqlValue)[] Row(Entry entry)
    {
        var reward = entry.New!;
        return
        [
            ("@id", reward.Id),
            ("@episode", reward.EpisodeId),
            ("@agent", entry.AgentId),
            ("@source", EnumText.Of(reward.Source)),
            ("@evaluator", reward.Evaluator),
            ("@value", reward.Value),
            ("@raw", reward.RawValue),
            ("@scale", reward.Scale),
            ("@correction", reward.Correction),
            ("@rubric", reward.Rubric),
            ("@comments", reward.Comments),
            ("@current", entry.IsCurrent.ToColumn()),
            ("@at", reward.CreatedAt.ToColumn()),
            ("@deployment", _episodes[reward.EpisodeId].DeploymentId),
        ];
    }

    /// <summary>A reward, of the store or of the group.</summary>
    /// <param name="New">The reward where it is of the group.</param>
    private sealed record Entry(string Id, string AgentId, RewardSource Source, string Evaluator, double Value, Reward? New)
    {
        public bool IsCurrent { get; set; } = true;

        public bool Supersedes(Entry other) =>
            (Source == other.Source && Evaluator == other.Evaluator)
            || (Source.IsJudgement() && other.Source == RewardSource.ImplicitSignals);
    }

    /// <summary>An episode with its current rewards.</summary>
    private sealed record Rewarded(string AgentId, long At, string? Model, string? Intent, string? Persona, string? DeploymentId)
    {
        public List<Entry> Current { get; } = [];

        public TotalKey KeyFor(string agentId) => TotalKey.Of(agentId, At, Model, Intent, Persona);
    }
}
