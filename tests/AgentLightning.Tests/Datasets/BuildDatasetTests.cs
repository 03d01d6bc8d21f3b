using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Tests.Storage;
using AgentLightning.Training;

namespace AgentLightning.Tests.Datasets;

public sealed class BuildDatasetTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_input_is_on_both_sides_even_when_it_is_written_differently()
    {
        await using var product = await Product.OpenAsync();
        for (var i = 0; i < 40; i++)
        {
            await product.AddRewardedAsync($"a{i}", $"text number {i} ", "yes", 1);
            await product.AddRewardedAsync($"b{i}", $"TEXT  number, {i}!", "no", -1, correction: "yes");
        }

        var (dataset, examples) = await BuildAsync(product, seed: 5);

        Assert.Equal(40, examples.Count);
        Assert.All(examples, example => Assert.Equal(2, example.Answers.Count));
        Assert.All(examples, example => Assert.Equal("yes", example.Expected));
        Assert.Equal(40, dataset.TrainingCount + dataset.ValidationCount);
        Assert.Equal(80, dataset.EpisodeCount);
        Assert.InRange(dataset.ValidationCount, 3, 20);
    }

    [Fact]
    public async Task One_seed_gives_one_content_and_another_seed_another_split()
    {
        await using var product = await Product.OpenAsync();
        for (var i = 0; i < 60; i++)
        {
            await product.AddRewardedAsync($"e{i}", $"text {i}", "yes", 1);
        }

        var (first, _) = await BuildAsync(product, seed: 1);
        var (again, _) = await BuildAsync(product, seed: 1);
        var (other, _) = await BuildAsync(product, seed: 2);

        Assert.Equal(first.Artifact, again.Artifact);
        Assert.Equal((1, 2, 3), (first.Version, again.Version, other.Version));
        Assert.NotEqual(first.Artifact, other.Artifact);
    }

    [Fact]
    public async Task An_input_keeps_its_side_when_more_arrives()
    {
        await using var product = await Product.OpenAsync();
        for (var i = 0; i < 30; i++)
        {
            await product.AddRewardedAsync($"e{i}", $"text {i}", "yes", 1);
        }

        var (_, before) = await BuildAsync(product, seed: 9);
        for (var i = 30; i < 90; i++)
        {
            await product.AddRewardedAsync($"e{i}", $"text {i}", "yes", 1);
        }

        var (_, after) = await BuildAsync(product, seed: 9);

        var sides = after.ToDictionary(example => example.Key, example => example.Side);
        Assert.All(before, example => Assert.Equal(example.Side, sides[example.Key]));
    }

    [Fact]
    public async Task Answers_below_the_least_reward_are_left_out()
    {
        await using var product = await Product.OpenAsync();
        await product.AddRewardedAsync("good", "one", "yes", 0.9);
        await product.AddRewardedAsync("bad", "two", "yes", -0.9);

        var dataset = await product
            .Get<BuildDataset>()
            .ExecuteAsync(Product.Owner, new DatasetRequest(Product.Agent, "data", 1, MinReward: 0.5), Token);

        Assert.Equal((1, "min_reward >= 0.5"), (dataset.EpisodeCount, dataset.QueryFilter));
    }

    [Fact]
    public async Task A_secret_that_a_person_brings_is_not_in_a_data_set()
    {
        const string Secret = "ghp_FAKE0001OUTPUT0001FAKE0000EXAMPLE00";
        await using var product = await Product.OpenAsync();
        await product.AddRewardedAsync("e1", "text", "yes", 1);
        var build = product.Get<BuildDataset>();
        var input = new DatasetInput(
            Product.Agent,
            Description: $"made with {Secret}",
            SystemPrompt: $"Your key is {Secret}.",
            Tags: [],
            Models: []
        );

        var dataset = (await build.ExecuteAsync(Product.Owner, input, Token)).Dataset;
        var named = await Assert.ThrowsAsync<LightningException>(() =>
            build.ExecuteAsync(Product.Owner, input with { Name = Secret }, Token)
        );

        var row = await product.Get<DatasetReader>().ReadRowsAsync<ChatRow>(dataset, Token).SingleAsync(Token);
        Assert.DoesNotContain(Secret, dataset.ToString() + row.Messages[0].Content, StringComparison.Ordinal);
        Assert.Equal("system", row.Messages[0].Role);
        Assert.Equal(ErrorKind.Invalid, named.Kind);
        Assert.DoesNotContain(Secret, named.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_to_learn_from_is_said()
    {
        await using var product = await Product.OpenAsync();

        var error = await Assert.ThrowsAsync<LightningException>(() => BuildAsync(product, seed: 1));

        Assert.Equal(ErrorKind.Conflict, error.Kind);
        Assert.StartsWith("No qualifying episodes found", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(0.01)]
    [InlineData(0.6)]
    public async Task A_held_out_share_out_of_range_is_refused(double share)
    {
        await using var product = await Product.OpenAsync();

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            product.Get<BuildDataset>().ExecuteAsync(Product.Owner, new DatasetRequest(Product.Agent, "data", 1, share), Token)
        );

        Assert.Contains("from 0.05 to 0.5", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_data_set_is_built_and_trained_on_only_for_an_agent_of_the_scope()
    {
        await using var product = await Product.OpenAsync();
        await product.AddRewardedAsync("e1", "text", "label", 1);
        var (dataset, _) = await BuildAsync(product, seed: 1);
        var other = new Scope("key 1", Role.Write, ["other"]);
        var (build, train) = (product.Get<BuildDataset>(), product.Get<TrainingRunner>());

        var built = await Assert.ThrowsAsync<LightningException>(() =>
            build.ExecuteAsync(other, new DatasetRequest(Product.Agent, "data", 1), Token)
        );
        var read = await Assert.ThrowsAsync<LightningException>(() =>
            build.ExecuteAsync(new Scope("key 2", Role.Read, null), new DatasetRequest(Product.Agent, "data", 1), Token)
        );
        var trained = await Assert.ThrowsAsync<LightningException>(() =>
            train.RunAsync(other, new TrainingRequest("other", dataset.Id, TrainingMethod.Supervised, "base", ["label"]), null, Token)
        );

        Assert.Equal((ErrorKind.Forbidden, ErrorKind.Forbidden, ErrorKind.NotFound), (built.Kind, read.Kind, trained.Kind));
        Assert.Equal(1, await product.Get<IDatasetStore>().CountAsync(null, Token));
    }

    [Fact]
    public void The_share_of_held_out_inputs_is_the_one_asked_for()
    {
        var heldOut = Enumerable.Range(0, 20_000).Count(i => DatasetReader.SideOf($"key {i}", 3, 0.25) == DatasetSide.Validation);

        Assert.InRange(heldOut, 4_800, 5_200);
    }

    private static async Task<(Dataset Dataset, IReadOnlyList<DatasetExample> Examples)> BuildAsync(Product product, long seed)
    {
        var dataset = await product.Get<BuildDataset>().ExecuteAsync(Product.Owner, new DatasetRequest(Product.Agent, "data", seed), Token);
        return (dataset, await product.Get<DatasetReader>().ReadAsync(dataset, Token));
    }
}
