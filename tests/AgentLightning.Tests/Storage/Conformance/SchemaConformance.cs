using AgentLightning.Episodes;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class SchemaConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    [Fact]
    public async Task Many_processes_that_open_a_new_store_at_once_all_come_up()
    {
        var fresh = new TEngine();
        await using (fresh)
        {
            var opened = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(fresh.OpenAsync)));

            Assert.All(opened, services => Assert.NotNull(services));
            await opened[0].GetRequiredService<IEpisodeStore>().AddAsync([NewEpisode("e1")], Token);
            Assert.Equal(1, await opened[5].GetRequiredService<IEpisodeStore>().CountAsync(null, Token));
        }
    }

    [Fact]
    public async Task Writers_in_two_processes_lose_nothing()
    {
        var other = await Engine.OpenAsync();

        await Task.WhenAll(
            Enumerable
                .Range(0, 40)
                .Select(i =>
                    Task.Run(() =>
                        (i % 2 == 0 ? Services : other)
                            .GetRequiredService<IEpisodeStore>()
                            .AddAsync([.. Enumerable.Range(0, 5).Select(j => NewEpisode($"e{i}-{j}"))], Token)
                    )
                )
        );

        Assert.Equal(200, await Get<IEpisodeStore>().CountAsync(null, Token));
    }
}
