using System.Text.Json;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

/// <summary>Reading and changing records, straight in a store and through a server that has it open.</summary>
public sealed class RecordCommandTests(FinishedDemo demo)
{
    private const string Lines = """
        {"type":"episode","id":"e1","agent_id":"shop","user_input":"Where is my parcel?","assistant_output":"On its way.","session_id":"s1","user_id":"u1","created_at":"2026-01-02T03:04:05Z"}
        {"type":"reward","reward_id":"r1","episode_id":"e1","reward":0.5,"source":"eval_score","created_at":"2026-01-03T03:04:05Z"}
        {"type":"episode","id":"e2","agent_id":"shop","user_input":"Thanks","user_id":"u2","session_id":"s1","created_at":"2026-02-02T03:04:05Z"}
        """;

    [Fact]
    public async Task A_time_without_a_zone_is_utc_whatever_the_zone_of_the_machine()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(
            folder.File("in.jsonl"),
            """{"type":"episode","id":"n3","agent_id":"z","user_input":"x","assistant_output":"y","created_at":"2026-03-08T09:00:00"}"""
        );
        (string, string)[] tokyo = [("TZ", "Asia/Tokyo")];

        await Lightning.MakeStoreAsync(folder.File("z.db"));
        await Lightning.RunAsync(folder.Path, "", ["episodes", "import", "in.jsonl", "--store", "z.db"], tokyo);

        var exported = await Lightning.RunAsync(folder.Path, "", ["episodes", "export", "--store", "z.db"], tokyo);
        Assert.Contains("2026-03-08T09:00:00Z", exported.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_one_store_exports_another_imports_and_nothing_is_doubled(bool throughServer)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("in.jsonl"), Lines, TestContext.Current.CancellationToken);
        await Lightning.MakeStoreAsync(folder.File("shop.db"));
        using var server = throughServer ? await ServingProcess.StartAsync(folder.Path, "shop.db") : null;
        string[] where = throughServer ? ["--server", server!.Http.BaseAddress!.ToString()] : ["--store", "shop.db"];

        var first = (await Lightning.RunAsync(folder.Path, ["episodes", "import", "in.jsonl", .. where, "--json"])).Json();
        var second = (await Lightning.RunAsync(folder.Path, ["episodes", "import", "in.jsonl", .. where, "--json"])).Json();
        Assert.Equal("", (await Lightning.RunAsync(folder.Path, ["episodes", "export", "--out", "out.jsonl", .. where])).Error);
        var exported = await File.ReadAllLinesAsync(folder.File("out.jsonl"), TestContext.Current.CancellationToken);
        await Lightning.MakeStoreAsync(folder.File("copy.db"));
        var copied = (await Lightning.RunAsync(folder.Path, "episodes", "import", "out.jsonl", "--store", "copy.db", "--json")).Json();
        var again = await Lightning.RunAsync(folder.Path, "episodes", "export", "--store", "copy.db");

