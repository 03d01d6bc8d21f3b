using System.Runtime.CompilerServices;
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
        _recorder.Captures ? CaptureAsync(messages, options, cancellationToken)
        : lightning.Options.UseTunedModel ? DeliverAsync(messages, options, cancellationToken)
        : base.GetResponseAsync(messages, options, cancellationToken);

    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) =>
        _recorder.Captures || lightning.Options.UseTunedModel
            ? CaptureStreamAsync(messages, options, _recorder.Captures, cancellationToken)
            : base.GetStreamingResponseAsync(messages, options, cancellationToken);

    /// <summary>A call inside of an episode, which is answered by what answers there.</summary>
    private async Task<ChatResponse> DeliverAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options,
        CancellationToken cancellationToken
    )
    {
        var (_, served) = await _recorder.SelectAsync(options?.ConversationId, options, cancellationToken).ConfigureAwait(false);
        return await base.GetResponseAsync(messages, served, cancellationToken).ConfigureAwait(false);
    }

    private async Task<ChatResponse> CaptureAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options,
        CancellationToken cancellationToken
    )
    {
        var (release, served) = await _recorder.SelectAsync(options?.ConversationId, options, cancellationToken).ConfigureAwait(false);
        var call = _recorder.Begin(ref messages, served, release: release);
        EpisodeScope.Current = call?.Scope;
        ChatResponse response;
        try
        {
            response = await base.GetResponseAsync(messages, served, cancellationToken).ConfigureAwait(false);
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
        bool captures,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var (release, served) = await _recorder.SelectAsync(options?.ConversationId, options, cancellationToken).ConfigureAwait(false);
        var updates = base.GetStreamingResponseAsync(messages, served, cancellationToken);
        if (!captures)
        {
            await foreach (var update in updates.ConfigureAwait(false))
            {
                yield return update;
            }

            yield break;
        }

        var call = _recorder.Begin(ref messages, served, release: release);
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
