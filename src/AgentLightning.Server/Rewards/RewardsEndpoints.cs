using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Feedback;
using AgentLightning.Rewards;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Rewards;

/// <summary>The stored reward.</summary>
public sealed record RewardResponse(string RewardId, string EpisodeId, double Value, RewardSource Source, DateTimeOffset CreatedAt)
{
    public static RewardResponse Of(Reward reward) => new(reward.Id, reward.EpisodeId, reward.Value, reward.Source, reward.CreatedAt);
}

/// <summary>Rewards, newest first.</summary>
public sealed record RewardListResponse(string? AgentId, string? EpisodeFilter, int RewardsFound, IReadOnlyList<Reward> Rewards)
{
    public static RewardListResponse Of(string? agentId, string? episodeId, ListPage<Reward> page) =>
        new(agentId, episodeId, page.Items.Count, page.Items);
}

/// <summary>How the conversation went on after an answer.</summary>
/// <param name="EpisodeId">The episode; required. What it tells of its answer is looked up.</param>
/// <param name="ImmediateClarification">The user had to ask at once what was meant.</param>
/// <param name="NaturalContinuation">The user went on from the answer.</param>
public sealed record SignalsBody(string? EpisodeId, bool ImmediateClarification = false, bool NaturalContinuation = false);

internal static class RewardsEndpoints
{
    public static void MapRewards(this IEndpointRouteBuilder routes)
    {
        routes
            .MapGet("/rewards", ListAsync)
            .WithSummary(
                "Lists rewards with their history, newest first; 'before' takes the id of a reward; the header Link names the next page."
            )
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Read);
        routes
            .MapPost("/rewards", AssignAsync)
            .WithSummary(
                "Gives an episode a reward from -1 to 1. A later reward of the same source supersedes it; both are kept. A reward id that "
                    + "is there already gives back what is stored: 200."
            )
            .Produces<RewardResponse>(StatusCodes.Status200OK)
            .Produces<RewardResponse>(StatusCodes.Status201Created)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .RequiresRole(Role.Write);
        routes
            .MapPost("/rewards/implicit", SignalAsync)
            .WithSummary("Gives an episode the reward of its signals, which counts until somebody judges the episode.")
            .Produces<RewardResponse>(StatusCodes.Status201Created)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Write);
    }

    private static async Task<RewardListResponse> ListAsync(
        ListRewards rewards,
        HttpResponse response,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        [FromQuery(Name = "episode_id")] string? episodeId = null,
        string? source = null,
        int limit = 50,
        string? before = null,
        CancellationToken cancellationToken = default
    )
    {
        var word = source is null ? (RewardSource?)null : EnumText.Parse<RewardSource>(source, "source");
        var page = await rewards.ListAsync(scope, new RewardQuery(agentId, episodeId, word, limit, before), cancellationToken);
        response.LinkNext(page.Next);
        return RewardListResponse.Of(agentId, episodeId, page);
    }

    private static async Task<IResult> AssignAsync(
        RewardInput body,
        AssignReward rewards,
        Scope scope,
        CancellationToken cancellationToken
    ) => Answer(await rewards.AssignAsync(scope, body.ToRequest(), cancellationToken));

    private static async Task<IResult> SignalAsync(
        SignalsBody body,
        GiveSignals signals,
        Scope scope,
        CancellationToken cancellationToken
    ) =>
        Answer(
            await signals.GiveAsync(
                scope,
                body.EpisodeId,
                new ConversationSignals(body.ImmediateClarification, body.NaturalContinuation),
                cancellationToken
            )
        );

    /// <summary>201 for what was made, 200 for what was there: as for episodes.</summary>
    private static IResult Answer(AssignedReward assigned)
    {
        var reward = RewardResponse.Of(assigned.Reward);
        return assigned.IsNew
            ? TypedResults.Created($"/api/lightning/rewards?episode_id={Uri.EscapeDataString(reward.EpisodeId)}", reward)
            : TypedResults.Ok(reward);
    }
}
