using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

/// <summary>Rewards and feedback, straight in a store and through a server that has it open.</summary>
public sealed class FeedbackCommandTests
{
    private const string Message = "01890a5d-ac96-774b-bcce-b302099a8057";

    private const string Lines = $$"""
        {"type":"episode","id":"e1","agent_id":"shop","user_input":"Where is my parcel?","assistant_output":"It left our house this morning and will be with you on Friday, before noon.","message_id":"{{Message}}","user_id":"ann"}
        """;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Feedback_is_given_listed_and_counted_and_its_reward_is_listed(bool throughServer)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("in.jsonl"), Lines, TestContext.Current.CancellationToken);
        await Lightning.MakeStoreAsync(folder.File("shop.db"));
        using var server = throughServer ? await ServingProcess.StartAsync(folder.Path, "shop.db") : null;
        string[] where = throughServer ? ["--server", server!.Http.BaseAddress!.ToString()] : ["--store", "shop.db"];
        await Lightning.RunAsync(folder.Path, ["episodes", "import", "in.jsonl", .. where]);

        var given = (
            await RunAsync("feedback", "add", "--message-id", Message, "--type", "rating_4", "--comment", "good", "--user", "ann", "--json")
        ).Json();
        var second = await RunAsync("feedback", "add", "--message-id", Message, "--type", "thumbs_up", "--user", "ann");
        var list = (await RunAsync("feedback", "list", "--agent-id", "shop", "--json")).Json();
        var stats = (await RunAsync("feedback", "stats", "--json")).Json();
        var rewards = (
            await RunAsync("rewards", "list", "--episode-id", "e1", "--source", "human_approval", "--limit", "1", "--json")
        ).Json();
        var older = (
            await RunAsync("rewards", "list", "--before", rewards.GetProperty("rewards")[0].GetProperty("id").GetString()!, "--json")
        ).Json();

        Assert.Equal(0.8, given.GetProperty("reward_score").GetDouble());
        Assert.Contains("Excellent response - user highly satisfied", second.Out, StringComparison.Ordinal);
        Assert.Equal(
            ["thumbs_up", "rating_4"],
            list.GetProperty("feedback").EnumerateArray().Select(item => item.GetProperty("feedback_type").GetString())
        );
        Assert.Equal((1, 1.0), (stats.GetProperty("total_feedback").GetInt32(), stats.GetProperty("avg_reward").GetDouble()));
        Assert.Equal(
            (1.0, true),
            (
                rewards.GetProperty("rewards")[0].GetProperty("value").GetDouble(),
                rewards.GetProperty("rewards")[0].GetProperty("is_current").GetBoolean()
            )
        );
        Assert.False(older.GetProperty("rewards")[0].GetProperty("is_current").GetBoolean());
        Assert.Contains(Message, (await RunAsync("feedback", "list")).Out, StringComparison.Ordinal);
        Assert.Contains("thumbs_up", (await RunAsync("feedback", "stats")).Out, StringComparison.Ordinal);
        Assert.Contains("superseded", (await RunAsync("rewards", "list")).Out, StringComparison.Ordinal);
        Assert.Contains(
            "Access denied to this conversation",
            (await RunAsync("feedback", "add", "--message-id", Message, "--type", "copy", "--user", "bob")).Failed(1),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "Invalid feedback_type: x",
            (await RunAsync("feedback", "add", "--message-id", Message, "--type", "x")).Failed(2),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "limit must be from 1 to 1000",
            (await RunAsync("rewards", "list", "--limit", "0")).Failed(2),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "days must be from 1 to 366",
            (await RunAsync("feedback", "stats", "--days", "0")).Failed(2),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "--source must be one of",
            (await RunAsync("rewards", "list", "--source", "gut")).Failed(2),
            StringComparison.Ordinal
        );

        Task<Outcome> RunAsync(params string[] words) => Lightning.RunAsync(folder.Path, [.. words, .. where]);
    }
}
