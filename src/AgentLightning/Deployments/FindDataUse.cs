using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Episodes;
using AgentLightning.Governance;

namespace AgentLightning.Deployments;

/// <summary>Whose data is asked for: exactly one of the three.</summary>
public sealed record DataUseQuery(string? UserId = null, string? SessionId = null, string? EpisodeId = null);

/// <summary>Answers which data sets, training runs and releases learned from an episode, a session or a user.</summary>
public sealed class FindDataUse(DataUseLookup lookup, Redactor redactor) : IOperation
{
    /// <summary>
    /// What is known of it, also when its episodes were deleted since; role read. Data sets, runs and releases of agents that the scope is
    /// not for do not exist. What nothing holds gives an empty answer: there is no telling an id that never was from one that was never
    /// used.
    /// </summary>
    public async Task<DataUse> ExecuteAsync(Scope scope, DataUseQuery query, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        var (kind, id) = query switch
        {
            { UserId: { } user, SessionId: null, EpisodeId: null } => (DatasetMemberKind.User, user),
            { SessionId: { } session, UserId: null, EpisodeId: null } => (DatasetMemberKind.Session, session),
            { EpisodeId: { } episode, UserId: null, SessionId: null } => (DatasetMemberKind.Episode, episode),
            _ => throw LightningException.Invalid("Exactly one of user_id, session_id and episode_id says whose data is asked for."),
        };
        Ids.Check(id, $"{EnumText.Of(kind)}_id");
        // Under each name that it may have: agents have settings of their own for what is taken out of ids.
        IEnumerable<string> names =
            kind == DatasetMemberKind.Episode ? EpisodeIds.Places(id, scope.Agents)
            : scope.Agents is null ? [redactor.Identifier(id)!]
            : scope.Agents.Select(agent => redactor.Identifier(id, agent)!);
        var holdings = new List<DatasetHolding>();
        foreach (var name in names.Distinct(StringComparer.Ordinal))
        {
            holdings.AddRange(await lookup.FindAsync(kind, name, scope.Agents, cancellationToken).ConfigureAwait(false));
        }

        return await lookup
            .FollowAsync([.. holdings.DistinctBy(holding => holding.Dataset.Id)], scope.Agents, cancellationToken)
            .ConfigureAwait(false);
    }
}
