using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Deployments;
using AgentLightning.Episodes;
using AgentLightning.Evaluation;
using AgentLightning.Rewards;
using AgentLightning.Storage;
using AgentLightning.Training;

namespace AgentLightning.Tests.Storage.Conformance;

/// <summary>
/// What the contracts of the stores promise, in lists: written to be read, and compared with every engine by
/// <see cref="RandomOperationsConformance{TEngine}"/>.
/// </summary>
internal sealed class StoreModel : IEpisodeStore, IRewardStore, IDatasetStore, ITrainingRunStore, IEvaluationStore, IDeploymentStore
{
    /// <summary>Stays when the calls themselves are gone.</summary>
    private readonly Dictionary<string, int> _toolCalls = [];

    public List<Episode> Episodes { get; } = [];

    public List<Reward> Rewards { get; } = [];

    public List<Dataset> Datasets { get; } = [];

    public List<TrainingRun> Runs { get; } = [];

    public List<EvaluationRecord> Evaluations { get; } = [];

    public List<Deployment> Deployments { get; } = [];

    public Task<IReadOnlyList<AddedEpisode>> AddEachAsync(IReadOnlyList<Episode> episodes, CancellationToken cancellationToken) =>
        List(episodes.Select(Add).ToList());

    public Task<IReadOnlyList<EpisodeOrigin>> FindByMessageAsync(
        string messageId,
        IReadOnlyList<string>? agents,
        CancellationToken cancellationToken
    ) =>
        List(
            NewestFirst()
                .Where(episode => episode.MessageId == messageId && agents?.Contains(episode.AgentId) != false)
                .DistinctBy(episode => episode.AgentId)
                .Select(episode => new EpisodeOrigin(episode.Id, episode.AgentId, episode.DeploymentId))
        );

    public Task<int> UpdateReadAsync(IReadOnlyList<Episode> episodes, CancellationToken cancellationToken)
    {
        var updated = 0;
        foreach (var read in episodes)
        {
            var at = Episodes.FindIndex(known => known.Id == read.Id && known.TraceId is not null && known.TraceId == read.TraceId);
            if (at < 0)
            {
                continue;
            }

            var known = Episodes[at];
            var facts = known with
            {
                AgentId = read.AgentId,
                SessionId = read.SessionId,
                ModelDeployment = read.ModelDeployment,
                Status = read.Status,
                InputKey = read.InputKey ?? InputKeys.Of(read.UserInput),
                RequestLatencyMs = read.RequestLatencyMs,
                UserId = read.UserId,
                MessageId = read.MessageId,
                TimeToFirstTokenMs = read.TimeToFirstTokenMs,
                Tags = read.Tags,
            };
            Episodes[at] = known.PayloadRemoved
                ? facts
                : facts with
                {
                    UserInput = read.UserInput,
                    AssistantOutput = read.AssistantOutput,
                    ToolCalls = read.ToolCalls,
                    TokenUsage = read.TokenUsage,
                    Metadata = read.Metadata,
                    Messages = read.Messages,
                    Tokens = read.Tokens,
                    Error = read.Error,
                };
            _toolCalls[read.Id] = read.ToolCalls.Count;
            for (var i = 0; i < Rewards.Count; i++)
            {
                Rewards[i] = Rewards[i].EpisodeId == read.Id ? Rewards[i] with { AgentId = read.AgentId } : Rewards[i];
            }

            updated++;
        }

        return Task.FromResult(updated);
    }

    Task<Episode?> IEpisodeStore.FindAsync(string id, CancellationToken cancellationToken) =>
        Task.FromResult(Episodes.Find(episode => episode.Id == id));

    public Task<IReadOnlyList<EpisodeOrigin>> OriginsAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<EpisodeOrigin>>([
            .. Episodes
                .Where(episode => ids.Contains(episode.Id))
                .Select(episode => new EpisodeOrigin(episode.Id, episode.AgentId, episode.DeploymentId)),
        ]);