        Assert.Equal((3, 0), (first.GetProperty("accepted").GetInt32(), first.GetProperty("duplicates").GetInt32()));
        Assert.Equal((0, 3), (second.GetProperty("accepted").GetInt32(), second.GetProperty("duplicates").GetInt32()));
        Assert.Equal(3, copied.GetProperty("accepted").GetInt32());
        Assert.Equal(
            ["episode", "episode", "reward"],
            exported.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("type").GetString())
        );
        Assert.Equal(exported, again.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("2026-01-03T03:04:05Z", exported[2], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Episodes_go_by_user_by_session_and_by_id(bool throughServer)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("in.jsonl"), Lines, TestContext.Current.CancellationToken);
        await Lightning.MakeStoreAsync(folder.File("shop.db"));
        using var server = throughServer ? await ServingProcess.StartAsync(folder.Path, "shop.db") : null;
        string[] where = throughServer ? ["--server", server!.Http.BaseAddress!.ToString()] : ["--store", "shop.db"];
        await Lightning.RunAsync(folder.Path, ["episodes", "import", "in.jsonl", .. where]);

        var given = (
            await Lightning.RunAsync(folder.Path, ["label-episode", "--episode-id", "e2", "--reward", "1", .. where, "--json"])
        ).Json();
        var byUser = (await Lightning.RunAsync(folder.Path, ["episodes", "delete", "--user-id", "u1", .. where, "--json"])).Json();
        var left = (await Lightning.RunAsync(folder.Path, ["episodes", "list", "--session-id", "s1", .. where, "--json"])).Json();
        var stats = (await Lightning.RunAsync(folder.Path, ["stats", "--agent-id", "shop", .. where, "--json"]))
            .Json()
            .GetProperty("statistics");
        var payload = (
            await Lightning.RunAsync(folder.Path, ["episodes", "delete", "--session-id", "s1", "--payload-only", .. where, "--json"])
        ).Json();
        var shown = (await Lightning.RunAsync(folder.Path, ["episodes", "show", "e2", .. where, "--json"])).Json();
        var byId = (await Lightning.RunAsync(folder.Path, ["episodes", "delete", "--id", "e2", .. where, "--json"])).Json();

        Assert.Equal(1, given.GetProperty("value").GetDouble());
        Assert.Equal(1, byUser.GetProperty("removed").GetInt32());
        Assert.Equal("e2", Assert.Single(left.GetProperty("episodes").EnumerateArray()).GetProperty("id").GetString());
        Assert.Equal(
            (1, 1, 1.0),
            (
                stats.GetProperty("total_episodes").GetInt32(),
                stats.GetProperty("total_rewards").GetInt32(),
                stats.GetProperty("average_reward").GetDouble()
            )
        );
        Assert.Equal((1, "payload"), (payload.GetProperty("removed").GetInt32(), payload.GetProperty("scope").GetString()));
        Assert.True(shown.GetProperty("payload_removed").GetBoolean());
        Assert.Equal(1, byId.GetProperty("removed").GetInt32());
        Assert.Contains(
            "Episode e2 not found",
            (await Lightning.RunAsync(folder.Path, ["episodes", "show", "e2", .. where])).Failed(1),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Lines_that_cannot_be_taken_are_named_and_the_others_are_stored()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(
            folder.File("in.jsonl"),
            Lines + "\nno json\n{\"type\":\"reward\",\"episode_id\":\"nobody\",\"reward\":1}\n",
            TestContext.Current.CancellationToken
        );

        await Lightning.MakeStoreAsync(folder.File("shop.db"));
        var outcome = await Lightning.RunAsync(folder.Path, "episodes", "import", "in.jsonl", "--store", "shop.db");

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("3 records stored, 0 were there already, 2 refused", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("line 4: The line cannot be read as JSON.", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("line 5: Episode nobody not found", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "What to delete must be named", "episodes", "delete", "--store", "demo/lightning.db")]
    [InlineData(
        2,
        "--older-than-days must be from 0 to 36500, but it is -1",
        "episodes",
        "delete",
        "--older-than-days",
        "-1",
        "--store",
        "demo/lightning.db"
    )]
    [InlineData(2, "leave the other choices out", "episodes", "delete", "--id", "a", "--agent-id", "b", "--store", "demo/lightning.db")]
    [InlineData(2, "There is no file 'missing.jsonl'", "episodes", "import", "missing.jsonl", "--store", "demo/lightning.db")]
    [InlineData(1, "exists already", "episodes", "export", "--out", "demo/demo.json", "--store", "demo/lightning.db")]
    [InlineData(2, "--server must be an address such as http://127.0.0.1:4747", "stats", "--server", "nowhere")]
    [InlineData(1, "cannot be reached", "stats", "--server", "http://127.0.0.1:1")]
    public async Task What_cannot_be_is_said(int exitCode, string message, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);

        Assert.Contains(message, (await Lightning.RunAsync(folder.Path, arguments)).Failed(exitCode), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_is_made_brought_up_to_date_and_checked()
    {
        using var folder = new TemporaryFolder();

        var made = (await Lightning.RunAsync(folder.Path, "db", "migrate", "--store", "new.db", "--json")).Json();
        var again = (await Lightning.RunAsync(folder.Path, "db", "migrate", "--store", "new.db", "--rebuild-totals", "--json")).Json();
        var checkedStore = (await Lightning.RunAsync(folder.Path, "db", "check", "--store", "new.db", "--json")).Json();

        Assert.Equal("initial", made.GetProperty("applied")[0].GetString());
        Assert.Empty(again.GetProperty("applied").EnumerateArray());
        Assert.True(checkedStore.GetProperty("passed").GetBoolean());
    }

    [Fact]
    public async Task A_damaged_store_fails_the_check()
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);
        await using (var file = new FileStream(folder.File("demo/lightning.db"), FileMode.Open, FileAccess.ReadWrite))
        {
            file.Position = 40_000;
            await file.WriteAsync(new byte[20_000], TestContext.Current.CancellationToken);
        }

        var outcome = await Lightning.RunAsync(folder.Path, "db", "check", "--store", "demo/lightning.db");

        Assert.Equal(1, outcome.ExitCode);
        Assert.DoesNotContain("mistake of the program", outcome.Error, StringComparison.Ordinal);
    }
}
