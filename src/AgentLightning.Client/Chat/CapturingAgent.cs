using System.Runtime.CompilerServices;
using AgentLightning.Client.Telemetry;
using AgentLightning.Common;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;

namespace AgentLightning.Client.Chat;

/// <summary>
/// Captures each run of an agent as one episode, with all calls of models and tools that it made. A session of the agent is the session of
/// its episodes, also after it was written down and read again. The release that answers reaches the model by the chat client inside, which
/// is captured too for that.
/// </summary>
internal sealed class CapturingAgent(AIAgent inner, LightningClient lightning, string agentId) : DelegatingAIAgent(inner)
{
    private const string SessionKey = "lightning.session_id";

    private readonly CallRecorder _recorder = new(
        lightning,
        agentId,
        inner.GetService<ChatClientMetadata>()?.DefaultModelId,
        coversCalls: true
    );

    protected override Task<AgentResponse> RunCoreAsync(
        IEnumerable<ChatMessage> messages,
        AgentSession? session = null,
        AgentRunOptions? options = null,
        CancellationToken cancellationToken = default
    ) =>
        _recorder.Captures
            ? CaptureAsync(messages, session, options, cancellationToken)
            : base.RunCoreAsync(messages, session, options, cancellationToken);

    protected override IAsyncEnumerable<AgentResponseUpdate> RunCoreStreamingAsync(
        IEnumerable<ChatMessage> messages,
        AgentSession? session = null,
        AgentRunOptions? options = null,
        CancellationToken cancellationToken = default
    ) =>
        _recorder.Captures
            ? CaptureStreamAsync(messages, session, options, cancellationToken)
            : base.RunCoreStreamingAsync(messages, session, options, cancellationToken);

    private async Task<AgentResponse> CaptureAsync(
        IEnumerable<ChatMessage> messages,
        AgentSession? session,
        AgentRunOptions? options,
        CancellationToken cancellationToken
    )
    {
        var id = SessionOf(session);
        var (release, _) = await _recorder.SelectAsync(id, null, cancellationToken).ConfigureAwait(false);
        var call = _recorder.Begin(ref messages, null, id, release);
        EpisodeScope.Current = call?.Scope;
        AgentResponse response;
        try
        {
            response = await base.RunCoreAsync(messages, session, options, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _recorder.End(call, e, e is OperationCanceledException);
            throw;
        }

        var properties = response.AdditionalProperties;
        _recorder.End(call, response.AsChatResponse(), ref properties);
        response.AdditionalProperties = properties;
        return response;
    }

    private async IAsyncEnumerable<AgentResponseUpdate> CaptureStreamAsync(
        IEnumerable<ChatMessage> messages,
        AgentSession? session,
        AgentRunOptions? options,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var id = SessionOf(session);
        var (release, _) = await _recorder.SelectAsync(id, null, cancellationToken).ConfigureAwait(false);
        var call = _recorder.Begin(ref messages, null, id, release);
        var updates = base.RunCoreStreamingAsync(messages, session, options, cancellationToken);
        await foreach (var update in _recorder.StreamAsync(call, updates, Observe, cancellationToken).ConfigureAwait(false))
        {
            yield return update;
        }
    }

    private static void Observe(ChatCall call, AgentResponseUpdate update, bool first)
    {
        call.Observe(update.AsChatResponseUpdate());
        if (first)
        {
            (update.AdditionalProperties ??= [])[ChatResponses.EpisodeIdKey] = call.Scope.EpisodeId;
        }
    }

    /// <summary>An id of our own, kept with the session: what services call a conversation, if anything, changes from run to run.</summary>
    private string? SessionOf(AgentSession? session)
    {
        if (session is null)
        {
            return null;
        }

        if (session.StateBag.TryGetValue<string>(SessionKey, out var known) && known is not null)
        {
            return known;
        }

        var id = Ids.New(lightning.Time.GetUtcNow());
        session.StateBag.SetValue(SessionKey, id);
        return id;
    }
}
