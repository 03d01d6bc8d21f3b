using System.Data.Common;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Deployments;

internal sealed class SqlDeploymentStore(SqlDatabase database, ChangeNotices notices) : IDeploymentStore
{
    private static readonly PageOrder s_order = new("deployments", "promoted_at", "Release", Rank: "number");

    private const string ActiveSql = "SELECT * FROM deployments WHERE agent_id = @agent AND slot = @slot AND is_active = 1";

    public async Task<Deployment> ActivateAsync(Deployment deployment, string? expectedActiveId, CancellationToken cancellationToken) =>
        (await ActivateAllAsync(deployment, [], expectedActiveId, cancellationToken).ConfigureAwait(false))[0];

    public Task<IReadOnlyList<Deployment>> ActivateAsync(
        Deployment control,
        IReadOnlyList<Deployment> candidates,
        string expectedActiveId,
        CancellationToken cancellationToken
    ) => ActivateAllAsync(control, candidates, expectedActiveId, cancellationToken);

    public Task<Deployment> DeactivateAsync(Deployment active, string? reason, DateTimeOffset at, CancellationToken cancellationToken) =>
        notices.WriteAsync(
            async session =>
            {
                var changed = await session
                    .ExecuteAsync(
                        "UPDATE deployments SET is_active = 0, deactivated_at = @at, deactivation_reason = @reason "
                            + "WHERE id = @id AND is_active = 1",
                        cancellationToken,
                        ("@at", at.ToColumn()),
                        ("@reason", reason),
                        ("@id", active.Id)
                    )
                    .ConfigureAwait(false);
                return changed == 1
                    ? active with
                    {
                        IsActive = false,
                        DeactivatedAt = at.Rounded(),
                        DeactivationReason = reason,
                    }
                    : throw LightningException.Conflict(
                        $"Release {active.Id} of agent '{active.AgentId}' is no longer active. Nothing was changed; look at the active "
                            + "release and try again."
                    );
            },
            Deployment.Changes,
            active.AgentId,
            cancellationToken
        );

    public Task<Deployment?> FindAsync(string id, CancellationToken cancellationToken) =>
        database.LookAsync(
            session => session.SingleAsync("SELECT * FROM deployments WHERE id = @id", Read, cancellationToken, ("@id", id)),
            cancellationToken
        );

    public Task<Deployment?> FindActiveAsync(string agentId, string slot, CancellationToken cancellationToken) =>
        database.LookAsync(
            session => session.SingleAsync(ActiveSql, Read, cancellationToken, ("@agent", agentId), ("@slot", slot)),
            cancellationToken
        );

    public Task<IReadOnlyList<Deployment>> ListAsync(
        string? agentId,
        string? slot,
        int limit,
        string? before,
        CancellationToken cancellationToken
    )
    {
        Page.CheckLimit(limit);
        return database.ReadAsync<IReadOnlyList<Deployment>>(
            async session =>
            {
                var where = new SqlConditions().Add("agent_id = @agent", "@agent", agentId).Add("slot = @slot", "@slot", slot);
                await s_order
                    .AfterAsync(where, session, before, limit, agentId is null ? null : [agentId], cancellationToken)
                    .ConfigureAwait(false);
                return await session
                    .QueryAsync($"SELECT * FROM deployments {where} {s_order.Sql}", Read, cancellationToken, where.Parameters)
                    .ConfigureAwait(false);
            },
            cancellationToken
        );
    }

    public Task<IReadOnlyList<Deployment>> OfRunsAsync(IReadOnlyList<string> runIds, CancellationToken cancellationToken)
    {
        var where = new SqlConditions().AddAny("training_run_id", "@of", runIds);
        return database.LookAsync<IReadOnlyList<Deployment>>(
            async session =>
                await session
                    .QueryAsync($"SELECT * FROM deployments {where}", Read, cancellationToken, where.Parameters)
                    .ConfigureAwait(false),
            cancellationToken
        );
    }

    public Task<long> CountAsync(string? agentId, CancellationToken cancellationToken) =>
        database.LookAsync(
            session =>
                session.CountAsync(
                    "SELECT COUNT(*) FROM deployments WHERE (@agent IS NULL OR agent_id = @agent)",
                    cancellationToken,
                    ("@agent", agentId)
                ),
            cancellationToken
        );

