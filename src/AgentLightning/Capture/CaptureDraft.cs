using AgentLightning.Access;
using AgentLightning.Episodes;

namespace AgentLightning.Capture;

/// <summary>
/// Takes the draft of an episode from work that must not be held up: nobody waits for the store, nor for room in the queue.
/// </summary>
public sealed class CaptureDraft(EpisodeRecorder recorder) : IOperation
{
    /// <summary>
    /// Queues the draft; role write. False means that there was no room: the episode is dropped, counted and told in the log. The episode
    /// is made, redacted and stored later. A draft of an agent that the scope is not for is
    /// <see cref="Common.ErrorKind.Forbidden"/>. The draft is disposed in any case.
    /// </summary>
    public bool TryQueue(Scope scope, IEpisodeDraft draft, CancellationToken cancellationToken)
    {
        using var refused = new Guard(draft);
        cancellationToken.ThrowIfCancellationRequested();
        scope.Require(Role.Write);
        scope.Agent(draft.AgentId, "");
        refused.Pass();
        return recorder.TryRecord(draft);
    }

    /// <summary>Disposes what was not passed on.</summary>
    private sealed class Guard(IEpisodeDraft draft) : IDisposable
    {
        private bool _passed;

        public void Pass() => _passed = true;

        public void Dispose()
        {
            if (!_passed)
            {
                draft.Dispose();
            }
        }
    }
}
