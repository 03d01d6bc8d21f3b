using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Training;

namespace AgentLightning.Deployments;

/// <summary>A data set that holds what was asked for.</summary>
/// <param name="Episodes">How many of its episodes are of it.</param>
/// <param name="ErasedCount">How many of all its episodes were deleted since; the content still holds them.</param>
public sealed record UsedDataset(
    string DatasetId,
    string AgentId,
    string Name,
    int Version,
    DatasetKind Kind,
    int Episodes,
    int ErasedCount,
    DateTimeOffset CreatedAt
);

/// <summary>A run that learned from it, or that began from a model that did.</summary>
/// <param name="TunedModelName">Null when it made no model.</param>
public sealed record UsedRun(
    string TrainingRunId,
    string AgentId,
    string DatasetId,
    string BaseModel,
    string? TunedModelName,
    TrainingStatus Status,
    DateTimeOffset CreatedAt
);

/// <summary>A release whose model learned from it.</summary>
/// <param name="IsActive">Whether it serves now.</param>
public sealed record UsedRelease(
    string DeploymentId,
    string AgentId,
    string Slot,
    string? TrainingRunId,
    string TunedModelName,
    bool IsActive,
    DateTimeOffset PromotedAt
);

/// <summary>What became of data: which data sets hold it, which runs learned from these, and which releases serve their models.</summary>
public sealed record DataUse(IReadOnlyList<UsedDataset> DataSets, IReadOnlyList<UsedRun> TrainingRuns, IReadOnlyList<UsedRelease> Releases)
{
    public static DataUse None { get; } = new([], [], []);
}

/// <summary>Follows data sets to what was learned from them.</summary>
public sealed class DataUseLookup(IDatasetMembers members, ITrainingRunStore runs, IDeploymentStore deployments)
{
    private const int Together = 500;

    /// <summary>The data sets that hold it.</summary>
    /// <param name="id">As it is stored.</param>
    /// <param name="agents">Only records of these agents exist for the question; null for all.</param>
    public Task<IReadOnlyList<DatasetHolding>> FindAsync(
        DatasetMemberKind kind,
        string id,
        IReadOnlyList<string>? agents,
        CancellationToken cancellationToken
    ) => members.FindAsync(kind, id, agents, cancellationToken);

    /// <summary>Marks the data sets that hold these episodes, up to 1,000, and gives them.</summary>
    public Task<IReadOnlyList<DatasetHolding>> EraseAsync(IReadOnlyList<string> episodeIds, CancellationToken cancellationToken) =>
        members.EraseAsync(episodeIds, cancellationToken);

    /// <summary>What was learned from these data sets, runs that began from a model of such a run among it.</summary>
    public async Task<DataUse> FollowAsync(
        IReadOnlyList<DatasetHolding> holdings,
        IReadOnlyList<string>? agents,
        CancellationToken cancellationToken
    )
    {
        if (holdings.Count == 0)
        {
            return DataUse.None;
        }

        var learned = new Dictionary<string, TrainingRun>(StringComparer.Ordinal);
        var models = new HashSet<string>(StringComparer.Ordinal);
        var (datasets, names) = (holdings.Select(holding => holding.Dataset.Id).ToList(), new List<string>());
        while (datasets.Count + names.Count > 0)
        {
            var found = await RunsAsync(datasets, names, cancellationToken).ConfigureAwait(false);
            (datasets, names) = ([], []);
            foreach (var run in found)
            {
                if (learned.TryAdd(run.Id, run) && run.TunedModelName is { } model && models.Add(model))
                {
                    names.Add(model);
                }
            }
        }

        var seen = learned
            .Values.Where(run => agents?.Contains(run.AgentId, StringComparer.Ordinal) != false)
            .OrderBy(run => run.CreatedAt)
            .ThenBy(run => run.Id, StringComparer.Ordinal)
            .ToList();
        var releases = new List<Deployment>();
        foreach (var chunk in seen.Select(run => run.Id).Chunk(Together))
        {
            releases.AddRange(await deployments.OfRunsAsync(chunk, cancellationToken).ConfigureAwait(false));
        }

        return new DataUse(
            [.. holdings.Where(holding => agents?.Contains(holding.Dataset.AgentId, StringComparer.Ordinal) != false).Select(Of)],
            [.. seen.Select(Of)],
            [.. releases.OrderBy(release => release.PromotedAt).ThenBy(release => release.Id, StringComparer.Ordinal).Select(Of)]
        );
    }

    private async Task<IReadOnlyList<TrainingRun>> RunsAsync(
        List<string> datasets,
        List<string> models,
        CancellationToken cancellationToken
    )
    {
        var found = new List<TrainingRun>();
        foreach (var chunk in datasets.Chunk(Together))
        {
            found.AddRange(await runs.LearnedFromAsync(chunk, [], cancellationToken).ConfigureAwait(false));
        }

        foreach (var chunk in models.Chunk(Together))
        {
            found.AddRange(await runs.LearnedFromAsync([], chunk, cancellationToken).ConfigureAwait(false));
        }

        return found;
    }

    private static UsedDataset Of(DatasetHolding holding) =>
        new(
            holding.Dataset.Id,
            holding.Dataset.AgentId,
            holding.Dataset.Name,
            holding.Dataset.Version,
            holding.Dataset.Kind,
            holding.Episodes,
            holding.Dataset.ErasedCount,
            holding.Dataset.CreatedAt
        );

    private static UsedRun Of(TrainingRun run) =>
        new(run.Id, run.AgentId, run.DatasetId, run.BaseModel, run.TunedModelName, run.Status, run.CreatedAt);

    private static UsedRelease Of(Deployment release) =>
        new(release.Id, release.AgentId, release.Slot, release.TrainingRunId, release.TunedModelName, release.IsActive, release.PromotedAt);
}
