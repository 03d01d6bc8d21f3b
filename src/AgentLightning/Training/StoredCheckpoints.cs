using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Training;

/// <summary>The checkpoint of one run in the artifact store, written under its lease.</summary>
internal sealed class StoredCheckpoints(
    ITrainingRunStore runs,
    IArtifactStore artifacts,
    string runId,
    string? found,
    Lease lease,
    TimeSpan interval
) : ITrainingCheckpoints
{
    public TimeSpan Interval => interval;

    public async Task<Stream?> OpenAsync(CancellationToken cancellationToken) =>
        found is null ? null : await artifacts.OpenAsync(found, cancellationToken).ConfigureAwait(false);

    public async Task SaveAsync(int stepsDone, Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        var artifact = await artifacts.PutAsync(write, cancellationToken).ConfigureAwait(false);
        var (saved, before) = await runs.TrySaveAsync(runId, artifact, stepsDone, lease, cancellationToken).ConfigureAwait(false);
        if (!saved)
        {
            // Whoever executes the run now may have come to the very same step, and then this is its checkpoint.
            var now = await runs.FindAsync(runId, cancellationToken).ConfigureAwait(false);
            await RemoveAsync(now?.Checkpoint == artifact ? null : artifact, cancellationToken).ConfigureAwait(false);
            throw LightningException.Conflict($"Training run {runId} is executed by another process now.");
        }

        await RemoveAsync(before == artifact ? null : before, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Forgets the checkpoint of a run that has come to its end.</summary>
    public async Task ForgetAsync(CancellationToken cancellationToken)
    {
        var (_, before) = await runs.TrySaveAsync(runId, null, null, lease, cancellationToken).ConfigureAwait(false);
        await RemoveAsync(before, cancellationToken).ConfigureAwait(false);
    }

    private Task RemoveAsync(string? artifact, CancellationToken cancellationToken) =>
        artifact is null ? Task.CompletedTask : artifacts.RemoveAsync(artifact, cancellationToken);
}
