using AgentLightning.Episodes;
using AgentLightning.Rewards;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Benchmarks;

/// <summary>
/// A store with the episodes of the year 2025, a quarter of them rewarded: with payloads, nine rows for every four episodes.
/// </summary>
internal static class ManyEpisodes
{
    /// <summary>Users take turns, so that each has as many episodes.</summary>
    private const int Users = 20_000;

    private const int RewardedOneIn = 4;
    private const int Group = 5_000;

    private static readonly DateTimeOffset s_from = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly string[] s_intents = ["design", "cost", "schedule", "contract", "material", "permit", "other", "greeting"];
    private static readonly string[] s_personas = ["homeowner", "diy_worker", "contractor"];

    public static async Task FillAsync(string store, int count)
    {
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddLightningServices(new LightningOptions { Store = store })
            .BuildServiceProvider();
        await services.OpenLightningAsync(create: true, CancellationToken.None);
        var (episodes, rewards) = (services.GetRequiredService<IEpisodeStore>(), services.GetRequiredService<IRewardStore>());
        var step = TimeSpan.FromDays(365) / count;
        for (var first = 0; first < count; first += Group)
        {
            await episodes.AddAsync(
                [.. Enumerable.Range(first, Group).Select(i => NewEpisode(i, s_from + (step * i)))],
                CancellationToken.None
            );
            await rewards.AddAsync(
                [.. Enumerable.Range(first, Group).Where(i => i % RewardedOneIn == 0).Select(i => NewReward(i, s_from + (step * i)))],
                CancellationToken.None
            );
        }
    }

    private static Episode NewEpisode(int i, DateTimeOffset at) =>
        new()
        {
            Id = $"e{i:0000000}",
            AgentId = $"agent{(i % 5 == 0 ? 1 : 0)}",
            UserInput = $"How much does the material of room {i} cost?",
            AssistantOutput = "About 400 per square metre, with the work.",
            CreatedAt = at,
            RequestLatencyMs = i % 900,
            ModelDeployment = $"model-{i % 3}",
            Intent = s_intents[i * 31 % s_intents.Length],
            Persona = s_personas[i * 17 % s_personas.Length],
            SessionId = $"s{i / 6}",
            UserId = $"u{i % Users}",
            InputKey = $"k{i}",
        };

    private static Reward NewReward(int i, DateTimeOffset at) =>
        new()
        {
            Id = $"r{i}",
            EpisodeId = $"e{i:0000000}",
            AgentId = $"agent{(i % 5 == 0 ? 1 : 0)}",
            Source = RewardSource.HumanApproval,
            Value = ((long)i * 7919 % 21 / 10.0) - 1,
            CreatedAt = at.AddMinutes(1),
        };
}
