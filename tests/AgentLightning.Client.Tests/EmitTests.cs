using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using AgentLightning.Client.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Client.Tests;

/// <summary>
/// What the emit calls put on the wire. Spans of a process are seen by all its clients, so each test looks for those of its own trace.
/// </summary>
[Collection(nameof(EmitTests))]
public sealed partial class EmitTests : IAsyncLifetime
{
    private Receiver _server = null!;
    private LightningClient _lightning = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await Receiver.StartAsync();
        _lightning = new LightningClient(Quick.Options(_server.Url));
    }

    public async ValueTask DisposeAsync()
    {
        await _lightning.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Emit_calls_have_the_names_and_attributes_of_the_protocol()
    {
        string? trace;
        using (var operation = LightningEmitter.Operation("answer", LightningEmitter.TagAttributes(["a", "b"])))
        {
            trace = operation.TraceId;
            operation.SetInput("hi", new { deep = new[] { 1, 2 }, list = new object[] { new { x = true } } });
            operation.SetInput([new("name", "bo")]);
            operation.SetOutput(0.5);
            Assert.True(LightningEmitter.EmitMessage("hello", LightningEmitter.LinkAttributes([new("gen_ai.response.id", "r-1")])));
            Assert.True(LightningEmitter.EmitReward(new Dictionary<string, double> { ["style"] = 0.1, ["main"] = 1 }, "main"));
            Assert.True(LightningEmitter.EmitObject(true));
            Assert.True(LightningEmitter.EmitObject(12));
            Assert.True(LightningEmitter.EmitObject("text"));
            Assert.True(LightningEmitter.EmitObject(new byte[] { 1, 2 }));
            Assert.True(LightningEmitter.EmitObject(new Uri("http://x/")));
            Assert.True(LightningEmitter.EmitAnnotation([new("score", new { a = 1 })]));
            Assert.True(LightningEmitter.EmitException(new TimeoutException("slow")));
        }

        var spans = await SpansAsync(trace!);

        Assert.Equal(
            [
                "agentlightning.message",
                "agentlightning.annotation",
                .. Enumerable.Repeat("agentlightning.object", 5),
                "agentlightning.annotation",
                "agentlightning.exception",
                "agentlightning.operation",
            ],
            spans.Select(span => span.GetProperty("name").GetString())
        );
        Assert.Equal(
            "agentlightning.link.0.key_match=gen_ai.response.id agentlightning.link.0.value_match=r-1 agentlightning.message.body=hello",
            Attributes(spans[0])
        );
        Assert.Equal(
            "agentlightning.reward.0.name=main agentlightning.reward.0.value=1 agentlightning.reward.1.name=style "
                + "agentlightning.reward.1.value=0.1",
            Attributes(spans[1])
        );
        Assert.Equal("agentlightning.object.literal=True agentlightning.object.type=bool", Attributes(spans[2]));
        Assert.Equal("agentlightning.object.literal=12 agentlightning.object.type=int", Attributes(spans[3]));
        Assert.Equal("agentlightning.object.literal=text agentlightning.object.type=str", Attributes(spans[4]));
        Assert.Equal("agentlightning.object.literal=AQI= agentlightning.object.type=bytes", Attributes(spans[5]));
        Assert.Equal("agentlightning.object.json=\"http://x/\" agentlightning.object.type=System.Uri", Attributes(spans[6]));
        Assert.Equal("score.a=1", Attributes(spans[7]));
        Assert.StartsWith(
            "exception.escaped=True exception.message=slow exception.stacktrace=System.TimeoutException: slow "
                + "exception.type=System.TimeoutException",
            Attributes(spans[8]),
            StringComparison.Ordinal
        );
        Assert.Equal(
            "agentlightning.operation.input.args.0=hi agentlightning.operation.input.args.1.deep=[1,2] "
                + "agentlightning.operation.input.args.1.list.0.x=True agentlightning.operation.input.name=bo "
                + "agentlightning.operation.name=answer agentlightning.operation.output=0.5 agentlightning.tag.0=a agentlightning.tag.1=b",
            Attributes(spans[9])
        );
        Assert.Equal(
            [0, 1, 1, 1, 1, 1, 1, 1, 1, 0],
            spans.Select(span => span.GetProperty("status").TryGetProperty("code", out var code) ? code.GetInt32() : 0)
        );
        Assert.All(spans.SkipLast(1), span =>
            Assert.Equal(spans[9].GetProperty("spanId").GetString(), span.GetProperty("parentSpanId").GetString())
        );
    }

    [Fact]
    public async Task The_request_is_json_of_otlp_to_the_letter()
    {
        string? trace;
        using (var operation = LightningEmitter.Operation("x"))
        {
            trace = operation.TraceId;
            operation.SetException(new InvalidOperationException("no"));
            LightningEmitter.EmitMessage(
                "m",
                [
                    new("whole", 5L),
                    new("part", double.NaN),
                    new("flag", true),
                    new("list", new[] { "a", "b" }),
                    new("bytes", new byte[] { 1 }),
                ]
            );
        }

        var spans = await SpansAsync(trace!);

        var request = _server.Requests.First(one => one.Path == "/v1/traces");
        Assert.Equal(("application/json", "gzip"), (request.ContentType, request.Encoding));
        var resource = JsonDocument.Parse(request.Body).RootElement.GetProperty("resourceSpans")[0];
        Assert.Contains(resource.GetProperty("resource").GetProperty("attributes").EnumerateArray(), one =>
            one.GetRawText() == """{"key":"agentlightning.agent_id","value":{"stringValue":"shop"}}"""
        );
        Assert.Equal("AgentLightning", resource.GetProperty("scopeSpans")[0].GetProperty("scope").GetProperty("name").GetString());
        Assert.Equal(
            [
                """{"stringValue":"m"}""",
                """{"bytesValue":"AQ=="}""",
                """{"boolValue":true}""",
                """{"arrayValue":{"values":[{"stringValue":"a"},{"stringValue":"b"}]}}""",
                """{"doubleValue":"NaN"}""",
                """{"intValue":"5"}""",
            ],
            spans[0]
                .GetProperty("attributes")
                .EnumerateArray()
                .OrderBy(one => one.GetProperty("key").GetString(), StringComparer.Ordinal)
                .Select(one => one.GetProperty("value").GetRawText())
        );
        Assert.All(spans, span =>
        {
            Assert.Matches(Hex32(), span.GetProperty("traceId").GetString());
            Assert.Matches("^[0-9a-f]{16}$", span.GetProperty("spanId").GetString());
            Assert.Equal(1, span.GetProperty("kind").GetInt32());
            var (start, end) = (
                long.Parse(span.GetProperty("startTimeUnixNano").GetString()!, CultureInfo.InvariantCulture),
                long.Parse(span.GetProperty("endTimeUnixNano").GetString()!, CultureInfo.InvariantCulture)
            );
            Assert.InRange(start, 1_700_000_000_000_000_000, end);
        });
        Assert.Equal("""{"code":2,"message":"no"}""", spans[1].GetProperty("status").GetRawText());
    }

    [Fact]
    public async Task Without_a_listener_and_with_wrong_values_nothing_happens()
    {
        Assert.False(LightningEmitter.EmitReward(double.NaN));
        Assert.False(LightningEmitter.EmitReward(1.5));
        Assert.False(LightningEmitter.EmitReward(new Dictionary<string, double> { ["a"] = 1 }, "b"));
        var cycle = new List<object>();
        cycle.Add(cycle);
        Assert.False(LightningEmitter.EmitObject(cycle));
        await _lightning.DisposeAsync();

        Assert.False(LightningEmitter.EmitMessage("nobody listens"));
        using var operation = LightningEmitter.Operation("x");
        operation.SetInput(1);
        operation.SetOutput(2);
        Assert.Null(operation.TraceId);
    }

    [Fact]
    public async Task One_line_sends_the_spans_of_the_known_sources_and_of_ones_own_and_turns_contents_on()
    {
        using var known = new ActivitySource("Experimental.Microsoft.Extensions.AI");
        using var own = new ActivitySource("My.Agent.Core");
        using var other = new ActivitySource("Something.Else");
        await using var services = new ServiceCollection()
            .AddLightning(options => (options.Endpoint, options.BatchDelay, options.DataFolder) = (_server.Url, TimeSpan.Zero, ""))
            .AddLightningTelemetry(content: true, "My.Agent*")
            .BuildServiceProvider();
        var lightning = services.GetRequiredService<LightningClient>();

        string trace;
        using (var root = known.StartActivity("chat m-1", ActivityKind.Client)!)
        {
            trace = root.TraceId.ToHexString();
            root.AddEvent(new ActivityEvent("gen_ai.choice", tags: new ActivityTagsCollection([new("content", "password=planted-0001")])));
            own.StartActivity("step")!.Dispose();
            Assert.Null(other.StartActivity("not wanted"));
        }

        await lightning.FlushAsync();
        var spans = Spans(trace);
        Assert.Equal(["step", "chat m-1"], spans.Select(span => span.GetProperty("name").GetString()));
        Assert.Equal(3, spans[1].GetProperty("kind").GetInt32());
        Assert.Equal(
            "password=[REDACTED]",
            spans[1].GetProperty("events")[0].GetProperty("attributes")[0].GetProperty("value").GetProperty("stringValue").GetString()
        );
        Assert.True(AppContext.TryGetSwitch("OpenAI.Experimental.EnableOpenTelemetry", out var on) && on);
        Assert.True(
            AppContext.TryGetSwitch("Microsoft.SemanticKernel.Experimental.GenAI.EnableOTelDiagnosticsSensitive", out var sensitive)
                && sensitive
        );
        Assert.Equal("true", Environment.GetEnvironmentVariable("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"));
    }

    private async Task<List<JsonElement>> SpansAsync(string trace)
    {
        await _lightning.FlushAsync();
        return Spans(trace);
    }

    private List<JsonElement> Spans(string trace) =>
        [
            .. from request in _server.Requests
            where request.Path == "/v1/traces"
            from resource in JsonDocument.Parse(request.Body).RootElement.GetProperty("resourceSpans").EnumerateArray()
            from scope in resource.GetProperty("scopeSpans").EnumerateArray()
            from span in scope.GetProperty("spans").EnumerateArray()
            where span.GetProperty("traceId").GetString() == trace
            orderby long.Parse(span.GetProperty("endTimeUnixNano").GetString()!, CultureInfo.InvariantCulture)
            select span,
        ];

    private static string Attributes(JsonElement span) =>
        string.Join(
            ' ',
            span.GetProperty("attributes")
                .EnumerateArray()
                .Select(one => $"{one.GetProperty("key").GetString()}={Value(one.GetProperty("value"))}")
                .Order(StringComparer.Ordinal)
        );

    private static string Value(JsonElement value)
    {
        var (name, inner) = value.EnumerateObject().Select(property => (property.Name, property.Value)).Single();
        return name == "arrayValue"
            ? $"[{string.Join(',', inner.GetProperty("values").EnumerateArray().Select(Value))}]"
            : inner.ToString();
    }

    [GeneratedRegex("^[0-9a-f]{32}$")]
    private static partial Regex Hex32();
}

/// <summary>Listeners and sources belong to the process.</summary>
[CollectionDefinition(nameof(EmitTests), DisableParallelization = true)]
public sealed class SpansOfTheProcess;
