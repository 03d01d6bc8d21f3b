using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Governance;

namespace AgentLightning.Retention;

/// <summary>What of an episode is taken away.</summary>
public enum RemovalScope
{
    /// <summary>The episode with everything that refers to it.</summary>
    Episode,

    /// <summary>Texts, messages, tool calls, tokens and metadata; facts and rewards stay.</summary>
    Payload,
}

/// <summary>Takes episodes away, any number of them, in steps that each are one short transaction: others write meanwhile, and memory does not grow.</summary>
public sealed class EpisodeRemoval(IEpisodeStore episodes, EpisodeRecorder recorder, Redactor redactor)
{
    private const int Step = 500;

    /// <summary>
    /// Removes all that is selected, what waits to be written included, and returns how many episodes that were. The id of a user or a session is looked for as
    /// it was given to the capture. Cancelled, it has removed whole steps, and begun again it goes on.
    /// </summary>
    /// <param name="progress">Is told the number removed so far, after each step.</param>
    public async Task<long> RemoveAsync(EpisodeSelection selection, RemovalScope scope, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        foreach (var id in selection.Ids ?? [])
        {
            Ids.Check(id, "id");
        }

        await recorder.FlushAsync(cancellationToken).ConfigureAwait(false);
        var stored = selection.AsStored(redactor);
        var removed = 0L;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var step = scope == RemovalScope.Episode
                ? await episodes.DeleteAsync(stored, Step, cancellationToken).ConfigureAwait(false)
                : await episodes.RemovePayloadsAsync(stored, Step, cancellationToken).ConfigureAwait(false);
            if (step == 0)
            {
                return removed;
            }

            removed += step;
            progress?.Report(removed);
        }
    }
}
