using System.Data.Common;
using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Evaluation;

internal sealed class SqlEvaluationStore(SqlDatabase database) : IEvaluationStore
{
    private static readonly PageOrder s_order = new("evaluations", "created_at", "Evaluation");

    public Task AddAsync(EvaluationRecord evaluation, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
                session.ExecuteAsync(
                    "INSERT INTO evaluations (id, agent_id, training_run_id, dataset_id, passed, verdict, report, created_at) "
                        + "VALUES (@id, @agent, @run, @dataset, @passed, @verdict, @report, @at)",
                    cancellationToken,
                    ("@id", evaluation.Id),
                    ("@agent", evaluation.AgentId),
                    ("@run", evaluation.TrainingRunId),
                    ("@dataset", evaluation.DatasetId),
                    ("@passed", evaluation.Verdict.Passed.ToColumn()),
                    ("@verdict", EnumText.Of(evaluation.Verdict.Outcome)),
                    ("@report", SqlValues.ToJsonColumn(evaluation)),
                    ("@at", evaluation.CreatedAt.ToColumn())
                ),
            cancellationToken
        );

    public Task<EvaluationRecord?> FindAsync(string id, CancellationToken cancellationToken) =>
        database.LookAsync(
            session => session.SingleAsync("SELECT report FROM evaluations WHERE id = @id", Read, cancellationToken, ("@id", id)),
            cancellationToken
        );

    public Task<EvaluationRecord?> FindLatestAsync(string trainingRunId, CancellationToken cancellationToken) =>
        database.LookAsync(
            session =>
                session.SingleAsync(
                    "SELECT report FROM evaluations WHERE training_run_id = @run ORDER BY created_at DESC, id DESC LIMIT 1",
                    Read,
                    cancellationToken,
                    ("@run", trainingRunId)
                ),
            cancellationToken
        );

    public Task<IReadOnlyList<EvaluationRecord>> ListAsync(
        string agentId,
        string? trainingRunId,
        int limit,
        string? before,
        CancellationToken cancellationToken
    )
    {
        Page.CheckLimit(limit);
        return database.ReadAsync<IReadOnlyList<EvaluationRecord>>(
            async session =>
            {
                var where = new SqlConditions()
                    .Add("agent_id = @agent", "@agent", agentId)
                    .Add("training_run_id = @run", "@run", trainingRunId);
                await s_order.AfterAsync(where, session, before, limit, [agentId], cancellationToken).ConfigureAwait(false);
                return await session
                    .QueryAsync($"SELECT report FROM evaluations {where} {s_order.Sql}", Read, cancellationToken, where.Parameters)
                    .ConfigureAwait(false);
            },
            cancellationToken
        );
    }

    public Task<long> TakeLookAsync(string datasetId, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async session =>
            {
                await session
                    .ExecuteAsync(
                        "INSERT INTO evaluation_looks (dataset_id, looks) VALUES (@dataset, 1) "
                            + "ON CONFLICT (dataset_id) DO UPDATE SET looks = evaluation_looks.looks + 1",
                        cancellationToken,
                        ("@dataset", datasetId)
                    )
                    .ConfigureAwait(false);
                return await session
                    .CountAsync(
                        "SELECT looks FROM evaluation_looks WHERE dataset_id = @dataset",
                        cancellationToken,
                        ("@dataset", datasetId)
                    )
                    .ConfigureAwait(false);
            },
            cancellationToken
        );

    private static EvaluationRecord Read(DbDataReader reader) =>
        JsonSerializer.Deserialize<EvaluationRecord>(reader.Text("report"), LightningJson.Options)!;
}
