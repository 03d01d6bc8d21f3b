using System.Net;
using System.Net.Sockets;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

public sealed class ServeTests(FinishedDemo demo)
{
    [Fact]
    public async Task The_promoted_policy_of_a_demo_serves_until_it_is_rolled_back()
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);
        using var server = await ServingProcess.StartAsync(folder.Path, "demo/lightning.db");
        var active = await server.GetAsync("/api/lightning/deployments/active");

        var promoted = await server.PostAsync("/api/lightning/triage", new { comment = "The parser crashes on empty rules" });
        await server.PostAsync(
            "/api/lightning/rewards",
            new
            {
                episode_id = promoted.GetProperty("episode_id").GetString(),
                reward = -1,
                feedback = "wrong",
            }
        );
        await server.PostAsync("/api/lightning/deployments/rollback", new { reason = "worse answers" });
        var restored = await server.PostAsync("/api/lightning/triage", new { comment = "The parser crashes on empty rules" });

        Assert.StartsWith("triage-", promoted.GetProperty("model").GetString(), StringComparison.Ordinal);
        Assert.Equal(active.GetProperty("tuned_model_name").GetString(), promoted.GetProperty("model").GetString());
        Assert.Equal("triage-rules", restored.GetProperty("model").GetString());
        var lineage = (await server.GetAsync("/api/lightning/deployments/lineage")).GetProperty("lineage");
        Assert.Equal("worse answers", lineage[0].GetProperty("rollback_reason").GetString());
        Assert.Contains("running reward", lineage[1].GetProperty("rollback_reason").GetString(), StringComparison.Ordinal);
        Assert.True(lineage[2].GetProperty("forced").GetBoolean());
        Assert.True(lineage[3].GetProperty("evaluation").GetProperty("passed").GetBoolean());
    }

    [Fact]
    public async Task A_command_in_another_process_changes_what_the_server_answers_from_a_moment_later()
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);
        using var server = await ServingProcess.StartAsync(folder.Path, "demo/lightning.db");
        await server.PostAsync("/api/lightning/triage", new { comment = "warm" });

        (await Lightning.RunAsync(folder.Path, "rollback", "--store", "demo/lightning.db", "--json")).Json();

        // The file is asked whether somebody else wrote, every half second.
        var clock = System.Diagnostics.Stopwatch.StartNew();
        string? model;
        do
        {
            model = (await server.PostAsync("/api/lightning/triage", new { comment = "x" })).GetProperty("model").GetString();
        } while (model != "triage-rules" && clock.Elapsed < TimeSpan.FromSeconds(30));

        Assert.Equal("triage-rules", model);
    }

    [Fact]
    public async Task A_request_to_end_is_a_success_and_loses_nothing()
    {
        using var folder = new TemporaryFolder();
        using var server = await ServingProcess.StartAsync(folder.Path, "new.db");
        Assert.Contains("new.db", server.Greeting, StringComparison.Ordinal);
        await server.PostAsync("/api/lightning/triage", new { comment = "x", episode_id = "kept" });

        var (exitCode, error) = await server.TerminateAsync();

        Assert.Equal("", error);
        Assert.Equal(0, exitCode);
        using var again = await ServingProcess.StartAsync(folder.Path, "new.db");
        Assert.Equal("kept", (await again.GetAsync("/api/lightning/episodes/kept")).GetProperty("id").GetString());
    }

    [Fact]
    public async Task Settings_meant_for_other_programs_do_not_open_an_address_that_others_can_reach()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(
            folder.File("appsettings.json"),
            """{"Kestrel":{"Endpoints":{"File":{"Url":"http://0.0.0.0:0"}}},"urls":"http://0.0.0.0:0"}"""
        );

        using var server = await ServingProcess.StartAsync(
            folder.Path,
            "new.db",
            ("Kestrel__Endpoints__Any__Url", "http://0.0.0.0:0"),
            ("ASPNETCORE_URLS", "http://0.0.0.0:0"),
            ("ASPNETCORE_HTTP_PORTS", "0")
        );

        Assert.DoesNotContain("0.0.0.0", server.Greeting, StringComparison.Ordinal);
        Assert.DoesNotContain("[::]", server.Greeting, StringComparison.Ordinal);
        Assert.Contains("http://127.0.0.1:", server.Greeting, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_an_error_that_names_it()
    {
        using var folder = new TemporaryFolder();
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var address = $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndpoint).Port}";

        var message = (await Lightning.RunAsync(folder.Path, "serve", "--urls", address, "--store", "new.db")).Failed(1);

        Assert.Contains(address, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://0.0.0.0:4747")]
    [InlineData("nonsense")]
    [InlineData("https://127.0.0.1:0")]
    [InlineData("http://127.0.0.1:0/base")]
    public async Task Addresses_that_cannot_be_served_are_mistakes_on_the_command_line(string urls)
    {
        using var folder = new TemporaryFolder();

        var message = (await Lightning.RunAsync(folder.Path, "serve", "--urls", urls, "--store", "new.db")).Failed(2);

        Assert.Contains("--urls", message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData("Data Source=lightning.db")]
    [InlineData("no/such/folder/lightning.db")]
    public async Task A_store_that_cannot_be_is_an_error_that_says_why(string store)
    {
        using var folder = new TemporaryFolder();

        Assert.Contains(
            "store",
            (await Lightning.RunAsync(folder.Path, "serve", "--urls", "http://127.0.0.1:0", "--store", store)).Failed(2),
            StringComparison.Ordinal
        );
    }
}
