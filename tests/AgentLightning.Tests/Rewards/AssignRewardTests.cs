using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Tests.Storage;

namespace AgentLightning.Tests.Rewards;

public sealed class AssignRewardTests
{
    private static readonly Scope s_owner = Scope.Owner("test");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_reward_waits_for_an_episode_that_is_still_queued()
    {
        await using var product = await Product.OpenAsync();
        await product.Get<EpisodeRecorder>().RecordAsync(NewEpisode("e1", "a"), Token);

        var reward = (await product.Get<AssignReward>().AssignAsync(s_owner, new RewardRequest("e1", 0.8), Token)).Reward;

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
            product.Get<AssignReward>().AssignAsync(s_owner, new RewardRequest(episode, value), Token)
        );

        Assert.Equal(kind, error.Kind);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Equal(0, (await product.Get<IRewardStore>().SummariseAsync(null, Token)).Count);
    }

    [Fact]
    public async Task Ids_of_rewards_are_each_agents_own_one_by_one_and_in_a_batch()
    {
        await using var product = await Product.OpenAsync();
        await product.Get<IEpisodeStore>().AddAsync([NewEpisode("e1", "a"), NewEpisode("e2", "b")], Token);
        var assign = product.Get<AssignReward>();
        Scope[] scopes = [new("a", Role.Write, ["a"]), new("b", Role.Write, ["b"])];
        Scope both = new("ab", Role.Write, ["a", "b"]);

        for (var again = 0; again < 2; again++)
        {
            for (var i = 0; i < scopes.Length; i++)
            {
                var request = new RewardRequest($"e{i + 1}", i, RewardId: "r1");
                var one = await assign.AssignAsync(scopes[i], request, Token);
                Assert.Equal(("r1", (double)i, again == 0), (one.Reward.Id, one.Reward.Value, one.IsNew));
                var many = await assign.AssignAllAsync(both, [request with { RewardId = "r2" }, request with { RewardId = "r1" }], Token);
                Assert.Equal([("r2", again == 0), ("r1", false)], many.Select(given => (given.Value!.Reward.Id, given.Value.IsNew)));
            }
        }

        var listed = await product.Get<ListRewards>().ListAsync(both, new RewardQuery(Limit: 3), Token);
        var rest = await product.Get<ListRewards>().ListAsync(both, new RewardQuery(Before: listed.Next), Token);
        Assert.Equal(
            [("r1", "a"), ("r1", "b"), ("r2", "a"), ("r2", "b")],
            listed.Items.Concat(rest.Items).Select(reward => (reward.Id, reward.AgentId)).Order()
        );
        Assert.Equal(
            4,
            (await product.Get<ListRewards>().ListAsync(s_owner, new RewardQuery(), Token)).Items.DistinctBy(one => one.Id).Count()
        );
    }

    [Fact]
    public async Task An_own_id_with_another_value_is_a_conflict_and_one_with_the_mark_of_another_agent_is_refused()
    {
        await using var product = await Product.OpenAsync();
        await product.Get<IEpisodeStore>().AddAsync([NewEpisode("e1", "a"), NewEpisode("e2", "b")], Token);
        var assign = product.Get<AssignReward>();
        await assign.AssignAsync(s_owner, new RewardRequest("e1", 1, RewardId: "r1"), Token);
        var stored = (await assign.AssignAsync(s_owner, new RewardRequest("e2", 1, RewardId: "r1"), Token)).Reward;

        var taken = await Assert.ThrowsAsync<LightningException>(() =>
            assign.AssignAsync(new Scope("b", Role.Write, ["b"]), new RewardRequest("e2", 0, RewardId: "r1"), Token)
        );
        var mark = await Assert.ThrowsAsync<LightningException>(() =>
            assign.AssignAsync(s_owner, new RewardRequest("e1", 1, RewardId: stored.Id), Token)
        );

        Assert.StartsWith("The reward id r1 is taken: it is a reward for episode e2.", taken.Message, StringComparison.Ordinal);
        Assert.StartsWith("reward_id must not end with", mark.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_may_write_for_one_agent_cannot_reward_what_another_has_still_queued()
    {
        await using var product = await Product.OpenAsync();
        var other = new Scope("b", Role.Write, ["b"]);
        for (var i = 0; i < 20; i++)
        {
            await product.Get<EpisodeRecorder>().RecordAsync(NewEpisode($"e{i}", "a"), Token);

            var error = await Assert.ThrowsAsync<LightningException>(() =>
                product.Get<AssignReward>().AssignAsync(other, new RewardRequest($"e{i}", -1), Token)
            );

            Assert.Equal((ErrorKind.NotFound, AssignReward.UnknownEpisode($"e{i}").Message), (error.Kind, error.Message));
        }

        Assert.Equal(0, (await product.Get<IRewardStore>().SummariseAsync(null, Token)).Count);
    }

    [Fact]
    public async Task A_role_that_may_only_read_gives_no_reward()
    {
        await using var product = await Product.OpenAsync();
        await product.Get<IEpisodeStore>().AddAsync([NewEpisode("e1", "a")], Token);

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            product.Get<AssignReward>().AssignAsync(new Scope("reader", Role.Read, null), new RewardRequest("e1", 1), Token)
        );

        Assert.Equal(ErrorKind.Forbidden, error.Kind);
    }

    [Fact]
    public async Task Of_many_rewards_those_that_can_be_are_stored_and_each_is_told_what_became_of_it()
    {
        await using var product = await Product.OpenAsync();
        await product.Get<IEpisodeStore>().AddAsync([NewEpisode("e1", "a"), NewEpisode("e2", "b")], Token);
        var scope = new Scope("a", Role.Write, ["a"]);

        var attempts = await product
            .Get<AssignReward>()
            .AssignAllAsync(
                scope,
                [
                    new("e1", 0.5, RewardId: "r1"),
                    new("e1", 3),
                    new("e2", 1),
                    new("e1", 0.5, RewardId: "r1"),
                    new("e1", -1, RewardId: "r1"),
                    new("nobody", 1),
                ],
                Token
            );

        Assert.Equal([true, null, null, false, null, null], attempts.Select(attempt => attempt.Value?.IsNew));
        Assert.Equal(
            [null, ErrorKind.Invalid, ErrorKind.NotFound, null, ErrorKind.Conflict, ErrorKind.NotFound],
            attempts.Select(attempt => attempt.Problem?.Kind)
        );
        Assert.Equal("r1", Assert.Single(await product.Get<IRewardStore>().ListAsync(new RewardQuery(), Token)).Id);
    }

    private static Episode NewEpisode(string id, string agent) =>
        new()
        {
            Id = id,
            AgentId = agent,
            UserInput = "i",
            AssistantOutput = "o",
            CreatedAt = DateTimeOffset.UnixEpoch,
            RequestLatencyMs = 1,
        };
}
