using AgentLightning.Common;

namespace AgentLightning.Rewards;

/// <summary>
/// A reward as a client sends it: <paramref name="Reward"/>, or <paramref name="RawValue"/> with <paramref name="Scale"/>.
/// </summary>
/// <param name="EpisodeId">The episode; required.</param>
/// <param name="Reward">−1…1.</param>
/// <param name="Feedback">A comment.</param>
/// <param name="Correction">The right answer, if known.</param>
/// <param name="Source">human_approval by default.</param>
/// <param name="RewardId">The client's own id; the same id twice is one reward.</param>
/// <param name="RawValue">The value on a scale of its own; it is normalised to −1…1, and kept.</param>
/// <param name="Scale">The least and the greatest value of that scale, such as 0..1 or 1..5.</param>
/// <param name="CreatedAt">When it was given, where that is not now: for rewards that another store held. A time in the future is taken for
/// now.</param>
public sealed record RewardInput(
    string? EpisodeId,
    double? Reward,
    string? Feedback,
    string? Correction,
    string? Source,
    string? Rubric,
    string? Evaluator,
    string? RewardId,
    double? RawValue = null,
    string? Scale = null,
    DateTimeOffset? CreatedAt = null
)
{
    /// <summary>
    /// What is asked for; <see cref="ErrorKind.Invalid"/> when a part is missing, two do not go together, or one is no word of ours.
    /// </summary>
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
        return new RewardRequest(
            EpisodeId,
            value,
            source,
            Correction,
            Rubric,
            Evaluator,
            Feedback,
            RewardId,
            CreatedAt,
            Scale is null ? null : RewardScale.Parse(Scale)
        );
    }
}
