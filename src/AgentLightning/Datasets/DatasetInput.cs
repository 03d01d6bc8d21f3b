using System.Globalization;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Rewards;

namespace AgentLightning.Datasets;

/// <summary>
/// What a data set is to be made of, as doors take it: all parts are optional, and <see cref="DatasetOptions"/> say what else holds.
/// </summary>
/// <param name="AgentId">The agent; the usual one of the key by default.</param>
/// <param name="Name">Up to 200 characters; <c>dataset-</c> and the time by default.</param>
/// <param name="Kind">chat (the default), preference, prompts or classification.</param>
/// <param name="MinReward">Leaves out answers below it, -1…1; by default only conversations have a least reward.</param>
/// <param name="Sources">Only rewards of these sources count.</param>
/// <param name="Aggregation">quality_and_penalties (the default) or mean.</param>
/// <param name="StartDate">Only episodes from here on, ISO 8601.</param>
/// <param name="EndDate">Only episodes before this, ISO 8601; of a day, up to its end.</param>
/// <param name="Tags">Only episodes with one of these tags.</param>
/// <param name="Agents">Episodes of these agents instead of the one agent's.</param>
/// <param name="Models">Only answers of these models.</param>
/// <param name="Releases">Only answers of these releases.</param>
/// <param name="Seed">Decides what is held out; 1 by default.</param>
/// <param name="TrainSplit">Share to learn from, 0.5…0.95.</param>
/// <param name="MaxExamples">Most rows, the most rewarded first.</param>
/// <param name="MinEpisodes">With fewer episodes in it no data set is made.</param>
/// <param name="SystemPrompt">Stands before conversations that have no system message.</param>
/// <param name="IncludeTools">Whether calls of tools and their results are part of conversations.</param>
public sealed record DatasetInput(
    string? AgentId = null,
    string? Name = null,
    string? Description = null,
    string? Kind = null,
    double? MinReward = null,
    IReadOnlyList<string>? Sources = null,
    string? Aggregation = null,
    string? StartDate = null,
    string? EndDate = null,
    IReadOnlyList<string>? Tags = null,
    IReadOnlyList<string>? Agents = null,
    IReadOnlyList<string>? Models = null,
    IReadOnlyList<string>? Releases = null,
    long? Seed = null,
    double? TrainSplit = null,
    int? MaxExamples = null,
    int? MinEpisodes = null,
    string? SystemPrompt = null,
    bool? IncludeTools = null
)
{
    internal DatasetRequest ToRequest(string agent, DatasetOptions options, DateTimeOffset now)
    {
        var kind = Kind is null ? DatasetKind.Chat : EnumText.Parse<DatasetKind>(Kind, "kind");
        return new DatasetRequest(
            agent,
            Name is null or "" ? NameOf(now) : Name,
            Seed ?? 1,
            1 - (TrainSplit ?? options.TrainSplit),
            MinReward ?? (kind == DatasetKind.Chat ? options.MinReward : null)
        )
        {
            Kind = kind,
            Description = Description,
            Aggregation = Aggregation is null ? default : EnumText.Parse<RewardAggregation>(Aggregation, "aggregation"),
            Sources = Given(Sources)?.Select(word => EnumText.Parse<RewardSource>(word, "sources")).ToList(),
            Start = IsoTime.Start(StartDate, "start_date"),
            End = IsoTime.End(EndDate, "end_date"),
            Tags = Given(Tags),
            Agents = Given(Agents),
            Models = Given(Models),
            Releases = Given(Releases),
            MaxExamples = MaxExamples ?? options.MaxExamples,
            MinEpisodes = MinEpisodes ?? 0,
            SystemPrompt = SystemPrompt ?? options.SystemPrompt,
            IncludeTools = IncludeTools ?? options.IncludeTools,
        };
    }

    /// <summary>What a data set is called that nobody named.</summary>
    internal static string NameOf(DateTimeOffset now) =>
        "dataset-" + now.UtcDateTime.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);

    /// <summary>Of no list and of an empty one the same: nothing is selected by it.</summary>
    private static IReadOnlyList<string>? Given(IReadOnlyList<string>? list) => list is { Count: > 0 } ? list : null;
}
