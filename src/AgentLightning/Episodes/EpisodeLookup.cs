using AgentLightning.Access;
using AgentLightning.Common;

namespace AgentLightning.Episodes;

/// <summary>
/// Finds episodes as a scope sees them, also those on their way to the store. What it gives is what the scope allows: an operation
/// authorises the record that it then uses.
/// </summary>
/// <remarks>Any thread may call; lookups that come at the same time are one question to the store.</remarks>
public sealed class EpisodeLookup : IAsyncDisposable
{
    private const int Together = 500;
    private readonly IEpisodeStore _episodes;
    private readonly EpisodeRecorder _recorder;
    private readonly GroupQueue<IReadOnlyList<string>, IReadOnlyList<EpisodeOrigin>> _lookups;

    public EpisodeLookup(IEpisodeStore episodes, EpisodeRecorder recorder, TimeProvider time)
    {
        (_episodes, _recorder) = (episodes, recorder);
        _lookups = new(new Looking(this), new GroupQueueOptions(), time);
    }

    /// <summary>Whose the episode is, or null where the scope sees none under this id.</summary>
    public async Task<EpisodeOrigin?> FindAsync(Scope scope, string id, CancellationToken cancellationToken)
    {
        var places = EpisodeIds.Places(id, scope.Agents);
        if (await LookAsync().ConfigureAwait(false) is { } found)
        {
            return found;
        }

        await _recorder.FlushAsync(cancellationToken).ConfigureAwait(false);
        return await LookAsync().ConfigureAwait(false);

        async Task<EpisodeOrigin?> LookAsync() =>
            (await _lookups.DoAsync(places, cancellationToken).ConfigureAwait(false)).FirstOrDefault(one => scope.Allows(one.AgentId));
    }

    /// <summary>The same for many ids, of which each may come more than once. What the scope does not see is not there.</summary>
    public async Task<IReadOnlyDictionary<string, EpisodeOrigin>> FindAllAsync(
        Scope scope,
        IEnumerable<string> ids,
        CancellationToken cancellationToken
    )
    {
        var seen = new Dictionary<string, EpisodeOrigin>(StringComparer.Ordinal);
        var left = ids.Distinct(StringComparer.Ordinal).ToList();
        await LookAsync().ConfigureAwait(false);
        if (left.Count > 0)
        {
            await _recorder.FlushAsync(cancellationToken).ConfigureAwait(false);
            await LookAsync().ConfigureAwait(false);
        }

        return seen;

        async Task LookAsync()
        {
            var found = await ReadAsync([.. left.SelectMany(id => EpisodeIds.Places(id, scope.Agents)).Distinct()], cancellationToken)
                .ConfigureAwait(false);
            foreach (var id in left)
            {
                var origin = EpisodeIds
                    .Places(id, scope.Agents)
                    .Select(found.GetValueOrDefault)
                    .FirstOrDefault(one => one is not null && scope.Allows(one.AgentId));
                if (origin is not null)
                {
                    seen[id] = origin;
                }
            }

            left.RemoveAll(seen.ContainsKey);
        }
    }

    /// <summary>The whole episode, or <see cref="ErrorKind.NotFound"/> where the scope sees none under this id.</summary>
    public async Task<Episode> ReadAsync(Scope scope, string id, CancellationToken cancellationToken) =>
        await FindAsync(scope, Ids.Check(id, "id"), cancellationToken).ConfigureAwait(false) is { } origin
        && await _episodes.FindAsync(origin.EpisodeId, cancellationToken).ConfigureAwait(false) is { } episode
            ? episode
            : throw Unknown(id);

    /// <summary>What is said of an episode that is not there, or is another agent's.</summary>
    public static LightningException Unknown(string id) => LightningException.NotFound($"Episode {id} not found");

    /// <summary>Waits for what was asked.</summary>
    public ValueTask DisposeAsync() => _lookups.DisposeAsync();

    private async Task<Dictionary<string, EpisodeOrigin>> ReadAsync(List<string> ids, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, EpisodeOrigin>(StringComparer.Ordinal);
        foreach (var chunk in ids.Chunk(Together))
        {
            foreach (var origin in await _episodes.OriginsAsync(chunk, cancellationToken).ConfigureAwait(false))
            {
                found[origin.EpisodeId] = origin;
            }
        }

        return found;
    }

    private sealed class Looking(EpisodeLookup lookup) : IGroupWork<IReadOnlyList<string>, IReadOnlyList<EpisodeOrigin>>
    {
        public async Task RunAsync(ItemGroup<IReadOnlyList<string>, IReadOnlyList<EpisodeOrigin>> group)
        {
            var found = await lookup
                .ReadAsync([.. group.Items.SelectMany(place => place).Distinct()], CancellationToken.None)
                .ConfigureAwait(false);
            group.Complete(group.Items.Select(place => place.Select(found.GetValueOrDefault).OfType<EpisodeOrigin>().ToList()).ToList());
        }
    }
}
