using System.Text.Json;
using AgentLightning.Client.Tests.Support;

namespace AgentLightning.Client.Tests;

[Collection(nameof(EmitTests))]
public sealed class TrackerTests : IAsyncLifetime
{
    private Receiver _server = null!;
    private LightningClient _lightning = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await Receiver.StartAsync();
        _lightning = new LightningClient(Quick.Options(_server.Url));
    }

    public async ValueTask DisposeAsync()
    {
        await _lightning.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_chat_message_is_recorded_with_everything_the_application_knows()
    {
        var tracker = new AgentTracker(_lightning, "chat_agent");

        var id = tracker.TrackChatMessage(
            "my tap drips",
            "turn the valve",
            "c-1",
            new ChatFacts
            {
                Intent = "repair",
                IntentConfidence = 0.9,
                HomeId = "h-1",
                Persona = "homeowner",
                ContextUsed = true,
                SuggestedActions = 2,
                ExecutionTime = TimeSpan.FromSeconds(1.5),
                Errors = 0,
                MessageId = "m-1",
                UserId = "u-1",
                Model = "m",
            }
        );
        await _lightning.FlushAsync();

        var episode = Assert.Single(_server.Records());
        Assert.Equal(
            (id, "chat_agent", "my tap drips", "turn the valve", "c-1", "repair", "homeowner", "m-1", "u-1"),
            (
                Text("id"),
                Text("agent_id"),
                Text("user_input"),
                Text("assistant_output"),
                Text("session_id"),
                Text("intent"),
                Text("persona"),
                Text("message_id"),
                Text("user_id")
            )
        );
        Assert.Equal(
            """{"interaction_type":"chat_message","response_length":"14","intent_confidence":"0.9","home_id":"h-1","context_used":"true","suggested_actions":"2","execution_time_ms":"1500","errors":"0"}""",
            episode.GetProperty("metadata").GetRawText()
        );
        Assert.Equal(1_500, episode.GetProperty("request_latency_ms").GetDouble());

        string? Text(string name) => episode.GetProperty(name).GetString();
    }

    [Fact]
    public async Task A_reward_is_sent_as_it_was_given_with_its_scale_and_a_later_one_supersedes()
    {
        var tracker = new AgentTracker(_lightning, "a");

        var id = tracker.TrackInteraction("p", "r", reward: 0.7, new Dictionary<string, string> { ["k"] = "v" })!;
        Assert.True(tracker.UpdateReward(id, 0, "thumbs_down"));
        await _lightning.FlushAsync();

        var rewards = _server.Records().Where(record => record.GetProperty("type").GetString() == "reward").ToList();
        Assert.Equal([0.7, 0], rewards.Select(reward => reward.GetProperty("raw_value").GetDouble()));
        Assert.All(rewards, reward => Assert.Equal("0..1", reward.GetProperty("scale").GetString()));
        Assert.All(rewards, reward =>
            Assert.Equal((id, "tracker"), (reward.GetProperty("episode_id").GetString(), reward.GetProperty("evaluator").GetString()))
        );
        Assert.Equal("thumbs_down", rewards[1].GetProperty("rubric").GetString());
        Assert.Equal(2, rewards.Select(reward => reward.GetProperty("reward_id").GetString()).Distinct().Count());
    }

    [Fact]
    public void Statistics_count_interactions_and_their_latest_rewards()
    {
        var tracker = new AgentTracker(_lightning, "a");
        Assert.Equal(new TrackerStatistics(true, 0, 0, null, null), tracker.GetStatistics());

        tracker.TrackInteraction("p", "r", 1);
        var id = tracker.TrackInteraction("p", "r", 0.5)!;
        tracker.TrackInteraction("p", "r");
        tracker.UpdateReward(id, 0);

        Assert.Equal(new TrackerStatistics(true, 3, 0.5, 0, 1), tracker.GetStatistics());
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(1.01)]
    [InlineData(-0.01)]
    public void A_reward_that_cannot_be_is_not_sent_and_counted(double reward)
    {
        Assert.False(new AgentTracker(_lightning, "a").UpdateReward("e", reward));
        Assert.False(_lightning.Reward(new CapturedReward("e", double.IsNaN(reward) ? reward : reward * 200)));
        Assert.Equal(2, _lightning.Statistics.Dropped);
    }

    [Fact]
    public async Task Capture_that_is_off_records_nothing_and_says_so()
    {
        await using var off = new LightningClient(new LightningClientOptions());
        var tracker = new AgentTracker(off, "a");

        Assert.False(tracker.Enabled);
        Assert.Null(tracker.TrackInteraction("p", "r", 1));
        Assert.False(tracker.UpdateReward("e", 1));
        Assert.Equal(new TrackerStatistics(false, 0, 0, null, null), tracker.GetStatistics());
    }

    [Theory]
    [InlineData(0.8, 0, 1, 0.6, "passed: 0.8 of 0..1, threshold 0.7")]
    [InlineData(3, 1, 5, 0, "failed: 3 of 1..5, threshold 0.7")]
    [InlineData(2, 2, 2, 0, "failed: 2 of 2..2, threshold 0.7")]
    public async Task A_score_becomes_a_reward_on_the_canonical_scale(double score, double min, double max, double value, string rubric)
    {
        Assert.True(_lightning.RewardEvaluation("e", score, min, max, "judge"));
        await _lightning.FlushAsync();

        var reward = Assert.Single(_server.Records());
        Assert.Equal(
            (Math.Round(value, 9), "eval_score", rubric, "judge"),
            (
                Math.Round(reward.GetProperty("reward").GetDouble(), 9),
                reward.GetProperty("source").GetString(),
                reward.GetProperty("rubric").GetString(),
                reward.GetProperty("evaluator").GetString()
            )
        );
        Assert.Equal(JsonValueKind.String, reward.GetProperty("reward_id").ValueKind);
    }
}
