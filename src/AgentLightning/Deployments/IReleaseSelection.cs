namespace AgentLightning.Deployments;

/// <summary>Who answers for an agent in one session, and why.</summary>
/// <param name="Release">The release; null when the agent's base model answers.</param>
/// <param name="ExperimentId">The experiment that decided; null when none runs, and the active release answers everybody.</param>
/// <param name="Variant">The experiment's name for what it chose.</param>
public sealed record ServedRelease(Deployment? Release, string? ExperimentId = null, string? Variant = null)
{
    /// <summary>The agent's base model.</summary>
    public static ServedRelease Base { get; } = new((Deployment?)null);
}

/// <summary>
/// The one place that says which release answers: gateway, triage, tools and agents all ask here. It answers from memory, without a call
/// of the database and without allocating, once an agent was asked for; a change of any server is seen within a second. What it answered
/// stays whole: a request that began with a release ends with it.
/// </summary>
public interface IReleaseSelection
{
    /// <summary>Who answers now.</summary>
    /// <param name="sessionId">
    /// Decides the variant of an experiment, the same for all its requests; null takes the active release, and is in no experiment.
    /// </param>
    ValueTask<ServedRelease> SelectAsync(string agentId, string? sessionId, string slot, CancellationToken cancellationToken);

    /// <summary>The same in the slot <see cref="Deployment.DefaultSlot"/>.</summary>
    ValueTask<ServedRelease> SelectAsync(string agentId, string? sessionId, CancellationToken cancellationToken) =>
        SelectAsync(agentId, sessionId, Deployment.DefaultSlot, cancellationToken);
}
