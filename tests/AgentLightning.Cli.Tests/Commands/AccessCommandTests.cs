using System.Net;
using System.Text.RegularExpressions;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

/// <summary>Keys, the audit log and health from the command line, with the real server beside them.</summary>
public sealed partial class AccessCommandTests
{
    [Fact]
    public async Task A_key_that_was_made_opens_a_running_server_and_one_that_was_revoked_does_not()
    {
        using var folder = new TemporaryFolder();
        await Lightning.MakeStoreAsync(folder.File("new.db"));
        var made = await Lightning.RunAsync(folder.Path, "keys", "create", "--name", "nightly", "--role", "read", "--store", "new.db");
        var key = made.Out.Trim();
        Assert.Matches(Key(), key);
        using var server = await ServingProcess.StartAsync(folder.Path, "new.db");

        Assert.Equal(HttpStatusCode.Unauthorized, (await server.Http.GetAsync("/api/lightning/stats")).StatusCode);
        server.Http.DefaultRequestHeaders.Add("x-api-key", key);
        Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync("/api/lightning/stats")).StatusCode);

        var id = key.Split('_')[1];
        Assert.Contains(
            id,
            (await Lightning.RunAsync(folder.Path, "keys", "revoke", id, "--store", "new.db")).Out,
            StringComparison.Ordinal
        );
        // The promise is a second; the test asks until it is kept and lets the runner's limit decide.
        while ((await server.Http.GetAsync("/api/lightning/stats")).StatusCode == HttpStatusCode.OK) { }

        var listed = (await Lightning.RunAsync(folder.Path, "keys", "list", "--store", "new.db", "--json")).Json().GetProperty("keys")[0];
        Assert.Equal(
            (id, "nightly", "read"),
            (listed.GetProperty("id").GetString(), listed.GetProperty("name").GetString(), listed.GetProperty("role").GetString())
        );
        Assert.EndsWith("Z", listed.GetProperty("revoked_at").GetString(), StringComparison.Ordinal);
        Assert.EndsWith("Z", listed.GetProperty("last_used_at").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain(
            key,
            (await Lightning.RunAsync(folder.Path, "keys", "list", "--store", "new.db")).Out,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_key_for_some_agents_says_so_and_the_audit_log_tells_who_made_it()
    {
        using var folder = new TemporaryFolder();
        await Lightning.MakeStoreAsync(folder.File("new.db"));
        var made = (
            await Lightning.RunAsync(
                folder.Path,
                "keys",
                "create",
                "--name",
                "shop",
                "--role",
                "write",
                "--agent",
                "one",
                "--agent",
                "two",
                "--expires-days",
                "30",
                "--store",
                "new.db",
                "--json"
            )
        ).Json();

        Assert.Equal(["one", "two"], made.GetProperty("agents").EnumerateArray().Select(agent => agent.GetString()));
        Assert.Matches(Key(), made.GetProperty("key").GetString()!);
        Assert.Equal(
            TimeSpan.FromDays(30),
            made.GetProperty("expires_at").GetDateTimeOffset() - made.GetProperty("created_at").GetDateTimeOffset()
        );
        Assert.Contains(
            "one, two",
            (await Lightning.RunAsync(folder.Path, "keys", "list", "--store", "new.db")).Out,
            StringComparison.Ordinal
        );
        var entry = (await Lightning.RunAsync(folder.Path, "audit", "list", "--store", "new.db", "--action", "key_created", "--json"))
            .Json()
            .GetProperty("entries")[0];
        Assert.Equal(
            ("cli", made.GetProperty("id").GetString()),
            (entry.GetProperty("actor").GetString(), entry.GetProperty("subject").GetString())
        );
        Assert.Contains(
            "key_created",
            (await Lightning.RunAsync(folder.Path, "audit", "list", "--store", "new.db")).Out,
            StringComparison.Ordinal
        );
        Assert.Equal(
            0,
            (await Lightning.RunAsync(folder.Path, "audit", "list", "--store", "new.db", "--end", "2020-01-01T00:00:00Z", "--json"))
                .Json()
                .GetProperty("entries_found")
                .GetInt32()
        );
    }

    [Theory]
    [InlineData(2, "--role", "keys", "create", "--name", "x")]
    [InlineData(2, "owner", "keys", "create", "--name", "x", "--role", "owner")]
    [InlineData(1, "There is no store", "keys", "list")]
    [InlineData(1, "lightning db migrate", "keys", "create", "--name", "x", "--role", "read")]
    [InlineData(1, "There is no store", "audit", "list")]
    public async Task What_cannot_be_is_said(int exitCode, string message, params string[] arguments)
    {
        using var folder = new TemporaryFolder();

        Assert.Contains(message, (await Lightning.RunAsync(folder.Path, arguments)).Failed(exitCode), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1e300")]
    [InlineData("0")]
    public async Task A_time_that_no_key_can_last_is_said(string days)
    {
        using var folder = new TemporaryFolder();
        await Lightning.MakeStoreAsync(folder.File("lightning.db"));

        var message = (
            await Lightning.RunAsync(folder.Path, "keys", "create", "--name", "x", "--role", "read", "--expires-days", days)
        ).Failed(2);

        Assert.Contains("3650", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_or_an_action_that_is_unknown_is_said()
    {
        using var folder = new TemporaryFolder();
        await Lightning.MakeStoreAsync(folder.File("new.db"));

        Assert.Contains(
            "nobody not found",
            (await Lightning.RunAsync(folder.Path, "keys", "revoke", "nobody", "--store", "new.db")).Failed(1),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "key_revoked",
            (await Lightning.RunAsync(folder.Path, "audit", "list", "--action", "stolen", "--store", "new.db")).Failed(2),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Health_prints_each_check_of_a_server_and_fails_where_there_is_none()
    {
        using var folder = new TemporaryFolder();
        string address;
        using (var server = await ServingProcess.StartAsync(folder.Path, "new.db"))
        {
            address = server.Http.BaseAddress!.ToString();
            var people = await Lightning.RunAsync(folder.Path, "health", "--server", address);
            var programs = (await Lightning.RunAsync(folder.Path, "health", "--server", address, "--json")).Json();

            Assert.Equal(0, people.ExitCode);
            Assert.All(new[] { "healthy", "initialized", "sqlite", "anonymous", "store", "recorder" }, word =>
                Assert.Contains(word, people.Out, StringComparison.Ordinal)
            );
            Assert.Equal(("healthy", 2), (programs.GetProperty("status").GetString(), programs.GetProperty("checks").GetArrayLength()));
        }

        Assert.Contains(
            "cannot be reached",
            (await Lightning.RunAsync(folder.Path, "health", "--server", address)).Failed(1),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "--server",
            (await Lightning.RunAsync(folder.Path, "health", "--server", "nonsense")).Failed(2),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Serve_reads_its_file_and_the_environment_and_says_everything_that_is_wrong_at_once()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("lightning.json"), """{ "limits": { "max_body_bytes": 2000, "rate_limit": 5000 } }""");
        using (var server = await ServingProcess.StartAsync(folder.Path, "new.db", ("LIGHTNING_LIMITS__LOOPBACK_RATE_LIMIT", "2")))
        {
            Assert.Equal((200, 200, 429), (await StatusAsync(server), await StatusAsync(server), await StatusAsync(server)));
        }

        await File.WriteAllTextAsync(folder.File("bad.json"), """{ "limits": { "max_body_byte": 2000 } }""");
        var message = (
            await Lightning.RunAsync(folder.Path, "serve", "--config", "bad.json", "--drain-seconds", "soon", "--store", "other.db")
        ).Failed(2);
        Assert.Contains("Did you mean limits.max_body_bytes", message, StringComparison.Ordinal);
        Assert.Contains("--drain-seconds", message, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.File("other.db")));

        static async Task<int> StatusAsync(ServingProcess server)
        {
            using var response = await server.Http.GetAsync("/api/lightning/stats");
            return (int)response.StatusCode;
        }
    }

    [GeneratedRegex("^lk_[0-9a-f]{16}_[0-9a-f]{64}$")]
    private static partial Regex Key();
}
