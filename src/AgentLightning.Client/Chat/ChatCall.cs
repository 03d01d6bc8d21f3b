using System.Diagnostics;
using AgentLightning.Client.Export;
using AgentLightning.Client.Telemetry;
using AgentLightning.Common;
using AgentLightning.Episodes;
using Microsoft.Extensions.AI;

namespace AgentLightning.Client.Chat;

/// <summary>
/// One call of a chat client while it runs: what was asked, what came, and how it ended. The exporter's thread makes an episode of it.
/// </summary>
internal sealed class ChatCall : CaptureItem
{
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly ActivityTraceId _trace;
    private readonly ChatTurn[] _input;
    private readonly List<ChatTurn> _output = [];
    private List<ChatPart>? _parts;
    private string? _role,
        _messageId,
        _author;
    private readonly string? _session;
    private string? _conversationId,
        _finish,
        _responseId;
    private long? _promptTokens,
        _completionTokens,
        _totalTokens;
    private bool _isCancelled;
    private string? _error;
    private double? _firstMs;
    private long _size;

    public ChatCall(
        LightningClient lightning,
        string agentId,
        IReadOnlyCollection<ChatMessage> messages,
        ChatOptions? options,
        string? model,
        string? session,
        bool coversCalls
    )
    {
        var time = lightning.Time;
        (_time, AgentId) = (time, agentId);
        (_start, CreatedAt) = (time.GetTimestamp(), time.GetUtcNow());
        Scope = new EpisodeScope(Ids.New(CreatedAt), lightning, coversCalls);
        _session = session;
        _trace = Activity.Current?.TraceId ?? default;
        _input = new ChatTurn[messages.Count];
        var count = 0;
        foreach (var message in messages)
        {
            _input[count++] = ChatTurn.Of(message);
        }

        (Model, Instructions, _conversationId) = (options?.ModelId ?? model, options?.Instructions, options?.ConversationId);
    }

    public EpisodeScope Scope { get; }

    public string AgentId { get; }

    public DateTimeOffset CreatedAt { get; }

    public string? Model { get; private set; }

    public string? Instructions { get; }

    public double LatencyMs { get; private set; }

    public override long Size => _size;

    /// <summary>The whole answer.</summary>
    public void Observe(ChatResponse response)
    {
        foreach (var message in response.Messages)
        {
            _output.Add(ChatTurn.Of(message));
        }

        Note(response.ModelId, response.ConversationId, response.ResponseId, response.FinishReason);
        if (response.Usage is { } usage)
        {
            Note(usage);
        }
    }

    /// <summary>A part of a streamed answer. A new message begins with another role or id.</summary>
    public void Observe(ChatResponseUpdate update)
    {
        if (update.Contents.Count > 0)
        {
            _firstMs ??= _time.GetElapsedTime(_start).TotalMilliseconds;
        }

        if (
            _parts is not null
            && (
                (update.Role is { } role && role.Value != _role)
                || (update.MessageId is { } id && _messageId is not null && id != _messageId)
            )
        )
        {
            EndMessage();
        }

        _parts ??= [];
        (_role, _messageId, _author) = (_role ?? update.Role?.Value, _messageId ?? update.MessageId, _author ?? update.AuthorName);
        foreach (var content in update.Contents)
        {
            if (content is UsageContent usage)
            {
                Note(usage.Details);
            }
            else if (ChatTurn.TryPart(content, out var part))
            {
                _parts.Add(part);
            }
        }

        Note(update.ModelId, update.ConversationId, update.ResponseId, update.FinishReason);
    }

    /// <summary>No more is observed.</summary>
    public void End(Exception? error, bool isCancelled)
    {
        LatencyMs = _time.GetElapsedTime(_start).TotalMilliseconds;
        EndMessage();
        _isCancelled = isCancelled;
        _error = ChatTurn.ErrorOf(error);
        _size = 1024;
        foreach (var turn in _input)
        {
            _size += 2 * turn.Length();
        }

        foreach (var turn in _output)
        {
            _size += 2 * turn.Length();
        }
    }

    public override void Write(Batch batch) =>
        batch.Add(
            ChatEpisode.Of(this, _input, _output) with
            {
                RequestLatencyMs = LatencyMs,
                TimeToFirstTokenMs = _firstMs,
                Status =
                    _isCancelled ? EpisodeStatus.Cancelled
                    : _error is null ? EpisodeStatus.Succeeded
                    : EpisodeStatus.Failed,
                Error = _isCancelled ? null : _error,
                SessionId = ChatEpisode.Name(_session ?? _conversationId),
                DeploymentId = Scope.Release.DeploymentId,
                TraceId = _trace == default ? null : _trace.ToHexString(),
                TokenUsage = ChatEpisode.Usage(_promptTokens, _completionTokens, _totalTokens),
                Metadata = ChatEpisode.Metadata(Instructions, _finish, _responseId, Scope.Release),
            }
        );

    private void EndMessage()
    {
        if (_parts is { Count: > 0 } parts)
        {
            _output.Add(new ChatTurn(_role ?? "assistant", _author, _messageId, null, [.. parts]));
        }

        (_parts, _role, _messageId, _author) = (null, null, null, null);
    }

    private void Note(string? model, string? conversation, string? response, ChatFinishReason? finish)
    {
        (Model, _conversationId, _responseId) = (model ?? Model, conversation ?? _conversationId, response ?? _responseId);
        _finish = finish?.Value ?? _finish;
    }

    private void Note(UsageDetails usage)
    {
        _promptTokens = Sum(_promptTokens, usage.InputTokenCount);
        _completionTokens = Sum(_completionTokens, usage.OutputTokenCount);
        _totalTokens = Sum(_totalTokens, usage.TotalTokenCount);

        static long? Sum(long? a, long? b) => a is null ? b : a + (b ?? 0);
    }
}
