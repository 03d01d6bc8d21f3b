using AgentLightning.Triage;

namespace AgentLightning.Cli.Input;

/// <summary>Feedback with its right answer.</summary>
/// <param name="Severity">The right severity, where it is known.</param>
/// <param name="Slice">The part of the data it belongs to, where there are parts.</param>
internal sealed record LabelledItem(FeedbackTask Task, string Label, Severity? Severity = null, string? Slice = null);
