using System.Data.Common;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Experiments;

internal sealed class SqlExperimentStore(SqlDatabase database, ChangeNotices notices) : IExperimentStore
{
    private static readonly PageOrder s_order = new("experiments", "started_at", "Experiment");

    public async Task AddAsync(Experiment experiment, CancellationToken cancellationToken)
    {
        try
        {
            await notices
                .WriteAsync(
                    async session =>
                    {
                        await session
                            .ExecuteAsync(
                                "INSERT INTO experiments (id, agent_id, slot, status, phase, rules, variants, started_at, started_by) "
                                    + "VALUES (@id, @agent, @slot, @status, @phase, @rules, @variants, @at, @by)",
                                cancellationToken,
                                ("@id", experiment.Id),
                                ("@agent", experiment.AgentId),
                                ("@slot", experiment.Slot),
                                ("@status", EnumText.Of(experiment.Status)),
                                ("@phase", experiment.Phase),
                                ("@rules", SqlValues.ToJsonColumn(experiment.Rules)),
                                ("@variants", SqlValues.ToJsonColumn(experiment.Variants)),
                                ("@at", experiment.StartedAt.ToColumn()),
                                ("@by", experiment.StartedBy)
                            )
                            .ConfigureAwait(false);
                        return await AddPhaseAsync(session, experiment, experiment.StartedAt, cancellationToken).ConfigureAwait(false);
                    },
                    Experiment.Changes,
                    experiment.AgentId,
                    cancellationToken
                )
                .ConfigureAwait(false);
        }
        catch (DbException e) when (database.IsConstraintViolation(e))
        {
            throw new LightningException(
                ErrorKind.Conflict,
                $"Another experiment of agent '{experiment.AgentId}' runs in slot '{experiment.Slot}'. Stop it with 'lightning experiment "
                    + "stop', or wait for its end.",
                e
            );
        }
    }

    public Task<Experiment?> FindAsync(string id, CancellationToken cancellationToken) =>
        database.LookAsync(
            session => session.SingleAsync("SELECT * FROM experiments WHERE id = @id", Read, cancellationToken, ("@id", id)),
            cancellationToken
        );

    public Task<Experiment?> FindRunningAsync(string agentId, string slot, CancellationToken cancellationToken) =>
        database.LookAsync(
            session =>
                session.SingleAsync(
                    "SELECT * FROM experiments WHERE agent_id = @agent AND slot = @slot AND status = 'running'",
                    Read,
                    cancellationToken,
                    ("@agent", agentId),
                    ("@slot", slot)
                ),
            cancellationToken
        );

    public Task<IReadOnlyList<Experiment>> ListRunningAsync(CancellationToken cancellationToken) =>
        database.LookAsync<IReadOnlyList<Experiment>>(
            async session =>
                await session
                    .QueryAsync("SELECT * FROM experiments WHERE status = 'running' ORDER BY started_at, id", Read, cancellationToken)
                    .ConfigureAwait(false),
            cancellationToken
        );

    public Task<IReadOnlyList<Experiment>> ListAsync(string agentId, int limit, string? before, CancellationToken cancellationToken)
    {
        Page.CheckLimit(limit);
        return database.ReadAsync<IReadOnlyList<Experiment>>(
            async session =>
            {
                var where = new SqlConditions().Add("agent_id = @agent", "@agent", agentId);
                await s_order.AfterAsync(where, session, before, limit, [agentId], cancellationToken).ConfigureAwait(false);
                return await session
                    .QueryAsync($"SELECT * FROM experiments {where} {s_order.Sql}", Read, cancellationToken, where.Parameters)
                    .ConfigureAwait(false);
            },
            cancellationToken
        );
    }

    public Task<bool> TryChangeSharesAsync(Experiment experiment, DateTimeOffset at, CancellationToken cancellationToken) =>
        notices.WriteAsync(
            async session =>
                await session
                    .ExecuteAsync(
                        "UPDATE experiments SET phase = @phase, variants = @variants "
                            + "WHERE id = @id AND status = 'running' AND phase = @before",
                        cancellationToken,
                        ("@phase", experiment.Phase),
                        ("@variants", SqlValues.ToJsonColumn(experiment.Variants)),
                        ("@id", experiment.Id),
                        ("@before", experiment.Phase - 1)
                    )
                    .ConfigureAwait(false) == 1
                && await AddPhaseAsync(session, experiment, at, cancellationToken).ConfigureAwait(false),
            Experiment.Changes,
            experiment.AgentId,
            cancellationToken
        );

    public Task<bool> TryEndAsync(Experiment ended, CancellationToken cancellationToken) =>
        notices.WriteAsync(
            async session =>
                await session
                    .ExecuteAsync(
                        "UPDATE experiments SET status = @status, ended_at = @at, ended_by = @by, reason = @reason, winner = @winner "
                            + "WHERE id = @id AND status = 'running'",
                        cancellationToken,
                        ("@status", EnumText.Of(ended.Status)),
                        ("@at", ended.EndedAt!.Value.ToColumn()),
                        ("@by", ended.EndedBy),
                        ("@reason", ended.Reason),
                        ("@winner", ended.Winner),
                        ("@id", ended.Id)
                    )
                    .ConfigureAwait(false) == 1,
            Experiment.Changes,
            ended.AgentId,
            cancellationToken
        );

