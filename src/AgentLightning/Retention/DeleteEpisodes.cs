using System.Text.Json.Serialization;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Episodes;

namespace AgentLightning.Retention;

/// <summary>How many episodes were removed, and how much of each.</summary>
public sealed record EpisodesRemoved(long Removed, RemovalScope Scope)
{
    /// <summary>The data sets that hold them, which are marked; their content is what it was. Null when none does.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<UsedDataset>? DataSets { get; init; }

    /// <summary>The runs that learned from these data sets.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<UsedRun>? TrainingRuns { get; init; }

    /// <summary>The releases of the models of these runs.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<UsedRelease>? Releases { get; init; }
}

/// <summary>Deletes episodes on request, with everything that refers to them.</summary>
public sealed class DeleteEpisodes(EpisodeRemoval removal, EpisodeLookup lookup) : IOperation
{
    /// <summary>
    /// Deletes one episode; role admin. An id that there is not, and one of an agent that the scope is not for, is
    /// <see cref="ErrorKind.NotFound"/>.
    /// </summary>
    public async Task<EpisodesRemoved> DeleteAsync(Scope scope, string id, CancellationToken cancellationToken)
    {
        scope.Require(Role.Admin);
        var episode = await lookup.FindAsync(scope, Ids.Check(id, "id"), cancellationToken).ConfigureAwait(false)
            ?? throw EpisodeLookup.Unknown(id);
        var removed = await RemoveAsync(
                scope,
                new EpisodeSelection(Ids: [episode.EpisodeId]),
                RemovalScope.Episode,
                null,
                cancellationToken
            )
            .ConfigureAwait(false);
        return removed.Removed == 0 ? throw EpisodeLookup.Unknown(id) : removed;
    }

    /// <summary>
    /// Deletes what is selected, or only the payloads of it; role admin. A selection without any part is <see cref="ErrorKind.Invalid"/>,
    /// an agent that the scope is not for is <see cref="ErrorKind.Forbidden"/>; what is of the others does not exist.
    /// </summary>
    /// <param name="what">A word of <see cref="RemovalScope"/>; null for whole episodes.</param>
    /// <param name="progress">Is told the number removed so far.</param>
    public Task<EpisodesRemoved> DeleteManyAsync(
        Scope scope,
        EpisodeSelection selection,
        string? what,
        IProgress<long>? progress,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Admin);
        return RemoveAsync(
            scope,
            selection,
            what is null ? RemovalScope.Episode : EnumText.Parse<RemovalScope>(what, "scope"),
            progress,
            cancellationToken
        );
    }

    /// <summary>Deletes every episode of an agent, which must be named; role admin.</summary>
    public Task<EpisodesRemoved> ClearAsync(Scope scope, string? agentName, CancellationToken cancellationToken)
    {
        scope.Require(Role.Admin);
        return string.IsNullOrEmpty(agentName)
            ? throw LightningException.Invalid("agent_name is required: it names the agent whose interactions are all deleted.")
            : RemoveAsync(scope, new EpisodeSelection(agentName), RemovalScope.Episode, null, cancellationToken);
    }

    /// <summary>
    /// Removes all that is selected, what waits to be written included, and returns how many episodes that were; role admin. Cancelled, it
    /// has removed whole steps, and begun again it goes on.
    /// </summary>
    /// <param name="progress">Is told the number removed so far, after each step.</param>
    public async Task<long> ExecuteAsync(
        Scope scope,
        EpisodeSelection selection,
        RemovalScope what,
        IProgress<long>? progress,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Admin);
        return (await RemoveAsync(scope, selection, what, progress, cancellationToken).ConfigureAwait(false)).Removed;
    }

    private async Task<EpisodesRemoved> RemoveAsync(
        Scope scope,
        EpisodeSelection selection,
        RemovalScope what,
        IProgress<long>? progress,
        CancellationToken cancellationToken
    )
    {
        var seen =
            selection.Ids is null || scope.Agents is null
                ? null
                : await lookup.FindAllAsync(scope, selection.Ids, cancellationToken).ConfigureAwait(false);
        var allowed = selection with
        {
            AgentId = scope.Named(selection.AgentId),
            Ids = seen is null ? selection.Ids : [.. seen.Values.Select(episode => episode.EpisodeId).Distinct()],
            Agents = scope.Agents,
        };
        var (removed, use) = await removal.RemoveAsync(allowed, what, scope.Actor, progress, cancellationToken).ConfigureAwait(false);
        return new EpisodesRemoved(removed, what)
        {
            DataSets = use.DataSets.Count == 0 ? null : use.DataSets,
            TrainingRuns = use.DataSets.Count == 0 ? null : use.TrainingRuns,
            Releases = use.DataSets.Count == 0 ? null : use.Releases,
        };
    }
}
