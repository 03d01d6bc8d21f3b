namespace AgentLightning.Client.Export;

/// <summary>What a batch holds. The numbers are in spool files and never change.</summary>
internal enum PayloadKind : byte
{
    /// <summary>Episodes and rewards: a line of JSON each.</summary>
    Records = 1,

    /// <summary>Spans: one OTLP request in JSON.</summary>
    Spans = 2,
}

/// <summary>A batch as it is sent, redacted.</summary>
/// <param name="Records">How many records it holds.</param>
internal readonly record struct Payload(PayloadKind Kind, ReadOnlyMemory<byte> Bytes, int Records);

internal enum Verdict
{
    /// <summary>It is stored, but for the records that were refused.</summary>
    Taken,

    /// <summary>The same batch may be taken later.</summary>
    TryLater,

    /// <summary>The server failed on it; a few more tries, and it is given up.</summary>
    Failed,

    /// <summary>It will never be taken.</summary>
    Refused,
}

/// <param name="Refused">Records of a batch that was taken which were not.</param>
/// <param name="Wait">How long the server asks to wait.</param>
/// <param name="Problem">For the log; says nothing of the contents.</param>
internal readonly record struct SinkAnswer(Verdict Verdict, int Refused = 0, TimeSpan? Wait = null, string? Problem = null);

/// <summary>Where batches go: a server, or a store in this process.</summary>
internal interface ICaptureSink
{
    /// <summary>Sends a batch once. Does not throw but for <paramref name="cancellationToken"/>.</summary>
    Task<SinkAnswer> SendAsync(Payload payload, CancellationToken cancellationToken);
}
