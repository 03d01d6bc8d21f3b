using AgentLightning.Common;
using AgentLightning.Server.Configuration;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class ConfigurationTests
{
    [Fact]
    public void The_command_line_is_over_the_environment_over_the_file_over_the_defaults()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(
            folder.File("lightning.json"),
            """{ "store": "file.db", "rate_limit": 1, "max_connections": 2, "drain_seconds": 3 }"""
        );

        var options = ServerConfiguration.Read(
            folder.File("lightning.json"),
            named: false,
            [
                new("LIGHTNING_RATE_LIMIT", "10"),
                new("LIGHTNING_MAX_CONNECTIONS", "20"),
                new("LIGHTNING_AGENT_ID", "not the server's"),
                new("PATH", "/bin"),
                new("LIGHTNING_STORE", ""),
            ],
            [new("rate_limit", "100"), new("allow_anonymous", "true"), new("urls", null)]
        );

        Assert.Equal(
            (100, 20, 3.0, "file.db"),
            (options.RateLimit, options.MaxConnections, options.Drain.TotalSeconds, options.Lightning.Store)
        );
        Assert.True(options.AllowAnonymous);
        Assert.Equal((LightningServerOptions.DefaultUrl, 8 * 1024 * 1024L), (options.Urls, options.MaxBodyBytes));
    }

    [Fact]
    public void Without_any_source_everything_has_its_documented_default()
    {
        using var folder = new TemporaryFolder();

        Assert.Equivalent(
            new LightningServerOptions(),
            ServerConfiguration.Read(folder.File("lightning.json"), named: false, [], []),
            strict: true
        );
        var document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "operations", "server.md"));
        Assert.All(ServerSettings.All, setting =>
            Assert.Contains(
                $"| `{setting.Key}` | {setting.Default} | {setting.Range} | {setting.Description} |",
                document,
                StringComparison.Ordinal
            )
        );
    }

    [Fact]
    public void Everything_that_is_wrong_is_said_at_once_with_the_key_the_range_and_the_value()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("lightning.json"), """{ "rate_limits": 5, "max_body_bytes": 12, "rate_limit": { "a": 1 } }""");

        var error = Assert.Throws<LightningException>(() =>
            ServerConfiguration.Read(
                folder.File("lightning.json"),
                named: true,
                [new("LIGHTNING_DRAIN_SECONDS", "soon"), new("LIGHTNING_STORE", ":memory:")],
                [new("urls", "nonsense"), new("max_connections", "99999999999999999999")]
            )
        );

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        foreach (
            var part in new[]
            {
                "'rate_limits'",
                "'rate_limit'",
                "'12'",
                "LIGHTNING_DRAIN_SECONDS",
                "'soon'",
                "a whole number from 0 to 600",
                ":memory:",
                "nonsense",
                "99999999999999999999",
            }
        )
        {
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(7, error.Message.Split('\n').Length);
    }

    [Theory]
    [InlineData("{ not json")]
    [InlineData("[1]")]
    [InlineData("")]
    public void A_file_that_is_no_json_object_is_named(string content)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("my.json"), content);

        var error = Assert.Throws<LightningException>(() => ServerConfiguration.Read(folder.File("my.json"), named: true, [], []));

        Assert.Contains("my.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_was_named_must_be_there()
    {
        using var folder = new TemporaryFolder();

        Assert.Contains(
            "other.json",
            Assert.Throws<LightningException>(() => ServerConfiguration.Read(folder.File("other.json"), named: true, [], [])).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Options_given_in_code_are_held_to_the_same_ranges()
    {
        using var folder = new TemporaryFolder();
        var options = new LightningServerOptions
        {
            Lightning = new LightningOptions { Store = folder.File("lightning.db") },
            RateLimit = 0,
            Drain = TimeSpan.FromDays(1),
            Urls = "",
        };

        var error = await Assert.ThrowsAsync<LightningException>(() => LightningServer.BuildAsync(options, CancellationToken.None));

        Assert.Equal(3, error.Message.Split('\n').Length);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }
}
