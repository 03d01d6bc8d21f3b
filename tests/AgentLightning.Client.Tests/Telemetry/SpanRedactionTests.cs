using System.Diagnostics;
using System.Text;
using System.Text.Json;
using AgentLightning.Client.Telemetry;
using AgentLightning.Governance;

namespace AgentLightning.Client.Tests;

/// <summary>A secret in any place of a span that an application can write to; none of them reaches the wire or the disk.</summary>
public sealed class SpanRedactionTests
{
    private const string Secret = "planted-0123456789-Q";
    private const long Card = 4_111_111_111_111_111;
    private static readonly string s_key = $"sntryu_{new string('7', 20)}{new string('a', 20)}{new string('3', 24)}";

    private static readonly Dictionary<string, Action<Activity>> s_places = new()
    {
        ["name"] = span => span.DisplayName = $"call with {s_key}",
        ["trace state"] = span => span.TraceStateString = $"vendor={s_key}",
        ["status"] = span => span.SetStatus(ActivityStatusCode.Error, $"password={Secret}"),
        ["text"] = span => span.SetTag("note", $"password={Secret}"),
        ["text under a telling name"] = span => span.SetTag("api_key", Secret),
        ["attribute's name"] = span => span.SetTag(s_key, 1),
        ["list of texts"] = span => span.SetTag("notes", new[] { "a", $"password={Secret}" }),
        ["list of lists"] = span => span.SetTag("notes", new object[] { new object[] { $"password={Secret}" } }),
        ["whole number"] = span => span.SetTag("number", Card),
        ["decimal number"] = span => span.SetTag("number", (double)Card),
        ["precise number"] = span => span.SetTag("number", (decimal)Card),
        ["list of numbers"] = span => span.SetTag("numbers", new[] { 1, Card }),
        ["number under a telling name"] = span => span.SetTag("password", 92_653_589_793L),
        ["object"] = span => span.SetTag("login", new Login("ann", Secret)),
        ["dictionary"] = span => span.SetTag("login", new Dictionary<string, object> { ["password"] = Secret }),
        ["address"] = span => span.SetTag("url", new Uri($"https://ann:{Secret}@example.org/")),
        ["bytes that are text"] = span => span.SetTag("body", Encoding.UTF8.GetBytes($"password={Secret}")),
        ["event's name"] = span => span.AddEvent(new ActivityEvent($"retry with {s_key}")),
        ["event's attribute"] = span => span.AddEvent(new ActivityEvent("retry", tags: new() { ["password"] = Secret })),
        ["event's number"] = span => span.AddEvent(new ActivityEvent("retry", tags: new() { ["number"] = Card })),
        ["link's attribute"] = span => span.AddLink(new ActivityLink(Context(), new() { ["password"] = Secret })),
        ["link's trace state"] = span => span.AddLink(new ActivityLink(Context($"vendor={s_key}"))),
        ["elsewhere, without its name"] = span => span.SetTag("password", Secret).AddEvent(new ActivityEvent($"then {Secret} was tried")),
    };

    public static TheoryData<string> Places => [.. s_places.Keys];

    [Theory]
    [MemberData(nameof(Places))]
    public void Nothing_secret_leaves_in_any_place_of_a_span(string place)
    {
        var json = Write(s_places[place]);

        Assert.All(
            [Secret, s_key, "4111111111111111", "92653589793", Convert.ToBase64String(Encoding.UTF8.GetBytes(Secret))[4..20]],
            planted => Assert.DoesNotContain(planted, json, StringComparison.Ordinal)
        );
        Assert.Matches(@"\[(REDACTED|SECRET|CARD)\]", json);
        using var document = JsonDocument.Parse(json);
    }

    [Fact]
    public void What_holds_nothing_secret_keeps_its_type()
    {
        var json = Write(span =>
            span.SetTag("text", "hello")
                .SetTag("whole", 12)
                .SetTag("real", 0.5)
                .SetTag("nothing", double.NaN)
                .SetTag("flag", true)
                .SetTag("list", new[] { 1, 2 })
                .SetTag("bytes", new byte[] { 0xff, 1 })
                .SetTag("password", Secret)
        );

        var attributes = JsonDocument
            .Parse(json)
            .RootElement.GetProperty("resourceSpans")[0]
            .GetProperty("scopeSpans")[0]
            .GetProperty("spans")[0]
            .GetProperty("attributes")
            .EnumerateArray()
            .Select(attribute => $"{attribute.GetProperty("key").GetString()}={attribute.GetProperty("value").GetRawText()}");
        Assert.Equal(
            [
                """text={"stringValue":"hello"}""",
                """whole={"intValue":"12"}""",
                """real={"doubleValue":0.5}""",
                """nothing={"doubleValue":"NaN"}""",
                """flag={"boolValue":true}""",
                """list={"arrayValue":{"values":[{"intValue":"1"},{"intValue":"2"}]}}""",
                """bytes={"bytesValue":"/wE="}""",
                """password={"stringValue":"[REDACTED]"}""",
            ],
            attributes
        );
    }

    [Fact]
    public void A_list_that_holds_itself_is_written()
    {
        var list = new List<object>();
        list.Add(list);

        Assert.Contains("arrayValue", Write(span => span.SetTag("list", list)), StringComparison.Ordinal);
    }

    private static string Write(Action<Activity> plant)
    {
        using var span = new Activity("work").Start();
        plant(span);
        span.Stop();
        var spans = new OtlpSpans(new Redactor(new RedactionOptions()), new LightningClientOptions { AgentId = "shop" });
        spans.Add(span);
        return Encoding.UTF8.GetString(spans.Finish().Span);
    }

    private static ActivityContext Context(string? state = null) =>
        new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded, state);

    private sealed record Login(string User, string Password);
}
