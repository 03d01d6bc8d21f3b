using System.Net;
using System.Text;
using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Datasets;
using AgentLightning.Deployments;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Storage;
using AgentLightning.Testing;
using AgentLightning.Training;
using AgentLightning.Triage;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Tests;

/// <summary>A key for some agents never sees or touches what belongs to another, on any route of the OpenAPI document.</summary>
public sealed class ScopeTests
{
    private const int Seed = 20_261_121;

    /// <summary>In every text of the records of the agent that no key is for, and in no request.</summary>
    private const string Marker = "kept-to-red";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_answer_to_a_key_for_other_agents_holds_anything_of_an_agent_and_nothing_of_it_changes()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        var red = await PlantAsync(server, "red", Marker);
        var blue = await PlantAsync(server, "blue", "of-blue");
        await PlantAsync(server, "green", "of-green");
        var before = await StateAsync(server, "red");
        var clients = new List<HttpClient>();
        foreach (var role in Enum.GetValues<Role>())
        {
            clients.Add(await server.ClientAsync(role, "blue"));
            clients.Add(await server.ClientAsync(role, "blue", "green"));
        }

        var operations = await OpenApiOperation.ReadAsync(server);
        // Ids are each agent's own: one that a request gave to a record of its agent is that record's from then on.
        var (random, reached, own) = (new Random(Seed), new HashSet<string>(), new HashSet<string>());
        for (var i = 0; i < operations.Count * 150; i++)
        {
            var operation = operations[i % operations.Count];
            var (path, body) = NextRequest(operation, random, red, blue);
            using var request = new HttpRequestMessage(new HttpMethod(operation.Method), path);
            request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, operation.MediaType!);
            using var response = await clients[random.Next(clients.Count)].SendAsync(request, Token);
            var text = await response.Content.ReadAsStringAsync(Token);

            var what = $"seed {Seed}, request {i}: {operation.Method} {path} {body}\n{(int)response.StatusCode} {text}";
            Assert.True((int)response.StatusCode < 500 || operation.Statuses.Contains((int)response.StatusCode), what);
            Assert.False(text.Contains(Marker, StringComparison.Ordinal), what);
            if (response.IsSuccessStatusCode && operation.Method == "POST")
            {
                own.UnionWith(red.Where(id => body?.Contains(id, StringComparison.Ordinal) == true));
            }

