using AgentLightning.Common;

namespace AgentLightning.Retention;

/// <summary>How long records are kept.</summary>
public sealed record RetentionOptions
{
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(36_500);

    /// <summary>
    /// Age at which an episode's payload goes: texts, messages, tool calls, tokens, metadata. 1 hour…100 years; null, the default, keeps
    /// it.
    /// </summary>
    public TimeSpan? PayloadAge { get; init; }

    /// <summary>
    /// Age at which an episode goes whole, with its rewards, feedback and spans. 1 hour…100 years; null, the default, keeps it.
    /// </summary>
    public TimeSpan? EpisodeAge { get; init; }

    /// <summary>How often one of the servers looks for what is too old, 1 minute…7 days; 1 hour by default.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromHours(1);

    internal void Validate()
    {
        CheckAge(nameof(PayloadAge), PayloadAge);
        CheckAge(nameof(EpisodeAge), EpisodeAge);
        if (Interval < TimeSpan.FromMinutes(1) || Interval > TimeSpan.FromDays(7))
        {
            throw LightningException.Invalid($"{nameof(Interval)} of the retention must be from 1 minute to 7 days, but it is {Interval}.");
        }
    }

    private static void CheckAge(string name, TimeSpan? age)
    {
        if (age is { } given && (given < TimeSpan.FromHours(1) || given > s_longest))
        {
            throw LightningException.Invalid($"{name} of the retention must be from 1 hour to 100 years, but it is {given}.");
        }
    }
}
