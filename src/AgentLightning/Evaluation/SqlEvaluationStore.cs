using System.Data.Common;
using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Evaluation;

internal sealed class SqlEvaluationStore(SqlDatabase database) : IEvaluationStore
{
    public Task AddAsync(EvaluationRecord evaluation, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
                session.ExecuteAsync(
                    "INSERT INTO evaluations (id, agent_id, training_run_id, dataset_id, passed, report, created_at) VALUES (@id, @agent, "
                        + "@run, @dataset, @passed, @report, @at)",
                    cancellationToken,
                    ("@id", evaluation.Id),
                    ("@agent", evaluation.AgentId),
                    ("@run", evaluation.TrainingRunId),
                    ("@dataset", evaluation.DatasetId),
                    ("@passed", evaluation.Verdict.Passed.ToColumn()),
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

    private static EvaluationRecord Read(DbDataReader reader) =>
        JsonSerializer.Deserialize<EvaluationRecord>(reader.Text("report"), LightningJson.Options)!;
}
