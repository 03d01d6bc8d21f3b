using AgentLightning.Traces.Reading;

namespace AgentLightning.Traces.Dialects;

/// <summary>What a span tells of.</summary>
internal enum SpanRole
{
    /// <summary>Something around calls: an agent, a workflow, a step, a chain.</summary>
    Other,

    /// <summary>A call of a model.</summary>
    Inference,

    /// <summary>A call of a tool.</summary>
    Tool,

    /// <summary>A search for documents. It is told as the call of a tool.</summary>
    Retrieval,
}

/// <summary>A call of a tool; null where the span does not say.</summary>
internal readonly record struct ToolTexts(string? Name, string? Arguments, string? Result)
{
    public ToolTexts Or(ToolTexts other) => new(Name ?? other.Name, Arguments ?? other.Arguments, Result ?? other.Result);
}

/// <summary>
/// One family of names that frameworks write into spans. It looks at which attributes are there, and never at who sent them; what the
/// names do not say is left to the other dialects. Nothing that a span may hold makes it throw.
/// </summary>
internal interface ITraceDialect
{
    /// <summary>For people.</summary>
    string Name { get; }

    /// <summary>
    /// Names of attributes that it reads or knows not to be needed; one that ends with a dot or a colon stands for all that begin so.
    /// </summary>
    IReadOnlyList<string> Attributes { get; }

    SpanRole? RoleOf(SpanView span) => null;

    /// <summary>The messages that went in.</summary>
    MessageSide InputOf(SpanView span) => MessageSide.Empty;

    /// <summary>The messages that came out.</summary>
    MessageSide OutputOf(SpanView span) => MessageSide.Empty;

    ToolTexts ToolOf(SpanView span) => default;

    string? ModelOf(SpanView span) => null;

    string? ProviderOf(SpanView span) => null;

    (double? Input, double? Output) TokensOf(SpanView span) => (null, null);

    double? MillisecondsToFirstToken(SpanView span) => null;
}
