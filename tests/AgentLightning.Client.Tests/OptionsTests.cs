using AgentLightning.Client.Tests.Support;
using AgentLightning.Common;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Client.Tests;

public sealed class OptionsTests
{
    [Fact]
    public void Defaults_are_as_documented()
    {
        var (options, problems) = LightningEnvironment.Read(_ => null);

        Assert.Empty(problems);
        Assert.Equal(
            ("mcp-agents", "./data/finetune", 10_000, true, false, 0.7, 10_000.0, -0.1, null as bool?, null as Uri, null as string),
            (
                options.AgentId,
                options.DataFolder.Replace('\\', '/'),
                options.MaxOutputLength,
                options.Redaction.Secrets,
                options.CaptureEmbeddings,
                options.EvalThreshold,
                options.LatencyThresholdMs,
                options.LatencyPenalty,
                options.Enabled,
                options.Endpoint,
                options.ApiKey
            )
        );
        Assert.False(options.IsEnabled(hasStore: false));
        Assert.True(options.IsEnabled(hasStore: true));
        Assert.Empty(options.Problems());
    }

    [Fact]
    public void The_environment_is_read()
    {
        var variables = new Dictionary<string, string>
        {
            ["ENABLE_LIGHTNING_CAPTURE"] = "true",
            ["LIGHTNING_ENDPOINT"] = "https://lightning.example/base",
            ["LIGHTNING_API_KEY"] = "k",
            ["LIGHTNING_AGENT_ID"] = "shop",
            ["LIGHTNING_DATA_DIR"] = "/d",
            ["LIGHTNING_MAX_OUTPUT_LENGTH"] = "5",
            ["LIGHTNING_REDACT_SECRETS"] = "FALSE",
            ["LIGHTNING_CAPTURE_EMBEDDINGS"] = "1",
            ["USE_TUNED_MODEL"] = "true",
            ["LIGHTNING_CACHE_TTL"] = "1.5",
            ["LIGHTNING_EVAL_THRESHOLD"] = "0.5",
            ["LIGHTNING_LATENCY_THRESHOLD_MS"] = "1e3",
            ["LIGHTNING_LATENCY_PENALTY"] = "-0.5",
        };

        var (options, problems) = LightningEnvironment.Read(variables.GetValueOrDefault);

        Assert.Empty(problems);
        Assert.Equal((true, TimeSpan.FromSeconds(1.5)), (options.UseTunedModel, options.ReleaseCache));
        Assert.Equal(
            (true as bool?, new Uri("https://lightning.example/base"), "k", "shop", "/d", 5, false, true, true, 0.5, 1_000.0, -0.5),
            (
                options.Enabled,
                options.Endpoint,
                options.ApiKey,
                options.AgentId,
                options.DataFolder,
                options.MaxOutputLength,
                options.Redaction.Secrets,
                options.Redaction.Pii,
                options.CaptureEmbeddings,
                options.EvalThreshold,
                options.LatencyThresholdMs,
                options.LatencyPenalty
            )
        );
    }

    [Theory]
    [InlineData("LIGHTNING_EVAL_THRESHOLD", "0,7")]
    [InlineData("LIGHTNING_LATENCY_THRESHOLD_MS", "10,000")]
    [InlineData("LIGHTNING_LATENCY_PENALTY", "-0,1")]
    [InlineData("LIGHTNING_MAX_OUTPUT_LENGTH", "1,5")]
    public void A_comma_in_a_number_is_an_error_that_shows_the_point(string name, string value)
    {
        var (_, problems) = LightningEnvironment.Read(asked => asked == name ? value : null);

        var problem = Assert.Single(problems);
        Assert.Contains($"'{value}'", problem, StringComparison.Ordinal);
        Assert.Contains("Write it with a point, not a comma.", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_wrong_value_of_the_environment_is_told()
    {
        var (_, problems) = LightningEnvironment.Read(name =>
            name switch
            {
                "ENABLE_LIGHTNING_CAPTURE" => "maybe",
                "LIGHTNING_ENDPOINT" => "localhost",
                "LIGHTNING_MAX_OUTPUT_LENGTH" => "1.5",
                "LIGHTNING_EVAL_THRESHOLD" => "NaN",
                "LIGHTNING_LATENCY_PENALTY" => "0.1",
                "LIGHTNING_AGENT_ID" => "",
                _ => null,
            }
        );

        Assert.Equal(
            [
                "ENABLE_LIGHTNING_CAPTURE must be true or false, but it is 'maybe'.",
                "LIGHTNING_ENDPOINT must be an address such as http://127.0.0.1:4747, but it is 'localhost'.",
                "LIGHTNING_MAX_OUTPUT_LENGTH must be a whole number from 1 to 4000000, but it is '1.5'.",
                "LIGHTNING_EVAL_THRESHOLD must be a number from 0 to 1, but it is 'NaN'.",
                "LIGHTNING_LATENCY_PENALTY must be a number from -1 to 0, but it is '0.1'.",
            ],
            problems
        );
    }

    [Fact]
    public void Wrong_options_are_told_all_at_once_and_never_show_the_key()
    {
        var error = Assert.Throws<LightningException>(() =>
            new ServiceCollection().AddLightning(options =>
            {
                (options.QueueCapacity, options.BatchBytes, options.EvalThreshold, options.AgentId) = (0, 5, double.NaN, "a b");
                (options.ApiKey, options.Endpoint, options.FlushTimeout) = ("my key", new Uri("ftp://x"), TimeSpan.FromHours(1));
            })
        );

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.All(
            [
                "QueueCapacity must be from 1 to 1000000, but it is 0.",
                "BatchBytes",
                "EvalThreshold must be from 0 to 1, but it is NaN.",
                "AgentId",
                "ApiKey",
                "Endpoint",
                "FlushTimeout must be from 0 to 60 seconds, but it is 01:00:00.",
            ],
            part => Assert.Contains(part, error.Message, StringComparison.Ordinal)
        );
        Assert.DoesNotContain("my key", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_code_sets_holds_over_everything_else_and_an_endpoint_turns_capture_on()
    {
        await using var services = new ServiceCollection()
            .AddLightning(options => (options.Endpoint, options.AgentId) = (Receiver.Nowhere(), "from-code"))
            .BuildServiceProvider();

        Assert.True(services.GetRequiredService<LightningClient>().Enabled);
        Assert.Equal("from-code", services.GetRequiredService<AgentTracker>().AgentName);
    }
}
