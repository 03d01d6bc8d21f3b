using System.Runtime.CompilerServices;
using AgentLightning.Client.Telemetry;
using Microsoft.Extensions.AI;

namespace AgentLightning.Client.Chat;

/// <summary>
/// Captures each call of the client below as an episode, whether it succeeds, fails or is cancelled. What goes wrong with capture is
/// counted and never reaches the caller.
/// </summary>
internal sealed class CapturingChatClient(IChatClient inner, LightningClient lightning, string agentId) : DelegatingChatClient(inner)
{
    private readonly string? _model = (inner.GetService(typeof(ChatClientMetadata)) as ChatClientMetadata)?.DefaultModelId;

    public override Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) =>
        lightning.Enabled
            ? CaptureAsync(messages, options, cancellationToken)
            : base.GetResponseAsync(messages, options, cancellationToken);

    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) =>
        lightning.Enabled
            ? CaptureStreamAsync(messages, options, cancellationToken)
            : base.GetStreamingResponseAsync(messages, options, cancellationToken);

    private async Task<ChatResponse> CaptureAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options,
        CancellationToken cancellationToken
    )
    {
        var call = Begin(ref messages, options);
        EpisodeScope.Current = call?.Scope;
        ChatResponse response;
        try
        {
            response = await base.GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            End(call, e, e is OperationCanceledException);
            throw;
        }

        if (call is not null)
        {
            try
            {
                call.Observe(response);
                (response.AdditionalProperties ??= [])[ChatResponses.EpisodeIdKey] = call.Scope.EpisodeId;
            }
            catch (Exception e)
            {
                lightning.Drop(e);
                return response;
            }

            End(call, null, isCancelled: false);
        }

        return response;
    }

    private async IAsyncEnumerable<ChatResponseUpdate> CaptureStreamAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var call = Begin(ref messages, options);
        Exception? error = null;
        var (finished, first) = (false, true);
        var updates = base.GetStreamingResponseAsync(messages, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        try
        {
            while (true)
            {
                try
                {
                    if (!await MoveAsync(updates, call?.Scope).ConfigureAwait(false))
                    {
                        finished = true;
                        break;
                    }
                }
                catch (Exception e)
                {
                    error = e;
                    throw;
                }

                var update = updates.Current;
                Observe(call, update, first);
                first = false;
                yield return update;
            }
        }
        finally
        {
            // A reader that stops in the middle, without an error, gave up.
            End(call, error, isCancelled: error is OperationCanceledException || (error is null && !finished));
            await updates.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>What runs below belongs to the episode; what the reader does between two updates does not.</summary>
    private static async ValueTask<bool> MoveAsync(IAsyncEnumerator<ChatResponseUpdate> updates, EpisodeScope? scope)
    {
        EpisodeScope.Current = scope;
        return await updates.MoveNextAsync().ConfigureAwait(false);
    }

    private ChatCall? Begin(ref IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        ArgumentNullException.ThrowIfNull(messages);
        // A sequence may be read once only.
        var list = messages as IReadOnlyCollection<ChatMessage> ?? [.. messages];
        messages = list;
        try
        {
            return new ChatCall(lightning, agentId, list, options, _model);
        }
        catch (Exception e)
        {
            lightning.Drop(e);
            return null;
        }
    }

    private void Observe(ChatCall? call, ChatResponseUpdate update, bool first)
    {
        try
        {
            call?.Observe(update);
            if (first && call is not null)
            {
                (update.AdditionalProperties ??= [])[ChatResponses.EpisodeIdKey] = call.Scope.EpisodeId;
            }
        }
        catch (Exception e)
        {
            lightning.Drop(e);
        }
    }

    private void End(ChatCall? call, Exception? error, bool isCancelled)
    {
        if (call is null)
        {
            return;
        }

        try
        {
            call.End(error, isCancelled);
            var isQueued = lightning.Enqueue(call);
            foreach (var reward in call.Scope.Close())
            {
                // Without its episode a reward has no place.
                _ = isQueued && lightning.Reward(reward);
            }

            _ = isQueued && lightning.Penalise(call.Scope.EpisodeId, call.LatencyMs);
        }
        catch (Exception e)
        {
            lightning.Drop(e);
        }
    }
}
