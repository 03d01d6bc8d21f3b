using System.Net;
using System.Text;
using System.Text.Json;
using AgentLightning.Episodes;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Tests;

public sealed class ChatFeedbackTests
{
    private const string Path = "/api/v1/chat/feedback";
    private const string Message = "01890a5d-ac96-774b-bcce-b302099a8057";

    [Fact]
    public async Task Feedback_is_answered_with_its_reward_and_changes_the_reward_of_the_one_episode()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);

        var given = await server.PostAsync(
            Path,
            new
            {
                message_id = Message,
                feedback_type = "rating_4",
                rating = 4,
                comment = "good",
                helpful = true,
                accurate = true,
                complete = false,
            }
        );

        Assert.Equal(
            ["feedback_id", "message_id", "feedback_type", "reward_score", "created_at"],
            given.EnumerateObject().Select(property => property.Name)
        );
        Assert.Equal(
            (Message, "rating_4", 0.95),
            (
                given.GetProperty("message_id").GetString(),
                given.GetProperty("feedback_type").GetString(),
                given.GetProperty("reward_score").GetDouble()
            )
        );
        var episode = await server.GetAsync("/api/lightning/episodes/e1");
        var reward = Assert.Single(episode.GetProperty("rewards").EnumerateArray());
        Assert.Equal(
            ("human_approval", 0.95, "0..1"),
            (reward.GetProperty("source").GetString(), reward.GetProperty("raw_value").GetDouble(), reward.GetProperty("scale").GetString())
        );
        Assert.Equal(0.9, reward.GetProperty("value").GetDouble(), 12);
        Assert.Equal(
            1,
            (await server.GetAsync("/api/lightning/stats?agent_id=chat_agent"))
                .GetProperty("statistics")
                .GetProperty("total_episodes")
                .GetInt64()
        );
        var listed = Assert.Single(
            (await server.GetAsync("/api/lightning/feedback?agent_id=chat_agent")).GetProperty("feedback").EnumerateArray()
        );
        Assert.Equal(
            ("e1", "good", true, false),
            (
                listed.GetProperty("episode_id").GetString(),
                listed.GetProperty("comment").GetString(),
                listed.GetProperty("helpful").GetBoolean(),
                listed.GetProperty("complete").GetBoolean()
            )
        );
    }

    [Fact]
    public async Task A_second_opinion_of_the_same_user_replaces_the_reward_and_both_are_kept()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);

        await SendAsync(server, new { message_id = Message, feedback_type = "thumbs_up" }, "ann", HttpStatusCode.OK);
        await SendAsync(server, new { message_id = Message, feedback_type = "thumbs_down" }, "ann", HttpStatusCode.OK);

        var rewards = (await server.GetAsync("/api/lightning/rewards?episode_id=e1")).GetProperty("rewards").EnumerateArray().ToList();
        Assert.Equal(
            [(0.15, true), (1.0, false)],
            rewards.Select(reward => (reward.GetProperty("raw_value").GetDouble(), reward.GetProperty("is_current").GetBoolean()))
        );
        Assert.Equal(2, (await server.GetAsync("/api/lightning/feedback?episode_id=e1")).GetProperty("feedback_found").GetInt32());
        Assert.Equal(1, (await server.GetAsync("/api/v1/admin/agent-lightning/feedback/stats")).GetProperty("total_feedback").GetInt32());
    }

    [Fact]
    public async Task The_message_of_another_user_is_closed_to_known_users_and_open_to_unknown_ones()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);

        var detail = await SendAsync(server, new { message_id = Message, feedback_type = "copy" }, "bob", HttpStatusCode.Forbidden);

        Assert.Equal("Access denied to this conversation", detail);
        await SendAsync(server, new { message_id = Message, feedback_type = "copy" }, null, HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_repeated_feedback_id_is_one_record()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);

        var first = await server.PostAsync(
            Path,
            new
            {
                message_id = Message,
                feedback_type = "copy",
                feedback_id = "f1",
            }
        );
        var second = await server.PostAsync(
            Path,
            new
            {
                message_id = Message,
                feedback_type = "copy",
                feedback_id = "f1",
            }
        );
        await server.RefusedAsync(
            HttpStatusCode.Conflict,
            Path,
            new
            {
                message_id = Message,
                feedback_type = "thumbs_down",
                feedback_id = "f1",
            }
        );

        Assert.Equal(first.GetRawText(), second.GetRawText());
        Assert.Equal(1, (await server.GetAsync("/api/lightning/feedback")).GetProperty("feedback_found").GetInt32());
    }

    [Fact]
    public async Task An_episode_whose_id_is_a_uuid_takes_feedback_by_its_id()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);
        var episode = (await server.TriageAsync("It does not work")).GetProperty("episode_id").GetString()!;

        var given = await server.PostAsync(Path, new { message_id = episode, feedback_type = "thumbs_up" });

        Assert.Equal(episode, given.GetProperty("message_id").GetString());
        Assert.Single((await server.GetAsync($"/api/lightning/episodes/{episode}")).GetProperty("rewards").EnumerateArray());
    }

    [Theory]
    [InlineData(400, """{"feedback_type":"copy"}""", "message_id and feedback_type are required.")]
    [InlineData(400, """{"message_id":"01890a5d-ac96-774b-bcce-b302099a8057"}""", "message_id and feedback_type are required.")]
    [InlineData(400, """{"message_id":"no id","feedback_type":"copy"}""", "message_id must be 1 to 200 characters without blanks")]
    [InlineData(404, """{"message_id":"chatcmpl-nowhere","feedback_type":"copy"}""", "Message not found")]
    [InlineData(400, """{"message_id":"01890a5d-ac96-774b-bcce-b302099a8057","feedback_type":"x"}""", "Invalid feedback_type: x")]
    [InlineData(400, """{"message_id":"01890a5d-ac96-774b-bcce-b302099a8057","feedback_type":""}""", "Invalid feedback_type: ")]
    [InlineData(400, """{"message_id":"01890a5d-ac96-774b-bcce-b302099a8057","feedback_type":"copy","rating":6}""", "from 1 to 5")]
    [InlineData(400, """{"message_id":"01890a5d-ac96-774b-bcce-b302099a8057","feedback_type":"copy","rating":4.5}""", "rating")]
    [InlineData(
        400,
        """{"message_id":"01890a5d-ac96-774b-bcce-b302099a8057","feedback_type":"rating_4","rating":2}""",
        "rating is 2, but feedback_type is rating_4"
    )]
    [InlineData(400, """{"message_id":"01890a5d-ac96-774b-bcce-b302099a8057","feedback_type":"copy","helpful":"yes"}""", "helpful")]
    [InlineData(400, """{"message_id":"01890a5d-ac96-774b-bcce-b302099a8057","feedback_type":"copy","comment":"a\u0000b"}""", "comment")]
    [InlineData(400, """{"message_id":"01890a5d-ac96-774b-bcce-b302099a8057","feedback_type":"copy","feedback_id":"a b"}""", "feedback_id")]
    [InlineData(404, """{"message_id":"00000000-ac96-774b-bcce-b302099a8057","feedback_type":"copy"}""", "Message not found")]
    public async Task Feedback_that_cannot_be_right_is_refused_with_what_is_wrong_and_nothing_is_stored(
        int status,
        string body,
        string detail
    )
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);

        Assert.Contains(detail, await server.RefusedAsync((HttpStatusCode)status, Path, body), StringComparison.Ordinal);

        Assert.Equal(0, (await server.GetAsync("/api/lightning/feedback")).GetProperty("feedback_found").GetInt32());
        Assert.Equal(0, (await server.GetAsync("/api/lightning/rewards")).GetProperty("rewards_found").GetInt32());
    }

    [Fact]
    public async Task A_comment_has_a_longest_length()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);

        await server.PostAsync(
            Path,
            new
            {
                message_id = Message,
                feedback_type = "copy",
                comment = new string('x', 1_000),
            }
        );
        var detail = await server.RefusedAsync(
            HttpStatusCode.BadRequest,
            Path,
            new
            {
                message_id = Message,
                feedback_type = "copy",
                comment = new string('x', 1_001),
            }
        );

        Assert.Contains("at most 1000 characters, but it has 1001", detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_signals_of_an_answer_count_until_a_person_says_something()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);

        // 0.5, context +0.1, asked at once -0.2; 64 characters are no bonus.
        var given = await server.PostAsync("/api/lightning/rewards/implicit", new { episode_id = "e1", immediate_clarification = true });
        Assert.Equal(
            ("implicit_signals", -0.2),
            (given.GetProperty("source").GetString(), Math.Round(given.GetProperty("value").GetDouble(), 9))
        );
        Assert.Equal(-0.2, await AverageAsync(), 9);
        await server.PostAsync(Path, new { message_id = Message, feedback_type = "thumbs_up" });
        Assert.Equal(1, await AverageAsync(), 9);
        await server.PostAsync("/api/lightning/rewards/implicit", new { episode_id = "e1", natural_continuation = true });
        Assert.Equal(1, await AverageAsync(), 9);
        Assert.Equal(3, (await server.GetAsync("/api/lightning/rewards")).GetProperty("rewards_found").GetInt32());
        await server.RefusedAsync(HttpStatusCode.NotFound, "/api/lightning/rewards/implicit", new { episode_id = "nobody" });
        await server.RefusedAsync(HttpStatusCode.BadRequest, "/api/lightning/rewards/implicit", new { natural_continuation = true });

        async Task<double> AverageAsync() =>
            (await server.GetAsync("/api/lightning/stats?agent_id=chat_agent"))
                .GetProperty("statistics")
                .GetProperty("average_reward")
                .GetDouble();
    }

    private static async Task<ServerUnderTest> StartAsync(TemporaryFolder folder)
    {
        var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server
            .App.Services.GetRequiredService<EpisodeRecorder>()
            .RecordDurablyAsync(
                new Episode
                {
                    Id = "e1",
                    AgentId = "chat_agent",
                    MessageId = Message,
                    UserId = "ann",
                    SessionId = "c1",
                    Intent = "billing",
                    UserInput = "i",
                    AssistantOutput = new string('x', 64),
                    Metadata = new Dictionary<string, string> { ["context_sources"] = """["manual.pdf"]""" },
                    CreatedAt = DateTimeOffset.UtcNow,
                    RequestLatencyMs = 1,
                },
                CancellationToken.None
            );
        return server;
    }

    /// <summary>Sends on behalf of a user; gives the detail of a refusal.</summary>
    private static async Task<string> SendAsync(ServerUnderTest server, object body, string? user, HttpStatusCode status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Path)
        {
            Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json"),
        };
        if (user is not null)
        {
            request.Headers.Add("X-Lightning-User", user);
        }

        using var response = await server.Http.SendAsync(request);
        if (status == HttpStatusCode.OK)
        {
            Assert.Equal(status, response.StatusCode);
            return "";
        }

        return await ServerUnderTest.ProblemAsync(status, response);
    }
}
