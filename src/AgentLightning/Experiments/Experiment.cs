using System.Text.Json.Serialization;
using AgentLightning.Common;

namespace AgentLightning.Experiments;

/// <summary>Where an experiment stands. Stored as these words.</summary>
public enum ExperimentStatus
{
    /// <summary>It splits traffic.</summary>
    Running,

    /// <summary>A candidate won, or was taken by hand, and serves everybody.</summary>
    Promoted,

    /// <summary>A guard tripped, and the release before serves everybody again.</summary>
    RolledBack,

    /// <summary>It ended without a change: by hand, at its end of time, or because another release became active.</summary>
    Stopped,
}

/// <summary>One side of an experiment.</summary>
/// <param name="Name"><c>control</c>, <c>candidate</c>, or <c>candidate-2</c> and so on.</param>
/// <param name="DeploymentId">The release that answers its sessions; its figures began with the experiment.</param>
/// <param name="Share">The share of sessions, 0…1; all together 1.</param>
public sealed record ExperimentVariant(string Name, string DeploymentId, double Share)
{
    /// <summary>The name of what served before.</summary>
    public const string Control = "control";
}

/// <summary>A split of the traffic of an agent's slot between its release and candidates, and the rule that ends it.</summary>
/// <param name="Phase">Counts from 1; it rises whenever the shares change.</param>
/// <param name="Variants">The control first.</param>
/// <param name="Reason">Why it ended; null while it runs.</param>
/// <param name="Winner">The variant that serves everybody after it.</param>
public sealed record Experiment(
    string Id,
    string AgentId,
    string Slot,
    ExperimentStatus Status,
    int Phase,
    ExperimentRules Rules,
    IReadOnlyList<ExperimentVariant> Variants,
    DateTimeOffset StartedAt,
    string StartedBy,
    DateTimeOffset? EndedAt = null,
    string? EndedBy = null,
    string? Reason = null,
    string? Winner = null
)
{
    /// <summary>The topic of change notices; their subject is the agent.</summary>
    public const string Changes = "experiments";

    /// <summary>What served before.</summary>
    [JsonIgnore]
    public ExperimentVariant Control => Variants[0];

    /// <summary>Where a page of experiments that ends with this one is followed by the next.</summary>
    public string Cursor() => PageCursor.After(StartedAt, Id);

    /// <summary>The same with other shares, in the next phase; those that are not named have none.</summary>
    public Experiment WithShares(IReadOnlyDictionary<string, double> shares) =>
        this with
        {
            Phase = Phase + 1,
            Variants = [.. Variants.Select(variant => variant with { Share = shares.GetValueOrDefault(variant.Name) })],
        };
}
