using System.Text.Json;
using AgentLightning.Client.Tests.Support;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;

namespace AgentLightning.Client.Tests;

/// <summary>Agents of Microsoft Agent Framework.</summary>
public sealed class AgentCaptureTests : IAsyncDisposable
{
    private Receiver? _server;
    private LightningClient? _lightning;

    public async ValueTask DisposeAsync()
    {
        if (_lightning is not null)
        {
            await _lightning.DisposeAsync();
            await _server!.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_run_with_tools_is_one_episode_with_all_its_calls()
    {
        var agent = await AgentAsync(Tool("7"), Answered("It is on its way."));

        var response = await agent.RunAsync("Where is order 7?");

        var episode = Assert.Single(await EpisodesAsync());
        Assert.Equal(response.GetEpisodeId(), episode.GetProperty("id").GetString());
        Assert.Equal("Where is order 7?", episode.GetProperty("user_input").GetString());
        Assert.Equal("It is on its way.", episode.GetProperty("assistant_output").GetString());
        var tool = episode.GetProperty("tool_calls")[0];
        Assert.Equal(
            ("find_order", "order 7: packed"),
            (tool.GetProperty("tool_name").GetString(), tool.GetProperty("result").GetString())
        );
        Assert.Equal(30, episode.GetProperty("token_usage").GetProperty("total").GetInt64());
    }

    [Fact]
    public async Task A_chat_client_inside_that_is_captured_too_makes_no_episode_of_its_own()
    {
        await StartAsync();
        var agent = new ChatClientAgent(Script(Answered("yes")).UseLightning(_lightning!)).UseLightning(_lightning!);

        await agent.RunAsync("really?");

        Assert.Equal("really?", Assert.Single(await EpisodesAsync()).GetProperty("user_input").GetString());
    }

    [Fact]
    public async Task Runs_of_one_session_share_its_id_also_after_it_was_written_down()
    {
        var agent = await AgentAsync(Answered("one"), Answered("two"), Answered("three"));
        var session = await agent.CreateSessionAsync();

        await agent.RunAsync("1", session);
        var again = await agent.DeserializeSessionAsync(await agent.SerializeSessionAsync(session));
        await agent.RunAsync("2", again);
        await agent.RunAsync("3", await agent.CreateSessionAsync());

        var sessions = (await EpisodesAsync()).ToDictionary(
            episode => episode.GetProperty("assistant_output").GetString()!,
            episode => episode.GetProperty("session_id").GetString()
        );
        Assert.NotNull(sessions["one"]);
        Assert.Equal(sessions["one"], sessions["two"]);
        Assert.NotEqual(sessions["one"], sessions["three"]);
    }

    [Fact]
    public async Task A_streamed_run_is_captured_whole_and_its_first_update_names_the_episode()
    {
        var agent = await AgentAsync(Answered("on its way"));

        var updates = new List<AgentResponseUpdate>();
        await foreach (var update in agent.RunStreamingAsync("where?"))
        {
            updates.Add(update);
        }

        var episode = Assert.Single(await EpisodesAsync());
        Assert.Equal("on its way", episode.GetProperty("assistant_output").GetString());
        Assert.Equal(episode.GetProperty("id").GetString(), updates[0].GetEpisodeId());
    }

    [Fact]
    public async Task A_run_that_fails_is_a_failed_episode_and_the_caller_gets_the_error()
    {
        await StartAsync();
        var agent = new ChatClientAgent(new Model((_, _) => throw new InvalidOperationException("no model"))).UseLightning(_lightning!);

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => agent.RunAsync("where?"));

        Assert.Equal("no model", error.Message);
        Assert.Equal("failed", Assert.Single(await EpisodesAsync()).GetProperty("status").GetString());
    }

    private static ChatResponse Answered(string text) =>
        new(new ChatMessage(ChatRole.Assistant, text)) { Usage = new UsageDetails { TotalTokenCount = 15 } };

    private static ChatResponse Tool(string number) =>
        new(
            new ChatMessage(
                ChatRole.Assistant,
                [new FunctionCallContent("c", "find_order", new Dictionary<string, object?> { ["number"] = number })]
            )
        )
        {
            Usage = new UsageDetails { TotalTokenCount = 15 },
        };

    private static Model Script(params ChatResponse[] answers)
    {
        var next = -1;
        return new Model((_, _) => Task.FromResult(answers[Interlocked.Increment(ref next)]))
        {
            Stream = _ => answers[Interlocked.Increment(ref next)].ToChatResponseUpdates().ToAsyncEnumerable(),
        };
    }

    private async Task<AIAgent> AgentAsync(params ChatResponse[] answers)
    {
        await StartAsync();
        var findOrder = AIFunctionFactory.Create((string number) => $"order {number}: packed", "find_order");
        return new ChatClientAgent(Script(answers), tools: [findOrder]).AsBuilder().Use(inner => inner.UseLightning(_lightning!)).Build();
    }

    private async Task StartAsync()
    {
        _server = await Receiver.StartAsync();
        _lightning = new LightningClient(Quick.Options(_server.Url));
    }

    private async Task<List<JsonElement>> EpisodesAsync()
    {
        await _lightning!.FlushAsync();
        return
        [
            .. _server!.Requests.SelectMany(request => request.Lines()).Where(line => line.GetProperty("type").GetString() == "episode"),
        ];
    }
}
