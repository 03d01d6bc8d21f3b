namespace AgentLightning.Models.Measurement;

/// <summary>How fast a model does something, beside what the machine could do, measured in the same run.</summary>
/// <param name="Name">What is done.</param>
/// <param name="Value">How much of it, in <paramref name="Unit"/>.</param>
/// <param name="Share">Of the limit; null where there is none.</param>
/// <param name="Limit">What the limit is; null where there is none.</param>
public sealed record SpeedFigure(string Name, double Value, string Unit, double? Share = null, string? Limit = null);
