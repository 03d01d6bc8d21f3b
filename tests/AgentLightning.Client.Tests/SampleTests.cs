using System.Diagnostics;
using System.Text;
using System.Text.Json;
using AgentLightning.Client.Tests.Support;
using AgentLightning.Server;
using AgentLightning.Testing;
using Microsoft.AspNetCore.Builder;

namespace AgentLightning.Client.Tests;

/// <summary>The sample agent in a process of its own, against the real server in this one.</summary>
public sealed class SampleTests : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_sample_is_captured_with_its_tool_calls_and_its_rewards()
    {
        await using var server = await StartServerAsync("http://127.0.0.1:0");
        using var sample = Start(server.Urls.Single());
        await sample.StandardInput.WriteLineAsync("Where is order 42? my password: hunter2");
        await sample.StandardInput.WriteLineAsync("hello");
        sample.StandardInput.Close();
        var answers = (await sample.StandardOutput.ReadToEndAsync().WaitAsync(s_limit)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await sample.WaitForExitAsync().WaitAsync(s_limit);
        Assert.True(sample.ExitCode == 0, await sample.StandardError.ReadToEndAsync());

        using var http = new HttpClient { BaseAddress = new Uri(server.Urls.Single()) };
        var first = await GetAsync(http, $"/api/lightning/episodes/{answers[0].Split('\t')[0]}");
        Assert.Equal(
            ("shop", "scripted", "sample", "succeeded"),
            (Text(first, "agent_id"), Text(first, "model_deployment"), Text(first, "session_id"), Text(first, "status"))
        );
        Assert.Equal(
            ("find_order", "order 42: on its way"),
            (Text(first.GetProperty("tool_calls")[0], "tool_name"), Text(first.GetProperty("tool_calls")[0], "result"))
        );
        Assert.DoesNotContain("hunter2", first.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(
            (1, "order_named"),
            (first.GetProperty("rewards")[0].GetProperty("value").GetDouble(), Text(first.GetProperty("rewards")[0], "rubric"))
        );
        var second = await GetAsync(http, $"/api/lightning/episodes/{answers[1].Split('\t')[0]}");
        Assert.Equal(-1, second.GetProperty("rewards")[0].GetProperty("value").GetDouble());
    }

    [Theory]
    [InlineData("AgentFrameworkAgent.dll", "Your order 42: on its way.", "order_named")]
    [InlineData("SemanticKernelAgent.dll", "Which order do you mean?", "answered")]
    public async Task An_agent_of_another_framework_is_captured_by_two_lines(string assembly, string answered, string rubric)
    {
        await using var server = await StartServerAsync("http://127.0.0.1:0");
        using var sample = StartOf(assembly, server.Urls.Single());
        await sample.StandardInput.WriteLineAsync(answered.Contains("42", StringComparison.Ordinal) ? "Where is order 42?" : "hello");
        sample.StandardInput.Close();
        var answer = (await sample.StandardOutput.ReadToEndAsync().WaitAsync(s_limit)).Trim().Split('\t');
        await sample.WaitForExitAsync().WaitAsync(s_limit);
        Assert.True(sample.ExitCode == 0, await sample.StandardError.ReadToEndAsync());

        Assert.Equal(answered, answer[1]);
        using var http = new HttpClient { BaseAddress = new Uri(server.Urls.Single()) };
        var episode = await GetAsync(http, $"/api/lightning/episodes/{answer[0]}");
        Assert.Equal(
            ("shop", "scripted", "succeeded", answered),
            (Text(episode, "agent_id"), Text(episode, "model_deployment"), Text(episode, "status"), Text(episode, "assistant_output"))
        );
        var reward = episode.GetProperty("rewards")[0];
        Assert.Equal((1, rubric), (reward.GetProperty("value").GetDouble(), Text(reward, "rubric")));
        // One call of an agent is one episode, however many calls of the model it took.
        Assert.Equal(1, (await GetAsync(http, "/api/lightning/episodes?agent_id=shop")).GetProperty("episodes").GetArrayLength());
    }

    [Fact]
    public async Task The_sample_speaks_with_a_model_behind_the_routes_of_OpenAI()
    {
        await using var model = await FakeOpenAiServer.StartAsync();
        model.Answer = (_, number) =>
            number == 1
                ? new FakeOpenAiAnswer { Pieces = [], ToolCalls = [("call-1", "find_order", """{"number":"42"}""")] }
                : FakeOpenAiAnswer.Of("Order 42 is on its way.");
        await using var server = await StartServerAsync("http://127.0.0.1:0");
        using var sample = Start(
            server.Urls.Single(),
            ("OPENAI_BASE_URL", model.BaseUrl.AbsoluteUri),
            ("OPENAI_API_KEY", "key-of-the-sample"),
            ("OPENAI_MODEL", "test-model")
        );
        await sample.StandardInput.WriteLineAsync("Where is order 42?");
        sample.StandardInput.Close();
        var answer = (await sample.StandardOutput.ReadToEndAsync().WaitAsync(s_limit)).Trim().Split('\t');
        await sample.WaitForExitAsync().WaitAsync(s_limit);
        Assert.True(sample.ExitCode == 0, await sample.StandardError.ReadToEndAsync());

        Assert.Equal("Order 42 is on its way.", answer[1]);
        Assert.All(model.Requests, request =>
            Assert.Equal(
                ("/v1/chat/completions", "Bearer key-of-the-sample", "test-model"),
                (request.Path, request.Authorization, request.Model)
            )
        );
        Assert.Contains(
            "order 42: on its way",
            Text(model.Requests.Last().Body.GetProperty("messages").EnumerateArray().Last(), "content"),
            StringComparison.Ordinal
        );
        using var http = new HttpClient { BaseAddress = new Uri(server.Urls.Single()) };
        var episode = await GetAsync(http, $"/api/lightning/episodes/{answer[0]}");
        Assert.Equal(
            ("find_order", "order 42: on its way"),
            (Text(episode.GetProperty("tool_calls")[0], "tool_name"), Text(episode.GetProperty("tool_calls")[0], "result"))
        );
        Assert.Equal(1, episode.GetProperty("rewards")[0].GetProperty("value").GetDouble());
    }

    [Fact]
    public async Task Records_that_waited_on_disk_when_the_application_was_killed_arrive_when_it_runs_again_and_none_is_doubled()
    {
        var url = Receiver.Nowhere().AbsoluteUri.TrimEnd('/');
        using var spool = new FileSystemWatcher(_folder.Path, "*.segment")
        {
            IncludeSubdirectories = true,
            NotifyFilter = NotifyFilters.LastWrite | NotifyFilters.FileName,
        };
        var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ids = new List<string>();
        spool.Changed += (_, change) => Look(change.FullPath);
        spool.Created += (_, change) => Look(change.FullPath);
        spool.EnableRaisingEvents = true;
        using (var sample = Start(url))
        {
            for (var i = 0; i < 5; i++)
            {
                await sample.StandardInput.WriteLineAsync($"where is order {i + 42}?");
                lock (ids)
                {
                    ids.Add(sample.StandardOutput.ReadLine()!.Split('\t')[0]);
                }
            }

            // What was written before the last id was known makes no further event.
            Array.ForEach(Directory.GetFiles(_folder.Path, "*.segment", SearchOption.AllDirectories), Look);
            await written.Task.WaitAsync(s_limit);
            // As kill -9 does: nothing of the application runs any more.
            sample.Kill();
            await sample.WaitForExitAsync().WaitAsync(s_limit);
        }

        await using var server = await StartServerAsync(url);
        for (var run = 0; run < 2; run++)
        {
            using var again = Start(url);
            again.StandardInput.Close();
            await again.WaitForExitAsync().WaitAsync(s_limit);
            Assert.Equal(0, again.ExitCode);
        }

        using var http = new HttpClient { BaseAddress = new Uri(url) };
        var listed = (await GetAsync(http, "/api/lightning/episodes?agent_id=shop&limit=100"))
            .GetProperty("episodes")
            .EnumerateArray()
            .Select(episode => Text(episode, "id"))
            .ToList();
        Assert.Equal(ids.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
        Assert.Empty(Directory.GetFiles(_folder.Path, "*.segment", SearchOption.AllDirectories));

        void Look(string path)
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            var text = reader.ReadToEnd();
            lock (ids)
            {
                if (ids.Count == 5 && ids.TrueForAll(id => text.Contains(id, StringComparison.Ordinal)))
                {
                    written.TrySetResult();
                }
            }
        }
    }

    private Process Start(string url, params ReadOnlySpan<(string Name, string Value)> environment) =>
        StartOf("ChatAgent.dll", url, environment);

    private Process StartOf(string assembly, string url, params ReadOnlySpan<(string Name, string Value)> environment)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            WorkingDirectory = _folder.Path,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, assembly));
        start.ArgumentList.Add(url);
        start.Environment["LIGHTNING_DATA_DIR"] = _folder.Path;
        start.Environment.Remove("OPENAI_BASE_URL");
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    private async Task<WebApplication> StartServerAsync(string url)
    {
        var app = await LightningServer.BuildAsync(
            new LightningServerOptions
            {
                Urls = url,
                Lightning = new LightningOptions { Store = _folder.File("lightning.db") },
            },
            CancellationToken.None
        );
        await app.StartAsync();
        return app;
    }

    private static async Task<JsonElement> GetAsync(HttpClient http, string path)
    {
        using var document = JsonDocument.Parse(await http.GetStringAsync(path));
        return document.RootElement.Clone();
    }

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();
}