            // An id may only come back to who sent it.
            Assert.All(red.Except(own), id =>
                Assert.False(
                    text.Contains(id, StringComparison.Ordinal)
                        && !path.Contains(id, StringComparison.Ordinal)
                        && body?.Contains(id, StringComparison.Ordinal) != true,
                    what
                )
            );
            if (response.IsSuccessStatusCode)
            {
                reached.Add(operation.Path);
            }
        }

        clients.ForEach(client => client.Dispose());
        Assert.Equal(before, await StateAsync(server, "red"));
        // The requests were good enough to be answered: otherwise nothing was shown.
        Assert.Superset(
            new HashSet<string>
            {
                "/api/lightning/episodes",
                "/api/lightning/episodes/{id}",
                "/api/lightning/rewards",
                "/api/lightning/stats",
                "/api/lightning/deployments/lineage",
                "/api/lightning/triage",
            },
            reached
        );
    }

    [Fact]
    public async Task A_record_of_another_agent_is_answered_exactly_as_one_that_does_not_exist()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await PlantAsync(server, "red", Marker);
        await PlantAsync(server, "blue", "of-blue");
        using var client = await server.ClientAsync(Role.Admin, "blue");

        foreach (
            var (method, path, body) in new[]
            {
                ("GET", "/api/lightning/episodes/ID", null),
                ("GET", "/api/lightning/episodes?before=ID", null),
                ("POST", "/api/lightning/rewards", """{"episode_id":"ID","reward":1}"""),
                ("POST", "/api/lightning/deployments", """{"agent_id":"blue","run_id":"ID"}"""),
                ("POST", "/api/lightning/deployments/rollback", """{"agent_id":"blue","target_deployment_id":"ID"}"""),
            }
        )
        {
            foreach (var id in new[] { "episode-red", "run-red", "release-red" })
            {
                var (foreign, unknown) = (await AnswerAsync(id), await AnswerAsync("nobody"));
                Assert.Equal(404, unknown.Status);
                Assert.Equal(unknown, (foreign.Status, foreign.Text.Replace(id, "nobody", StringComparison.Ordinal)));
            }

            async Task<(int Status, string Text)> AnswerAsync(string id)
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), path.Replace("ID", id, StringComparison.Ordinal));
                request.Content = body is null
                    ? null
                    : new StringContent(body.Replace("ID", id, StringComparison.Ordinal), Encoding.UTF8, "application/json");
                using var response = await client.SendAsync(request, Token);
                return ((int)response.StatusCode, WithoutTrace(await response.Content.ReadAsStringAsync(Token)));
            }
        }
    }

    [Fact]
    public async Task Lists_without_an_agent_are_narrowed_to_the_agents_of_the_key()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await PlantAsync(server, "red", Marker);
        await PlantAsync(server, "blue", "of-blue");
        await PlantAsync(server, "green", "of-green");
        using var one = await server.ClientAsync(Role.Read, "blue");
        using var two = await server.ClientAsync(Role.Read, "blue", "green");
        using var all = await server.ClientAsync(Role.Read);

        Assert.Equal("blue", await AgentsAsync(one, ""));
        Assert.Equal("blue green", await AgentsAsync(two, ""));
        Assert.Equal("green", await AgentsAsync(two, "?agent_id=green"));
        Assert.Equal("blue green red", await AgentsAsync(all, ""));

        static async Task<string> AgentsAsync(HttpClient client, string query)
        {
            using var answer = JsonDocument.Parse(await client.GetStringAsync("/api/lightning/episodes" + query, Token));
            return string.Join(
                ' ',
                answer
                    .RootElement.GetProperty("episodes")
                    .EnumerateArray()
                    .Select(episode => episode.GetProperty("agent_id").GetString())
                    .Distinct()
                    .Order()
            );
        }
    }

    [Fact]
    public async Task The_only_agent_of_a_key_is_meant_where_none_is_named_and_of_several_one_must_be_named()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        using var one = await server.ClientAsync(Role.Read, "blue");
        using var two = await server.ClientAsync(Role.Read, "blue", "green");
        using var standard = await server.ClientAsync(Role.Read, "blue", TriageAgent.DefaultAgentId);

        using (var stats = JsonDocument.Parse(await one.GetStringAsync("/api/lightning/stats", Token)))
        {
            Assert.Equal("blue", stats.RootElement.GetProperty("agent_id").GetString());
        }

        using (var stats = JsonDocument.Parse(await standard.GetStringAsync("/api/lightning/stats", Token)))
        {
            Assert.Equal(TriageAgent.DefaultAgentId, stats.RootElement.GetProperty("agent_id").GetString());
        }

        using var refused = await two.GetAsync("/api/lightning/stats", Token);
        Assert.Contains("blue, green", await ServerUnderTest.ProblemAsync(HttpStatusCode.BadRequest, refused), StringComparison.Ordinal);
        using var other = await one.GetAsync("/api/lightning/stats?agent_id=red", Token);
        Assert.Contains(
            "not for the agent 'red'",
            await ServerUnderTest.ProblemAsync(HttpStatusCode.Forbidden, other),
            StringComparison.Ordinal
        );
    }

    private static (string Path, string? Body) NextRequest(
        OpenApiOperation operation,
        Random random,
        IReadOnlyList<string> red,
        IReadOnlyList<string> blue
    )
    {
        var path = operation.PathWith(name => Value(name, "any").Trim('"'));
        var query = string.Join(
            '&',
            operation.Query.Where(_ => random.Next(2) == 0).Select(name => $"{name}={Uri.EscapeDataString(Value(name, "any").Trim('"'))}")
        );
        var body = operation.Body is null
            ? null
            : $"{{{string.Join(',', operation.Body.Where(property => random.Next(3) > 0 || property.Name is "episode_id" or "reward" or "run_id" or "comment").Select(property => $"\"{property.Name}\":{Value(property.Name, property.Type)}"))}}}";
        return (query.Length == 0 ? path : $"{path}?{query}", body);

        string Value(string name, string type) =>
            name switch
            {
                "agent_id" => random.Next(4) switch
                {
                    0 => "\"red\"",
                    1 => "\"green\"",
                    _ => "\"blue\"",
                },
                "limit" => "1000",
                "reward" => "0.5",
                "start_date" => "\"2020-01-01T00:00:00Z\"",
                "end_date" => "\"2040-01-01T00:00:00Z\"",
                "source" => "\"human_approval\"",
                "documentName" => "\"v1\"",
                _ => type switch
                {
                    "integer" or "number" => random.Next(1, 5).ToString(null as IFormatProvider),
                    "boolean" => random.Next(2) == 0 ? "true" : "false",
                    "array" => "[]",
                    "object" => "{}",
                    "any" => OneOf(red, blue),
                    _ => OneOf(Named(red, name), Named(blue, name)),
                },
            };

        string OneOf(IReadOnlyList<string> foreign, IReadOnlyList<string> own) =>
            $"\"{(random.Next(5) switch { 2 when own.Count > 0 => own[random.Next(own.Count)], > 2 when foreign.Count > 0 => foreign[random.Next(foreign.Count)], 0 => "nobody", _ => $"new-{random.Next()}" })}\"";

        // A text that a body brings is kept and shown to who brought it; only ids that a body looks up are ids of others.
        static List<string> Named(IReadOnlyList<string> ids, string name) =>
            [
                .. ids.Where(id =>
                    name is "id" ? id.StartsWith("episode", StringComparison.Ordinal)
                    : name.EndsWith("deployment_id", StringComparison.Ordinal)
                        ? id.StartsWith("release", StringComparison.Ordinal) || id.StartsWith("newer", StringComparison.Ordinal)
                    : (name is "episode_id" or "run_id" or "reward_id" or "dataset_id")
                        && id.StartsWith(name is "dataset_id" ? "data" : name[..^"_id".Length], StringComparison.Ordinal)
                ),
            ];
    }

    /// <summary>Records of every kind for an agent, with the mark in every text; gives their ids.</summary>
    private static async Task<IReadOnlyList<string>> PlantAsync(ServerUnderTest server, string agent, string mark)
    {
        var services = server.App.Services;
        var now = DateTimeOffset.UtcNow;
        var dataset = await services
            .GetRequiredService<IDatasetStore>()
            .AddAsync(
                new Dataset($"data-{agent}", agent, $"data {mark}", 0, mark, null, 1, 1, 1, 2, "sha256:" + new string('0', 64), now),
                Token
            );
        var artifact = await services.GetRequiredService<IArtifactStore>().PutAsync(new LabelNamePolicy(["yes", mark]).WriteAsync, Token);
        var otherArtifact = await services
            .GetRequiredService<IArtifactStore>()
            .PutAsync(new LabelNamePolicy(["no", mark]).WriteAsync, Token);
        var run = new TrainingRun(
            $"run-{agent}",
            agent,
            dataset.Id,
            "local",
            TrainingMethod.Supervised,
            mark,
            null,
            null,
            TrainingStatus.Pending,
            new Dictionary<string, string> { ["m"] = mark },
            null,
            null,
            now,
            null,
            null
        );
        var runs = services.GetRequiredService<ITrainingRunStore>();
        await runs.AddAsync(run, Token);
        await runs.TryMoveAsync(run with { Status = TrainingStatus.Running }, Token);
        await runs.TryMoveAsync(
            run with
            {
                Status = TrainingStatus.Succeeded,
                TunedModelName = $"model {mark}",
                Artifact = artifact,
            },
            Token
        );
        var releases = services.GetRequiredService<IDeploymentStore>();
        await releases.ActivateAsync(
            new Deployment(
                $"release-{agent}",
                agent,
                Deployment.DefaultSlot,
                0,
                run.Id,
                null,
                $"old {mark}",
                otherArtifact,
                true,
                false,
                null,
                now,
                mark,
                null,
                null
            ),
            null,
            Token
        );
        await releases.ActivateAsync(
            new Deployment(
                $"newer-{agent}",
                agent,
                Deployment.DefaultSlot,
                0,
                null,
                null,
                $"newer {mark}",
                artifact,
                true,
                true,
                null,
                now.AddSeconds(1),
                mark,
                null,
                mark
            ),
            $"release-{agent}",
            Token
        );
        await services
            .GetRequiredService<IEpisodeStore>()
            .AddAsync(
                [
                    new Episode
                    {
                        Id = $"episode-{agent}",
                        AgentId = agent,
                        UserInput = mark,
                        AssistantOutput = mark,
                        CreatedAt = now,
                        RequestLatencyMs = 1,
                        SessionId = $"session-{agent}",
                        UserId = $"user-{agent}",
                        MessageId = $"message-{agent}",
                        TraceId = $"trace-{agent}",
                        Intent = mark,
                        Persona = mark,
                        ModelDeployment = mark,
                        Tags = [mark],
                        Metadata = new Dictionary<string, string> { ["m"] = mark },
                        Error = mark,
                    },
                ],
                Token
            );
        await services
            .GetRequiredService<IRewardStore>()
            .AddAsync(
                [
                    new Reward
                    {
                        Id = $"reward-{agent}",
                        EpisodeId = $"episode-{agent}",
                        AgentId = agent,
                        Source = RewardSource.EvalScore,
                        Value = 0.25,
                        Comments = mark,
                        Correction = mark,
                        Rubric = mark,
                        Evaluator = mark,
                        CreatedAt = now,
                    },
                ],
                Token
            );
        return
        [
            dataset.Id,
            run.Id,
            $"release-{agent}",
            $"newer-{agent}",
            $"episode-{agent}",
            $"reward-{agent}",
            $"session-{agent}",
            $"user-{agent}",
            $"message-{agent}",
            $"trace-{agent}",
        ];
    }

    private static async Task<string> StateAsync(ServerUnderTest server, string agent)
    {
        var services = server.App.Services;
        var episodes = await services.GetRequiredService<IEpisodeStore>().ListAsync(new EpisodeQuery(agent), Token);
        var rewards = await services.GetRequiredService<IRewardStore>().HistoryAsync($"episode-{agent}", Token);
        var releases = await services.GetRequiredService<IDeploymentStore>().ListAsync(agent, null, 100, Token);
        return JsonSerializer.Serialize(
            new
            {
                episodes,
                rewards,
                releases,
            }
        );
    }

    private static string WithoutTrace(string problem)
    {
        using var document = JsonDocument.Parse(problem);
        return string.Join(
            '\n',
            document
                .RootElement.EnumerateObject()
                .Where(property => property.Name is not ("traceId" or "trace_id"))
                .Select(property => property.ToString())
        );
    }
}
