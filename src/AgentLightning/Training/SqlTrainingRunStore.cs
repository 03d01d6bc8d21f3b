using System.Data.Common;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Training;

internal sealed class SqlTrainingRunStore(SqlDatabase database, ChangeNotices notices) : ITrainingRunStore
{
    /// <summary>One for all runs: a row for each of them would stay for ever, and whoever listens looks for itself.</summary>
    private const string Subject = "runs";

    private static readonly PageOrder s_order = new("training_runs", "created_at", "Training run");
    private readonly SqlTrainingLog _log = new(database);

    public Task AddAsync(TrainingRun run, CancellationToken cancellationToken) =>
        notices.WriteAsync(
            session =>
                session.ExecuteAsync(
                    """
                    INSERT INTO training_runs (id, agent_id, dataset_id, engine, method, base_model, status, hyperparameters, labels,
                        is_queued, created_at)
                    VALUES (@id, @agent, @dataset, @engine, @method, @base, 'pending', @parameters, @labels, @queued, @at)
                    """,
                    cancellationToken,
                    ("@id", run.Id),
                    ("@agent", run.AgentId),
                    ("@dataset", run.DatasetId),
                    ("@engine", run.Engine),
                    ("@method", EnumText.Of(run.Method)),
                    ("@base", run.BaseModel),
                    ("@parameters", SqlValues.ToJsonColumn(run.Hyperparameters)),
                    ("@labels", run.Labels.Count == 0 ? null : SqlValues.ToJsonColumn(run.Labels)),
                    ("@queued", run.IsQueued ? 1 : 0),
                    ("@at", run.CreatedAt.ToColumn())
                ),
            TrainingRun.Changes,
            Subject,
            cancellationToken
        );

    public Task<TrainingRun?> FindAsync(string id, CancellationToken cancellationToken) =>
        database.LookAsync(session => FindAsync(session, id, cancellationToken), cancellationToken);

    public Task<TrainingRun?> FindByModelAsync(string agentId, string tunedModelName, CancellationToken cancellationToken) =>
        database.LookAsync(
            session =>
                session.SingleAsync(
                    """
                    SELECT * FROM training_runs WHERE agent_id = @agent AND tuned_model_name = @name
                    ORDER BY created_at DESC, id DESC LIMIT 1
                    """,
                    Read,
                    cancellationToken,
                    ("@agent", agentId),
                    ("@name", tunedModelName)
                ),
            cancellationToken
        );

    public Task<IReadOnlyList<TrainingRun>> ListAsync(
        IReadOnlyList<string>? agents,
        TrainingStatus? status,
        int limit,
        string? before,
        CancellationToken cancellationToken
    )
    {
        Page.CheckLimit(limit);
        return database.ReadAsync<IReadOnlyList<TrainingRun>>(
            async session =>
            {
                var where = new SqlConditions()
                    .AddAny("agent_id", "@agent", agents)
                    .Add("status = @status", "@status", status is { } state ? EnumText.Of(state) : null);
                await s_order.AfterAsync(where, session, before, limit, agents, cancellationToken).ConfigureAwait(false);
                return await session
                    .QueryAsync($"SELECT * FROM training_runs {where} {s_order.Sql}", Read, cancellationToken, where.Parameters)
                    .ConfigureAwait(false);
            },
            cancellationToken
        );
    }

