using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace AgentLightning.Client.Tests.Support;

/// <summary>A model that does what the test says.</summary>
public sealed class Model(Func<IEnumerable<ChatMessage>, CancellationToken, Task<ChatResponse>> answer) : IChatClient
{
    public Model(string text)
        : this((_, _) => Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, text)))) { }

    /// <summary>The parts of a streamed answer.</summary>
    public Func<CancellationToken, IAsyncEnumerable<ChatResponseUpdate>>? Stream { get; init; }

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => answer(messages, cancellationToken);

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        await foreach (var update in Stream!(cancellationToken).WithCancellation(cancellationToken))
        {
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("test", null, "default-model")
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    public void Dispose() { }
}

/// <summary>Options that send at once and come back soon.</summary>
public static class Quick
{
    public static LightningClientOptions Options(Uri endpoint, string folder = "") =>
        new()
        {
            Endpoint = endpoint,
            AgentId = "shop",
            DataFolder = folder,
            BatchDelay = TimeSpan.Zero,
            FirstRetry = TimeSpan.FromMilliseconds(1),
            LongestRetry = TimeSpan.FromMilliseconds(5),
            RequestTimeout = TimeSpan.FromSeconds(30),
            FlushTimeout = TimeSpan.FromSeconds(30),
        };

    public static Episodes.Episode Episode(string input, string? id = null) =>
        new()
        {
            Id = id ?? Guid.CreateVersion7().ToString(),
            AgentId = "shop",
            UserInput = input,
            AssistantOutput = "",
            CreatedAt = TimeProvider.System.GetUtcNow(),
            RequestLatencyMs = 1,
        };
}
