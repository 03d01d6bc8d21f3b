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
    /// <summary>The slot that is served when nothing else is said.</summary>
    public const string DefaultSlot = "production";

    /// <summary>Where a page of releases that ends with this one is followed by the next.</summary>
    public string Cursor() => PageCursor.After(PromotedAt, $"{Number} {Id}");

    /// <summary>The topic of change notices; their subject is the agent whose active release changed.</summary>
    public const string Changes = "deployments";
}
