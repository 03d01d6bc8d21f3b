using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Feedback;

/// <summary>A page of feedback, as of a moment.</summary>
public sealed record RecentFeedback(IReadOnlyList<MessageFeedback> Feedback, DateTimeOffset Timestamp);

/// <summary>Lists feedback with its history.</summary>
public sealed class ListFeedback(IFeedbackStore feedback, EpisodeLookup lookup, TimeProvider time) : IOperation
{
    /// <summary>
    /// Newest first; role read. An agent that the scope is not for is <see cref="ErrorKind.Forbidden"/>; what is of the others does not
    /// exist. <see cref="FeedbackQuery.Agents"/> is set by the scope.
    /// </summary>
    public async Task<ListPage<MessageFeedback>> ListAsync(Scope scope, FeedbackQuery query, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        var episode =
            query.EpisodeId is { } id && scope.Agents is not null
                ? await lookup.FindAsync(scope, id, cancellationToken).ConfigureAwait(false)
                : null;
        var found = await feedback
            .ListAsync(
                query with
                {
                    AgentId = scope.Named(query.AgentId),
                    EpisodeId = episode?.EpisodeId ?? query.EpisodeId,
                    Agents = scope.Agents,
                },
                cancellationToken
            )
            .ConfigureAwait(false);
        // A page ends where the feedback lies in the store.
        var page = ListPage.Of(found, query.Limit, one => PageCursor.After(one.CreatedAt, one.Id));
        return page with { Items = [.. page.Items.Select(one => GiveFeedback.Shown(scope, one))] };
    }

    /// <summary>The newest, of one agent or of all that the scope is for; role read.</summary>
    public async Task<RecentFeedback> RecentAsync(Scope scope, string? agentId, int limit, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        var page = await ListAsync(scope, new FeedbackQuery(agentId, Limit: limit), cancellationToken).ConfigureAwait(false);
        return new RecentFeedback(page.Items, time.GetUtcNow());
    }
}
