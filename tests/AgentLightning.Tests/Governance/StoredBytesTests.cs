using System.Text;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Deployments;
using AgentLightning.Episodes;
using AgentLightning.Governance;
using AgentLightning.Rewards;
using AgentLightning.Tests.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Tests.Governance;

public sealed class StoredBytesTests
{
    /// <summary>No two fields hold the same, so that a find tells where it came from.</summary>
    private static readonly string[] s_planted =
    [
        "fake-input-0001",
        "input@example.com",
        "ghp_FAKE0000OUTPUT0000FAKE0000EXAMPLE00",
        "fake-argument-2",
        "result@example.com",
        "fake-error-00003",
        "fake-meta-00004",
        "session@example.com",
        "+1 555-555-0123",
        "comment@example.com",
        "fake-rubric-0005",
        "fake-correct-006",
        "reason@example.com",
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_that_was_planted_in_any_field_is_in_any_file()
    {
        await using var product = await Product.OpenAsync();
        var recorder = product.Get<EpisodeRecorder>();

        await recorder.RecordAsync(Planted("e1"), Token);
        await recorder.FlushAsync(Token);
        await product
            .Get<RewardService>()
            .AssignAsync(
                new RewardRequest(
                    "e1",
                    0.5,
                    Comments: $"write to {s_planted[9]}",
                    Rubric: $"secret={s_planted[10]}",
                    Correction: $"password: {s_planted[11]}"
                ),
                Token
            );
        await product.Get<PromoteBase>().ExecuteAsync(Product.Owner, new PromoteBaseRequest(Product.Agent, "triage-rules"), Token);
        var run = await product.AddRunAsync("bug", "praise");
        await product.Get<Promote>().ExecuteAsync(Product.Owner, new PromoteRequest(Product.Agent, run.Id, Force: true), Token);
        await product
            .Get<Rollback>()
            .ExecuteAsync(Product.Owner, new RollbackRequest(Product.Agent, Reason: $"asked by {s_planted[12]}"), Token);
        await product.Get<BuildDataset>().ExecuteAsync(Product.Owner, new DatasetRequest(Product.Agent, "all", 1), Token);

        Assert.Empty(await FoundAsync(product.Options));
        Assert.InRange(recorder.Redacted, 9, 20);
        var stored = (await product.Get<IEpisodeStore>().FindAsync("e1", Token))!;
        Assert.Equal("password=[REDACTED] from [EMAIL]", stored.UserInput);
        Assert.Equal("""{"api_key":"[REDACTED]"}""", stored.ToolCalls[0].Arguments);
        Assert.Equal("[REDACTED]", stored.Metadata!["api_key"]);
        Assert.Equal(InputKeys.Of(Planted("e1").UserInput), stored.InputKey);
    }

    [Fact]
    public async Task The_search_finds_what_is_stored_without_redaction()
    {
        await using var product = await Product.OpenAsync(services =>
            services.AddSingleton(new Redactor(new RedactionOptions { Secrets = false, Pii = false }))
        );
        await product.Get<EpisodeRecorder>().RecordAsync(Planted("e1"), Token);
        await product.Get<EpisodeRecorder>().FlushAsync(Token);

        Assert.Equal(9, (await FoundAsync(product.Options)).Count);
    }

    [Fact]
    public async Task An_episode_that_cannot_be_redacted_is_dropped_and_never_written()
    {
        await using var product = await Product.OpenAsync();
        var recorder = product.Get<EpisodeRecorder>();
        await recorder.RecordAsync(Planted("good"), Token);
        Assert.False(await recorder.RecordDurablyAsync(Planted(s_planted[2]), Token));
        // No text of this episode can be read, so nothing can be said about what is in it.
        Assert.False(await recorder.RecordDurablyAsync(Planted("broken") with { ToolCalls = [null!] }, Token));
        await recorder.FlushAsync(Token);

        Assert.Equal((1, 2), (recorder.Recorded, recorder.Dropped));
        Assert.Empty(await FoundAsync(product.Options));
    }

    private static Episode Planted(string id) =>
        new()
        {
            Id = id,
            AgentId = Product.Agent,
            UserInput = $"password={s_planted[0]} from {s_planted[1]}",
            AssistantOutput = $"Your key {s_planted[2]}, phone {s_planted[8]}",
            ToolCalls =
            [
                new EpisodeToolCall(
                    "login",
                    $"{{\"api_key\":\"{s_planted[3]}\"}}",
                    $"sent to {s_planted[4]}",
                    1,
                    $"bad token={s_planted[5]}"
                ),
            ],
            Metadata = new Dictionary<string, string> { ["api_key"] = s_planted[6] },
            SessionId = s_planted[7],
            Action = "bug",
            ActionLogProbability = -0.1,
            CreatedAt = DateTimeOffset.UnixEpoch.AddDays(20_000),
            RequestLatencyMs = 1,
        };

    private static async Task<List<string>> FoundAsync(LightningOptions options)
    {
        var found = new List<string>();
        var files = Directory.GetFiles(Path.GetDirectoryName(options.Store)!, "*", SearchOption.AllDirectories);
        Assert.Contains(files, file => file.EndsWith("lightning.db", StringComparison.Ordinal));
        Assert.Contains(files, file => file.EndsWith("lightning.db-wal", StringComparison.Ordinal));
        foreach (var file in files.Where(file => !file.EndsWith("-shm", StringComparison.Ordinal)))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new MemoryStream();
            await stream.CopyToAsync(bytes, Token);
            found.AddRange(s_planted.Where(planted => bytes.ToArray().AsSpan().IndexOf(Encoding.UTF8.GetBytes(planted)) >= 0));
        }

        return [.. found.Distinct()];
    }
}
