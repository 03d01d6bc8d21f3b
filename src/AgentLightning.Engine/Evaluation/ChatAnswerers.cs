using AgentLightning.Datasets;
using AgentLightning.Deployments;
using AgentLightning.Engine.Chat;
using AgentLightning.Engine.Tuned;
using AgentLightning.Evaluation;
using Microsoft.Extensions.AI;

namespace AgentLightning.Engine.Evaluation;

/// <summary>Lets language models answer the rows of data sets: tuned ones, and base models of this machine by their names.</summary>
public sealed class ChatAnswerers(IReleaseChatClients tuned, ModelCatalog catalog, LocalModels models) : IAnswererSource
{
    public async ValueTask<IAnswerer?> OpenAsync(
        string agentId,
        string model,
        string? artifact,
        DatasetKind kind,
        CancellationToken cancellationToken
    )
    {
        if (kind == DatasetKind.Classification)
        {
            return null;
        }

        if (artifact is not null)
        {
            return new ChatAnswerer(model, await tuned.OpenAsync(model, artifact, cancellationToken).ConfigureAwait(false));
        }

        return catalog.TryFind(model) is { } folder
            ? new ChatAnswerer(model, models.CreateChatClient(new LocalModelOptions { Folder = folder }))
            : null;
    }
}
