using AgentLightning.Common;

namespace AgentLightning.Deployments;

/// <summary>An immutable release record: which model serves an agent's slot, who promoted it, on what evidence, in place of what.</summary>
/// <param name="Number">Counts the releases of a slot from 1.</param>
/// <param name="TrainingRunId">The run that made the model; null for a built-in one.</param>
/// <param name="EvaluationId">The evaluation it was promoted on; null when there was none.</param>
/// <param name="Artifact">The model's content; null for a built-in one.</param>
/// <param name="Forced">True when it was promoted although the gate had not passed it.</param>
/// <param name="Replaces">The release that was active before.</param>
/// <param name="RollbackFrom">Set on a release made by a rollback: the release it left.</param>
public sealed record Deployment(
    string Id,
    string AgentId,
    string Slot,
    int Number,
    string? TrainingRunId,
    string? EvaluationId,
    string TunedModelName,
    string? Artifact,
    bool IsActive,
    bool Forced,
    string? Replaces,
    DateTimeOffset PromotedAt,
    string PromotedBy,
    string? RollbackFrom,
    string? RollbackReason
)
{
    /// <summary>The experiment that it was made for, or promoted by; null for neither.</summary>
    public string? ExperimentId { get; init; }

    /// <summary>
    /// True for a release that an experiment tries: it is never active, and what wins is promoted as a release of its own.
    /// </summary>
    public bool IsCandidate { get; init; }

    /// <summary>Why it was promoted although the gate had not passed it.</summary>
    public string? ForceReason { get; init; }

    /// <summary>When it was taken off without another in its place; null otherwise.</summary>
    public DateTimeOffset? DeactivatedAt { get; init; }

    /// <summary>Why it was taken off.</summary>
    public string? DeactivationReason { get; init; }

    /// <summary>Whether both serve one model.</summary>
    public bool ServesAs(Deployment other) => TunedModelName == other.TunedModelName && Artifact == other.Artifact;

    /// <summary>The slot that is served when nothing else is said.</summary>
    public const string DefaultSlot = "production";

    /// <summary>Checks the name of a slot: 1 to 64 letters, digits, <c>-</c>, <c>_</c> and <c>.</c>.</summary>
    public static string CheckSlot(string slot) =>
        slot.Length is >= 1 and <= 64 && slot.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
            ? slot
            : throw LightningException.Invalid(
                $"The name of a slot must be 1 to 64 letters, digits, '-', '_' and '.', but it is "
                    + $"'{(slot.Length > 64 ? slot[..64] + "…" : slot)}'."
            );

    /// <summary>Where a page of releases that ends with this one is followed by the next.</summary>
    public string Cursor() => PageCursor.After(PromotedAt, $"{Number} {Id}");

    /// <summary>The topic of change notices; their subject is the agent whose active release changed.</summary>
    public const string Changes = "deployments";
}
