using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Client;
using AgentLightning.Governance;
using AgentLightning.Server;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

/// <summary>A secret of its own through every door: none is in a byte that the product wrote or answered.</summary>
[Collection(nameof(ClientUnderTest))]
public sealed class PlantedSecretTests
{
    private const string Message = "01890a5d-ac96-774b-bcce-b302099a8057";
    private static readonly RedactionOptions s_off = new() { Secrets = false, Pii = false };

    /// <summary>By the door that each goes through, so that a find tells where it came from.</summary>
    private static readonly Dictionary<string, string> s_planted = new[]
    {
        "episode",
        "tool",
        "metadata",
        "error",
        "reward",
        "correction",
        "comment",
        "triage",
        "trace protobuf",
        "trace json",
        "log protobuf",
        "log json",
        "client",
        "spool",
        "import",
        "problem",
        "audit",
        "release",
        "path",
        "query",
    }
        .Select((door, i) => (door, Secret: $"ghp_FAKE{i + 1:0000}OUTPUT{i + 1:0000}FAKE0000EXAMPLE00"))
        .Append(("key", $"lk_{1:x16}_{new string('a', 32)}{new string('7', 32)}"))
        .ToDictionary();

    [Fact]
    public async Task No_secret_is_in_the_store_its_log_the_spool_what_the_server_writes_and_what_it_answers()
    {
        using var folder = new TemporaryFolder();
        var server = await ServingProcess.StartAsync(folder.Path, "lightning.db");
        var answers = await SendAsync(server.Http, folder, new RedactionOptions(), ["--store", "lightning.db"]);

        Assert.Empty(Found(folder.Path, answers));
        Assert.True(new FileInfo(folder.File("lightning.db-wal")).Length > 0);
        Assert.NotEmpty(Directory.GetFiles(folder.File("client"), "*.segment", SearchOption.AllDirectories));
        Assert.Equal(0, (await server.TerminateAsync()).ExitCode);
        Assert.Empty(Found(folder.Path, await server.WrittenAsync()));
        server.Dispose();
    }

    [Fact]
    public async Task The_search_finds_every_one_of_them_where_redaction_is_off()
    {
        using var folder = new TemporaryFolder();
        await using var app = await LightningServer.BuildAsync(
            new LightningServerOptions
            {
                Urls = "http://127.0.0.1:0",
                Lightning = new LightningOptions { Store = folder.File("lightning.db"), Redaction = s_off },
            },
            CancellationToken.None
        );
        await app.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };

        var answers = await SendAsync(http, folder, s_off, ["--server", app.Urls.Single()]);

