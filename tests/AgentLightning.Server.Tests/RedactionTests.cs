using System.Net;
using System.Text;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class RedactionTests
{
    private const string Key = "ghp_FAKE0000EXAMPLE0000FAKE0000EXAMPLE00";
    private const string Mail = "planted@example.com";

    // A test number of the card schemes.
    private const string Card = "4242 4242 4242 4242";

    [Fact]
    public async Task Nothing_that_was_planted_through_the_api_is_in_any_file()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        // So long that the answer's excerpt of the title cuts the key in its middle.
        var title = $"{new string('x', 70)} {Key}";
        await server.PostAsync(
            "/api/lightning/triage",
            new
            {
                comment = $"password=planted-0001 mail {Mail} card {Card}",
                title,
                page = "https://bo:planted-0002@example.com/",
                feedback_id = Mail,
                session_id = Mail,
                episode_id = "e1",
            }
        );
        await server.PostAsync(
            "/api/lightning/rewards",
            new
            {
                episode_id = "e1",
                reward = 0.5,
                feedback = $"my token is {Key}",
                correction = $"call +1 555-555-0123 or {Mail}",
                rubric = "secret: planted-0003",
                evaluator = "bo",
                reward_id = "r1",
            }
        );
        await server.PostAsync("/api/lightning/triage", new { comment = "x", episode_id = "01890a5d-ac96-774b-bcce-b302099a8057" });
        await server.PostAsync(
            "/api/v1/chat/feedback",
            new
            {
                message_id = "01890a5d-ac96-774b-bcce-b302099a8057",
                feedback_type = "copy",
                comment = $"ask {Mail}, password=planted-0004, {Key}",
                feedback_id = "f1",
            }
        );
        await server.RefusedAsync(HttpStatusCode.Conflict, "/api/lightning/deployments/rollback", new { reason = $"asked by {Mail}" });

        Assert.Empty(
            Found(folder, [Key, Key[..12], Mail, Card, "planted-0001", "planted-0002", "planted-0003", "planted-0004", "555-0123"])
        );
        var stored = await server.GetAsync("/api/lightning/episodes/e1");
        Assert.Contains(
            "password=[REDACTED] mail [EMAIL] card [CARD]",
            stored.GetProperty("user_input").GetString(),
            StringComparison.Ordinal
        );
        Assert.Equal("my token is [REDACTED]", stored.GetProperty("rewards")[0].GetProperty("comments").GetString());
    }

    [Theory]
    [InlineData("/api/lightning/rewards", $$"""{"episode_id":"{{Key}}","reward":1}""")]
    [InlineData("/api/lightning/rewards", $$"""{"episode_id":"a {{Key}} b","reward":1}""")]
    [InlineData("/api/lightning/rewards", $$"""{"episode_id":"{{Key}}{{Key}}{{Key}}{{Key}}{{Key}}{{Key}}","reward":1}""")]
    [InlineData("/api/lightning/rewards", $$"""{"episode_id":"e1","reward":1,"source":"{{Key}}"}""")]
    [InlineData("/api/lightning/rewards", $$"""{"episode_id":"e1","reward":1,"reward_id":"{{Key}}"}""")]
    [InlineData("/api/lightning/rewards", $$"""{"episode_id":"e1","reward":1,"evaluator":"{{Key}}"}""")]
    [InlineData("/api/lightning/rewards", $$"""{"episode_id":"e1","reward":"{{Key}}"}""")]
    [InlineData("/api/lightning/rewards", $$"""{"{{Key}}" """)]
    [InlineData("/api/v1/chat/feedback", $$"""{"message_id":"{{Key}}","feedback_type":"copy"}""")]
    [InlineData("/api/v1/chat/feedback", $$"""{"message_id":"01890a5d-ac96-774b-bcce-b302099a8057","feedback_type":"{{Key}}"}""")]
    [InlineData("/api/lightning/triage", $$"""{"comment":"x","episode_id":"{{Key}}"}""")]
    [InlineData("/api/lightning/triage", $$"""{"comment":"x","agent_id":"{{Key}}"}""")]
    [InlineData("/api/lightning/triage", $$"""{"comment":"x","rating":"{{Key}}"}""")]
    [InlineData("/api/lightning/deployments", $$"""{"run_id":"{{Key}}","agent_id":"{{Mail}}"}""")]
    [InlineData("/api/lightning/deployments/rollback", $$"""{"target_deployment_id":"{{Key}}","agent_id":"{{Mail}}"}""")]
    [InlineData($"/api/lightning/{Key}", "{}")]
    [InlineData($"/api/lightning/episodes?limit={Key}", null)]
    [InlineData($"/api/lightning/episodes?before={Key}", null)]
    [InlineData($"/api/lightning/episodes?start_date={Mail}", null)]
    [InlineData($"/api/lightning/episodes/{Key}", null)]
    public async Task A_refusal_does_not_say_the_secret_that_it_refuses(string path, string? body)
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.TriageAsync("x", "e1");

        using var response = body is null ? await server.Http.GetAsync(path) : await server.PostRawAsync(path, body);
        var text = await response.Content.ReadAsStringAsync();

        Assert.InRange((int)response.StatusCode, 400, 499);
        Assert.DoesNotContain("FAKE0000", text, StringComparison.Ordinal);
        Assert.DoesNotContain(Mail, text, StringComparison.Ordinal);
        Assert.Empty(Found(folder, [Key, Mail]));
    }

    private static List<string> Found(TemporaryFolder folder, string[] planted)
    {
        var found = new List<string>();
        foreach (
            var file in Directory
                .GetFiles(folder.Path, "*", SearchOption.AllDirectories)
                .Where(file => !file.EndsWith("-shm", StringComparison.Ordinal))
        )
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new MemoryStream();
            stream.CopyTo(bytes);
            found.AddRange(
                planted
                    .Where(value => bytes.ToArray().AsSpan().IndexOf(Encoding.UTF8.GetBytes(value)) >= 0)
                    .Select(value => $"{Path.GetFileName(file)}: {value}")
            );
        }

        return found;
    }
}
