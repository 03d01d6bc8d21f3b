using System.Collections.Concurrent;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Engine.Chat;
using AgentLightning.Triage;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Gateway;

/// <summary>Models and policies of this process, opened once.</summary>
internal sealed class ReleaseModels(IServiceProvider services, LocalModels local, TriagePolicies policies)
{
    private readonly ConcurrentDictionary<string, LocalAnswers> _folders = new(StringComparer.Ordinal);

    /// <summary>Artifacts that turned out to be policies of texts.</summary>
    private readonly ConcurrentDictionary<string, bool> _policies = new(StringComparer.Ordinal);

    /// <summary>
    /// What a release serves: a tuned language model, or a policy of texts. One that cannot be opened throws why, and the release stays.
    /// </summary>
    public async ValueTask<LocalAnswers> OpenAsync(Deployment release, CancellationToken cancellationToken)
    {
        var name = release.TunedModelName;
        if (
            release.Artifact is { } artifact
            && !_policies.ContainsKey(artifact)
            && services.GetService<IReleaseChatClients>() is { } clients
        )
        {
            try
            {
                return new ModelAnswers(name, await clients.OpenAsync(name, artifact, cancellationToken));
            }
            catch (LightningException e) when (e.Kind == ErrorKind.Conflict)
            {
                try
                {
                    var policy = new PolicyAnswers(name, await policies.OfReleaseAsync(release, cancellationToken));
                    _policies[artifact] = true;
                    return policy;
                }
                catch (LightningException other) when (other.Kind == ErrorKind.Unavailable)
                {
                    throw new LightningException(e.Kind, e.Message, other);
                }
            }
        }

        return new PolicyAnswers(name, await policies.OfReleaseAsync(release, cancellationToken));
    }

    /// <summary>A language model in a folder.</summary>
    public LocalAnswers OfFolder(string folder) =>
        _folders.GetOrAdd(folder, path => new ModelAnswers(
            Path.GetFileName(Path.TrimEndingDirectorySeparator(path)),
            local.CreateChatClient(new LocalModelOptions { Folder = path })
        ));

    /// <summary>A policy that needs no content.</summary>
    public static LocalAnswers OfBuiltIn(string name) => new PolicyAnswers(name, TriagePolicies.OfBuiltIn(name));
}
