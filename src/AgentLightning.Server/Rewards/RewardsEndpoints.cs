using AgentLightning.Common;
using AgentLightning.Feedback;
using AgentLightning.Rewards;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Rewards;

/// <summary>A reward for an episode: <paramref name="Reward"/>, or <paramref name="RawValue"/> with <paramref name="Scale"/>.</summary>
/// <param name="EpisodeId">The episode; required.</param>
/// <param name="Reward">−1…1.</param>
/// <param name="Feedback">A comment.</param>
/// <param name="Correction">The right answer, if known.</param>
/// <param name="Source">human_approval by default.</param>
/// <param name="RewardId">The client's own id; the same id twice is one reward.</param>
/// <param name="RawValue">The value on a scale of its own; it is normalised to −1…1, and kept.</param>
/// <param name="Scale">The least and the greatest value of that scale, such as 0..1 or 1..5.</param>
public sealed record RewardBody(
    string? EpisodeId, double? Reward, string? Feedback, string? Correction, string? Source, string? Rubric, string? Evaluator, string? RewardId, double? RawValue = null, string? Scale = null)
{
    /// <summary>What is asked for; <see cref="ErrorKind.Invalid"/> when a part is missing, two do not go together, or one is no word of ours.</summary>
    public RewardRequest ToRequest()
    {
        if (EpisodeId is null || (Reward ?? RawValue) is not { } value)
        {
            throw LightningException.Invalid("episode_id and reward are required.");
        }

        if (Reward is not null && (RawValue is not null || Scale is not null))
        {
            throw LightningException.Invalid("Give either reward, from -1 to 1, or raw_value with its scale, not both.");
        }

        if (RawValue is not null && Scale is null)
        {
            throw LightningException.Invalid("raw_value needs the scale that it is on, such as 0..1 or 1..5.");
        }

        var source = Source is null ? RewardSource.HumanApproval : EnumText.Parse<RewardSource>(Source, "source");
        return new RewardRequest(EpisodeId, value, source, Correction, Rubric, Evaluator, Feedback, RewardId, Scale: Scale is null ? null : RewardScale.Parse(Scale));
    }
}

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
        routes.MapGet("/rewards", ListAsync)
            .WithSummary("Lists rewards with their history, newest first; 'before' takes the last id of a page and gives the next.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound);
        routes.MapPost("/rewards", AssignAsync)
            .WithSummary("Gives an episode a reward from -1 to 1. A later reward of the same source supersedes it; both are kept.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        routes.MapPost("/rewards/implicit", SignalAsync)
            .WithSummary("Gives an episode the reward of its signals, which counts until somebody judges the episode.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<RewardListResponse> ListAsync(
        IRewardStore rewards, CancellationToken cancellationToken, [FromQuery(Name = "agent_id")] string? agentId = null, [FromQuery(Name = "episode_id")] string? episodeId = null,
        string? source = null, int limit = 50, string? before = null)
    {
        var word = source is null ? (RewardSource?)null : EnumText.Parse<RewardSource>(source, "source");
        var found = await rewards.ListAsync(new RewardQuery(agentId, episodeId, word, limit, before), cancellationToken);
        return new RewardListResponse(agentId, episodeId, found.Count, found);
    }

    private static async Task<RewardResponse> AssignAsync(RewardBody body, RewardService rewards, CancellationToken cancellationToken) =>
        RewardResponse.Of(await rewards.AssignAsync(body.ToRequest(), cancellationToken));

    private static async Task<RewardResponse> SignalAsync(SignalsBody body, FeedbackService feedback, CancellationToken cancellationToken) =>
        RewardResponse.Of(await feedback.SignalAsync(
            body.EpisodeId ?? throw LightningException.Invalid("episode_id is required."), new ConversationSignals(body.ImmediateClarification, body.NaturalContinuation), cancellationToken));
}
