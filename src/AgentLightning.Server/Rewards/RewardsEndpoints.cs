using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
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
public sealed record RewardListResponse(string? AgentId, string? EpisodeFilter, int RewardsFound, IReadOnlyList<Reward> Rewards);

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
            .WithSummary("Lists rewards with their history, newest first; 'before' takes the last id of a page and gives the next.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Read);
        routes
            .MapPost("/rewards", AssignAsync)
            .WithSummary("Gives an episode a reward from -1 to 1. A later reward of the same source supersedes it; both are kept.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .RequiresRole(Role.Write);
        routes
            .MapPost("/rewards/implicit", SignalAsync)
            .WithSummary("Gives an episode the reward of its signals, which counts until somebody judges the episode.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Write);
    }

    private static async Task<RewardListResponse> ListAsync(
        IRewardStore rewards,
        Scope scope,
        CancellationToken cancellationToken,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        [FromQuery(Name = "episode_id")] string? episodeId = null,
        string? source = null,
        int limit = 50,
        string? before = null
    )
    {
        var word = source is null ? (RewardSource?)null : EnumText.Parse<RewardSource>(source, "source");
        var found = await rewards.ListAsync(
            new RewardQuery(scope.Named(agentId), episodeId, word, limit, before, scope.Agents),
            cancellationToken
        );
        return new RewardListResponse(agentId, episodeId, found.Count, found);
    }

    private static async Task<RewardResponse> AssignAsync(
        RewardInput body,
        RewardService rewards,
        IEpisodeStore episodes,
        EpisodeRecorder recorder,
        Scope scope,
        CancellationToken cancellationToken
    )
    {
        var request = body.ToRequest();
        return await scope.MayTouchAsync(Ids.Check(request.EpisodeId, "episode_id"), episodes, recorder, cancellationToken)
            ? RewardResponse.Of(await rewards.AssignAsync(request, cancellationToken))
            : throw RewardService.UnknownEpisode(request.EpisodeId);
    }

    private static async Task<RewardResponse> SignalAsync(
        SignalsBody body,
        FeedbackService feedback,
        IEpisodeStore episodes,
        EpisodeRecorder recorder,
        Scope scope,
        CancellationToken cancellationToken
    )
    {
        var episodeId = Ids.Check(body.EpisodeId, "episode_id");
        return await scope.MayTouchAsync(episodeId, episodes, recorder, cancellationToken)
            ? RewardResponse.Of(
                await feedback.SignalAsync(
                    episodeId,
                    new ConversationSignals(body.ImmediateClarification, body.NaturalContinuation),
                    cancellationToken
                )
            )
            : throw LightningException.NotFound($"Episode {episodeId} not found");
    }
}
