using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentLightning.Testing;
using AgentLightning.Traces;

namespace AgentLightning.Tests.Traces.Dialects;

/// <summary>
/// A trace as a framework sends it, from a file beside this one: spans with their attributes and events, and log records, in a short form that
/// is made OTLP here. Ids are short and times are milliseconds.
/// </summary>
public sealed class DialectFixture
{
    public const string Trace = "11111111111111111111111111111111";
    private readonly JsonObject _file;

    private DialectFixture(JsonObject file) => _file = file;

    public static string Folder { get; } = Path.Combine(Repository.Root, "tests", "AgentLightning.Tests", "Traces", "Dialects");

    public static DialectFixture Read(string name) =>
        new(JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, name + ".json")))!.AsObject());

    /// <summary>Sends it whole, logs first, and lets it be read.</summary>
    public async Task SendAsync(TraceDesk desk)
    {
        if (_file["logs"] is not null)
        {
            await desk.SendBodyAsync(Logs(), SpanForm.Log, OtlpEncoding.Json);
        }

        var sent = await desk.SendBodyAsync(Spans(_ => true), SpanForm.Span, OtlpEncoding.Json);
        Assert.Equal((OtlpOutcome.Stored, 0), (sent.Outcome, sent.Rejected));
        await desk.ReadAsync();
    }

    public byte[] Logs() => Request("Logs", "logRecords", _file["logs"]!.AsArray().Select(log => Log(log!)));

    /// <summary>An OTLP request in JSON with those of the spans whose id is chosen.</summary>
    public byte[] Spans(Predicate<string> chosen) =>
        Request("Spans", "spans", _file["spans"]!.AsArray().Where(span => chosen((string)span!["id"]!)).Select(span => Span(span!)));

    private static string Id(JsonNode? id) => ((string)id!).PadLeft(16, 'c');

    private static string Nanos(JsonNode? milliseconds) =>
        ((TraceDesk.At + milliseconds!.GetValue<long>()) * 1_000_000).ToString(CultureInfo.InvariantCulture);

    private static JsonObject Span(JsonNode span) =>
        new()
        {
            ["traceId"] = Trace,
            ["spanId"] = Id(span["id"]),
            ["parentSpanId"] = span["parent"] is { } parent ? Id(parent) : "",
            ["name"] = (string)span["name"]!,
            ["startTimeUnixNano"] = Nanos(span["start_ms"]),
            ["endTimeUnixNano"] = Nanos(span["end_ms"]),
            ["attributes"] = Attributes(span["attributes"]),
            ["events"] = new JsonArray([
                .. (span["events"]?.AsArray() ?? []).Select(one => new JsonObject
                {
                    ["name"] = (string)one!["name"]!,
                    ["timeUnixNano"] = Nanos(one["at_ms"]),
                    ["attributes"] = Attributes(one["attributes"]),
                }),
            ]),
        };

    private static JsonObject Log(JsonNode log) =>
        new()
        {
            ["traceId"] = Trace,
            ["spanId"] = Id(log["span"]),
            ["eventName"] = (string)log["name"]!,
            ["timeUnixNano"] = Nanos(log["at_ms"]),
            ["attributes"] = Attributes(new JsonObject { ["gen_ai.system"] = "openai" }),
            ["body"] = Value(log["body"]),
        };

    private static JsonArray Attributes(JsonNode? attributes) =>
        new([.. (attributes?.AsObject() ?? []).Select(pair => new JsonObject { ["key"] = pair.Key, ["value"] = Value(pair.Value) })]);

    private static JsonObject Value(JsonNode? value) =>
        value switch
        {
            JsonObject one => new JsonObject { ["kvlistValue"] = new JsonObject { ["values"] = Attributes(one) } },
            JsonArray list => new JsonObject
            {
                ["arrayValue"] = new JsonObject { ["values"] = new JsonArray([.. list.Select(item => Value(item))]) },
            },
            null => [],
            _ => value.GetValueKind() switch
            {
                JsonValueKind.True or JsonValueKind.False => new JsonObject { ["boolValue"] = value.DeepClone() },
                JsonValueKind.Number when value.AsValue().TryGetValue<long>(out var whole) => new JsonObject
                {
                    ["intValue"] = whole.ToString(CultureInfo.InvariantCulture),
                },
                JsonValueKind.Number => new JsonObject { ["doubleValue"] = value.DeepClone() },
                _ => new JsonObject { ["stringValue"] = (string)value! },
            },
        };

    private byte[] Request(string kind, string list, IEnumerable<JsonNode> items) =>
        JsonSerializer.SerializeToUtf8Bytes(
            new JsonObject
            {
                ["resource" + kind] = new JsonArray(
                    new JsonObject
                    {
                        ["resource"] = new JsonObject
                        {
                            ["attributes"] = Attributes(new JsonObject { ["service.name"] = (string)_file["service"]! }),
                        },
                        ["scope" + kind] = new JsonArray(
                            new JsonObject
                            {
                                ["scope"] = new JsonObject { ["name"] = (string)_file["scope"]! },
                                [list] = new JsonArray([.. items]),
                            }
                        ),
                    }
                ),
            }
        );
}
