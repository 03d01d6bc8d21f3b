using AgentLightning.Episodes;
using AgentLightning.Traces.Dialects;

namespace AgentLightning.Traces.Reading;

/// <summary>What went in, or what came out.</summary>
/// <param name="IsRaw">True when it is JSON in which no messages were found: one message holds it whole.</param>
internal sealed record MessageSide(List<EpisodeMessage> Messages, bool IsRaw = false)
{
    public static MessageSide Empty { get; } = new([]);

    public bool IsEmpty => Messages.Count == 0;

    /// <summary>Whether there is more than instructions.</summary>
    public bool HasTalk => Messages.Exists(message => message.Role != "system");

    public MessageSide After(IEnumerable<EpisodeMessage> first) => this with { Messages = [.. first, .. Messages] };

    /// <summary>The last text of a role.</summary>
    public string? Last(string role) => Messages.FindLast(message => message.Role == role && message.Content is { Length: > 0 })?.Content;

    /// <summary>The last text of any role.</summary>
    public string? Last() => Messages.FindLast(message => message.Content is { Length: > 0 })?.Content;
}

/// <summary>The messages that a span tells of.</summary>
/// <param name="Told">The dialects that told them.</param>
internal sealed record SpanMessages(MessageSide Input, MessageSide Output, IReadOnlyList<ITraceDialect> Told)
{
    public static SpanMessages None { get; } = new(MessageSide.Empty, MessageSide.Empty, []);

    public bool IsEmpty => Input.IsEmpty && Output.IsEmpty;

    /// <summary>Input and output one after the other; a state that begins with the input again is not told twice.</summary>
    public List<EpisodeMessage> All()
    {
        var (input, output) = (Input.Messages, Output.Messages);
        var repeated =
            output.Count >= input.Count
            && !input.Where((message, i) => message.Role != output[i].Role || message.Content != output[i].Content).Any();
        return repeated ? [.. output] : [.. input, .. output];
    }
}