    public Task<IReadOnlyList<TrainingRun>> ListToDoAsync(IReadOnlyList<string> engines, int limit, CancellationToken cancellationToken)
    {
        var where = new SqlConditions().AddAny("engine", "@engine", engines).With("@limit", limit);
        return database.ReadAsync<IReadOnlyList<TrainingRun>>(
            async session =>
                await session
                    .QueryAsync(
                        $"""
                        SELECT * FROM training_runs {where} AND is_queued = 1 AND (status = 'pending' OR status = 'running')
                        ORDER BY created_at, id LIMIT @limit
                        """,
                        Read,
                        cancellationToken,
                        where.Parameters
                    )
                    .ConfigureAwait(false),
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
        return notices.WriteAsync(
            async session =>
                (lease is null || await HoldsAsync(session, lease, cancellationToken).ConfigureAwait(false))
                && await session
                    .ExecuteAsync(
                        $"""
                        UPDATE training_runs SET status = @status, tuned_model_name = @name, artifact = @artifact, metrics = @metrics,
                            error_message = @error,
                               started_at = COALESCE(@started, started_at), completed_at = @completed
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
            TrainingRun.Changes,
            Subject,
            cancellationToken
        );
    }

    public Task<bool> TryBeginAsync(string id, DateTimeOffset now, Lease lease, CancellationToken cancellationToken) =>
        notices.WriteAsync(
            async session =>
            {
                var begun =
                    await HoldsAsync(session, lease, cancellationToken).ConfigureAwait(false)
                    && await session
                        .ExecuteAsync(
                            """
                            UPDATE training_runs SET status = 'running', attempts = attempts + 1, step = checkpoint_step,
                                started_at = COALESCE(started_at, @now)
                            WHERE id = @id AND status IN ('pending', 'running')
                            """,
                            cancellationToken,
                            ("@id", id),
                            ("@now", now.ToColumn())
                        )
                        .ConfigureAwait(false) == 1;
                if (begun)
                {
                    await SqlTrainingLog.CutAsync(session, id, cancellationToken).ConfigureAwait(false);
                }

                return begun;
            },
            TrainingRun.Changes,
            Subject,
            cancellationToken
        );

    public Task<TrainingRun?> RequestCancelAsync(string id, DateTimeOffset now, CancellationToken cancellationToken) =>
        notices.WriteAsync(
            async session =>
            {
                var cancelled = await session
                    .ExecuteAsync(
                        "UPDATE training_runs SET status = 'cancelled', completed_at = @now WHERE id = @id AND status = 'pending'",
                        cancellationToken,
                        ("@id", id),
                        ("@now", now.ToColumn())
                    )
                    .ConfigureAwait(false);
                if (cancelled == 0)
                {
                    await session
                        .ExecuteAsync(
                            "UPDATE training_runs SET cancel_requested = 1 WHERE id = @id AND status = 'running'",
                            cancellationToken,
                            ("@id", id)
                        )
                        .ConfigureAwait(false);
                }

                return await FindAsync(session, id, cancellationToken).ConfigureAwait(false);
            },
            TrainingRun.Changes,
            Subject,
            cancellationToken
        );

    public Task<bool> TryLogAsync(
        string id,
        IReadOnlyList<TrainingLogLine> lines,
        int? stepsDone,
        int? allSteps,
        DateTimeOffset now,
        Lease lease,
        CancellationToken cancellationToken
    ) =>
        database.WriteAsync(
            async session =>
            {
                if (!await HoldsAsync(session, lease, cancellationToken).ConfigureAwait(false))
                {
                    return false;
                }

                await SqlTrainingLog.AddAsync(session, id, lines, cancellationToken).ConfigureAwait(false);
                await session
                    .ExecuteAsync(
                        """
                        UPDATE training_runs SET step = COALESCE(@step, step), steps = COALESCE(@steps, steps), progressed_at = @now
                        WHERE id = @id
                        """,
                        cancellationToken,
                        ("@id", id),
                        ("@step", stepsDone),
                        ("@steps", allSteps),
                        ("@now", now.ToColumn())
                    )
                    .ConfigureAwait(false);
                return true;
            },
            cancellationToken
        );

    public Task<(bool Saved, string? Before)> TrySaveAsync(
        string id,
        string? artifact,
        int? stepsDone,
        Lease lease,
        CancellationToken cancellationToken
    ) =>
        database.WriteAsync(
            async session =>
            {
                if (!await HoldsAsync(session, lease, cancellationToken).ConfigureAwait(false))
                {
                    return (false, null);
                }

                var run = await FindAsync(session, id, cancellationToken).ConfigureAwait(false);
                if (run is null || (artifact is not null && run.IsOver))
                {
                    return (false, null);
                }

                await session
                    .ExecuteAsync(
                        "UPDATE training_runs SET checkpoint = @artifact, checkpoint_step = @step WHERE id = @id",
                        cancellationToken,
                        ("@id", id),
                        ("@artifact", artifact),
                        ("@step", stepsDone)
                    )
                    .ConfigureAwait(false);
                return (true, run.Checkpoint);
            },
            cancellationToken
        );

    public Task<IReadOnlyList<TrainingLogLine>> ReadLogAsync(
        string id,
        long after,
        int limit,
        bool tail,
        CancellationToken cancellationToken
    ) => _log.ReadAsync(id, after, limit, tail, cancellationToken);

    private Task<bool> HoldsAsync(SqlSession session, Lease lease, CancellationToken cancellationToken) =>
        SqlLeaseStore.HoldsAsync(database, session, lease.Name, lease.Token, cancellationToken);

    private static Task<TrainingRun?> FindAsync(SqlSession session, string id, CancellationToken cancellationToken) =>
        session.SingleAsync("SELECT * FROM training_runs WHERE id = @id", Read, cancellationToken, ("@id", id));

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
        )
        {
            Labels = reader.JsonOrNull<string[]>("labels") ?? [],
            IsQueued = reader.Integer("is_queued") == 1,
            CancelRequested = reader.Integer("cancel_requested") == 1,
            Attempts = (int)reader.Integer("attempts"),
            Step = (int?)reader.IntegerOrNull("step"),
            Steps = (int?)reader.IntegerOrNull("steps"),
            ProgressedAt = reader.TimeOrNull("progressed_at"),
            Checkpoint = reader.TextOrNull("checkpoint"),
            CheckpointStep = (int?)reader.IntegerOrNull("checkpoint_step"),
        };
}
