using AgentLightning.Common;

namespace AgentLightning.Training;

/// <summary>Where a run in progress is saved, for whoever goes on with it.</summary>
public interface ITrainingCheckpoints
{
    /// <summary>How often to save.</summary>
    TimeSpan Interval { get; }

    /// <summary>The last checkpoint, to be read once from beginning to end; null where there is none.</summary>
    Task<Stream?> OpenAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Saves what <paramref name="write"/> writes in place of the checkpoint before: one of the two is there at any time. It is
    /// <see cref="ErrorKind.Conflict"/> once another executes the run.
    /// </summary>
    Task SaveAsync(int stepsDone, Func<Stream, Task> write, CancellationToken cancellationToken);
}
