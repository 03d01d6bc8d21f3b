using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Datasets.Building;
using AgentLightning.Episodes;
using AgentLightning.Retention;
using AgentLightning.Storage;
using AgentLightning.Tests.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Tests.Datasets;

/// <summary>Episodes that are deleted while a data set is built of them.</summary>
public sealed class DatasetRaceTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_that_is_gone_before_it_is_read_is_left_out_and_counted()
    {
        await using var product = await Product.OpenAsync();
        await AddAsync(product, 5);
        var source = new Interrupted(new SqlDatasetSource(product.Get<SqlDatabase>()), () =>
            product.Get<IEpisodeStore>().DeleteAsync(new EpisodeSelection(Ids: ["e3"]), 1, Token)
        );
        var build = new DatasetBuild(source, new DatasetRequest(Product.Agent, "data", 1) { Kind = DatasetKind.Chat });

        await build.RunAsync(Stream.Null, Token);

        Assert.Equal(4, build.Episodes);
        Assert.Equal([new DatasetExclusion(ExclusionReason.Deleted, 1)], build.Excluded);
        Assert.DoesNotContain("e3", build.UsedEpisodes().SelectMany(ids => ids));
    }

    [Fact]
    public async Task One_that_is_deleted_after_it_was_read_is_marked()
    {
        Func<Task>? deletion = null;
        await using var product = await Product.OpenAsync(services =>
            services.AddSingleton<IArtifactStore>(_ => new Slow(
                new FolderArtifactStore(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName())),
                () => deletion!()
            ))
        );
        await AddAsync(product, 5);
        deletion = () =>
            product.Get<DeleteEpisodes>().DeleteManyAsync(Product.Owner, new EpisodeSelection(Ids: ["e1", "e2"]), null, null, Token);

        var built = await product.Get<BuildDataset>().ExecuteAsync(Product.Owner, new DatasetInput(Product.Agent), Token);

        Assert.Equal((5, 2), (built.Dataset.EpisodeCount, built.Dataset.ErasedCount));
    }

    private static async Task AddAsync(Product product, int count)
    {
        for (var i = 0; i < count; i++)
        {
            await product.AddRewardedAsync($"e{i}", $"number {i} and {i * 71}", "yes", 1);
        }
    }

    private sealed class Interrupted(IEpisodeSource source, Func<Task> afterScan) : IEpisodeSource
    {
        public async Task ScanAsync(string agentId, DatasetRequest request, Action<RewardedFact> found, CancellationToken cancellationToken)
        {
            await source.ScanAsync(agentId, request, found, cancellationToken);
            await afterScan();
        }

        public Task<long> CountAsync(string agentId, CancellationToken cancellationToken) => source.CountAsync(agentId, cancellationToken);

        public Task<EpisodeContent?[]> ReadAsync(
            IReadOnlyList<string> ids,
            IReadOnlyList<AgentLightning.Rewards.RewardSource>? sources,
            bool corrections,
            CancellationToken cancellationToken
        ) => source.ReadAsync(ids, sources, corrections, cancellationToken);
    }

    private sealed class Slow(IArtifactStore artifacts, Func<Task> afterPut) : IArtifactStore
    {
        public async Task<string> PutAsync(Func<Stream, Task> write, CancellationToken cancellationToken)
        {
            var id = await artifacts.PutAsync(write, cancellationToken);
            await afterPut();
            return id;
        }

        public Task<Stream> OpenAsync(string id, CancellationToken cancellationToken) => artifacts.OpenAsync(id, cancellationToken);

        public Task RemoveAsync(string id, CancellationToken cancellationToken) => artifacts.RemoveAsync(id, cancellationToken);
    }
}