    private async Task<IReadOnlyList<Deployment>> ActivateAllAsync(
        Deployment active,
        IReadOnlyList<Deployment> others,
        string? expectedActiveId,
        CancellationToken cancellationToken
    )
    {
        try
        {
            return await notices
                .WriteAsync(
                    session => ActivateAllAsync(session, active, others, expectedActiveId, cancellationToken),
                    Deployment.Changes,
                    active.AgentId,
                    cancellationToken
                )
                .ConfigureAwait(false);
        }
        catch (DbException e) when (database.IsConstraintViolation(e))
        {
            throw new LightningException(
                ErrorKind.Conflict,
                $"Another release of agent '{active.AgentId}' became active at the same moment, or the run it names does not exist. "
                    + $"Nothing was changed; look at the active release and try again.",
                e
            );
        }
    }

    private async Task<IReadOnlyList<Deployment>> ActivateAllAsync(
        SqlSession session,
        Deployment release,
        IReadOnlyList<Deployment> others,
        string? expectedActiveId,
        CancellationToken cancellationToken
    )
    {
        await database.SerialiseAsync(session, [$"deployments {release.AgentId} {release.Slot}"], cancellationToken).ConfigureAwait(false);
        var active = await session
            .SingleAsync(ActiveSql, Read, cancellationToken, ("@agent", release.AgentId), ("@slot", release.Slot))
            .ConfigureAwait(false);
        if (active?.Id != expectedActiveId)
        {
            throw LightningException.Conflict(
                $"Another release of agent '{release.AgentId}' became active meanwhile: "
                    + (active is null ? "none is active" : $"{active.Id} ({active.TunedModelName})")
                    + $", expected {expectedActiveId ?? "none"}. Nothing was changed; look at the active release and try again."
            );
        }

        await session
            .ExecuteAsync("UPDATE deployments SET is_active = 0 WHERE id = @id", cancellationToken, ("@id", active?.Id))
            .ConfigureAwait(false);
        var stored = new List<Deployment>();
        foreach (var one in others.Prepend(release))
        {
            await AddAsync(session, one with { Replaces = active?.Id }, isActive: stored.Count == 0, cancellationToken)
                .ConfigureAwait(false);
            stored.Add(
                (
                    await session
                        .SingleAsync("SELECT * FROM deployments WHERE id = @id", Read, cancellationToken, ("@id", one.Id))
                        .ConfigureAwait(false)
                )!
            );
        }

        return stored;
    }

    private static Task AddAsync(SqlSession session, Deployment deployment, bool isActive, CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            """
            INSERT INTO deployments (id, agent_id, slot, number, training_run_id, evaluation_id, tuned_model_name, artifact,
                is_active, forced, replaces, promoted_at, promoted_by, rollback_from, rollback_reason, experiment_id, is_candidate,
                force_reason)
            VALUES (@id, @agent, @slot, (SELECT COALESCE(MAX(number), 0) + 1 FROM deployments WHERE agent_id = @agent AND slot = @slot),
                    @run, @evaluation, @model, @artifact, @active, @forced, @replaces, @at, @by, @from, @reason, @experiment,
                    @candidate, @force_reason)
            """,
            cancellationToken,
            ("@id", deployment.Id),
            ("@agent", deployment.AgentId),
            ("@slot", deployment.Slot),
            ("@run", deployment.TrainingRunId),
            ("@evaluation", deployment.EvaluationId),
            ("@model", deployment.TunedModelName),
            ("@artifact", deployment.Artifact),
            ("@active", isActive.ToColumn()),
            ("@forced", deployment.Forced.ToColumn()),
            ("@replaces", deployment.Replaces),
            ("@at", deployment.PromotedAt.ToColumn()),
            ("@by", deployment.PromotedBy),
            ("@from", deployment.RollbackFrom),
            ("@reason", deployment.RollbackReason),
            ("@experiment", deployment.ExperimentId),
            ("@candidate", deployment.IsCandidate.ToColumn()),
            ("@force_reason", deployment.ForceReason)
        );

    private static Deployment Read(DbDataReader reader) =>
        new(
            reader.Text("id"),
            reader.Text("agent_id"),
            reader.Text("slot"),
            (int)reader.Integer("number"),
            reader.TextOrNull("training_run_id"),
            reader.TextOrNull("evaluation_id"),
            reader.Text("tuned_model_name"),
            reader.TextOrNull("artifact"),
            reader.Flag("is_active"),
            reader.Flag("forced"),
            reader.TextOrNull("replaces"),
            reader.Time("promoted_at"),
            reader.Text("promoted_by"),
            reader.TextOrNull("rollback_from"),
            reader.TextOrNull("rollback_reason")
        )
        {
            ExperimentId = reader.TextOrNull("experiment_id"),
            IsCandidate = reader.Flag("is_candidate"),
            ForceReason = reader.TextOrNull("force_reason"),
            DeactivatedAt = reader.TimeOrNull("deactivated_at"),
            DeactivationReason = reader.TextOrNull("deactivation_reason"),
        };
}
