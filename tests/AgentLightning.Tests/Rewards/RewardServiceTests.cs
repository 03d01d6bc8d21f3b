using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Tests.Storage;

namespace AgentLightning.Tests.Rewards;

public sealed class RewardServiceTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_reward_waits_for_an_episode_that_is_still_queued()
    {
        await using var product = await Product.OpenAsync();
        await product
            .Get<EpisodeRecorder>()
            .RecordAsync(
                new Episode
                {
                    Id = "e1",
                    AgentId = "a",
                    UserInput = "i",
                    AssistantOutput = "o",
                    CreatedAt = DateTimeOffset.UnixEpoch,
                    RequestLatencyMs = 1,
                },
                Token
            );

        var reward = await product.Get<RewardService>().AssignAsync(new RewardRequest("e1", 0.8), Token);

        Assert.Equal(("a", 0.8, RewardSource.HumanApproval), (reward.AgentId, reward.Value, reward.Source));
        Assert.Single(await product.Get<IRewardStore>().HistoryAsync("e1", Token));
    }

    [Theory]
    [InlineData("nobody", 0.5, ErrorKind.NotFound, "Episode nobody not found")]
    [InlineData("nobody", double.NaN, ErrorKind.Invalid, "from -1 to 1, but it is NaN")]
    [InlineData("nobody", 2, ErrorKind.Invalid, "from -1 to 1, but it is 2")]
    [InlineData("", 0.5, ErrorKind.Invalid, "episode_id must be 1 to 200 characters")]
    [InlineData("with blank", 0.5, ErrorKind.Invalid, "'with blank'")]
    public async Task Bad_rewards_are_refused_with_what_is_wrong_and_nothing_is_stored(
        string episode,
        double value,
        ErrorKind kind,
        string message
    )
    {
        await using var product = await Product.OpenAsync();

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            product.Get<RewardService>().AssignAsync(new RewardRequest(episode, value), Token)
        );

        Assert.Equal(kind, error.Kind);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Equal(0, (await product.Get<IRewardStore>().SummariseAsync(null, Token)).Count);
    }
}
