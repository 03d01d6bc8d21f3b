using System.Globalization;
using System.Text.Json;

namespace AgentLightning.Traces.Reading;

/// <summary>An event of a span, or a log record that belongs to it.</summary>
/// <param name="Id">Tells the events of one trace apart.</param>
/// <param name="Record">The span, or the log record.</param>
internal sealed record EventView(string Name, long Nanos, JsonElement Attributes, JsonElement? Body, string Id, SpanRecord Record);

/// <summary>A stored span with its attributes and events, and the log records that belong to it.</summary>
internal sealed class SpanView
{
    private readonly JsonElement _body;
    private readonly List<JsonElement> _sources = [];
    private Dictionary<string, JsonElement>? _byName;

    public SpanView(SpanRecord record)
    {
        Record = record;
        if (record.Body.Length == 0)
        {
            return;
        }

        using var document = JsonDocument.Parse(record.Body);
        _body = document.RootElement.Clone();
        if (_body.TryGetProperty("attributes", out var attributes))
        {
            _sources.Add(attributes);
        }

        if (_body.TryGetProperty("events", out var events))
        {
            var index = 0;
            foreach (var one in events.EnumerateArray())
            {
                Add(
                    new EventView(
                        one.TryGetProperty("name", out var name) ? name.GetString()! : "",
                        record.StartNanos
                            + (one.TryGetProperty("offset_ns", out var offset) && offset.TryGetInt64(out var nanos) ? nanos : 0),
                        one.GetProperty("attributes"),
                        null,
                        $"{record.SpanId}-e{index++}",
                        record
                    )
                );
            }
        }
    }

    public SpanRecord Record { get; }

    public List<EventView> Events { get; } = [];

    public SpanView? Parent { get; set; }

    /// <summary>Whether this span is inside of another.</summary>
    /// <param name="most">Spans of the trace: ids may name each other in a circle.</param>
    public bool IsBelow(SpanView above, int most)
    {
        var (up, steps) = (Parent, 0);
        while (up is not null && up != above && steps++ < most)
        {
            up = up.Parent;
        }

        return up == above;
    }

    public double Milliseconds =>
        Record.EndNanos >= Record.StartNanos && Record.StartNanos > 0 ? (Record.EndNanos - Record.StartNanos) / 1e6 : 0;

    public string? StatusMessage =>
        _body.ValueKind == JsonValueKind.Object && _body.TryGetProperty("status_message", out var message) ? message.GetString() : null;

    /// <summary>An attribute of the resource, as text.</summary>
    public string? Resource(string name) =>
        _body.ValueKind == JsonValueKind.Object
        && _body.TryGetProperty("resource", out var resource)
        && resource.TryGetProperty(name, out var value)
            ? TextOf(value)
            : null;

    /// <summary>The name of the instrumentation; empty when it gave none.</summary>
    public string Scope =>
        _body.ValueKind == JsonValueKind.Object
        && _body.TryGetProperty("scope", out var scope)
        && scope.ValueKind == JsonValueKind.Object
        && scope.TryGetProperty("name", out var name)
            ? TextOf(name)
            : "";

    /// <summary>All attributes.</summary>
    public IEnumerable<JsonProperty> Attributes => _sources.SelectMany(source => source.EnumerateObject());

    /// <summary>Joins a log record to the span.</summary>
    public void Join(SpanRecord log)
    {
        if (log.Body.Length == 0)
        {
            return;
        }

        using var document = JsonDocument.Parse(log.Body);
        var body = document.RootElement.Clone();
        Add(
            new EventView(
                log.Name,
                log.StartNanos,
                body.GetProperty("attributes"),
                body.TryGetProperty("body", out var content) ? content : null,
                log.SpanId,
                log
            )
        );
    }

    /// <summary>All attributes whose name begins with <paramref name="prefix"/>, with the rest of the name.</summary>
    public IEnumerable<(string Name, JsonElement Value)> Under(string prefix) =>
        from source in _sources
        from attribute in source.EnumerateObject()
        where attribute.Name.StartsWith(prefix, StringComparison.Ordinal)
        select (attribute.Name[prefix.Length..], attribute.Value);

    /// <summary>The first of the attributes that is there.</summary>
    public JsonElement? Attribute(params ReadOnlySpan<string> names)
    {
        _byName ??= Indexed();
        foreach (var name in names)
        {
            if (_byName.TryGetValue(name, out var value))
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>The first of the attributes that is there, as text: JSON where it has parts.</summary>
    public string? Text(params ReadOnlySpan<string> names) => Attribute(names) is { } value ? TextOf(value) : null;

    public double? Number(params ReadOnlySpan<string> names) => Attribute(names) is { } value ? NumberOf(value) : null;

    public static string TextOf(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair, in JSON inside a text.
            return value.GetRawText();
        }
    }

    /// <summary>A finite number, also one that was sent as text.</summary>
    public static double? NumberOf(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Number when value.TryGetDouble(out var number) && double.IsFinite(number) => number,
            JsonValueKind.String
                when double.TryParse(TextOf(value), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                    && double.IsFinite(number) => number,
            _ => null,
        };

    /// <summary>What a text holds that is JSON; anything else as it is.</summary>
    public static JsonElement Parsed(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String || TextOf(value) is not { } text || text.TrimStart() is not ['[' or '{', ..])
        {
            return value;
        }

        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            // Cut by the sender, or a text that only begins like JSON.
            return value;
        }
    }

    /// <summary>Every dialect asks for its names: each attribute is looked at once.</summary>
    private Dictionary<string, JsonElement> Indexed()
    {
        var byName = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        // The first source counts, and in it the last value.
        for (var i = _sources.Count - 1; i >= 0; i--)
        {
            foreach (var attribute in _sources[i].EnumerateObject())
            {
                if (attribute.Value.ValueKind != JsonValueKind.Null)
                {
                    byName[attribute.Name] = attribute.Value;
                }
            }
        }

        return byName;
    }

    private void Add(EventView one)
    {
        _byName = null;
        Events.Add(one);
        if (one.Name == "gen_ai.client.inference.operation.details")
        {
            // Holds what the span would hold.
            _sources.Add(one.Attributes);
            if (one.Body is { ValueKind: JsonValueKind.Object } body)
            {
                _sources.Add(body);
            }
        }
    }
}
