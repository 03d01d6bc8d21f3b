using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentLightning.Traces;
using AgentLightning.Traces.Dialects;
using AgentLightning.Traces.Reading;
using CsCheck;

namespace AgentLightning.Tests.Traces.Dialects;

/// <summary>Attributes come from outside: whatever is in them, reading gives an episode or none.</summary>
public sealed class AnyValueTests
{
    /// <summary>Words that the dialects look for, so that values come near to what they read.</summary>
    private static readonly string[] s_words =
    [
        "role",
        "content",
        "parts",
        "type",
        "text",
        "messages",
        "message",
        "lc",
        "kwargs",
        "id",
        "data",
        "generations",
        "choices",
        "contents",
        "toolUse",
        "toolResult",
        "function_call",
        "functionResponse",
        "tool_calls",
        "function",
        "arguments",
        "name",
        "event.name",
        "user",
        "assistant",
        "human",
        "ai",
        "tool",
        "tool-call",
        "tool_result",
        "output",
        "input",
        "value",
        "args",
        "HumanMessage",
        "gen_ai.choice",
        "system",
        "",
        "\ud800",
    ];

    private static readonly string[] s_attributes =
    [
        .. TraceDialects.All.SelectMany(dialect => dialect.Attributes).Where(name => name[^1] is not ('.' or ':')),
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.prompt.0.content",
        "gen_ai.prompt.0.tool_calls.0.name",
        "llm.input_messages.0.message.contents.0.message_content.text",
        "input.value",
        "output.value",
        "ai.prompt",
        "ai.prompt.messages",
        "ai.response.toolCalls",
        "ai.operationId",
        "ai.toolCall.result",
        "langsmith.span.kind",
        "langfuse.observation.input",
        "langfuse.observation.usage_details",
        "traceloop.entity.input",
        "traceloop.span.kind",
        "mlflow.spanInputs",
        "mlflow.spanType",
        "genkit:input",
        "gcp.vertex.agent.llm_request",
        "pydantic_ai.all_messages",
        "openinference.span.kind",
        "gen_ai.operation.name",
        "gen_ai.tool.name",
        "gen_ai.request.model",
        "tag.tags",
        "prompt_token_ids",
        "logprobs.content",
        "agentlightning.reward.0.value",
        "agentops.task.output",
    ];

    private static readonly Gen<JsonNode?> s_scalar = Gen.OneOf(
        OneOf(s_words).Select(word => (JsonNode?)JsonValue.Create(Safe(word))),
        Gen.Double.Where(double.IsFinite).Select(number => (JsonNode?)JsonValue.Create(number)),
        Gen.Bool.Select(truth => (JsonNode?)JsonValue.Create(truth)),
        Gen.Const((JsonNode?)null),
        OneOf("[", "{", "[{}]", "{\"role\":1}", "\"", "[[\"user\",\"x\"]]", "{'a': 1}").Select(text => (JsonNode?)JsonValue.Create(text))
    );

    private static readonly Gen<JsonNode?> s_value = Gen.Recursive<JsonNode?>(
        (depth, inner) =>
            depth >= 4
                ? s_scalar
                : Gen.Frequency(
                    (2, s_scalar),
                    (2, inner.Array[0, 3].Select(items => (JsonNode?)new JsonArray([.. items.Select(item => item?.DeepClone())]))),
                    (
                        4,
                        Gen.Select(OneOf(s_words), inner)
                            .Array[0, 4]
                            .Select(pairs =>
                                (JsonNode?)
                                    new JsonObject(
                                        pairs
                                            .DistinctBy(pair => Safe(pair.Item1))
                                            .Select(pair => KeyValuePair.Create(Safe(pair.Item1), pair.Item2?.DeepClone()))
                                    )
                            )
                    ),
                    // JSON in a text.
                    (3, inner.Select(value => (JsonNode?)JsonValue.Create(value?.ToJsonString() ?? "null")))
                )
    );

    private static readonly Gen<SpanRecord> s_span = Gen.Select(
        Gen.Select(OneOf(s_attributes), s_value).Array[1, 6],
        Gen.Select(OneOf("gen_ai.choice", "gen_ai.user.message", "gen_ai.content.prompt", "acme"), s_value).Array[0, 2],
        Gen.Int[1, 4],
        Gen.Int[0, 4],
        Gen.Int[0, 8191],
        (attributes, events, id, parent, marks) => SpanOf(attributes, events, id, parent, marks)
    );

    [Fact]
    public void No_attribute_and_no_event_makes_reading_fail() =>
        s_span
            .Array[1, 4]
            .Sample(
                spans =>
                {
                    var whole = new TraceEpisode([.. spans.DistinctBy(span => span.SpanId)]);
                    var episode = whole.Read();
                    _ = whole.Scores;
                    var findings = whole.FindingsOf(episode);
                    Assert.All(findings, finding => Assert.NotEqual(0, finding.Count));
                    if (episode is not null)
                    {
                        // It can be stored: texts are whole, and nothing is null that must not be.
                        _ = JsonSerializer.Serialize(episode, AgentLightning.Common.LightningJson.Options);
                        Assert.All(episode.Messages, message => Assert.NotNull(message.Role));
                        Assert.All(episode.ToolCalls, call => Assert.NotNull(call.ToolName));
                    }
                },
                iter: 3_000
            );

    private static Gen<string> OneOf(params string[] words) => Gen.Int[0, words.Length - 1].Select(i => words[i]);

    private static string Safe(string text) => text.Contains('\ud800', StringComparison.Ordinal) ? "\\ud800" : text;

    private static SpanRecord SpanOf((string, JsonNode?)[] attributes, (string, JsonNode?)[] events, int id, int parent, int marks) =>
        new()
        {
            TraceId = DialectFixture.Trace,
            SpanId = $"{id:x16}",
            ParentId = parent == 0 ? null : $"{parent:x16}",
            Name = "span",
            AgentId = "agent",
            Marks = (SpanMarks)marks,
            StartNanos = id,
            EndNanos = id + parent,
            ReceivedAt = DateTimeOffset.UnixEpoch,
            Body = Encoding.UTF8.GetBytes(
                new JsonObject
                {
                    ["attributes"] = ObjectOf(attributes),
                    ["events"] = new JsonArray([
                        .. events.Select(one => new JsonObject
                        {
                            ["offset_ns"] = 1,
                            ["name"] = one.Item1,
                            ["attributes"] = one.Item2 as JsonObject is { } given
                                ? given.DeepClone()
                                : new JsonObject { ["content"] = one.Item2?.DeepClone(), ["message"] = one.Item2?.DeepClone() },
                        }),
                    ]),
                }.ToJsonString()
            ),
        };

    private static JsonObject ObjectOf((string, JsonNode?)[] attributes) =>
        new(attributes.DistinctBy(one => one.Item1).Select(one => KeyValuePair.Create(one.Item1, one.Item2?.DeepClone())));
}
