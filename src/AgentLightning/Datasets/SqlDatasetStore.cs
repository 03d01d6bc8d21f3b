using System.Data.Common;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Datasets;

internal sealed class SqlDatasetStore(SqlDatabase database) : IDatasetStore
{
    private static readonly PageOrder s_order = new("datasets", "created_at", "Data set");

    public Task<Dataset> AddAsync(Dataset dataset, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async session =>
            {
                // Two at the same moment get two versions.
                await database
                    .SerialiseAsync(session, [$"data set {dataset.AgentId} {dataset.Name}"], cancellationToken)
                    .ConfigureAwait(false);
                await session
                    .ExecuteAsync(
                        """
                        INSERT INTO datasets (id, agent_id, name, version, query_filter, reward_threshold, seed, training_count,
                            validation_count, episode_count, artifact, created_at, kind, description,
                            selection, member_key)
                        VALUES (@id, @agent, @name, (SELECT COALESCE(MAX(version), 0) + 1
                            FROM datasets WHERE agent_id = @agent AND name = @name),
                                @filter, @threshold, @seed, @training, @validation, @episodes, @artifact, @at, @kind,
                                @description, @selection, @member)
                        """,
                        cancellationToken,
                        ("@id", dataset.Id),
                        ("@agent", dataset.AgentId),
                        ("@name", dataset.Name),
                        ("@filter", dataset.QueryFilter),
                        ("@threshold", dataset.RewardThreshold),
                        ("@seed", dataset.Seed),
                        ("@training", dataset.TrainingCount),
                        ("@validation", dataset.ValidationCount),
                        ("@episodes", dataset.EpisodeCount),
                        ("@artifact", dataset.Artifact),
                        ("@at", dataset.CreatedAt.ToColumn()),
                        ("@kind", EnumText.Of(dataset.Kind)),
                        ("@description", dataset.Description),
                        ("@selection", dataset.Selection),
                        ("@member", SqlDatasetMembers.KeyOf(dataset.Id))
                    )
                    .ConfigureAwait(false);
                return (
                    await session
                        .SingleAsync("SELECT * FROM datasets WHERE id = @id", Read, cancellationToken, ("@id", dataset.Id))
                        .ConfigureAwait(false)
                )!;
            },
            cancellationToken
        );

    public Task<Dataset?> FindAsync(string id, CancellationToken cancellationToken) =>
        database.LookAsync(
            session => session.SingleAsync("SELECT * FROM datasets WHERE id = @id", Read, cancellationToken, ("@id", id)),
            cancellationToken
        );

    public Task<IReadOnlyList<Dataset>> ListAsync(string? agentId, int limit, string? before, CancellationToken cancellationToken)
    {
        Page.CheckLimit(limit);
        return database.ReadAsync<IReadOnlyList<Dataset>>(
            async session =>
            {
                var where = new SqlConditions().Add("agent_id = @agent", "@agent", agentId);
                await s_order
                    .AfterAsync(where, session, before, limit, agentId is null ? null : [agentId], cancellationToken)
                    .ConfigureAwait(false);
                return await session
                    .QueryAsync($"SELECT * FROM datasets {where} {s_order.Sql}", Read, cancellationToken, where.Parameters)
                    .ConfigureAwait(false);
            },
            cancellationToken
        );
    }

    public Task<long> CountAsync(string? agentId, CancellationToken cancellationToken) =>
        database.LookAsync(
            session =>
                session.CountAsync(
                    "SELECT COUNT(*) FROM datasets WHERE (@agent IS NULL OR agent_id = @agent)",
                    cancellationToken,
                    ("@agent", agentId)
                ),
            cancellationToken
        );

    internal static Dataset Read(DbDataReader reader) =>
        new(
            reader.Text("id"),
            reader.Text("agent_id"),
            reader.Text("name"),
            (int)reader.Integer("version"),
            reader.Text("query_filter"),
            reader.NumberOrNull("reward_threshold"),
            reader.Integer("seed"),
            (int)reader.Integer("training_count"),
            (int)reader.Integer("validation_count"),
            (int)reader.Integer("episode_count"),
            reader.Text("artifact"),
            reader.Time("created_at")
        )
        {
            Kind = EnumText.Parse<DatasetKind>(reader.Text("kind"), "kind"),
            Description = reader.TextOrNull("description"),
            ErasedCount = (int)reader.Integer("erased_count"),
            Selection = reader.TextOrNull("selection"),
        };
}
