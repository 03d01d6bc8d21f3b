using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

/// <summary>
/// The AI SDK from npm as an application runs it (<c>VercelAiSdk/agent.mjs</c>), exporting to the real server. Without npm, or without the
/// packages, a visible skip; the strict build has npm.
/// </summary>
public sealed class VercelAiSdkTests
{
    private static readonly string s_agent = Path.Combine(Repository.Root, "tests", "AgentLightning.Server.Tests", "Traces", "VercelAiSdk");

    [Fact]
    public async Task The_unmodified_sdk_gives_whole_episodes_plain_and_streaming()
    {
        using var folder = new TemporaryFolder();
        await InstallAsync(folder);

        foreach (var way in new[] { "generate", "stream" })
        {
            await using var server = await ServerUnderTest.StartAsync(folder.File($"{way}.db"));
            var (code, said) = await RunAsync(folder, "node", "agent.mjs", server.Http.BaseAddress!.ToString().TrimEnd('/'), way);
            Assert.True(code == 0, said);

            var episode = await EpisodeAsync(server);
            Assert.Equal(
                ("When does the next metro leave from Majorstuen?", "Line 2 leaves at 14:07."),
                (Text(episode, "user_input"), Text(episode, "assistant_output"))
            );
            Assert.Equal(
                ("metro-desk", "ride-7", "passenger-3", "mock-model"),
                (Text(episode, "agent_id"), Text(episode, "session_id"), Text(episode, "user_id"), Text(episode, "model_deployment"))
            );
            var call = Assert.Single(episode.GetProperty("tool_calls").EnumerateArray());
            Assert.Equal(
                ("departures", """{"stop":"Majorstuen"}""", """{"line":2,"next":"14:07"}"""),
                (Text(call, "tool_name"), Text(call, "arguments"), Text(call, "result"))
            );
            var usage = episode.GetProperty("token_usage");
            Assert.Equal((230, 40), (usage.GetProperty("prompt").GetInt32(), usage.GetProperty("completion").GetInt32()));
            Assert.Equal(
                ["system", "user", "assistant", "tool", "assistant"],
                episode.GetProperty("messages").EnumerateArray().Select(message => Text(message, "role"))
            );
            var report = await server.GetAsync("/api/lightning/diagnostics/traces");
            Assert.Empty(report.GetProperty("findings").EnumerateArray());
        }
    }

    private static async Task<JsonElement> EpisodeAsync(ServerUnderTest server)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken))
        {
            var listed = (await server.GetAsync("/api/lightning/episodes")).GetProperty("episodes");
            if (listed.GetArrayLength() > 0)
            {
                return await OtlpTests.EpisodeAsync(server, Text(listed[0], "id")!);
            }
        }

        throw new InvalidOperationException("The timer ended.");
    }

    /// <summary>Exactly the packages of the lock file, into a folder that goes with the test.</summary>
    private static async Task InstallAsync(TemporaryFolder folder)
    {
        foreach (var file in new[] { "package.json", "package-lock.json", "agent.mjs" })
        {
            File.Copy(Path.Combine(s_agent, file), folder.File(file));
        }

        try
        {
            var (code, said) = await RunAsync(folder, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline");
            Assert.SkipUnless(code == 0, $"needs the AI SDK from npm, which cannot be installed here: {said}");
        }
        catch (Win32Exception e) when (Environment.GetEnvironmentVariable("CI") != "true")
        {
            Assert.Skip($"needs Node.js with npm, which is not installed here: {e.Message}");
        }
    }

    private static async Task<(int Code, string Said)> RunAsync(TemporaryFolder folder, string program, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = folder.Path,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return (process.ExitCode, $"{await output}{await error}".Trim());
    }

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();
}
