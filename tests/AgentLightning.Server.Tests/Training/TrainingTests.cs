using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Datasets;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;
using AgentLightning.Training;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Tests.Training;

/// <summary>Training runs over HTTP.</summary>
public sealed class TrainingTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private ServerUnderTest _server = null!;
    private string _dataset = "";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await ShopStore.AddModelAsync(_folder.File("models"));
        // Runs are executed where a test says so.
        _server = await ServerUnderTest.StartAsync(_folder.File("lightning.db"), options => options with { Lightning =
                    options.Lightning with
                    {
                        Models = new ModelOptions { Folder = _folder.File("models") },
                        Training = new TrainingOptions { ParallelRuns = 0 },
                    } });
        _dataset = await ShopStore.AddDatasetAsync(_server.App.Services, DatasetKind.Chat);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_run_is_queued_executed_and_shown_with_what_it_said()
    {
        var started = await PostAsync(
            _server.Http,
            new
            {
                agent_id = ShopStore.Agent,
                dataset_id = _dataset,
                base_model = ShopStore.Model,
                n_epochs = 2,
                hyperparameters = new { batch_size = 3, full = true },
            },
            HttpStatusCode.Created
        );
        Assert.Equal("pending", started.GetProperty("status").GetString());
        Assert.Equal("sft", started.GetProperty("method").GetString());
        Assert.True(started.GetProperty("success").GetBoolean());
        var id = started.GetProperty("run_id").GetString();
        Assert.Equal(id, started.GetProperty("training_run_id").GetString());
        Assert.Equal(JsonValueKind.Null, started.GetProperty("aoai_job_id").ValueKind);
        Assert.Equal(2, started.GetProperty("hyperparameters").GetProperty("n_epochs").GetInt32());
        Assert.True(started.GetProperty("hyperparameters").GetProperty("full").GetBoolean());

        Assert.True(await _server.App.Services.GetRequiredService<TrainingWorker>().RunNextAsync(Token));

        var run = await _server.Http.GetFromJsonAsync<JsonElement>($"/api/lightning/training/{id}?agent_id=shop", Token);
        Assert.True(run.GetProperty("status").GetString() == "succeeded", run.ToString());
        Assert.StartsWith("shop-", run.GetProperty("tuned_model_name").GetString(), StringComparison.Ordinal);
        Assert.Equal(run.GetProperty("tuned_model_name").GetString(), run.GetProperty("tuned_model").GetString());
        Assert.Equal((2, 2), (run.GetProperty("step").GetInt32(), run.GetProperty("steps").GetInt32()));
        Assert.True(run.GetProperty("metrics").GetProperty("loss").GetDouble() > 0);
        var list = await _server.Http.GetFromJsonAsync<JsonElement>("/api/lightning/training?agent_id=shop&status=succeeded", Token);
        Assert.Equal(1, list.GetProperty("runs_found").GetInt32());
        Assert.Equal(id, list.GetProperty("training_runs")[0].GetProperty("id").GetString());
        var log = await _server.Http.GetFromJsonAsync<JsonElement>($"/api/lightning/training/{id}/log", Token);
        var lines = log.GetProperty("lines").EnumerateArray().ToList();
        Assert.Contains(lines, line =>
            line.GetProperty("message").GetString()?.Contains("Learns from 3 rows", StringComparison.Ordinal) == true
        );
        var last = lines[^1].GetProperty("number").GetInt64();
        var rest = await _server.Http.GetFromJsonAsync<JsonElement>($"/api/lightning/training/{id}/log?after={last - 1}", Token);
        Assert.Equal(2, Assert.Single(rest.GetProperty("lines").EnumerateArray()).GetProperty("step").GetInt32());
    }

    [Fact]
    public async Task A_list_names_the_page_that_follows()
    {
        for (var i = 0; i < 3; i++)
        {
            await StartAsync(_server.Http);
        }

        using var first = await _server.Http.GetAsync("/api/lightning/training?limit=2", Token);
        var next = first.Headers.GetValues("Link").Single().Split('<', '>')[1];
        var page = await _server.Http.GetFromJsonAsync<JsonElement>(next, Token);

        Assert.Equal(1, page.GetProperty("runs_found").GetInt32());
    }

    [Fact]
    public async Task A_pending_run_is_cancelled_and_then_there_is_nothing_to_cancel_but_to_say_so()
    {
        var id = await StartAsync(_server.Http);

        using var first = await _server.Http.PostAsync($"/api/lightning/training/{id}/cancel", JsonContent.Create(new { }), Token);
        using var unknown = await _server.Http.PostAsync("/api/lightning/training/nowhere/cancel", JsonContent.Create(new { }), Token);

        Assert.Equal("cancelled", (await first.Content.ReadFromJsonAsync<JsonElement>(Token)).GetProperty("status").GetString());
        await ServerUnderTest.ProblemAsync(HttpStatusCode.NotFound, unknown);
    }

    [Fact]
    public async Task Wrong_requests_are_told_all_that_is_wrong()
    {
        using var wrong = await _server.Http.PostAsJsonAsync(
            "/api/lightning/training",
            new
            {
                agent_id = ShopStore.Agent,
                dataset_id = _dataset,
                base_model = "../" + ShopStore.Model,
                method = "dpo",
                hyperparameters = new { beta = -1, lora_rnk = 4 },
            },
            Token
        );
        using var unknown = await _server.Http.PostAsJsonAsync(
            "/api/lightning/training",
            new { agent_id = ShopStore.Agent, dataset_id = "nowhere" },
            Token
        );
        using var twice = await _server.Http.PostAsJsonAsync(
            "/api/lightning/training",
            new
            {
                dataset_id = _dataset,
                n_epochs = 1,
                hyperparameters = new { n_epochs = 2 },
            },
            Token
        );
        using var state = await _server.Http.GetAsync("/api/lightning/training?status=done", Token);

        var detail = await ServerUnderTest.ProblemAsync(HttpStatusCode.BadRequest, wrong);
        foreach (
            var part in new[] { "kind preference", "'beta' must be", "'lora_rnk'", "Did you mean lora_rank", "'../tiny' was not found" }
        )
        {
            Assert.Contains(part, detail, StringComparison.Ordinal);
        }

        Assert.Contains("nowhere", await ServerUnderTest.ProblemAsync(HttpStatusCode.NotFound, unknown), StringComparison.Ordinal);
        Assert.Contains("given twice", await ServerUnderTest.ProblemAsync(HttpStatusCode.BadRequest, twice), StringComparison.Ordinal);
        Assert.Contains("pending, running", await ServerUnderTest.ProblemAsync(HttpStatusCode.BadRequest, state), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_of_another_agent_sees_nothing_and_one_that_may_read_starts_nothing()
    {
        var id = await StartAsync(_server.Http);
        using var stranger = await _server.ClientAsync(Role.Write, "desk");
        using var reader = await _server.ClientAsync(Role.Read, ShopStore.Agent);

        using var seen = await stranger.GetAsync($"/api/lightning/training/{id}", Token);
        using var cancelled = await stranger.PostAsync($"/api/lightning/training/{id}/cancel", JsonContent.Create(new { }), Token);
        using var started = await reader.PostAsJsonAsync("/api/lightning/training", Body(), Token);
        var own = await reader.GetFromJsonAsync<JsonElement>($"/api/lightning/training/{id}", Token);

        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), (seen.StatusCode, cancelled.StatusCode));
        Assert.Equal(HttpStatusCode.Forbidden, started.StatusCode);
        Assert.Equal("pending", own.GetProperty("status").GetString());
    }

    private async Task<string> StartAsync(HttpClient http) =>
        (await PostAsync(http, Body(), HttpStatusCode.Created)).GetProperty("run_id").GetString()!;

    private object Body() =>
        new
        {
            agent_id = ShopStore.Agent,
            dataset_id = _dataset,
            base_model = ShopStore.Model,
        };

    private static async Task<JsonElement> PostAsync(HttpClient http, object body, HttpStatusCode expected)
    {
        using var response = await http.PostAsJsonAsync("/api/lightning/training", body, Token);
        Assert.True(expected == response.StatusCode, await response.Content.ReadAsStringAsync(Token));
        return await response.Content.ReadFromJsonAsync<JsonElement>(Token);
    }
}
