using AgentLightning.Client.Telemetry;
using Microsoft.Extensions.AI;

namespace AgentLightning.Client.Chat;

/// <summary>Captures each call of the client below as an episode.</summary>
internal sealed class CapturingChatClient(IChatClient inner, LightningClient lightning, string agentId) : DelegatingChatClient(inner)
{
    private readonly CallRecorder _recorder = new(
        lightning,
        agentId,
        (inner.GetService(typeof(ChatClientMetadata)) as ChatClientMetadata)?.DefaultModelId,
        coversCalls: false
    );

    public override Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) =>
        _recorder.Captures
            ? CaptureAsync(messages, options, cancellationToken)
            : base.GetResponseAsync(messages, options, cancellationToken);

    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        if (!_recorder.Captures)
        {
            return base.GetStreamingResponseAsync(messages, options, cancellationToken);
        }

        return CaptureStreamAsync(messages, options, cancellationToken);
    }

    private async Task<ChatResponse> CaptureAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options,
        CancellationToken cancellationToken
    )
    {
        var call = _recorder.Begin(ref messages, options);
        EpisodeScope.Current = call?.Scope;
        ChatResponse response;
        try
        {
            response = await base.GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _recorder.End(call, e, e is OperationCanceledException);
            throw;
        }

        var properties = response.AdditionalProperties;
        _recorder.End(call, response, ref properties);
        response.AdditionalProperties = properties;
        return response;
    }

    private async IAsyncEnumerable<ChatResponseUpdate> CaptureStreamAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var call = _recorder.Begin(ref messages, options);
        var updates = base.GetStreamingResponseAsync(messages, options, cancellationToken);
        await foreach (var update in _recorder.StreamAsync(call, updates, Observe, cancellationToken).ConfigureAwait(false))
        {
            yield return update;
        }
    }

    private static void Observe(ChatCall call, ChatResponseUpdate update, bool first)
    {
        call.Observe(update);
        if (first)
        {
            (update.AdditionalProperties ??= [])[ChatResponses.EpisodeIdKey] = call.Scope.EpisodeId;
        }
    }
}
