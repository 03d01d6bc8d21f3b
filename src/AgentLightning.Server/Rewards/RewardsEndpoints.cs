using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Rewards;

/// <summary>A reward for an episode.</summary>
/// <param name="EpisodeId">The episode; required.</param>
/// <param name="Reward">−1…1; required.</param>
/// <param name="Feedback">A comment.</param>
/// <param name="Correction">The right answer, if known.</param>
/// <param name="Source">human_approval by default.</param>
/// <param name="RewardId">The client's own id; the same id twice is one reward.</param>
public sealed record RewardBody(string? EpisodeId, double? Reward, string? Feedback, string? Correction, string? Source, string? Rubric, string? Evaluator, string? RewardId)
{
    /// <summary>What is asked for; <see cref="ErrorKind.Invalid"/> when a part is missing or no word of ours.</summary>
    public RewardRequest ToRequest() => EpisodeId is null || Reward is null
        ? throw LightningException.Invalid("episode_id and reward are required.")
        : new RewardRequest(
            EpisodeId, Reward.Value, Source is null ? RewardSource.HumanApproval : EnumText.Parse<RewardSource>(Source, "source"), Correction, Rubric, Evaluator, Feedback, RewardId);
}

/// <summary>The stored reward.</summary>
public sealed record RewardResponse(string RewardId, string EpisodeId, double Value, RewardSource Source, DateTimeOffset CreatedAt)
{
    public static RewardResponse Of(Reward reward) => new(reward.Id, reward.EpisodeId, reward.Value, reward.Source, reward.CreatedAt);
}

internal static class RewardsEndpoints
{
    public static void MapRewards(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/rewards", AssignAsync)
            .WithSummary("Gives an episode a reward from -1 to 1. A later reward of the same source supersedes it; both are kept.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Write);

    private static async Task<RewardResponse> AssignAsync(
        RewardBody body, RewardService rewards, IEpisodeStore episodes, EpisodeRecorder recorder, AgentScope scope, CancellationToken cancellationToken)
    {
        var request = body.ToRequest();
        return await scope.MayTouchAsync(Ids.Check(request.EpisodeId, "episode_id"), episodes, recorder, cancellationToken)
            ? RewardResponse.Of(await rewards.AssignAsync(request, cancellationToken))
            : throw RewardService.UnknownEpisode(request.EpisodeId);
    }
}
