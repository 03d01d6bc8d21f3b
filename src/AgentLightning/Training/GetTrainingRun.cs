using AgentLightning.Access;
using AgentLightning.Common;

namespace AgentLightning.Training;

/// <summary>Looks at one training run.</summary>
public sealed class GetTrainingRun(ITrainingRunStore runs) : IOperation
{
    /// <summary>The run. Asks for the role read; one of another agent is <see cref="ErrorKind.NotFound"/>.</summary>
    public async Task<TrainingRun> ExecuteAsync(Scope scope, string id, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        return scope.Visible(await runs.FindAsync(Ids.Check(id, "run_id"), cancellationToken).ConfigureAwait(false), run => run.AgentId)
            ?? throw LightningException.NotFound($"Training run {id} not found");
    }
}
