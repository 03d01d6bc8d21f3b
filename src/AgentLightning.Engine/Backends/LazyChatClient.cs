using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace AgentLightning.Engine.Backends;

/// <summary>A client that is made when the first message comes; one that could not be made is tried again with the next.</summary>
internal sealed class LazyChatClient(Func<IChatClient> create) : IChatClient
{
    private readonly Lock _lock = new();
    private IChatClient? _client;
    private bool _disposed;

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        try
        {
            return Client().GetResponseAsync(messages, options, cancellationToken);
        }
        catch (Exception e)
        {
            return Task.FromException<ChatResponse>(e);
        }
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        await foreach (var update in Client().GetStreamingResponseAsync(messages, options, cancellationToken).ConfigureAwait(false))
        {
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is null && serviceType.IsInstanceOfType(this) ? this : _client?.GetService(serviceType, serviceKey);

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _client?.Dispose();
        }
    }

    private IChatClient Client()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _client ??= create();
        }
    }
}
