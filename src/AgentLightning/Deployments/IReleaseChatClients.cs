using AgentLightning.Common;
using Microsoft.Extensions.AI;

namespace AgentLightning.Deployments;

/// <summary>Opens the tuned models of releases as chat clients.</summary>
public interface IReleaseChatClients
{
    /// <summary>
    /// A client of a tuned model. The model is read when it is opened for the first time and stays in memory for those who open it again,
    /// a bounded number of models at once. Dispose the client when its answer is complete, or keep it: an opened model is never taken away.
    /// </summary>
    /// <param name="tunedModelName">As answers and messages name it.</param>
    /// <param name="artifact">Its content in the artifact store.</param>
    /// <exception cref="LightningException">The content is missing or not what was stored, or it is of a base model that is not here or
    /// has changed since (<see cref="ErrorKind.Conflict"/>); the message says which. A text classifier, which does not chat, is
    /// <see cref="ErrorKind.Conflict"/> too.</exception>
    ValueTask<IChatClient> OpenAsync(string tunedModelName, string artifact, CancellationToken cancellationToken);
}