    public Task AddExposuresAsync(IReadOnlyList<Exposure> exposures, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async session =>
            {
                // In one order everywhere, so that two servers never wait for each other in a circle.
                var ordered = exposures
                    .OrderBy(exposure => exposure.ExperimentId, StringComparer.Ordinal)
                    .ThenBy(exposure => exposure.Phase)
                    .ThenBy(exposure => exposure.Session)
                    .ToList();
                var isNew = await session
                    .ExecuteEachAsync(
                        "INSERT INTO experiment_exposures (experiment_id, phase, session, variant, exposed_at) "
                            + "VALUES (@experiment, @phase, @session, @variant, @at) ON CONFLICT DO NOTHING",
                        [
                            .. ordered.Select(exposure =>
                                new (string, SqlValue)[]
                                {
                                    ("@experiment", exposure.ExperimentId),
                                    ("@phase", exposure.Phase),
                                    ("@session", exposure.Session),
                                    ("@variant", exposure.Variant),
                                    ("@at", exposure.At.ToColumn()),
                                }
                            ),
                        ],
                        cancellationToken
                    )
                    .ConfigureAwait(false);
                await session
                    .ExecuteEachAsync(
                        "INSERT INTO experiment_counts (experiment_id, phase, variant, sessions) "
                            + "VALUES (@experiment, @phase, @variant, @sessions) ON CONFLICT (experiment_id, phase, variant) "
                            + "DO UPDATE SET sessions = experiment_counts.sessions + excluded.sessions",
                        [
                            .. ordered
                                .Where((_, i) => isNew[i])
                                .GroupBy(exposure => (exposure.ExperimentId, exposure.Phase, exposure.Variant))
                                .OrderBy(group => group.Key.ExperimentId, StringComparer.Ordinal)
                                .ThenBy(group => group.Key.Phase)
                                .ThenBy(group => group.Key.Variant, StringComparer.Ordinal)
                                .Select(group =>
                                    new (string, SqlValue)[]
                                    {
                                        ("@experiment", group.Key.ExperimentId),
                                        ("@phase", group.Key.Phase),
                                        ("@variant", group.Key.Variant),
                                        ("@sessions", (long)group.Count()),
                                    }
                                ),
                        ],
                        cancellationToken
                    )
                    .ConfigureAwait(false);
                return 0;
            },
            cancellationToken
        );

    public Task<IReadOnlyList<ExposureCount>> CountExposuresAsync(string experimentId, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<ExposureCount>>(
            async session =>
            {
                var phases = await session
                    .QueryAsync(
                        "SELECT phase, variants FROM experiment_phases WHERE experiment_id = @id ORDER BY phase",
                        reader =>
                            (
                                Phase: (int)reader.Integer("phase"),
                                Variants: reader.JsonOrNull<IReadOnlyList<ExperimentVariant>>("variants")!
                            ),
                        cancellationToken,
                        ("@id", experimentId)
                    )
                    .ConfigureAwait(false);
                var counts = (
                    await session
                        .QueryAsync(
                            "SELECT phase, variant, sessions FROM experiment_counts WHERE experiment_id = @id",
                            reader => (Key: ((int)reader.Integer("phase"), reader.Text("variant")), Sessions: reader.Integer("sessions")),
                            cancellationToken,
                            ("@id", experimentId)
                        )
                        .ConfigureAwait(false)
                ).ToDictionary(row => row.Key, row => row.Sessions);
                return
                [
                    .. from phase in phases
                    from variant in phase.Variants
                    where variant.Share > 0
                    select new ExposureCount(
                        phase.Phase,
                        variant.Name,
                        variant.Share,
                        counts.GetValueOrDefault((phase.Phase, variant.Name))
                    ),
                ];
            },
            cancellationToken
        );

    private static async Task<bool> AddPhaseAsync(
        SqlSession session,
        Experiment experiment,
        DateTimeOffset at,
        CancellationToken cancellationToken
    ) =>
        await session
            .ExecuteAsync(
                "INSERT INTO experiment_phases (experiment_id, phase, variants, started_at) VALUES (@id, @phase, @variants, @at)",
                cancellationToken,
                ("@id", experiment.Id),
                ("@phase", experiment.Phase),
                ("@variants", SqlValues.ToJsonColumn(experiment.Variants)),
                ("@at", at.ToColumn())
            )
            .ConfigureAwait(false) == 1;

    private static Experiment Read(DbDataReader reader) =>
        new(
            reader.Text("id"),
            reader.Text("agent_id"),
            reader.Text("slot"),
            EnumText.Parse<ExperimentStatus>(reader.Text("status"), "status"),
            (int)reader.Integer("phase"),
            reader.JsonOrNull<ExperimentRules>("rules")!,
            reader.JsonOrNull<IReadOnlyList<ExperimentVariant>>("variants")!,
            reader.Time("started_at"),
            reader.Text("started_by"),
            reader.TimeOrNull("ended_at"),
            reader.TextOrNull("ended_by"),
            reader.TextOrNull("reason"),
            reader.TextOrNull("winner")
        );
}
