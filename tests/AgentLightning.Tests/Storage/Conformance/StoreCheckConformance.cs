using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class StoreCheckConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private StoreCheck Check => Get<StoreCheck>();

    [Fact]
    public async Task A_store_in_use_passes_every_check()
    {
        await FillAsync();

        var results = await Check.RunAsync(Token);

        Assert.Equal(3, results.Count);
        Assert.All(results, result => Assert.True(result.Passed, $"{result.Name}: {result.Detail}"));
        Assert.Empty(await Check.PendingMigrationsAsync(Token));
    }

    [Theory]
    [InlineData("UPDATE daily_totals SET episodes = episodes + 1 WHERE agent_id = @id")]
    [InlineData("UPDATE daily_totals SET reward_sum = reward_sum - 500000000 WHERE agent_id = @id")]
    [InlineData("DELETE FROM daily_totals WHERE agent_id = @id")]
    public async Task Totals_that_differ_from_the_rows_are_found_and_counted_anew(string damage)
    {
        await FillAsync();
        var expected = await FiguresAsync();
        await Engine.DamageAsync(damage, "agent");
        Assert.NotEqual(expected, await FiguresAsync());

        var found = Assert.Single(await Check.RunAsync(Token), result => !result.Passed);
        Assert.Equal("totals", found.Name);
        Assert.Contains("'agent'", found.Detail, StringComparison.Ordinal);

        await Check.RebuildTotalsAsync(Token);

        Assert.Equal(expected, await FiguresAsync());
        Assert.All(await Check.RunAsync(Token), result => Assert.True(result.Passed, result.Detail));
    }

    [Fact]
    public async Task Totals_that_are_counted_anew_beside_writers_count_everything_once()
    {
        var (here, there) = (Get<IEpisodeStore>(), (await Engine.OpenAsync()).GetRequiredService<IEpisodeStore>());
        using var over = new CancellationTokenSource();
        var writing = Enumerable
            .Range(0, 4)
            .Select(writer =>
                Task.Run(
                    async () =>
                    {
                        for (var i = 0; !over.IsCancellationRequested; i++)
                        {
                            await (writer % 2 == 0 ? here : there).AddAsync(
                                [NewEpisode($"w{writer}-{i}", minute: i) with { DeploymentId = "d1" }],
                                Token
                            );
                            await Get<IRewardStore>().AddAsync([NewReward($"r{writer}-{i}", $"w{writer}-{i}", 0.25)], Token);
                            if (i % 3 == 2)
                            {
                                await here.DeleteAsync(new EpisodeSelection(Ids: [$"w{writer}-{i - 1}"]), 1, Token);
                            }
                        }
                    },
                    Token
                )
            )
            .ToList();

        for (var i = 0; i < 10; i++)
        {
            await Check.RebuildTotalsAsync(Token);
        }

        await over.CancelAsync();
        await Task.WhenAll(writing);
        Assert.All(await Check.RunAsync(Token), result => Assert.True(result.Passed, $"{result.Name}: {result.Detail}"));
    }

    [Fact]
    public async Task A_store_that_takes_writes_passes_the_probe_again_and_again()
    {
        await Check.ProbeAsync(Token);
        await FillAsync();
        await Check.ProbeAsync(Token);
    }

    private async Task FillAsync()
    {
        await Get<IEpisodeStore>()
            .AddAsync(
                [
                    .. Enumerable
                        .Range(0, 40)
                        .Select(i =>
                            NewEpisode($"e{i}", i % 5 == 0 ? "other" : "agent", i * 200) with
                            {
                                Intent = i % 3 == 0 ? "ask" : null,
                                Persona = i % 4 == 0 ? "p" : null,
                            }
                        ),
                ],
                Token
            );
        await Get<IRewardStore>()
            .AddAsync([.. Enumerable.Range(0, 30).Select(i => NewReward($"r{i}", $"e{i % 25}", (i - 15) / 17.0))], Token);
        await Get<IEpisodeStore>().DeleteAsync(new EpisodeSelection(Ids: ["e3", "e4", "e39"]), 10, Token);
    }

    private async Task<(long Episodes, long Rewards, double Mean, double Variance)> FiguresAsync()
    {
        var summary = await Get<IRewardStore>().SummariseAsync("agent", Token);
        return (await Get<IEpisodeStore>().CountAsync("agent", Token), summary.Count, summary.Mean, summary.Variance);
    }
}
