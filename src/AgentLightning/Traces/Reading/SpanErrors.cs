namespace AgentLightning.Traces.Reading;

/// <summary>Why spans failed, in the words of who recorded it.</summary>
internal static class SpanErrors
{
    /// <summary>Where a span only says that it failed, the last failure below it says how.</summary>
    public static string? Deepest(List<SpanView> spans, SpanView failed) =>
        spans
            .Where(span => span.Record.Status == SpanStatus.Error && span.IsBelow(failed, spans.Count))
            .Select(Of)
            .LastOrDefault(error => error is not null);

    /// <summary>What a span says of its failure; null when it says nothing.</summary>
    public static string? Of(SpanView span)
    {
        var exception = span.Events.FindLast(one => one.Name == "exception");
        var type = Attribute("exception.type") ?? span.Text("exception.type", "error.type");
        var message = Attribute("exception.message") ?? span.Text("exception.message") ?? span.StatusMessage;
        return type is null ? message
            : message is null ? type
            : $"{type}: {message}";

        string? Attribute(string name) =>
            exception is not null && exception.Attributes.TryGetProperty(name, out var value) ? SpanView.TextOf(value) : null;
    }
}
