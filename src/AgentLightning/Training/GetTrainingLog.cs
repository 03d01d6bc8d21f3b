using AgentLightning.Access;
using AgentLightning.Common;

namespace AgentLightning.Training;

/// <summary>Which lines of a run are asked for.</summary>
/// <param name="After">Only lines with a higher number; 0 for all.</param>
/// <param name="Limit">1…1,000. Of more lines than that, the newest are given where <paramref name="After"/> is 0, else the next.</param>
public sealed record TrainingLogQuery(string RunId, long After = 0, int Limit = 200);

/// <summary>A run and what it says.</summary>
/// <param name="Lines">Oldest first.</param>
public sealed record TrainingLog(TrainingRun Run, IReadOnlyList<TrainingLogLine> Lines);

/// <summary>Reads what a training run says while it goes on.</summary>
public sealed class GetTrainingLog(ITrainingRunStore runs) : IOperation
{
    /// <summary>The run and its lines, oldest first. Asks for the role read; one of another agent is
    /// <see cref="ErrorKind.NotFound"/>.</summary>
    public async Task<TrainingLog> ExecuteAsync(Scope scope, TrainingLogQuery query, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        var run = scope.Visible(await runs.FindAsync(Ids.Check(query.RunId, "run_id"), cancellationToken).ConfigureAwait(false), run =>
            run.AgentId
        ) ?? throw LightningException.NotFound($"Training run {query.RunId} not found");
        var lines = await runs.ReadLogAsync(run.Id, query.After, query.Limit, tail: query.After == 0, cancellationToken)
            .ConfigureAwait(false);
        return new TrainingLog(run, lines);
    }
}
