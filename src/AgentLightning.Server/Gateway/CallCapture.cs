using AgentLightning.Episodes;

namespace AgentLightning.Server.Gateway;

/// <summary>How a call ended, as its episode will tell.</summary>
internal sealed record CallEnd(EpisodeStatus Status, double LatencyMs, double? FirstTokenMs, string? Error, bool Truncated, int Attempts);

/// <summary>What a call is, apart from its bytes.</summary>
/// <param name="Release">The release that answers; null for a base model or a model by its name.</param>
internal sealed record CallFacts(
    string EpisodeId,
    string AgentId,
    ModelRoute Route,
    DateTimeOffset CreatedAt,
    string? SessionId,
    string? UserId,
    string? ReleaseId,
    string? ExperimentId,
    string? Variant
)
{
    /// <summary>The model that was asked in the end, as it is called there, and where.</summary>
    public string? Model { get; set; }

    public string? Upstream { get; set; }
}

/// <summary>
/// The bytes of one call, kept for its episode, which is made of them when it is written. Bytes are taken from a budget; a call for which
/// there is no room is given up, counted, and answered like any other.
/// </summary>
/// <remarks>Not for several threads at once.</remarks>
internal sealed class CallCapture : IEpisodeDraft
{
    private readonly CaptureRoom _room;
    private readonly ModelRequest _request;
    private readonly PooledBuffer _answer = new();
    private long _taken;
    private CallEnd? _end;

    private CallCapture(CaptureRoom room, ModelRequest request, CallFacts facts, long taken) =>
        (_room, _request, Facts, _taken) = (room, request, facts, taken);

    public CallFacts Facts { get; }

    /// <summary>Whether it still becomes an episode.</summary>
    public bool IsKept => _taken > 0;

    string IEpisodeDraft.AgentId => Facts.AgentId;

    // The texts are twice as long in memory, and are there beside the bytes for a moment.
    long IEpisodeDraft.Bytes => 2_000 + (3L * (_request.Body.Length + _answer.Length));

    /// <summary>Null when there is no room for the request.</summary>
    public static CallCapture? TryBegin(CaptureRoom room, ModelRequest request, CallFacts facts)
    {
        var bytes = request.Body.Length + 1;
        return room.TryTake(bytes) ? new CallCapture(room, request, facts, bytes) : null;
    }

    /// <summary>Forgets the answer of an attempt that is made again.</summary>
    public void Restart() => _answer.Clear();

    /// <summary>Keeps a part of the answer.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        if (!IsKept)
        {
            return;
        }

        if (!_room.TryTake(bytes.Length))
        {
            GiveUp();
            return;
        }

        _taken += bytes.Length;
        _answer.Add(bytes);
    }

    /// <summary>What is said of the end; then it can be queued.</summary>
    public void End(CallEnd end)
    {
        _end = end;
        // From here on the queue counts it.
        _room.Give(_taken);
        _taken = 0;
    }

    public Episode ToEpisode() => CallEpisode.Of(Facts, _end!, _request.Body, _answer.Memory);

    public void Dispose()
    {
        _room.Give(_taken);
        _taken = 0;
        _answer.Dispose();
        _request.Dispose();
    }

    private void GiveUp()
    {
        _room.Give(_taken);
        _taken = 0;
        _answer.Clear();
    }
}
