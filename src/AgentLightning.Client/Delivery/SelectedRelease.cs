namespace AgentLightning.Client.Delivery;

/// <summary>Which release an agent answers with in a session. Everything is null while its base model answers.</summary>
/// <param name="DeploymentId">The release.</param>
/// <param name="TunedModelName">The model to ask.</param>
/// <param name="ExperimentId">The experiment that decided; null when none runs.</param>
/// <param name="Variant">What it calls its choice.</param>
public sealed record SelectedRelease(string? DeploymentId, string? TunedModelName, string? ExperimentId, string? Variant)
{
    /// <summary>The agent's base model.</summary>
    public static SelectedRelease Base { get; } = new(null, null, null, null);
}
