using AgentLightning.Common;

namespace AgentLightning.Training;

/// <summary>How a server executes training runs.</summary>
public sealed record TrainingOptions
{
    /// <summary>Runs that one server executes at once, 0…64; 1 by default. 0 leaves them to others.</summary>
    public int ParallelRuns { get; init; } = 1;

    /// <summary>
    /// How often a run is saved, so that another server can go on from there when this one ends, 1…86,400 s; 60 s by default.
    /// </summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromSeconds(60);

    internal void Validate()
    {
        if (ParallelRuns is < 0 or > 64)
        {
            throw LightningException.Invalid($"training.parallel_runs must be from 0 to 64, but it is {ParallelRuns}.");
        }

        if (CheckpointInterval < TimeSpan.FromSeconds(1) || CheckpointInterval > TimeSpan.FromDays(1))
        {
            throw LightningException.Invalid(
                $"training.checkpoint_seconds must be from 1 to 86400, but it is {CheckpointInterval.TotalSeconds}."
            );
        }
    }
}
