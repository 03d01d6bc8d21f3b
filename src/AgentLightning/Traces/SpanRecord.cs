namespace AgentLightning.Traces;

/// <summary>What a row of a trace is. Stored as snake_case words.</summary>
public enum SpanForm
{
    Span,

    /// <summary>A log record that belongs to a span: an event that was sent by itself.</summary>
    Log,
}

/// <summary>How a span says that it ended. Stored as snake_case words.</summary>
public enum SpanStatus
{
    Unset,
    Ok,
    Error,
}

/// <summary>What the attributes of a span tell that it holds. Stored as a number; bits are only ever added.</summary>
[Flags]
public enum SpanMarks
{
    None = 0,

    /// <summary>Has an attribute or event whose name begins with <c>gen_ai.</c>.</summary>
    GenAi = 1,

    /// <summary>Has attributes of OpenInference.</summary>
    OpenInference = 2,

    /// <summary>Has attributes of Agent Lightning's own emit calls.</summary>
    Lightning = 4,

    /// <summary>A call of a model.</summary>
    Inference = 8,

    /// <summary>A call of a tool.</summary>
    Tool = 16,

    /// <summary>Messages, or other input or output.</summary>
    Content = 32,

    /// <summary>The name of a model.</summary>
    Model = 64,

    /// <summary>Counts of tokens.</summary>
    Usage = 128,

    /// <summary>The session or conversation.</summary>
    Session = 256,

    /// <summary>Names its agent itself.</summary>
    Agent = 512,

    /// <summary>A score or reward.</summary>
    Score = 1024,

    /// <summary>A score that came from one who may write for every agent: it may be of an answer of any.</summary>
    EveryAgent = 2048,

    /// <summary>Has attributes of a framework that has names of its own.</summary>
    Framework = 4096,
}

/// <summary>A span as it was received, or a log record that belongs to one; secrets and personal data are taken out.</summary>
public sealed record SpanRecord
{
    /// <summary>32 hexadecimal digits, lower case.</summary>
    public required string TraceId { get; init; }

    /// <summary>
    /// 16 hexadecimal digits, lower case; of a log record <c>log-</c> and a hash of what it says, so that the same one twice is one.
    /// </summary>
    public required string SpanId { get; init; }

    /// <summary>The span above, or of a log record the span that it belongs to; null for a root.</summary>
    public string? ParentId { get; init; }

    public SpanForm Form { get; init; }

    /// <summary>Name of the span, or of the event.</summary>
    public required string Name { get; init; }

    public required string AgentId { get; init; }

    public string? SessionId { get; init; }

    public string? UserId { get; init; }

    public SpanStatus Status { get; init; }

    public SpanMarks Marks { get; init; }

    /// <summary>Nanoseconds since 1970 by the sender's clock; 0 when it gave none.</summary>
    public long StartNanos { get; init; }

    /// <summary>Nanoseconds since 1970 by the sender's clock; 0 when it gave none.</summary>
    public long EndNanos { get; init; }

    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>
    /// JSON in UTF-8: <c>attributes</c>, and where there is any <c>kind</c>, <c>status_message</c>, <c>trace_state</c>, <c>events</c>,
    /// <c>links</c>, <c>body</c> (of a log record), <c>resource</c>, <c>scope</c>. Empty when retention has removed it.
    /// </summary>
    public required byte[] Body { get; init; }
}
