using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Retention;
using AgentLightning.Tests.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace AgentLightning.Tests.Retention;

public sealed class RetentionTests
{
    private static readonly DateTimeOffset s_now = new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Old_texts_go_first_and_whole_episodes_later()
    {
        await using var product = await Product.OpenAsync(services => services.AddSingleton<TimeProvider>(new StoppedClock()));
        var store = product.Get<IEpisodeStore>();
        await store.AddAsync([.. Enumerable.Range(0, 1_200).Select(i => NewEpisode($"e{i:0000}", s_now.AddHours(-i)))], Token);

        var swept = await Sweeper(product, new RetentionOptions { PayloadAge = TimeSpan.FromHours(100), EpisodeAge = TimeSpan.FromHours(600) }).SweepAsync(Token);

        Assert.Equal(new RetentionResult(599, 500), swept);
        Assert.Equal(601, await store.CountAsync(null, Token));
        Assert.False((await store.FindAsync("e0100", Token))!.PayloadRemoved);
        Assert.True((await store.FindAsync("e0101", Token))!.PayloadRemoved);
        Assert.NotNull(await store.FindAsync("e0600", Token));
        Assert.Null(await store.FindAsync("e0601", Token));
    }

    [Fact]
    public async Task Without_ages_nothing_goes()
    {
        await using var product = await Product.OpenAsync();
        await product.Get<IEpisodeStore>().AddAsync([NewEpisode("e1", DateTimeOffset.UnixEpoch)], Token);

        Assert.Equal(new RetentionResult(0, 0), await Sweeper(product, new RetentionOptions()).SweepAsync(Token));
        Assert.Equal(1, await product.Get<IEpisodeStore>().CountAsync(null, Token));
    }

    [Fact]
    public async Task A_user_whose_id_is_personal_data_is_found_by_the_id_as_it_was_given()
    {
        await using var product = await Product.OpenAsync();
        var recorder = product.Get<EpisodeRecorder>();
        await recorder.RecordAsync(NewEpisode("e1", s_now) with { UserId = "ann@example.com" }, Token);
        await recorder.RecordAsync(NewEpisode("e2", s_now) with { UserId = "bo@example.com" }, Token);

        var removed = await product.Get<EpisodeRemoval>().RemoveAsync(new EpisodeSelection(UserId: "ann@example.com"), RemovalScope.Episode, null, Token);

        Assert.Equal(1, removed);
        Assert.Null(await product.Get<IEpisodeStore>().FindAsync("e1", Token));
        Assert.StartsWith("[ID:", (await product.Get<IEpisodeStore>().FindAsync("e2", Token))!.UserId, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.5, 1, "PayloadAge of the retention must be from 1 hour to 100 years, but it is 00:30:00.")]
    [InlineData(2, 0.001, "Interval of the retention must be from 1 minute to 7 days, but it is 00:00:03.6000000.")]
    public async Task Ages_and_intervals_out_of_range_are_refused(double ageHours, double intervalHours, string message)
    {
        await using var product = await Product.OpenAsync();

        var error = Assert.Throws<LightningException>(() => Sweeper(product, new RetentionOptions { PayloadAge = TimeSpan.FromHours(ageHours), Interval = TimeSpan.FromHours(intervalHours) }));

        Assert.Equal(message, error.Message);
    }

    private static RetentionSweeper Sweeper(Product product, RetentionOptions options) =>
        new(product.Get<EpisodeRemoval>(), options, product.Get<TimeProvider>(), NullLogger<RetentionSweeper>.Instance);

    private static Episode NewEpisode(string id, DateTimeOffset at) => new() { Id = id, AgentId = "a", UserInput = "i", AssistantOutput = "o", CreatedAt = at, RequestLatencyMs = 1 };

    private sealed class StoppedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => s_now;
    }
}
