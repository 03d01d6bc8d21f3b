using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

/// <summary>Looking into a store from the command line.</summary>
public sealed class StoreCommandTests(FinishedDemo demo)
{
    private const string Store = "demo/lightning.db";

    [Fact]
    public async Task Episodes_are_listed_page_by_page_and_shown_with_their_rewards()
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);

        var first = (await Lightning.RunAsync(folder.Path, "episodes", "list", "--store", Store, "--limit", "3", "--json"))
            .Json()
            .GetProperty("episodes");
        var last = first[2].GetProperty("id").GetString()!;
        var next = (await Lightning.RunAsync(folder.Path, "episodes", "list", "--store", Store, "--limit", "3", "--before", last, "--json"))
            .Json()
            .GetProperty("episodes");
        var shown = (await Lightning.RunAsync(folder.Path, "episodes", "show", "demo-capture-000000", "--store", Store, "--json")).Json();

        Assert.Equal(
            6,
            first.EnumerateArray().Concat(next.EnumerateArray()).Select(episode => episode.GetProperty("id").GetString()).Distinct().Count()
        );
        Assert.Equal("demo-capture-000000", shown.GetProperty("id").GetString());
        Assert.Single(shown.GetProperty("rewards").EnumerateArray());
        Assert.Contains(
            "demo-capture-000000",
            (await Lightning.RunAsync(folder.Path, "episodes", "show", "demo-capture-000000", "--store", Store)).Out,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_reward_by_hand_counts_in_the_stats()
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);
        await Lightning.RunAsync(folder.Path, "triage", "run", "The login page is down", "--store", Store);
        var newest = (await Lightning.RunAsync(folder.Path, "episodes", "list", "--store", Store, "--limit", "1", "--json"))
            .Json()
            .GetProperty("episodes")[0]
            .GetProperty("id")
            .GetString()!;

        var given = (
            await Lightning.RunAsync(
                folder.Path,
                "label-episode",
                "--store",
                Store,
                "--episode-id",
                newest,
                "--reward",
                "-0.5",
                "--feedback",
                "wrong",
                "--json"
            )
        ).Json();
        var stats = (await Lightning.RunAsync(folder.Path, "stats", "--store", Store, "--json")).Json().GetProperty("statistics");

        Assert.Equal((-0.5, "human_approval"), (given.GetProperty("value").GetDouble(), given.GetProperty("source").GetString()));
        Assert.Equal(stats.GetProperty("total_episodes").GetInt64(), stats.GetProperty("total_rewards").GetInt64() + 1);
    }

    [Theory]
    [InlineData(1, "Episode nobody not found", "episodes", "show", "nobody", "--store", Store)]
    [InlineData(2, "limit must be from 1 to 1000, but it is 0", "episodes", "list", "--limit", "0", "--store", Store)]
    [InlineData(1, "Episode nobody not found", "label-episode", "--episode-id", "nobody", "--reward", "1", "--store", Store)]
    [InlineData(2, "--reward must be a number such as 0.1", "label-episode", "--episode-id", "nobody", "--reward", "NaN", "--store", Store)]
    [InlineData(2, "from -1 to 1, but it is 2", "label-episode", "--episode-id", "nobody", "--reward", "2", "--store", Store)]
    [InlineData(1, "There is no store 'missing.db'", "stats", "--store", "missing.db")]
    public async Task What_cannot_be_is_said(int exitCode, string message, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);

        Assert.Contains(message, (await Lightning.RunAsync(folder.Path, arguments)).Failed(exitCode), StringComparison.Ordinal);
    }
}
