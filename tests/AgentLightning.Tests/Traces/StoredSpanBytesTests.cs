using System.Text;
using AgentLightning.Governance;
using AgentLightning.Testing;
using AgentLightning.Traces;
using Microsoft.Extensions.DependencyInjection;
using static AgentLightning.Tests.Traces.TraceDesk;

namespace AgentLightning.Tests.Traces;

public sealed class StoredSpanBytesTests
{
    /// <summary>One for every place of a request where a text can stand.</summary>
    private static readonly string[] s_planted = [.. Enumerable.Range(0, 26).Select(i => $"planted{i:00}@example.com")];

    [Fact]
    public async Task Nothing_that_was_planted_in_any_field_is_in_any_file()
    {
        await using var desk = await OpenAsync();
        await SendPlantedAsync(desk);

        Assert.Empty(Found(desk));
        Assert.NotNull(await desk.EpisodeAsync());
    }

    [Fact]
    public async Task The_search_finds_what_is_stored_without_redaction()
    {
        await using var desk = await OpenAsync(services =>
            services.AddSingleton(new Redactor(new RedactionOptions { Secrets = false, Pii = false }))
        );
        await SendPlantedAsync(desk);

        Assert.Equal(s_planted, Found(desk));
    }

    [Fact]
    public async Task A_session_that_is_named_by_an_address_stays_one_session()
    {
        await using var desk = await OpenAsync();
        const string Other = "0af7651916cd43dd8448eb211c803199";
        await desk.SendAsync(
            OtlpBytes.Span(
                Trace,
                Root,
                null,
                "chat",
                At,
                5,
                [("gen_ai.operation.name", "chat"), ("session.id", s_planted[0]), ("user.id", s_planted[1])]
            ),
            OtlpBytes.Span(
                Other,
                Root,
                null,
                "chat",
                At,
                5,
                [("gen_ai.operation.name", "chat"), ("session.id", s_planted[0]), ("user.id", s_planted[2])]
            )
        );
        await desk.ReadAsync();

        var (one, two) = ((await desk.EpisodeAsync())!, (await desk.EpisodeAsync(Other))!);
        Assert.Equal(one.SessionId, two.SessionId);
        Assert.NotEqual(one.UserId, two.UserId);
        Assert.StartsWith("[ID:", one.UserId, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agent_that_is_named_by_a_secret_is_refused()
    {
        await using var desk = await OpenAsync();

        var result = await desk.SendAsync(
            OtlpBytes.Span(Trace, Root, null, "chat", At, 5, [("gen_ai.agent.name", "ghp_FAKE0000EXAMPLE0000FAKE0000EXAMPLE00")])
        );

        Assert.Equal((0, 1), (result.Accepted, result.Rejected));
        Assert.DoesNotContain("FAKE0000", result.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_and_counts_of_the_convention_are_not_taken_for_secrets()
    {
        await using var desk = await OpenAsync();
        await desk.SendAsync(
            OtlpBytes.Span(
                Trace,
                Root,
                null,
                "chat",
                At,
                5,
                [
                    ("gen_ai.operation.name", "chat"),
                    ("gen_ai.usage.input_tokens", 123_456_789),
                    ("gen_ai.usage.output_tokens", 1_234),
                    ("gen_ai.token.type", "input"),
                    ("gen_ai.request.max_tokens", 4_096),
                    ("llm.token_count.prompt", 12_345_678),
                    ("prompt_token_ids", new[] { 1, 2, 3 }),
                    ("response_token_ids", new[] { 4 }),
                    ("gen_ai.response.id", "chatcmpl-9J3uIL87gldCFtiIbyaOvTeYBRA3l"),
                ]
            )
        );
        await desk.ReadAsync();

        var body = Encoding.UTF8.GetString(
            Assert.Single(await desk.Store.SpansAsync(Trace, 10, TestContext.Current.CancellationToken)).Body
        );
        Assert.DoesNotContain("[REDACTED]", body, StringComparison.Ordinal);
        Assert.DoesNotContain("[SECRET]", body, StringComparison.Ordinal);
        var episode = (await desk.EpisodeAsync())!;
        Assert.Equal((123_456_789, 1_234), (episode.TokenUsage!.Prompt, episode.TokenUsage.Completion));
        Assert.Equal([1, 2, 3], episode.Tokens!.PromptIds);
    }

    private static async Task SendPlantedAsync(TraceDesk desk)
    {
        var next = new Queue<string>(s_planted);
        string P() => $"x {next.Dequeue()} y";
        (string, object?)[] Map(params (string, object?)[] members) => members;
        var span = OtlpBytes.Span(
            Trace,
            Root,
            null,
            P(),
            At,
            5,
            [
                ("gen_ai.operation.name", "chat"),
                ("text", P()),
                (P(), 1),
                ("list", new object[] { P(), Map(("a", P())) }),
                ("map", Map(("a", Map((P(), P()))))),
                ("bytes", Encoding.UTF8.GetBytes(P())),
                (
                    "gen_ai.input.messages",
                    $$"""[{"role":"user","parts":[{"type":"text","content":"{{P()}}"},{"type":"tool_call","id":"1","name":"t","arguments":"{\"a\":\"{{P()}}\"}"}]}]"""
                ),
                ("session.id", P()),
                ("user.id", P()),
            ],
            [OtlpBytes.Event(P(), At, ("e", P()), (P(), "v")), OtlpBytes.Event("exception", At, ("exception.message", P()))],
            status: 2,
            message: P()
        );
        byte[] whole =
        [
            .. span,
            .. OtlpBytes.Text(3, P()),
            .. OtlpBytes.Message(13, [.. OtlpBytes.Text(3, P()), .. OtlpBytes.Attributes(4, [("l", P())])]),
        ];
        Assert.Equal(1, (await desk.SendBodyAsync(OtlpBytes.Request("svc", P(), [whole], ("host", P())), SpanForm.Span)).Accepted);
        await desk.SendLogsAsync(OtlpBytes.Log(Trace, Root, "gen_ai.user.message", At, Map(("content", P())), ("a", P())));
        await desk.SendLogsAsync(OtlpBytes.Log(Trace, Root, $"gen_ai.{P()}", At, P()));
        await desk.ReadAsync();
        Assert.Empty(next);
    }

    private static List<string> Found(TraceDesk desk)
    {
        var found = new List<string>();
        foreach (
            var file in Directory
                .GetFiles(Path.GetDirectoryName(desk.Product.Options.Store)!, "lightning.db*")
                .Where(file => !file.EndsWith("-shm", StringComparison.Ordinal))
        )
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new MemoryStream();
            stream.CopyTo(bytes);
            found.AddRange(s_planted.Where(planted => bytes.ToArray().AsSpan().IndexOf(Encoding.UTF8.GetBytes(planted)) >= 0));
        }

        return [.. found.Distinct().Order(StringComparer.Ordinal)];
    }
}
