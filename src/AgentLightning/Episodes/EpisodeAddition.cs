using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Episodes;

/// <summary>
/// Episodes that are stored in one transaction. One whose id is taken by another agent's episode moves to an id of its own: two agents that
/// choose the same id each have their episode, and neither learns of the other's.
/// </summary>
internal sealed class EpisodeAddition(SqlDatabase database, SqlSession session, IReadOnlyList<Episode> episodes)
{
    private const int Together = 500;

    /// <summary>How often an episode is tried that somebody deletes between the look for its id and the look at who has it.</summary>
    private const int Attempts = 10;

    private readonly AddedEpisode?[] _added = new AddedEpisode?[episodes.Count];

    /// <summary>For each episode what became of it.</summary>
    public async Task<IReadOnlyList<AddedEpisode>> AddAsync(CancellationToken cancellationToken)
    {
        await AddAllAsync([.. episodes.Select((episode, i) => (episode, i))], cancellationToken).ConfigureAwait(false);
        var taken = Enumerable.Range(0, episodes.Count).Where(i => _added[i] is null).ToList();
        if (taken.Count > 0)
        {
            await AddAllAsync(
                    [.. taken.Select(i => (episodes[i] with { Id = EpisodeIds.Marked(episodes[i].Id, episodes[i].AgentId) }, i))],
                    cancellationToken
                )
                .ConfigureAwait(false);
        }

        return
        [
            .. _added.Select(
                (added, i) =>
                    added ?? throw LightningException.Conflict($"The id {episodes[i].Id} cannot be used. Give another one, or none.")
            ),
        ];
    }

    private async Task AddAllAsync(List<(Episode Episode, int At)> entries, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < Attempts && entries.Count > 0; attempt++)
        {
            entries = await AddAsync(entries, cancellationToken).ConfigureAwait(false);
        }

        if (entries is [var (episode, _), ..])
        {
            throw new LightningException(
                ErrorKind.Unavailable,
                $"The episode {episode.Id} was deleted again and again while it was sent. Nothing is lost when the same request is sent "
                    + $"again later."
            );
        }
    }

    /// <summary>
    /// Adds those whose id is free, and finds out of the others whether they are their agent's. Gives those that were deleted meanwhile,
    /// whose id is free again.
    /// </summary>
    private async Task<List<(Episode Episode, int At)>> AddAsync(
        List<(Episode Episode, int At)> entries,
        CancellationToken cancellationToken
    )
    {
        // In one order everywhere: two groups with the same ids never wait for each other in a circle.
        var ordered = entries.OrderBy(entry => entry.Episode.Id, StringComparer.Ordinal).ToList();
        var isNew = await session
            .ExecuteEachAsync(
                SqlEpisodeStore.InsertSql,
                [.. ordered.Select(entry => SqlEpisodeStore.RowOf(entry.Episode))],
                cancellationToken
            )
            .ConfigureAwait(false);
        var (added, known, totals) = (new List<Episode>(ordered.Count), new List<(Episode Episode, int At)>(), new DailyTotals());
        for (var i = 0; i < isNew.Length; i++)
        {
            if (!isNew[i])
            {
                known.Add(ordered[i]);
                continue;
            }

            var episode = ordered[i].Episode;
            _added[ordered[i].At] = new AddedEpisode(episode.Id, episode.AgentId, episode.CreatedAt, IsNew: true);
            added.Add(episode);
            totals.Add(
                TotalKey.Of(episode.AgentId, episode.CreatedAt.ToColumn(), episode.ModelDeployment, episode.Intent, episode.Persona),
                TotalDelta.OfEpisode(episode.Status == EpisodeStatus.Succeeded)
            );
            totals.Releases.AddEpisode(
                episode.DeploymentId,
                episode.AgentId,
                ReleaseDelta.OfEpisode(
                    episode.Status == EpisodeStatus.Succeeded,
                    episode.RequestLatencyMs,
                    episode.TokenUsage?.Prompt ?? 0,
                    episode.TokenUsage?.Completion ?? 0
                ),
                episode.RequestLatencyMs
            );
        }

        await session
            .WriteTogetherAsync(
                [new SqlWrites(SqlEpisodeStore.InsertPayloadSql, [.. added.Select(SqlEpisodeStore.PayloadOf)]), .. totals.Writes(database)],
                cancellationToken
            )
            .ConfigureAwait(false);
        var gone = new List<(Episode Episode, int At)>();
        foreach (var chunk in known.Chunk(Together))
        {
            gone.AddRange(await FindAsync(chunk, cancellationToken).ConfigureAwait(false));
        }

        return gone;
    }

    /// <summary>Gives those that nobody has.</summary>
    private async Task<List<(Episode Episode, int At)>> FindAsync((Episode Episode, int At)[] entries, CancellationToken cancellationToken)
    {
        var ids = new SqlConditions().AddAny("id", "@id", [.. entries.Select(entry => entry.Episode.Id).Distinct()]);
        var stored = (
            await session
                .QueryAsync(
                    $"SELECT id, agent_id, created_at FROM episodes {ids}",
                    reader => new AddedEpisode(reader.Text("id"), reader.Text("agent_id"), reader.Time("created_at"), IsNew: false),
                    cancellationToken,
                    ids.Parameters
                )
                .ConfigureAwait(false)
        ).ToDictionary(episode => episode.Id, StringComparer.Ordinal);
        var gone = new List<(Episode Episode, int At)>();
        foreach (var (episode, at) in entries)
        {
            if (!stored.TryGetValue(episode.Id, out var there))
            {
                gone.Add((episode, at));
            }
            else if (there.AgentId == episode.AgentId)
            {
                _added[at] = there;
            }
        }

        return gone;
    }
}
