using System.Runtime.CompilerServices;
using AgentLightning.Client.Delivery;
using AgentLightning.Client.Telemetry;
using Microsoft.Extensions.AI;

namespace AgentLightning.Client.Chat;

/// <summary>
/// Makes an episode of a call, whether it succeeds, fails or is cancelled. What goes wrong with capture is counted and never reaches the
/// caller.
/// </summary>
/// <param name="model">The model that answers where nothing else names one.</param>
/// <param name="coversCalls">Whether calls of models inside the call belong to its episode, and make none of their own.</param>
internal sealed class CallRecorder(LightningClient lightning, string agentId, string? model, bool coversCalls)
{
    /// <summary>Whether a call that begins now makes an episode.</summary>
    public bool Captures =>
        lightning.Enabled && !(EpisodeScope.Current is { CoversCalls: true } outer && ReferenceEquals(outer.Client, lightning));

    /// <summary>
    /// A call that begins; null when it cannot be captured. A sequence of messages that may be read once only is replaced.
    /// </summary>
    public ChatCall? Begin(
        ref IEnumerable<ChatMessage> messages,
        ChatOptions? options,
        string? session = null,
        SelectedRelease? release = null
    )
    {
        ArgumentNullException.ThrowIfNull(messages);
        var list = messages as IReadOnlyCollection<ChatMessage> ?? [.. messages];
        messages = list;
        try
        {
            var call = new ChatCall(lightning, agentId, list, options, model, session, coversCalls);
            call.Scope.Release = release ?? SelectedRelease.Base;
            return call;
        }
        catch (Exception e)
        {
            lightning.Drop(e);
            return null;
        }
    }

    /// <summary>
    /// What answers in a session, and the options of a call that asks for its model; those that came while the base model answers. Inside
    /// of a call that covers this one it is what answers there.
    /// </summary>
    public async ValueTask<(SelectedRelease Release, ChatOptions? Options)> SelectAsync(
        string? session,
        ChatOptions? options,
        CancellationToken cancellationToken
    )
    {
        var release =
            EpisodeScope.Current is { CoversCalls: true } outer && ReferenceEquals(outer.Client, lightning)
                ? outer.Release
                : await lightning.SelectReleaseAsync(agentId, session, cancellationToken).ConfigureAwait(false);
        if (release.TunedModelName is null)
        {
            return (release, options);
        }

        var served = options?.Clone() ?? new ChatOptions();
        served.ModelId = release.TunedModelName;
        return (release, served);
    }

    /// <summary>Ends a call with its whole answer, into whose properties the episode's id is written.</summary>
    public void End(ChatCall? call, ChatResponse answer, ref AdditionalPropertiesDictionary? properties)
    {
        if (call is null)
        {
            return;
        }

        try
        {
            call.Observe(answer);
            (properties ??= [])[ChatResponses.EpisodeIdKey] = call.Scope.EpisodeId;
        }
        catch (Exception e)
        {
            lightning.Drop(e);
            return;
        }

        End(call, null, isCancelled: false);
    }

    /// <summary>Hands on the parts of an answer and ends the call with them.</summary>
    /// <param name="observe">Shows a part to the call; true with the first, into whose properties it writes the episode's id.</param>
    public async IAsyncEnumerable<T> StreamAsync<T>(
        ChatCall? call,
        IAsyncEnumerable<T> parts,
        Action<ChatCall, T, bool> observe,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        Exception? error = null;
        var (finished, first) = (false, true);
        var updates = parts.GetAsyncEnumerator(cancellationToken);
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

                Observe(call, updates.Current, observe, first);
                first = false;
                yield return updates.Current;
            }
        }
        finally
        {
            // A reader that stops in the middle, without an error, gave up.
            End(call, error, isCancelled: error is OperationCanceledException || (error is null && !finished));
            await updates.DisposeAsync().ConfigureAwait(false);
        }
    }

    public void End(ChatCall? call, Exception? error, bool isCancelled)
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

    /// <summary>What runs below belongs to the episode; what the reader does between two updates does not.</summary>
    private static async ValueTask<bool> MoveAsync<T>(IAsyncEnumerator<T> updates, EpisodeScope? scope)
    {
        EpisodeScope.Current = scope;
        return await updates.MoveNextAsync().ConfigureAwait(false);
    }

    private void Observe<T>(ChatCall? call, T update, Action<ChatCall, T, bool> observe, bool first)
    {
        try
        {
            if (call is not null)
            {
                observe(call, update, first);
            }
        }
        catch (Exception e)
        {
            lightning.Drop(e);
        }
    }
}
