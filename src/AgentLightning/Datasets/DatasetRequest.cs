using System.Globalization;
using AgentLightning.Common;
using AgentLightning.Rewards;

namespace AgentLightning.Datasets;

/// <summary>How the rewards of an episode become one.</summary>
public enum RewardAggregation
{
    /// <summary>The mean of what judges quality, plus the sum of penalties, within −1…1.</summary>
    QualityAndPenalties,

    /// <summary>The mean of all.</summary>
    Mean,
}

/// <summary>What a data set is to be made of. What is given holds together; null selects nothing by it.</summary>
/// <param name="Seed">Decides, with each session's or input's key, what is held out. One seed gives one split for ever.</param>
/// <param name="HeldOutShare">Share held out, 0.05…0.5; 0.25 by default.</param>
/// <param name="MinReward">Leaves out answers below it, −1…1; null keeps all, since learning from rewards needs the bad ones too.</param>
public sealed record DatasetRequest(string AgentId, string Name, long Seed, double HeldOutShare = 0.25, double? MinReward = null)
{
    /// <summary>What the rows are to be.</summary>
    public DatasetKind Kind { get; init; }

    /// <summary>What it is for, in words.</summary>
    public string? Description { get; init; }

    public RewardAggregation Aggregation { get; init; }

    /// <summary>Only rewards of these sources count; penalties too only when they are named.</summary>
    public IReadOnlyList<RewardSource>? Sources { get; init; }

    /// <summary>Only episodes from here on.</summary>
    public DateTimeOffset? Start { get; init; }

    /// <summary>Only episodes before this moment.</summary>
    public DateTimeOffset? End { get; init; }

    /// <summary>Only episodes with one of these tags.</summary>
    public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>Episodes of these agents instead of those of <see cref="AgentId"/>.</summary>
    public IReadOnlyList<string>? Agents { get; init; }

    /// <summary>Only answers of these models.</summary>
    public IReadOnlyList<string>? Models { get; init; }

    /// <summary>Only answers of these releases.</summary>
    public IReadOnlyList<string>? Releases { get; init; }

    /// <summary>Most rows, the most rewarded first, 1…5,000,000; null takes all.</summary>
    public int? MaxExamples { get; init; }

    /// <summary>With fewer episodes in it no data set is made.</summary>
    public int MinEpisodes { get; init; }

    /// <summary>Stands before conversations that have no system message.</summary>
    public string? SystemPrompt { get; init; }

    /// <summary>Whether calls of tools and their results are part of conversations.</summary>
    public bool IncludeTools { get; init; } = true;

    /// <summary>Refuses what cannot be with <see cref="ErrorKind.Invalid"/>.</summary>
    /// <param name="whose">Stands in messages where it is not the request's own, with a blank at its end.</param>
    internal void Check(string whose = "")
    {
        if (HeldOutShare is not (>= 0.05 - 1e-9 and <= 0.5 + 1e-9))
        {
            throw Wrong($"The held-out share {whose}must be from 0.05 to 0.5, but it is {HeldOutShare}.");
        }

        if (MinReward is { } least && least is not (>= -1 and <= 1))
        {
            throw Wrong($"The least reward {whose}must be from -1 to 1, but it is {least}.");
        }

        if (MaxExamples is { } most && most is not (>= 1 and <= 5_000_000))
        {
            throw Wrong($"The most examples {whose}must be from 1 to 5000000, but it is {most}.");
        }

        if (MinEpisodes < 0)
        {
            throw Wrong($"The fewest episodes must be 0 or more, but it is {MinEpisodes}.");
        }

        if (Start >= End)
        {
            throw Wrong($"The period must begin before it ends, but it is from {Iso(Start)} to {Iso(End)}.");
        }

        if (SystemPrompt is { Length: > 100_000 })
        {
            throw Wrong($"The system prompt {whose}must have up to 100000 characters, but it has {SystemPrompt.Length}.");
        }
    }

    /// <summary>What is selected, in words.</summary>
    internal string Filter()
    {
        var parts = new List<string>();
        if (MinReward is { } least)
        {
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"min_reward >= {least}"));
        }

        List("sources", Sources?.Select(EnumText.Of).ToList());
        if (Start is { } start)
        {
            parts.Add($"created_at >= {Iso(start)}");
        }

        if (End is { } end)
        {
            parts.Add($"created_at < {Iso(end)}");
        }

        List("tags", Tags);
        List("agents", Agents);
        List("models", Models);
        List("releases", Releases);
        if (Aggregation != RewardAggregation.QualityAndPenalties)
        {
            parts.Add($"aggregation = {EnumText.Of(Aggregation)}");
        }

        return parts.Count == 0 ? "rewarded" : string.Join(", ", parts);

        void List(string name, IReadOnlyList<string>? words)
        {
            if (words is not null)
            {
                parts.Add($"{name} in [{string.Join(", ", words)}]");
            }
        }
    }

    private static string Iso(DateTimeOffset? time) =>
        time?.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFZ", CultureInfo.InvariantCulture) ?? "";

    private static LightningException Wrong(FormattableString text) => LightningException.Invalid(FormattableString.Invariant(text));
}
