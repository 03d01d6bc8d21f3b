using System.Text.Json;

namespace AgentLightning.Traces.Reading;

/// <summary>The tags that were put on spans.</summary>
internal static class SpanTags
{
    public static IEnumerable<string> Of(SpanView span)
    {
        var listed =
            span.Attribute("tag.tags") is { } value && SpanView.Parsed(value) is { ValueKind: JsonValueKind.Array } list
                ? list.EnumerateArray().Select(SpanView.TextOf)
                : [];
        return listed.Concat(span.Under("agentlightning.tag.").Select(tag => SpanView.TextOf(tag.Value)));
    }
}
