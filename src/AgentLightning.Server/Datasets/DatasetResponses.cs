using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Datasets;

namespace AgentLightning.Server.Datasets;

/// <inheritdoc cref="DatasetInput"/>
/// <param name="RewardThreshold">The same as <paramref name="MinReward"/>; one of them.</param>
public sealed record DatasetBody(
    string? AgentId = null,
    string? Name = null,
    string? Description = null,
    string? Kind = null,
    double? MinReward = null,
    double? RewardThreshold = null,
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
    public DatasetInput ToInput() =>
        new(
            AgentId,
            Name,
            Description,
            Kind,
            MinReward is null || RewardThreshold is null || MinReward == RewardThreshold
                ? MinReward ?? RewardThreshold
                : throw LightningException.Invalid(
                    $"min_reward and reward_threshold say the same, but they are {MinReward} and {RewardThreshold}; give one of them."
                ),
            Sources,
            Aggregation,
            StartDate,
            EndDate,
            Tags,
            Agents,
            Models,
            Releases,
            Seed,
            TrainSplit,
            MaxExamples,
            MinEpisodes,
            SystemPrompt,
            IncludeTools
        );
}

/// <summary>A data set as lists show it.</summary>
/// <param name="ErasedCount">How many of its episodes were deleted since; the content still holds them.</param>
public sealed record DatasetItem(
    string Id,
    string AgentId,
    string Name,
    int Version,
    string? Description,
    DatasetKind Kind,
    int TrainingCount,
    int ValidationCount,
    int EpisodeCount,
    double? RewardThreshold,
    string QueryFilter,
    long Seed,
    int ErasedCount,
    DateTimeOffset CreatedAt
)
{
    public static DatasetItem Of(Dataset d) =>
        new(
            d.Id,
            d.AgentId,
            d.Name,
            d.Version,
            d.Description,
            d.Kind,
            d.TrainingCount,
            d.ValidationCount,
            d.EpisodeCount,
            d.RewardThreshold,
            d.QueryFilter,
            d.Seed,
            d.ErasedCount,
            d.CreatedAt
        );
}

/// <summary>Data sets, newest first.</summary>
public sealed record DatasetListResponse(string? AgentId, int DatasetsFound, IReadOnlyList<DatasetItem> Datasets)
{
    public static DatasetListResponse Of(string? agentId, ListPage<Dataset> page) =>
        new(agentId, page.Items.Count, [.. page.Items.Select(DatasetItem.Of)]);
}

/// <summary>One data set.</summary>
/// <param name="Artifact">Hash and address of its content.</param>
/// <param name="Selection">What was asked for and what was left out; null where it was not kept.</param>
public sealed record DatasetResponse(DatasetItem Dataset, string Artifact, JsonElement? Selection)
{
    public static DatasetResponse Of(Dataset d) =>
        new(DatasetItem.Of(d), d.Artifact, d.Selection is { } selection ? JsonElement.Parse(selection) : null);
}

/// <summary>A data set that was made.</summary>
/// <param name="LocalPath">Where the rows to learn from are exported, in OpenAI's form.</param>
/// <param name="ValidationPath">Where those that are held out are; null when there are none.</param>
/// <param name="Excluded">Why the other episodes are not in it.</param>
public sealed record BuiltDatasetResponse(
    bool Success,
    string DatasetId,
    string Name,
    int Version,
    string? Description,
    string AgentId,
    DatasetKind Kind,
    int TrainingCount,
    int ValidationCount,
    int EpisodeCount,
    double? RewardThreshold,
    string QueryFilter,
    string LocalPath,
    string? ValidationPath,
    string Artifact,
    long EpisodesSeen,
    IReadOnlyList<DatasetExclusion> Excluded,
    DateTimeOffset CreatedAt
)
{
    public static BuiltDatasetResponse Of(BuiltDataset built)
    {
        var d = built.Dataset;
        return new BuiltDatasetResponse(
            true,
            d.Id,
            d.Name,
            d.Version,
            d.Description,
            d.AgentId,
            d.Kind,
            d.TrainingCount,
            d.ValidationCount,
            d.EpisodeCount,
            d.RewardThreshold,
            d.QueryFilter,
            PathOf(d, DatasetSide.Train),
            d.ValidationCount == 0 ? null : PathOf(d, DatasetSide.Validation),
            d.Artifact,
            built.Summary.EpisodesSeen,
            built.Summary.Excluded,
            d.CreatedAt
        );
    }

    internal static string PathOf(Dataset dataset, DatasetSide side) =>
        $"/api/lightning/datasets/{dataset.Id}/export?format=openai&side={EnumText.Of(side)}";
}

/// <summary>A data set of a golden file.</summary>
/// <param name="SkippedCount">Lines that are no conversation.</param>
/// <param name="Skipped">The first 20 of them.</param>
public sealed record GoldenDatasetResponse(
    bool Success,
    string DatasetId,
    string Name,
    int Version,
    string? Description,
    string AgentId,
    int TrainingCount,
    int ValidationCount,
    string QueryFilter,
    string LocalPath,
    string? ValidationPath,
    string Artifact,
    int SkippedCount,
    IReadOnlyList<SkippedLine> Skipped,
    DateTimeOffset CreatedAt
)
{
    public static GoldenDatasetResponse Of(GoldenDataset built)
    {
        var d = built.Dataset;
        return new GoldenDatasetResponse(
            true,
            d.Id,
            d.Name,
            d.Version,
            d.Description,
            d.AgentId,
            d.TrainingCount,
            d.ValidationCount,
            d.QueryFilter,
            BuiltDatasetResponse.PathOf(d, DatasetSide.Train),
            d.ValidationCount == 0 ? null : BuiltDatasetResponse.PathOf(d, DatasetSide.Validation),
            d.Artifact,
            built.SkippedCount,
            built.Skipped,
            d.CreatedAt
        );
    }
}
