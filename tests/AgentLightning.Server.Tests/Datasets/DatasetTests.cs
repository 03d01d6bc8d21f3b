using System.Net;
using AgentLightning.Access;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests.Datasets;

public sealed class DatasetTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_data_set_is_previewed_made_listed_shown_and_exported()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await AddAsync(server);

        var preview = await server.PostAsync("/api/lightning/datasets/preview", new { agent_id = "shop", min_reward = 0.5 });
        var built = await server.PostAsync(
            "/api/lightning/datasets",
            new
            {
                agent_id = "shop",
                name = "week",
                description = "what went well",
                min_reward = 0.5,
            }
        );
        var id = built.GetProperty("dataset_id").GetString();
        var list = await server.GetAsync("/api/lightning/datasets?agent_id=shop");
        var shown = await server.GetAsync($"/api/lightning/datasets/{id}");
        var train = await server.Http.GetStringAsync(built.GetProperty("local_path").GetString(), Token);
        var held = await server.Http.GetStringAsync(built.GetProperty("validation_path").GetString(), Token);

        Assert.Equal("no_reward below_min_reward", Reasons(preview.GetProperty("excluded")));
        Assert.True(built.GetProperty("success").GetBoolean());
        Assert.Equal((2, 1, 3, 0.5), Counts(built));
        Assert.Equal((2, 1, 3, 0.5), Counts(Assert.Single(list.GetProperty("datasets").EnumerateArray().ToList())));
        Assert.Equal("what went well", shown.GetProperty("dataset").GetProperty("description").GetString());
        Assert.Equal("no_reward below_min_reward", Reasons(shown.GetProperty("selection").GetProperty("excluded")));
        Assert.Equal((2, 1), (Lines(train), Lines(held)));
        Assert.All(train.TrimEnd().Split('\n'), line =>
            Assert.StartsWith("{\"messages\":[{\"role\":\"user\"", line, StringComparison.Ordinal)
        );

        static (int, int, int, double) Counts(System.Text.Json.JsonElement one) =>
            (
                one.GetProperty("training_count").GetInt32(),
                one.GetProperty("validation_count").GetInt32(),
                one.GetProperty("episode_count").GetInt32(),
                one.GetProperty("reward_threshold").GetDouble()
            );
    }

    [Fact]
    public async Task What_cannot_be_is_refused_with_what_is_wrong()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await AddAsync(server);

        async Task<string> ProblemAsync(HttpStatusCode status, string body)
        {
            using var response = await server.PostRawAsync("/api/lightning/datasets", body);
            return await ServerUnderTest.ProblemAsync(status, response);
        }

        Assert.Contains(
            "kind must be one of",
            await ProblemAsync(HttpStatusCode.BadRequest, """{"kind":"table"}"""),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "start_date",
            await ProblemAsync(HttpStatusCode.BadRequest, """{"start_date":"08/03/2026"}"""),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "must be from 0.05 to 0.5",
            await ProblemAsync(HttpStatusCode.BadRequest, """{"train_split":0.2}"""),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "give one of them",
            await ProblemAsync(HttpStatusCode.BadRequest, """{"min_reward":0.2,"reward_threshold":0.3}"""),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "5 episodes are left out: 1 no_reward, 4 below_min_reward.",
            await ProblemAsync(HttpStatusCode.Conflict, """{"agent_id":"shop","min_reward":1,"max_examples":1}"""),
            StringComparison.Ordinal
        );
        using var unknown = await server.Http.GetAsync("/api/lightning/datasets/nobody/export", Token);
        Assert.Equal("Dataset nobody not found.", await ServerUnderTest.ProblemAsync(HttpStatusCode.NotFound, unknown));
        using var none = await server.Http.GetAsync("/api/lightning/datasets/lineage", Token);
        Assert.Contains("Exactly one of", await ServerUnderTest.ProblemAsync(HttpStatusCode.BadRequest, none), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_golden_file_is_taken_and_its_bad_lines_are_told()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        using var response = await server.PostRawAsync(
            "/api/lightning/datasets/golden?agent_id=shop&name=best",
            "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}]}\nnone\n",
            "application/x-ndjson"
        );
        var built = await ServerUnderTest.SuccessAsync(response);

        Assert.Equal(("best", 1), (built.GetProperty("name").GetString(), built.GetProperty("training_count").GetInt32()));
        Assert.Equal(2, built.GetProperty("skipped")[0].GetProperty("line").GetInt32());
    }

    [Fact]
    public async Task A_deletion_tells_which_data_sets_held_the_user_and_so_does_the_question()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await AddAsync(server);
        var built = await server.PostAsync("/api/lightning/datasets", new { agent_id = "shop" });

        using var deleted = await server.Http.DeleteAsync("/api/lightning/episodes?user_id=ada", Token);
        var removed = await ServerUnderTest.SuccessAsync(deleted);
        var asked = await server.GetAsync("/api/lightning/datasets/lineage?user_id=ada");

        foreach (var answer in new[] { removed, asked })
        {
            var held = Assert.Single(answer.GetProperty("data_sets").EnumerateArray().ToList());
            Assert.Equal(built.GetProperty("dataset_id").GetString(), held.GetProperty("dataset_id").GetString());
            Assert.Equal((2, 2), (held.GetProperty("episodes").GetInt32(), held.GetProperty("erased_count").GetInt32()));
        }
    }

    [Fact]
    public async Task Data_sets_of_another_agent_do_not_exist_for_a_key()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await AddAsync(server);
        var id = (await server.PostAsync("/api/lightning/datasets", new { agent_id = "shop" })).GetProperty("dataset_id").GetString();
        using var other = await server.ClientAsync(Role.Admin, "other");

        using var shown = await other.GetAsync($"/api/lightning/datasets/{id}", Token);
        using var rows = await other.GetAsync($"/api/lightning/datasets/{id}/export", Token);
        using var listed = await other.GetAsync("/api/lightning/datasets?agent_id=shop", Token);
        using var use = await other.GetAsync("/api/lightning/datasets/lineage?user_id=ada", Token);

        Assert.Equal(
            (HttpStatusCode.NotFound, HttpStatusCode.NotFound, HttpStatusCode.Forbidden),
            (shown.StatusCode, rows.StatusCode, listed.StatusCode)
        );
        Assert.Equal("""{"data_sets":[],"training_runs":[],"releases":[]}""", await use.Content.ReadAsStringAsync(Token));
    }

    private static async Task AddAsync(ServerUnderTest server)
    {
        string[] questions = ["where is my order", "what does delivery cost", "can a lamp be sent back", "good evening", "ignored"];
        foreach (var (question, i) in questions.Select((question, i) => (question, i)))
        {
            await server.PostAsync(
                "/api/lightning/episodes",
                new
                {
                    id = $"e{i}",
                    agent_id = "shop",
                    user_input = question,
                    assistant_output = $"answer {i}",
                    user_id = i < 2 ? "ada" : "bob",
                }
            );
            if (i < 4)
            {
                await server.PostAsync("/api/lightning/rewards", new { episode_id = $"e{i}", reward = i == 3 ? 0.1 : 0.9 });
            }
        }
    }

    private static string Reasons(System.Text.Json.JsonElement excluded) =>
        string.Join(' ', excluded.EnumerateArray().Select(one => one.GetProperty("reason").GetString()));

    private static int Lines(string text) => text.Count(c => c == '\n');
}
