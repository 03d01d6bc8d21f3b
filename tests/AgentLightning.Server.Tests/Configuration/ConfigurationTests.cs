using System.Globalization;
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
            """{ "store": "file.db", "limits": { "rate_limit": 1, "max_connections": 2 }, "drain": { "seconds": 3 } }"""
        );

        var options = SettingsReader.Read(
            folder.File("lightning.json"),
            named: false,
            [
                new("LIGHTNING_LIMITS__RATE_LIMIT", "10"),
                new("LIGHTNING_LIMITS__MAX_CONNECTIONS", "20"),
                new("LIGHTNING_AGENT_ID", "not the server's"),
                new("PATH", "/bin"),
                new("LIGHTNING_STORE", ""),
            ],
            [new("limits.rate_limit", "100"), new("allow_anonymous", "true"), new("urls", null)]
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
            SettingsReader.Read(folder.File("lightning.json"), named: false, [], []),
            strict: true
        );
        var document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "operations", "server.md"));
        Assert.All(SettingTable.All.Concat(SettingTable.Named.SelectMany(section => section.Settings)), setting =>
            Assert.Contains(
                $"| `{setting.Key}` | {setting.Default} | {setting.Range} | {setting.Description} |",
                document,
                StringComparison.Ordinal
            )
        );
    }

    [Fact]
    public void Every_part_of_the_product_can_be_set_in_nested_sections()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(
            folder.File("lightning.json"),
            """
            {
              "allowed_hosts": "lightning.example; proxy.example",
              "limits": { "lock_wait_seconds": 4, "budget_bytes": 268435456, "key_share_percent": 30, "budget_wait_seconds": 1 },
              "retention": { "payloads_days": 30, "days": 90, "interval_minutes": 5 },
              "redaction": {
                "secrets": true, "pii": false, "pseudonym_key": "0123456789abcdef",
                "agents": { "shop": { "secrets": false }, "bank": { "pii": true } }
              },
              "gate": { "margin": 0.05, "fewest_items": 50 },
              "guard": { "fewest_rewards": 30, "window": 300, "tolerance": 0.2, "alpha": 0.05 },
              "traces": { "root_quiet_seconds": 0.5, "quiet_seconds": 10, "read_interval_milliseconds": 100, "default_agent": "shop" },
              "recorder": { "capacity": 100, "capacity_bytes": 1048576, "group_size": 10, "full_wait_seconds": 0.25 },
              "metrics": { "otlp_endpoint": "http://collector:4317" }
            }
            """
        );

        var options = SettingsReader.Read(folder.File("lightning.json"), named: true, [new("LIGHTNING_GATE__MARGIN", "0.1")], []);

        var product = options.Lightning;
        Assert.Equal(["lightning.example", "proxy.example"], options.AllowedHosts);
        Assert.Equal("http://collector:4317", options.MetricsEndpoint);
        Assert.Equal((4.0, 268_435_456, 30), (product.LockWait.TotalSeconds, product.Budget.Bytes, product.Budget.KeyPercent));
        Assert.Equal(
            (30.0, 90.0, 5.0),
            (
                product.Retention.PayloadAge!.Value.TotalDays,
                product.Retention.EpisodeAge!.Value.TotalDays,
                product.Retention.Interval.TotalMinutes
            )
        );
        Assert.Equal((true, false, "0123456789abcdef"), (product.Redaction.Secrets, product.Redaction.Pii, product.Redaction.PseudonymKey));
        Assert.Equal((false, true), (product.Redaction.Agents["shop"].Secrets, product.Redaction.Agents["shop"].Pii));
        Assert.Equal((true, true), (product.Redaction.Agents["bank"].Secrets, product.Redaction.Agents["bank"].Pii));
        Assert.Equal((0.1, 50), (product.Gate.Margin, product.Gate.FewestItems));
        Assert.Equal(
            (30, 300, 0.2, 0.05),
            (product.Guard.FewestRewards, product.Guard.Window, product.Guard.Tolerance, product.Guard.Alpha)
        );
        Assert.Equal(
            (0.5, 10.0, 100.0, "shop"),
            (
                product.Traces.RootQuiet.TotalSeconds,
                product.Traces.Quiet.TotalSeconds,
                product.Traces.ReadInterval.TotalMilliseconds,
                product.Traces.DefaultAgent
            )
        );
        Assert.Equal((100, 1 << 20, 10), (product.Recorder.Capacity, product.Recorder.CapacityBytes, product.Recorder.GroupSize));
    }

    [Fact]
    public void Upstreams_and_agents_of_the_gateway_have_names_of_the_operator_s()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("key"), "secret");
        File.WriteAllText(
            folder.File("lightning.json"),
            $$"""
            {
              "gateway": {
                "default_upstream": "openai", "attempts": 2,
                "upstreams": {
                  "openai": { "url": "https://api.openai.com/v1", "key_file": "{{folder.File(
                "key"
            )}}", "models": "gpt-*; a=b", "headers": { "x-team": "shop" } },
                  "vllm": { "url": "http://gpu:8000/v1", "token_ids": true, "input_price": 0.5 }
                },
                "agents": { "shop": { "base_model": "gpt-5" } }
              }
            }
            """
        );

        var gateway = SettingsReader
            .Read(folder.File("lightning.json"), named: true, [new("LIGHTNING_GATEWAY__UPSTREAMS__vllm__PRIORITY", "7")], [])
            .Gateway;

        Assert.Equal(("openai", 2, "gpt-5"), (gateway.DefaultUpstream, gateway.Attempts, gateway.Agents["shop"].BaseModel));
        Assert.Equal(["gpt-*", "a=b"], gateway.Upstreams["openai"].Models);
        Assert.Equal(("shop", "authorization"), (gateway.Upstreams["openai"].Headers["x-team"], gateway.Upstreams["openai"].KeyHeader));
        Assert.Equal(
            (true, 0.5, 7, true),
            (
                gateway.Upstreams["vllm"].TokenIds,
                gateway.Upstreams["vllm"].InputPrice,
                gateway.Upstreams["vllm"].Priority,
                gateway.Upstreams["vllm"].StreamUsage
            )
        );
    }

    [Fact]
    public void Everything_that_is_wrong_with_the_gateway_is_said_at_once()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(
            folder.File("lightning.json"),
            """
            {
              "gateway": {
                "default_upstream": "opena", "attempts": 11,
                "upstreams": {
                  "openai": { "ulr": "x", "url": "ftp://x", "key_variable": "NO_SUCH_VARIABLE_OF_A_TEST", "priority": "high", "headers": { "host": "x" } },
                  "other": { "url": "http://u:secret@x", "key_file": "/nowhere/key", "models": "a*b" }
                },
                "agents": { "shop": { }, "bank": { "base_model": "local:/nowhere" } }
              }
            }
            """
        );

        var error = Assert.Throws<LightningException>(() => SettingsReader.Read(folder.File("lightning.json"), named: true, [], []));

        var lines = error.Message.Split('\n');
        foreach (
            var part in new[]
            {
                "'gateway.upstreams.openai.ulr', which is no setting. Did you mean gateway.upstreams.openai.url",
                "gateway.attempts in lightning.json) must be a whole number from 1 to 10, but it is '11'",
                "gateway.upstreams.openai.priority must be a whole number from 0 to 1000, but it is 'high'",
                "gateway.upstreams.openai.url must be an http or https address without a user",
                "variable NO_SUCH_VARIABLE_OF_A_TEST, which is not set",
                "header 'host', which is none",
                "gateway.upstreams.other.url must be",
                "key_file names '/nowhere/key', which cannot be read",
                "may hold a star only at the end of a name, but it holds 'a*b'",
                "gateway.default_upstream must be a name under gateway.upstreams, but it is 'opena'. Did you mean openai",
                "there is no '/nowhere'",
            }
        )
        {
            Assert.Single(lines, line => line.Contains(part, StringComparison.Ordinal));
        }

        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Everything_that_is_wrong_is_said_at_once_with_the_key_the_range_and_the_value()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(
            folder.File("lightning.json"),
            """{ "retention": { "day": 5, "days": { "a": 1 } }, "limits": { "max_body_bytes": 12 }, "redaction": { "pseudonym_key": "short" } }"""
        );

        var error = Assert.Throws<LightningException>(() =>
            SettingsReader.Read(
                folder.File("lightning.json"),
                named: true,
                [
                    new("LIGHTNING_DRAIN__SECONDS", "soon"),
                    new("LIGHTNING_STORE", ":memory:"),
                    new("LIGHTNING_GUARD__ALFA", "0.1"),
                    new("LIGHTNING_REDACTION__AGENTS__shop__PII", "maybe"),
                ],
                [new("urls", "nonsense"), new("limits.max_connections", "99999999999999999999")]
            )
        );

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        var lines = error.Message.Split('\n');
        foreach (
            var part in new[]
            {
                "'retention.day', which is no setting. Did you mean retention.days",
                "sets 'retention.days' to an object",
                "LIGHTNING_LIMITS__MAX_BODY_BYTES, or limits.max_body_bytes in lightning.json) must be a whole number from 1024",
                "it is '12'",
                "--drain-seconds (LIGHTNING_DRAIN__SECONDS",
                "'soon'",
                "LIGHTNING_GUARD__ALFA is no setting. Did you mean LIGHTNING_GUARD__ALPHA",
                "redaction.agents.shop.pii must be true or false, but it is 'maybe'",
                ":memory:",
                "nonsense",
                "99999999999999999999",
                "PseudonymKey of the redaction must have at least 16 characters, but it has 5",
            }
        )
        {
            Assert.Single(lines, line => line.Contains(part, StringComparison.Ordinal));
        }

        Assert.Equal(10, lines.Length);
        Assert.DoesNotContain("short", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0,05", "Write it with a point: 0.05.")]
    [InlineData("1.000,5", "a number from 0 to 0.5")]
    [InlineData("NaN", "a number from 0 to 0.5")]
    [InlineData("5%", "a number from 0 to 0.5")]
    public void A_number_is_written_with_a_point_whatever_the_language_of_the_machine(string text, string said)
    {
        var before = CultureInfo.CurrentCulture;
        var german = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        (german.NumberFormat.NumberDecimalSeparator, german.NumberFormat.NumberGroupSeparator) = (",", ".");
        try
        {
            CultureInfo.CurrentCulture = german;
            using var folder = new TemporaryFolder();

            var error = Assert.Throws<LightningException>(() =>
                SettingsReader.Read(folder.File("lightning.json"), named: false, [], [new("gate.margin", text)])
            );

            Assert.Contains(said, error.Message, StringComparison.Ordinal);
            Assert.Contains($"'{text}'", error.Message, StringComparison.Ordinal);
            var right = SettingsReader.Read(folder.File("lightning.json"), named: false, [], [new("gate.margin", "0.05")]);
            Assert.Equal(0.05, right.Lightning.Gate.Margin);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void Settings_that_do_not_fit_each_other_are_told_by_name()
    {
        using var folder = new TemporaryFolder();

        var error = Assert.Throws<LightningException>(() =>
            SettingsReader.Read(
                folder.File("lightning.json"),
                named: false,
                [],
                [
                    new("traces.root_quiet_seconds", "60"),
                    new("guard.window", "10"),
                    new("limits.budget_bytes", "10000000"),
                    new("metrics.otlp_endpoint", "collector"),
                ]
            )
        );

        Assert.Equal(4, error.Message.Split('\n').Length);
        Assert.Contains("Quiet of the traces", error.Message, StringComparison.Ordinal);
        Assert.Contains("Window of the reward guard", error.Message, StringComparison.Ordinal);
        Assert.Contains("limits.budget_bytes (10000000)", error.Message, StringComparison.Ordinal);
        Assert.Contains("'collector'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{ not json")]
    [InlineData("[1]")]
    [InlineData("")]
    public void A_file_that_is_no_json_object_is_named(string content)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("my.json"), content);

        var error = Assert.Throws<LightningException>(() => SettingsReader.Read(folder.File("my.json"), named: true, [], []));

        Assert.Contains("my.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_was_named_must_be_there()
    {
        using var folder = new TemporaryFolder();

        Assert.Contains(
            "other.json",
            Assert.Throws<LightningException>(() => SettingsReader.Read(folder.File("other.json"), named: true, [], [])).Message,
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
