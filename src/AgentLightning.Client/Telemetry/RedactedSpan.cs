using System.Diagnostics;
using AgentLightning.Governance;

namespace AgentLightning.Client.Telemetry;

/// <summary>
/// Everything in a span that a person or a program may have written a secret into, without it: names, states, descriptions, and every
/// attribute whatever its type. What is found in one place is taken out of the others too.
/// </summary>
internal sealed class RedactedSpan
{
    private RedactedSpan(
        string name,
        string? traceState,
        string? statusDescription,
        IReadOnlyList<KeyValuePair<string, object?>> attributes,
        IReadOnlyList<Happened> events,
        IReadOnlyList<Link> links
    ) =>
        (Name, TraceState, StatusDescription, Attributes, Events, Links) = (name, traceState, statusDescription, attributes, events, links);

    public string Name { get; }

    public string? TraceState { get; }

    public string? StatusDescription { get; }

    public IReadOnlyList<KeyValuePair<string, object?>> Attributes { get; }

    public IReadOnlyList<Happened> Events { get; }

    public IReadOnlyList<Link> Links { get; }

    public static RedactedSpan Of(Activity span, Redactor redactor, string agentId)
    {
        var texts = new RecordTexts();
        var name = texts.Add(span.DisplayName);
        var traceState = texts.Add(span.TraceStateString);
        var description = texts.Add(span.StatusDescription);
        var attributes = AttributeTexts.Of(span.TagObjects);
        var attributesText = texts.Add(attributes.Json);
        var events = span
            .Events.Select(one => (Event: one, Attributes: AttributeTexts.Of(one.Tags)))
            .Select(one => (one.Event, one.Attributes, Name: texts.Add(one.Event.Name), Text: texts.Add(one.Attributes.Json)))
            .ToList();
        var links = span
            .Links.Select(one => (Link: one, Attributes: AttributeTexts.Of(one.Tags ?? [])))
            .Select(one => (one.Link, one.Attributes, State: texts.Add(one.Link.Context.TraceState), Text: texts.Add(one.Attributes.Json)))
            .ToList();
        var redacted = texts.Redact(redactor, agentId);
        return new RedactedSpan(
            redacted[name]!,
            redacted[traceState],
            redacted[description],
            attributes.Read(redacted[attributesText]),
            [
                .. events.Select(one => new Happened(
                    one.Event.Timestamp.UtcDateTime,
                    redacted[one.Name]!,
                    one.Attributes.Read(redacted[one.Text])
                )),
            ],
            [.. links.Select(one => new Link(one.Link.Context, redacted[one.State], one.Attributes.Read(redacted[one.Text])))]
        );
    }

    /// <summary>An event of the span.</summary>
    public sealed record Happened(DateTime At, string Name, IReadOnlyList<KeyValuePair<string, object?>> Attributes);

    /// <summary>A link of the span.</summary>
    public sealed record Link(ActivityContext Context, string? TraceState, IReadOnlyList<KeyValuePair<string, object?>> Attributes);
}
