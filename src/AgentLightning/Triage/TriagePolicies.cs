using System.Collections.Concurrent;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Storage;
using AgentLightning.Training;

namespace AgentLightning.Triage;

/// <summary>Makes policies out of tuned models of one kind.</summary>
public interface ITriagePolicyLoader
{
    /// <summary>
    /// The policy, or null when the content is of another kind. Content that is of this kind but broken is <see cref="ErrorKind.Corrupt"/>.
    /// </summary>
    ITriagePolicy? Load(string name, byte[] content);
}

/// <summary>A policy and the release that it serves as; no release when it is the base model.</summary>
public sealed record ServingPolicy(ITriagePolicy Policy, Deployment? Deployment);

/// <summary>
/// Finds the policy that answers for an agent now. Models are loaded once and kept; which one serves is asked of the selection every time.
/// </summary>
public sealed class TriagePolicies(IReleaseSelection selection, IArtifactStore artifacts, IEnumerable<ITriagePolicyLoader> loaders)
{
    private static readonly RuleTriagePolicy s_rules = new();
    private readonly ConcurrentDictionary<(string Name, string Artifact), ITriagePolicy> _loaded = new();

    /// <summary>
    /// Who answers for an agent before any release: the rules for the agent of triage; null where only the agent itself knows.
    /// </summary>
    public static string? BaseModelOf(string agentId) => agentId == TriageAgent.DefaultAgentId ? RuleTriagePolicy.PolicyName : null;

    /// <summary>The active release's policy, or the rules when there is none.</summary>
    public Task<ServingPolicy> ActiveAsync(string agentId, CancellationToken cancellationToken) =>
        ActiveAsync(agentId, null, cancellationToken);

    /// <summary>The policy of the release that answers in a session, or the rules when there is none.</summary>
    /// <param name="sessionId">Decides the variant of an experiment; null takes the active release.</param>
    public async Task<ServingPolicy> ActiveAsync(string agentId, string? sessionId, CancellationToken cancellationToken)
    {
        var release = (await selection.SelectAsync(agentId, sessionId, cancellationToken).ConfigureAwait(false)).Release;
        return release is null
            ? new ServingPolicy(s_rules, null)
            : new ServingPolicy(
                await OpenAsync(release.TunedModelName, release.Artifact, cancellationToken).ConfigureAwait(false),
                release
            );
    }

    /// <summary>The policy that a release serves. One that is no policy of texts is <see cref="ErrorKind.Unavailable"/>.</summary>
    public Task<ITriagePolicy> OfReleaseAsync(Deployment release, CancellationToken cancellationToken) =>
        OpenAsync(release.TunedModelName, release.Artifact, cancellationToken);

    /// <summary>A policy that is built in, by its name.</summary>
    public static ITriagePolicy OfBuiltIn(string name) =>
        IsBuiltIn(name) ? s_rules : throw LightningException.NotFound($"There is no built-in policy '{name}'.");

    /// <summary>Whether a release without content names a policy that is built in.</summary>
    public static bool IsBuiltIn(string tunedModelName) => tunedModelName == RuleTriagePolicy.PolicyName;

    /// <summary>The policy that a run made.</summary>
    public Task<ITriagePolicy> OfRunAsync(TrainingRun run, CancellationToken cancellationToken) =>
        run is { TunedModelName: not null, Artifact: not null }
            ? OpenAsync(run.TunedModelName, run.Artifact, cancellationToken)
            : throw LightningException.Conflict($"Training run {run.Id} is {EnumText.Of(run.Status)} and has no model.");

    /// <summary>The policy of this name and content.</summary>
    /// <param name="artifact">Null for the rules.</param>
    public async Task<ITriagePolicy> OpenAsync(string name, string? artifact, CancellationToken cancellationToken)
    {
        if (artifact is null)
        {
            return name == RuleTriagePolicy.PolicyName
                ? s_rules
                : throw new LightningException(
                    ErrorKind.Unavailable,
                    $"There is no built-in policy '{name}', and the release names no artifact."
                );
        }

        if (_loaded.TryGetValue((name, artifact), out var known))
        {
            return known;
        }

        var content = await artifacts.ReadAllAsync(artifact, cancellationToken).ConfigureAwait(false);
        var policy = LabelNamePolicy.Read(content)
            ?? loaders.Select(loader => loader.Load(name, content)).FirstOrDefault(loaded => loaded is not null)
            ?? throw new LightningException(ErrorKind.Unavailable, $"No loader of this program knows the model '{name}' ({artifact}).");
        return _loaded.GetOrAdd((name, artifact), policy);
    }
}