    public Task<IReadOnlyList<EpisodeSummary>> ListAsync(EpisodeQuery query, CancellationToken cancellationToken) =>
        List(
            Select(query)
                .Select(episode => new EpisodeSummary(
                    episode.Id,
                    episode.AgentId,
                    Cut(episode.UserInput),
                    Cut(episode.AssistantOutput),
                    _toolCalls[episode.Id],
                    episode.ModelDeployment,
                    episode.DeploymentId,
                    episode.RequestLatencyMs,
                    episode.CreatedAt
                )),
            query.Limit
        );

    public IAsyncEnumerable<Episode> ReadAsync(EpisodeQuery query, CancellationToken cancellationToken) =>
        Select(query).ToAsyncEnumerable();

    public Task<int> DeleteAsync(EpisodeSelection selection, int most, CancellationToken cancellationToken)
    {
        var chosen = Select(selection).Take(most).ToList();
        Episodes.RemoveAll(chosen.Contains);
        Rewards.RemoveAll(reward => chosen.Exists(episode => episode.Id == reward.EpisodeId));
        return Task.FromResult(chosen.Count);
    }

    public Task<IReadOnlyList<string>> ChooseAsync(EpisodeSelection selection, int most, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<string>>([.. Select(selection).Take(most).Select(episode => episode.Id)]);

    public Task<IReadOnlyList<string>> WithPayloadAsync(EpisodeSelection selection, int most, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<string>>([
            .. Select(selection).Where(episode => !episode.PayloadRemoved).Take(most).Select(episode => episode.Id),
        ]);

    public Task<int> RemovePayloadsAsync(EpisodeSelection selection, int most, CancellationToken cancellationToken)
    {
        var chosen = Select(selection).Where(episode => !episode.PayloadRemoved).Take(most).ToList();
        foreach (var episode in chosen)
        {
            Episodes[Episodes.IndexOf(episode)] = episode with
            {
                UserInput = "",
                AssistantOutput = "",
                ToolCalls = [],
                Messages = [],
                TokenUsage = null,
                Tokens = null,
                Metadata = null,
                Error = null,
                PayloadRemoved = true,
            };
        }

        return Task.FromResult(chosen.Count);
    }

    public Task<string?> FindBaseModelAsync(string agentId, CancellationToken cancellationToken) =>
        Task.FromResult(
            NewestFirst()
                .Find(episode =>
                    episode.AgentId == agentId && episode is { DeploymentId: null, TrainingRunId: null, ModelDeployment: not null }
                )
                ?.ModelDeployment
        );

    Task<long> IEpisodeStore.CountAsync(string? agentId, CancellationToken cancellationToken) =>
        Count(Episodes, episode => episode.AgentId, agentId);

    public Task<IReadOnlyList<bool>> AddEachAsync(IReadOnlyList<Reward> rewards, CancellationToken cancellationToken)
    {
        var (after, added) = (Rewards.ToList(), new List<bool>());
        foreach (var reward in rewards)
        {
            Reward.CheckValue(reward.Value);
        }

        foreach (var reward in rewards)
        {
            added.Add(!after.Exists(known => known.Id == reward.Id));
            if (!added[^1])
            {
                continue;
            }

            if (Episodes.TrueForAll(episode => episode.Id != reward.EpisodeId))
            {
                throw LightningException.NotFound("");
            }

            var judges = reward.Source is not (RewardSource.ImplicitSignals or RewardSource.CostPenalty or RewardSource.LatencyPenalty);
            var isJudged = after.Exists(known =>
                known.EpisodeId == reward.EpisodeId
                && known.Source is not (RewardSource.ImplicitSignals or RewardSource.CostPenalty or RewardSource.LatencyPenalty)
            );
            after =
            [
                .. after.Select(known =>
                    known.EpisodeId == reward.EpisodeId
                    && (
                        (known.Source, known.Evaluator) == (reward.Source, reward.Evaluator)
                        || (judges && known.Source == RewardSource.ImplicitSignals)
                    )
                        ? known with
                        {
                            IsCurrent = false,
                        }
                        : known
                ),
                reward with
                {
                    AgentId = Episodes.Single(episode => episode.Id == reward.EpisodeId).AgentId,
                    IsCurrent = reward.Source != RewardSource.ImplicitSignals || !isJudged,
                },
            ];
        }

        Rewards.Clear();
        Rewards.AddRange(after);
        return List(added);
    }

    public Task<IReadOnlyList<Reward>> FindEachAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken) =>
        List(Rewards.Where(reward => ids.Contains(reward.Id)));

    Task<Reward?> IRewardStore.FindAsync(string id, CancellationToken cancellationToken) =>
        Task.FromResult(Rewards.Find(reward => reward.Id == id));

    public Task<IReadOnlyList<Reward>> HistoryAsync(string episodeId, CancellationToken cancellationToken) =>
        List(
            Rewards
                .Where(reward => reward.EpisodeId == episodeId)
                .OrderByDescending(reward => reward.CreatedAt)
                .ThenByDescending(reward => reward.IsCurrent)
                .ThenByDescending(reward => reward.Id, StringComparer.Ordinal)
        );

    public Task<IReadOnlyList<Reward>> ListAsync(RewardQuery query, CancellationToken cancellationToken)
    {
        var newestFirst = Rewards
            .OrderByDescending(reward => reward.CreatedAt)
            .ThenByDescending(reward => reward.Id, StringComparer.Ordinal)
            .ToList();
        if (query.Before is not null)
        {
            var at = newestFirst.FindIndex(reward => reward.Id == query.Before);
            newestFirst = at < 0 ? throw LightningException.NotFound("") : newestFirst[(at + 1)..];
        }

        return List(
            newestFirst.Where(reward =>
                (query.AgentId ?? reward.AgentId) == reward.AgentId
                && (query.EpisodeId ?? reward.EpisodeId) == reward.EpisodeId
                && (query.Source ?? reward.Source) == reward.Source
            ),
            query.Limit
        );
    }

    public Task<RewardRange?> FindRangeAsync(string? agentId, CancellationToken cancellationToken)
    {
        var values = Rewards
            .Where(reward => reward.IsCurrent && (agentId ?? reward.AgentId) == reward.AgentId)
            .Select(reward => reward.Value)
            .ToList();
        return Task.FromResult(values.Count == 0 ? null : new RewardRange(values.Min(), values.Max()));
    }

    public Task<RewardSummary> SummariseAsync(string? agentId, CancellationToken cancellationToken) =>
        Summarise(Rewards.Where(reward => reward.IsCurrent && (agentId ?? reward.AgentId) == reward.AgentId));

    public Task<RewardSummary> SummariseDeploymentAsync(string deploymentId, int window, CancellationToken cancellationToken) =>
        Summarise(
            Rewards
                .Where(reward =>
                    reward.IsCurrent && Episodes.Exists(episode => episode.Id == reward.EpisodeId && episode.DeploymentId == deploymentId)
                )
                .OrderByDescending(reward => reward.CreatedAt)
                .ThenByDescending(reward => reward.Id, StringComparer.Ordinal)
                .Take(window)
        );

    public Task<Dataset> AddAsync(Dataset dataset, CancellationToken cancellationToken)
    {
        dataset = dataset with { Version = Datasets.Count(known => (known.AgentId, known.Name) == (dataset.AgentId, dataset.Name)) + 1 };
        Datasets.Add(dataset);
        return Task.FromResult(dataset);
    }

    Task<Dataset?> IDatasetStore.FindAsync(string id, CancellationToken cancellationToken) =>
        Task.FromResult(Datasets.Find(dataset => dataset.Id == id));

    Task<IReadOnlyList<Dataset>> IDatasetStore.ListAsync(string? agentId, int limit, string? before, CancellationToken cancellationToken) =>
        List(
            After(
                Datasets
                    .Where(dataset => (agentId ?? dataset.AgentId) == dataset.AgentId)
                    .OrderByDescending(dataset => dataset.CreatedAt)
                    .ThenByDescending(dataset => dataset.Id, StringComparer.Ordinal),
                dataset => dataset.Id,
                before
            ),
            limit
        );

    Task<long> IDatasetStore.CountAsync(string? agentId, CancellationToken cancellationToken) =>
        Count(Datasets, dataset => dataset.AgentId, agentId);

    public Task AddAsync(TrainingRun run, CancellationToken cancellationToken)
    {
        Runs.Add(run);
        return Task.CompletedTask;
    }

    Task<TrainingRun?> ITrainingRunStore.FindAsync(string id, CancellationToken cancellationToken) =>
        Task.FromResult(Runs.Find(run => run.Id == id));

    Task<IReadOnlyList<TrainingRun>> ITrainingRunStore.ListAsync(
        IReadOnlyList<string>? agents,
        TrainingStatus? status,
        int limit,
        string? before,
        CancellationToken cancellationToken
    ) =>
        List(
            After(
                Runs.Where(run => agents?.Contains(run.AgentId) != false && (status ?? run.Status) == run.Status)
                    .OrderByDescending(run => run.CreatedAt)
                    .ThenByDescending(run => run.Id, StringComparer.Ordinal),
                run => run.Id,
                before
            ),
            limit
        );

    // How runs are executed has a suite of its own, which counts time.
    Task<TrainingRun?> ITrainingRunStore.FindByModelAsync(string agentId, string tunedModelName, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    Task<IReadOnlyList<TrainingRun>> ITrainingRunStore.ListToDoAsync(
        IReadOnlyList<string> engines,
        int limit,
        CancellationToken cancellationToken
    ) => throw new NotSupportedException();

    Task<bool> ITrainingRunStore.TryBeginAsync(string id, DateTimeOffset now, Lease lease, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    Task<TrainingRun?> ITrainingRunStore.RequestCancelAsync(string id, DateTimeOffset now, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    Task<bool> ITrainingRunStore.TryLogAsync(
        string id,
        IReadOnlyList<TrainingLogLine> lines,
        int? stepsDone,
        int? allSteps,
        DateTimeOffset now,
        Lease lease,
        CancellationToken cancellationToken
    ) => throw new NotSupportedException();

    Task<(bool Saved, string? Before)> ITrainingRunStore.TrySaveAsync(
        string id,
        string? artifact,
        int? stepsDone,
        Lease lease,
        CancellationToken cancellationToken
    ) => throw new NotSupportedException();

    Task<IReadOnlyList<TrainingLogLine>> ITrainingRunStore.ReadLogAsync(
        string id,
        long after,
        int limit,
        bool tail,
        CancellationToken cancellationToken
    ) => throw new NotSupportedException();

    public Task<IReadOnlyList<TrainingRun>> LearnedFromAsync(
        IReadOnlyList<string> datasetIds,
        IReadOnlyList<string> models,
        CancellationToken cancellationToken
    ) =>
        Task.FromResult<IReadOnlyList<TrainingRun>>([
            .. Runs.Where(run => datasetIds.Contains(run.DatasetId) || models.Contains(run.BaseModel)),
        ]);

    public Task<IReadOnlyDictionary<TrainingStatus, long>> CountByStatusAsync(string? agentId, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyDictionary<TrainingStatus, long>>(
            Runs.Where(run => (agentId ?? run.AgentId) == run.AgentId)
                .GroupBy(run => run.Status)
                .ToDictionary(group => group.Key, group => group.LongCount())
        );

    public Task<bool> TryMoveAsync(TrainingRun run, Lease? lease, CancellationToken cancellationToken)
    {
        var at = Runs.FindIndex(known => known.Id == run.Id);
        var mayMove =
            at >= 0
            && (Runs[at].Status, run.Status)
                is
                    (TrainingStatus.Pending, TrainingStatus.Running or TrainingStatus.Failed or TrainingStatus.Cancelled)
                    or
                    (TrainingStatus.Running, TrainingStatus.Succeeded or TrainingStatus.Failed or TrainingStatus.Cancelled);
        if (mayMove)
        {
            Runs[at] = run with { StartedAt = run.StartedAt ?? Runs[at].StartedAt };
        }

        return Task.FromResult(mayMove);
    }

    public Task AddAsync(EvaluationRecord evaluation, CancellationToken cancellationToken)
    {
        Evaluations.Add(evaluation);
        return Task.CompletedTask;
    }

    Task<EvaluationRecord?> IEvaluationStore.FindAsync(string id, CancellationToken cancellationToken) =>
        Task.FromResult(Evaluations.Find(evaluation => evaluation.Id == id));

    public Task<EvaluationRecord?> FindLatestAsync(string trainingRunId, CancellationToken cancellationToken) =>
        Task.FromResult(
            Evaluations
                .Where(evaluation => evaluation.TrainingRunId == trainingRunId)
                .OrderByDescending(evaluation => evaluation.CreatedAt)
                .ThenByDescending(evaluation => evaluation.Id, StringComparer.Ordinal)
                .FirstOrDefault()
        );

    Task<IReadOnlyList<EvaluationRecord>> IEvaluationStore.ListAsync(
        string agentId,
        string? trainingRunId,
        int limit,
        string? before,
        CancellationToken cancellationToken
    ) =>
        Task.FromResult<IReadOnlyList<EvaluationRecord>>([
            .. Evaluations
                .Where(evaluation => evaluation.AgentId == agentId)
                .Where(evaluation => trainingRunId is null || evaluation.TrainingRunId == trainingRunId)
                .OrderByDescending(evaluation => evaluation.CreatedAt)
                .ThenByDescending(evaluation => evaluation.Id, StringComparer.Ordinal)
                .Take(limit),
        ]);

    public Task<long> TakeLookAsync(string datasetId, CancellationToken cancellationToken) =>
        Task.FromResult(_looks[datasetId] = _looks.GetValueOrDefault(datasetId) + 1);

    private readonly Dictionary<string, long> _looks = [];

    public async Task<Deployment> ActivateAsync(Deployment deployment, string? expectedActiveId, CancellationToken cancellationToken)
    {
        var active = await FindActiveAsync(deployment.AgentId, deployment.Slot, cancellationToken);
        if (
            active?.Id != expectedActiveId
            || (deployment.TrainingRunId is not null && Runs.TrueForAll(run => run.Id != deployment.TrainingRunId))
        )
        {
            throw LightningException.Conflict("");
        }

        if (active is not null)
        {
            Deployments[Deployments.IndexOf(active)] = active with { IsActive = false };
        }

        var number = Deployments.Count(known => (known.AgentId, known.Slot) == (deployment.AgentId, deployment.Slot)) + 1;
        Deployments.Add(deployment with { IsActive = true, Number = number, Replaces = active?.Id });
        return Deployments[^1];
    }

    public async Task<IReadOnlyList<Deployment>> ActivateAsync(
        Deployment control,
        IReadOnlyList<Deployment> candidates,
        string expectedActiveId,
        CancellationToken cancellationToken
    )
    {
        var stored = new List<Deployment> { await ActivateAsync(control, expectedActiveId, cancellationToken) };
        foreach (var candidate in candidates)
        {
            var number = Deployments.Count(known => (known.AgentId, known.Slot) == (candidate.AgentId, candidate.Slot)) + 1;
            Deployments.Add(candidate with { IsActive = false, Number = number, Replaces = expectedActiveId });
            stored.Add(Deployments[^1]);
        }

        return stored;
    }

    public Task<Deployment> DeactivateAsync(Deployment active, string? reason, DateTimeOffset at, CancellationToken cancellationToken)
    {
        var left = active with { IsActive = false, DeactivatedAt = at, DeactivationReason = reason };
        Deployments[Deployments.FindIndex(known => known.Id == active.Id)] = left;
        return Task.FromResult(left);
    }

    Task<Deployment?> IDeploymentStore.FindAsync(string id, CancellationToken cancellationToken) =>
        Task.FromResult(Deployments.Find(deployment => deployment.Id == id));

    public Task<Deployment?> FindActiveAsync(string agentId, string slot, CancellationToken cancellationToken) =>
        Task.FromResult(Deployments.Find(deployment => deployment.IsActive && (deployment.AgentId, deployment.Slot) == (agentId, slot)));

    public Task<IReadOnlyList<Deployment>> ListAsync(
        string? agentId,
        string? slot,
        int limit,
        string? before,
        CancellationToken cancellationToken
    ) =>
        List(
            After(
                Deployments
                    .Where(known => (agentId ?? known.AgentId) == known.AgentId && (slot ?? known.Slot) == known.Slot)
                    .OrderByDescending(known => known.PromotedAt),
                known => known.Id,
                before
            ),
            limit
        );

    public Task<IReadOnlyList<Deployment>> OfRunsAsync(IReadOnlyList<string> runIds, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Deployment>>([.. Deployments.Where(release => runIds.Contains(release.TrainingRunId ?? ""))]);

    Task<long> IDeploymentStore.CountAsync(string? agentId, CancellationToken cancellationToken) =>
        Count(Deployments, deployment => deployment.AgentId, agentId);

    private static IEnumerable<T> After<T>(IEnumerable<T> newestFirst, Func<T, string> idOf, string? before)
    {
        var all = newestFirst.ToList();
        var at = before is null ? -1 : all.FindIndex(item => idOf(item) == before);
        return before is not null && at < 0 ? throw LightningException.NotFound("") : all.Skip(at + 1);
    }

    private List<Episode> NewestFirst() =>
        [.. Episodes.OrderByDescending(episode => episode.CreatedAt).ThenByDescending(episode => episode.Id, StringComparer.Ordinal)];

    private IEnumerable<Episode> Select(EpisodeQuery query)
    {
        var newestFirst = NewestFirst();
        if (query.Before is not null)
        {
            var at = newestFirst.FindIndex(episode => episode.Id == query.Before);
            newestFirst = at < 0 ? throw LightningException.NotFound("") : newestFirst[(at + 1)..];
        }

        return newestFirst.Where(episode =>
            (query.AgentId ?? episode.AgentId) == episode.AgentId
            && (query.SessionId ?? episode.SessionId) == episode.SessionId
            && (query.UserId ?? episode.UserId) == episode.UserId
            && !(episode.CreatedAt < query.Start)
            && !(episode.CreatedAt >= query.End)
        );
    }

    private IEnumerable<Episode> Select(EpisodeSelection selection) =>
        selection is { AgentId: null, Ids: null, SessionId: null, UserId: null, OlderThan: null }
            ? throw LightningException.Invalid("")
            : NewestFirst()
                .AsEnumerable()
                .Reverse()
                .Where(episode =>
                    (selection.AgentId ?? episode.AgentId) == episode.AgentId
                    && (selection.SessionId ?? episode.SessionId) == episode.SessionId
                    && (selection.UserId ?? episode.UserId) == episode.UserId
                    && selection.Ids?.Contains(episode.Id) != false
                    && !(episode.CreatedAt >= selection.OlderThan)
                );

    private static string Cut(string text) => text.Length <= 200 ? text : text[..(char.IsHighSurrogate(text[199]) ? 199 : 200)] + "...";

    private static Task<IReadOnlyList<T>> List<T>(IEnumerable<T> items, int limit = int.MaxValue) =>
        Task.FromResult<IReadOnlyList<T>>([.. items.Take(limit)]);

    private static Task<long> Count<T>(List<T> items, Func<T, string> agentOf, string? agentId) =>
        Task.FromResult(items.LongCount(item => (agentId ?? agentOf(item)) == agentOf(item)));

    private static Task<RewardSummary> Summarise(IEnumerable<Reward> rewards)
    {
        var values = rewards.Select(reward => reward.Value).ToList();
        var mean = values.DefaultIfEmpty().Average();
        return Task.FromResult(
            new RewardSummary(
                values.Count,
                mean,
                values.Count < 2 ? 0 : values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1)
            )
        );
    }

    /// <summary>Of two agents with one id, the second has its episode under an id of its own.</summary>
    private AddedEpisode Add(Episode episode)
    {
        foreach (var id in new[] { episode.Id, EpisodeIds.Marked(episode.Id, episode.AgentId) })
        {
            var known = Episodes.Find(known => known.Id == id);
            if (known is null)
            {
                _toolCalls[id] = episode.ToolCalls.Count;
                Episodes.Add(episode with { Id = id, InputKey = episode.InputKey ?? InputKeys.Of(episode.UserInput) });
            }

            if (known is null || known.AgentId == episode.AgentId)
            {
                return new AddedEpisode(id, episode.AgentId, (known ?? episode).CreatedAt, known is null);
            }
        }

        throw LightningException.Conflict("");
    }
}