        Assert.Equal(s_planted.Keys.Order(StringComparer.Ordinal), Found(folder.Path, answers));
    }

    /// <summary>Goes through every door; gives all that was answered.</summary>
    private static async Task<string> SendAsync(HttpClient http, TemporaryFolder folder, RedactionOptions redaction, string[] importTo)
    {
        var answers = new StringBuilder();
        string P(string door) => $"use {s_planted[door]} here";
        await JsonAsync(
            "/api/lightning/episodes",
            new
            {
                id = Message,
                agent_id = "a",
                user_input = P("episode"),
                assistant_output = P("key"),
                session_id = "s",
            }
        );
        await JsonAsync(
            "/api/lightning/episodes",
            new
            {
                id = "gone",
                agent_id = "a",
                user_input = "x",
                session_id = s_planted["audit"],
            }
        );
        await PostAsync(
            "/api/lightning/capture",
            "application/x-ndjson",
            JsonSerializer.SerializeToUtf8Bytes(
                new
                {
                    type = "episode",
                    id = "e2",
                    agent_id = "a",
                    user_input = "x",
                    error = P("error"),
                    metadata = new { note = P("metadata") },
                    tool_calls = new[]
                    {
                        new
                        {
                            tool_name = "t",
                            arguments = JsonSerializer.Serialize(new { a = P("tool") }),
                            result = "r",
                            duration_ms = 1,
                        },
                    },
                }
            )
        );
        await JsonAsync(
            "/api/lightning/rewards",
            new
            {
                episode_id = Message,
                reward = 1,
                feedback = P("reward"),
                correction = P("correction"),
            }
        );
        await JsonAsync(
            "/api/v1/chat/feedback",
            new
            {
                message_id = Message,
                feedback_type = "thumbs_up",
                comment = P("comment"),
            }
        );
        await JsonAsync("/api/lightning/triage", new { comment = P("triage") });
        await PostAsync(
            "/v1/traces",
            "application/x-protobuf",
            OtlpBytes.Request(
                "svc",
                "scope",
                [
                    OtlpBytes.Span(
                        $"{1:x32}",
                        $"{1:x16}",
                        null,
                        "chat",
                        1_772_625_600_000,
                        5,
                        [("gen_ai.operation.name", "chat"), ("note", P("trace protobuf"))]
                    ),
                ]
            )
        );
        await PostAsync(
            "/v1/logs",
            "application/x-protobuf",
            OtlpBytes.Request(
                "svc",
                "scope",
                [
                    OtlpBytes.Log(
                        $"{1:x32}",
                        $"{1:x16}",
                        "gen_ai.user.message",
                        1_772_625_600_000,
                        new (string, object?)[] { ("content", P("log protobuf")) }
                    ),
                ]
            )
        );
        await PostAsync(
            "/v1/traces",
            "application/json",
            Encoding.UTF8.GetBytes(
                $$$"""{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"{{{$"{2:x32}"}}}","spanId":"{{{$"{1:x16}"}}}","name":"chat","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"note","value":{"stringValue":"{{{P("trace json")}}}"}}]}]}]}]}"""
            )
        );
        await PostAsync(
            "/v1/logs",
            "application/json",
            Encoding.UTF8.GetBytes(
                $$$"""{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"{{{$"{2:x32}"}}}","spanId":"{{{$"{1:x16}"}}}","eventName":"gen_ai.user.message","body":{"stringValue":"{{{P("log json")}}}"}}]}]}]}"""
            )
        );
        await JsonAsync("/api/v1/chat/feedback", new { message_id = Message, feedback_type = s_planted["problem"] });
        await JsonAsync("/api/lightning/deployments", new { run_id = s_planted["release"] });
        await ReadAsync(await http.DeleteAsync($"/api/lightning/episodes?session_id={s_planted["audit"]}"));
        await ReadAsync(await http.GetAsync($"/api/lightning/episodes/{s_planted["path"]}"));
        await ReadAsync(await http.GetAsync($"/api/lightning/episodes?limit={s_planted["query"]}"));

        await ClientAsync(http.BaseAddress!, "client");
        // Nobody listens at the port of the discard protocol.
        await ClientAsync(new Uri("http://127.0.0.1:9"), "spool");

        await File.WriteAllTextAsync(
            folder.File("old.jsonl"),
            JsonSerializer.Serialize(
                new
                {
                    type = "episode",
                    id = "old",
                    agent_id = "a",
                    user_input = P("import"),
                }
            )
        );
        var imported = await Lightning.RunAsync(folder.Path, ["episodes", "import", "old.jsonl", .. importTo]);
        Assert.True(imported.ExitCode == 0, imported.Out + imported.Error);
        File.Delete(folder.File("old.jsonl"));
        return answers.Append(imported.Out).Append(imported.Error).ToString();

        Task JsonAsync(string path, object body) => PostAsync(path, "application/json", JsonSerializer.SerializeToUtf8Bytes(body));

        async Task PostAsync(string path, string type, byte[] body)
        {
            using var content = new ByteArrayContent(body);
            content.Headers.ContentType = new MediaTypeHeaderValue(type);
            await ReadAsync(await http.PostAsync(path, content));
        }

        async Task ReadAsync(HttpResponseMessage response)
        {
            using (response)
            {
                answers.AppendLine($"{(int)response.StatusCode} {response.Headers} {await response.Content.ReadAsStringAsync()}");
                Assert.InRange((int)response.StatusCode, 200, 499);
            }
        }

        async Task ClientAsync(Uri server, string door)
        {
            await using var client = new LightningClient(
                new LightningClientOptions
                {
                    Endpoint = server,
                    AgentId = "a",
                    DataFolder = folder.File("client"),
                    BatchDelay = TimeSpan.Zero,
                    FlushTimeout = TimeSpan.Zero,
                    Redaction = redaction,
                }
            );
            Assert.NotNull(new AgentTracker(client, "a").TrackInteraction(P(door), "out"));
            await client.FlushAsync();
        }
    }

    private static IEnumerable<string> Found(string folder, string written)
    {
        var texts = new List<byte[]> { Encoding.UTF8.GetBytes(written) };
        foreach (
            var file in Directory
                .GetFiles(folder, "*", SearchOption.AllDirectories)
                .Where(file => !file.EndsWith("-shm", StringComparison.Ordinal) && !file.EndsWith("lock", StringComparison.Ordinal))
        )
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var bytes = new MemoryStream();
            stream.CopyTo(bytes);
            texts.Add(bytes.ToArray());
        }

        return s_planted
            .Where(planted => texts.Exists(text => text.AsSpan().IndexOf(Encoding.UTF8.GetBytes(planted.Value)) >= 0))
            .Select(planted => planted.Key)
            .Order(StringComparer.Ordinal);
    }
}
