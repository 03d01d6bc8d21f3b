using System.Data.Common;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Training;

internal sealed class SqlTrainingRunStore(SqlDatabase database) : ITrainingRunStore
{
    private static readonly PageOrder s_order = new("training_runs", "created_at", "Training run");

    public Task AddAsync(TrainingRun run, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
                session.ExecuteAsync(
                    """
                    INSERT INTO training_runs (id, agent_id, dataset_id, engine, method, base_model, status, hyperparameters, created_at)
                    VALUES (@id, @agent, @dataset, @engine, @method, @base, 'pending', @parameters, @at)
                    """,
                    cancellationToken,
                    ("@id", run.Id),
                    ("@agent", run.AgentId),
                    ("@dataset", run.DatasetId),
                    ("@engine", run.Engine),
                    ("@method", EnumText.Of(run.Method)),
                    ("@base", run.BaseModel),
                    ("@parameters", SqlValues.ToJsonColumn(run.Hyperparameters)),
                    ("@at", run.CreatedAt.ToColumn())
                ),
            cancellationToken
        );

    public Task<TrainingRun?> FindAsync(string id, CancellationToken cancellationToken) =>
        database.LookAsync(
            session => session.SingleAsync("SELECT * FROM training_runs WHERE id = @id", Read, cancellationToken, ("@id", id)),
            cancellationToken
        );

    public Task<IReadOnlyList<TrainingRun>> ListAsync(string? agentId, int limit, string? before, CancellationToken cancellationToken)
    {
        Page.CheckLimit(limit);
        return database.ReadAsync<IReadOnlyList<TrainingRun>>(
            async session =>
            {
                var where = new SqlConditions().Add("agent_id = @agent", "@agent", agentId);
                await s_order
                    .AfterAsync(where, session, before, limit, agentId is null ? null : [agentId], cancellationToken)
                    .ConfigureAwait(false);
                return await session
                    .QueryAsync($"SELECT * FROM training_runs {where} {s_order.Sql}", Read, cancellationToken, where.Parameters)
                    .ConfigureAwait(false);
            },
            cancellationToken
        );
    }

    public Task<IReadOnlyList<TrainingRun>> LearnedFromAsync(
        IReadOnlyList<string> datasetIds,
        IReadOnlyList<string> models,
        CancellationToken cancellationToken
    ) =>
        database.ReadAsync<IReadOnlyList<TrainingRun>>(
            async session =>
            {
                var found = new Dictionary<string, TrainingRun>(StringComparer.Ordinal);
                foreach (var (column, values) in new[] { ("dataset_id", datasetIds), ("base_model", models) })
                {
                    var where = new SqlConditions().AddAny(column, "@of", values);
                    foreach (
                        var run in await session
                            .QueryAsync($"SELECT * FROM training_runs {where}", Read, cancellationToken, where.Parameters)
                            .ConfigureAwait(false)
                    )
                    {
                        found[run.Id] = run;
                    }
                }

                return [.. found.Values];
            },
            cancellationToken
        );

    public Task<IReadOnlyDictionary<TrainingStatus, long>> CountByStatusAsync(string? agentId, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyDictionary<TrainingStatus, long>>(
            async session =>
                (
                    await session
                        .QueryAsync(
                            "SELECT status, COUNT(*) AS n FROM training_runs WHERE (@agent IS NULL OR agent_id = @agent) GROUP BY status",
                            reader => (Status: EnumText.Parse<TrainingStatus>(reader.Text("status"), "status"), Count: reader.Integer("n")),
                            cancellationToken,
                            ("@agent", agentId)
                        )
                        .ConfigureAwait(false)
                ).ToDictionary(row => row.Status, row => row.Count),
            cancellationToken
        );

    public Task<bool> TryMoveAsync(TrainingRun run, Lease? lease, CancellationToken cancellationToken)
    {
        var from = run.Status switch
        {
            TrainingStatus.Running => "'pending'",
            TrainingStatus.Succeeded => "'running'",
            TrainingStatus.Failed or TrainingStatus.Cancelled => "'pending', 'running'",
            _ => "''",
        };
        return database.WriteAsync(
            async session =>
                (
                    lease is null
                    || await SqlLeaseStore.HoldsAsync(database, session, lease.Name, lease.Token, cancellationToken).ConfigureAwait(false)
                )
                && await session
                    .ExecuteAsync(
                        $"""
                        UPDATE training_runs SET status = @status, tuned_model_name = @name, artifact = @artifact, metrics = @metrics,
                            error_message = @error,
                               started_at = @started, completed_at = @completed
                        WHERE id = @id AND status IN ({from})
                        """,
                        cancellationToken,
                        ("@status", EnumText.Of(run.Status)),
                        ("@name", run.TunedModelName),
                        ("@artifact", run.Artifact),
                        ("@metrics", SqlValues.ToJsonColumn(run.Metrics)),
                        ("@error", run.ErrorMessage),
                        ("@started", run.StartedAt?.ToColumn()),
                        ("@completed", run.CompletedAt?.ToColumn()),
                        ("@id", run.Id)
                    )
                    .ConfigureAwait(false) == 1,
            cancellationToken
        );
    }

    private static TrainingRun Read(DbDataReader reader) =>
        new(
            reader.Text("id"),
            reader.Text("agent_id"),
            reader.Text("dataset_id"),
            reader.Text("engine"),
            EnumText.Parse<TrainingMethod>(reader.Text("method"), "method"),
            reader.Text("base_model"),
            reader.TextOrNull("tuned_model_name"),
            reader.TextOrNull("artifact"),
            EnumText.Parse<TrainingStatus>(reader.Text("status"), "status"),
            reader.JsonOrNull<Dictionary<string, string>>("hyperparameters") ?? [],
            reader.JsonOrNull<Dictionary<string, double>>("metrics"),
            reader.TextOrNull("error_message"),
            reader.Time("created_at"),
            reader.TimeOrNull("started_at"),
            reader.TimeOrNull("completed_at")
        );
}
