using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class BadRequestTests(TrainedStore store)
{
    private static readonly string[] s_paths =
    [
        "triage",
        "rewards",
        "episodes",
        "capture",
        "episodes/{v}",
        "episodes/{v}/{v}",
        "deployments",
        "deployments/active",
        "deployments/lineage",
        "deployments/selected",
        "deployments/rollback",
        "stats",
        "{v}",
        "rewards/implicit",
        "feedback",
        "../v1/chat/feedback",
        "monitoring/rewards",
        "monitoring/submission-rate",
        "monitoring/distribution",
        "monitoring/low-rewards",
        "../v1/admin/agent-lightning/stats",
        "../v1/admin/agent-lightning/feedback/stats",
        "../v1/admin/agent-lightning/feedback/recent",
        "../v1/admin/agent-lightning/dashboard",
        "../v1/admin/agent-lightning/clear",
        "audit",
    ];

    private static readonly string[] s_names =
    [
        "comment",
        "title",
        "type",
        "rating",
        "page",
        "feedback_id",
        "agent_id",
        "episode_id",
        "session_id",
        "reward",
        "feedback",
        "correction",
        "source",
        "rubric",
        "evaluator",
        "reward_id",
        "run_id",
        "promoted_by",
        "force",
        "target_deployment_id",
        "reason",
        "rolled_back_by",
        "limit",
        "before",
        "start_date",
        "end_date",
        "raw_value",
        "scale",
        "message_id",
        "feedback_type",
        "helpful",
        "accurate",
        "complete",
        "immediate_clarification",
        "natural_continuation",
        "start",
        "end",
        "by",
        "days",
        "agent_name",
        "id",
        "user_input",
        "assistant_output",
        "created_at",
        "request_latency_ms",
        "status",
        "tool_calls",
        "messages",
        "tokens",
        "tags",
        "token_usage",
        "metadata",
        "trace_id",
    ];

    private static readonly string[] s_insideWords =
    [
        "Exception",
        "   at ",
        "System.",
        "Microsoft.",
        "AgentLightning.",
        "SQLite Error",
        "Nullable<",
        "Body body",
        "Did you mean to use a Service",
    ];

    [Fact]
    public async Task Thousands_of_bad_requests_are_never_a_failure_of_the_server()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        await server.TriageAsync("known", "known");

        await SendAsync(server, 3_000, (status, _, what) => Assert.True(status < 500, what));

        Assert.Equal("healthy", (await server.GetAsync("/health")).GetProperty("status").GetString());
        Assert.Equal("known", (await server.GetAsync("/api/lightning/episodes/known")).GetProperty("id").GetString());
        var releases = (await server.GetAsync("/api/lightning/deployments?limit=1000")).GetProperty("deployments").EnumerateArray();
        Assert.True(releases.Count(release => release.GetProperty("is_active").GetBoolean()) <= 1);
    }

    [Fact]
    public async Task The_answers_to_thousands_of_bad_requests_are_problems_that_tell_nothing_of_the_inside()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));

        await SendAsync(server, 3_000, (status, text, what) =>
        {
            if (status >= 400)
            {
                using var problem = JsonDocument.Parse(text);
                Assert.True(problem.RootElement.TryGetProperty("title", out _), what);
                // The values that are sent hold none of these words, so that quoting them is no leak.
                Assert.False(Array.Exists(s_insideWords, word => text.Contains(word, StringComparison.Ordinal)), what);
            }
        });
    }

    private async Task SendAsync(ServerUnderTest server, int count, Action<int, string, string> check)
    {
        var random = new Random(20_261_121);
        for (var i = 0; i < count; i++)
        {
            using var request = NextRequest(random);
            var sent = request.Content is null ? "" : Encoding.UTF8.GetString(await request.Content.ReadAsByteArrayAsync());
            using var response = await server.Http.SendAsync(request);
            var (status, text) = ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
            check(status, text, $"request {i}: {request.Method} {request.RequestUri} {sent}\n{status} {text}");
        }
    }

    private HttpRequestMessage NextRequest(Random random)
    {
        var path = string.Join(
            '/',
            s_paths[random.Next(s_paths.Length)]
                .Split('/')
                .Select(part => part == "{v}" ? Uri.EscapeDataString(Text(random)).Replace(".", "%2E", StringComparison.Ordinal) : part)
        );
        var query = string.Join(
            '&',
            Enumerable.Range(0, random.Next(3)).Select(_ => $"{s_names[random.Next(s_names.Length)]}={Uri.EscapeDataString(Text(random))}")
        );
        var method = random.Next(10) switch
        {
            < 6 => HttpMethod.Post,
            < 9 => HttpMethod.Get,
            _ => HttpMethod.Put,
        };
        var request = new HttpRequestMessage(method, $"/api/lightning/{path}{(query.Length > 0 ? "?" : "")}{query}");
        if (method == HttpMethod.Post)
        {
            request.Content = new ByteArrayContent(Body(random));
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(random.Next(20) == 0 ? "text/plain" : "application/json");
        }

        return request;
    }

    private byte[] Body(Random random)
    {
        var json = random.Next(8) == 0 ? Value(random, 0) : ObjectText(random, 0);
        var bytes = Encoding.UTF8.GetBytes(json);
        switch (random.Next(6))
        {
            case 0:
                return bytes[..random.Next(bytes.Length + 1)];
            case 1 when bytes.Length > 0:
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                return bytes;
            default:
                return bytes;
        }
    }

    private string ObjectText(Random random, int depth) =>
        $"{{{string.Join(',', Enumerable.Range(0, random.Next(6)).Select(_ => $"\"{s_names[random.Next(s_names.Length)]}\":{Value(random, depth + 1)}"))}}}";

    private string Value(Random random, int depth) =>
        random.Next(depth > 3 ? 9 : 11) switch
        {
            0 => "null",
            1 => random.Next(2) == 0 ? "true" : "false",
            2 => random.Next(-3, 8).ToString(null as IFormatProvider),
            3 => new[] { "1e999", "-1e999", "0.5", "-0", "1e-999", "NaN", "12345678901234567890123", "0.1e", "01" }[random.Next(9)],
            4 => "\"\\ud800\"",
            5 => "\"\\u0000\\u001f\"",
            < 9 => JsonSerializer.Serialize(Text(random)),
            9 => ObjectText(random, depth),
            _ => $"[{string.Join(',', Enumerable.Range(0, random.Next(4)).Select(_ => Value(random, depth + 1)))}]",
        };

    private string Text(Random random) =>
        random.Next(20) switch
        {
            0 => "",
            1 => " ",
            2 => "known",
            3 => "triage",
            4 => store.GoodRun,
            5 => store.BadRun,
            6 => new string('x', random.Next(1_000)),
            7 => "'; DROP TABLE episodes; --",
            8 => "../../etc/passwd",
            9 => "2026-01-01T00:00:00Z",
            10 => "9999-12-31T23:59:59.9999999+14:00",
            11 => "0001-01-01T00:00:00-14:00",
            12 => "human_approval",
            13 => random.Next().ToString(null as IFormatProvider),
            14 => "日本語 🙂 \u202e",
            15 => "01890a5d-ac96-774b-bcce-b302099a8057",
            16 => "rating_4",
            17 => "-1e308..1e308",
            18 => "model",
            _ => string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => (char)random.Next(1, 0xd7ff))),
        };
}
