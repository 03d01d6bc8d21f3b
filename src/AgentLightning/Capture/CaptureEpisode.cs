using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Capture;

/// <summary>
/// Takes one episode that a client sends. Episodes are idempotent by their ids: of two of one agent with one id the first stays. Contents
/// are not compared, because what is stored is redacted.
/// </summary>
public sealed class CaptureEpisode(EpisodeRecorder recorder, ReleaseClaims claims, TimeProvider time) : IOperation
{
    /// <summary>
    /// Stores the episode; it is on disk, redacted, when this returns; role write. Wrong fields are <see cref="ErrorKind.Invalid"/>, an
    /// agent that the scope is not for is <see cref="ErrorKind.Forbidden"/>. <see cref="ErrorKind.Unavailable"/> means that nothing is
    /// stored and the same request may succeed later; what never will is another kind.
    /// </summary>
    public async Task<CapturedEpisode> AddAsync(Scope scope, EpisodeInput input, CancellationToken cancellationToken)
    {
        scope.Require(Role.Write);
        var episode = EpisodeCheck.ToEpisode(input, scope, time.GetUtcNow());
        recorder.Check(episode);
        episode = await claims.SettleAsync(episode, cancellationToken).ConfigureAwait(false);
        var added = await recorder.StoreAsync(episode, cancellationToken).ConfigureAwait(false);
        return new CapturedEpisode(
            EpisodeIds.Shown(scope, added.Id, added.AgentId),
            added.AgentId,
            added.CreatedAt,
            Duplicate: !added.IsNew
        );
    }
}
