using System.Globalization;
using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Datasets.Building;
using AgentLightning.Governance;
using AgentLightning.Storage;

namespace AgentLightning.Datasets;

/// <summary>What a data set would be.</summary>
/// <param name="EpisodesSeen">Episodes of the agent, in it or not.</param>
/// <param name="Excluded">Why the others are not in it.</param>
public sealed record DatasetPreview(
    string AgentId,
    DatasetKind Kind,
    string QueryFilter,
    int TrainingCount,
    int ValidationCount,
    long EpisodeCount,
    long EpisodesSeen,
    IReadOnlyList<DatasetExclusion> Excluded
);

/// <summary>A data set that was made, and what is not in it.</summary>
public sealed record BuiltDataset(Dataset Dataset, DatasetPreview Summary);

/// <summary>
/// Makes data sets of rewarded episodes. What one seed and one store give is the same to the last byte. Memory grows with the number of
/// rewarded episodes by some 150 bytes each, and not with their texts.
/// </summary>
public sealed class BuildDataset : IOperation
{
    private readonly SqlDatasetSource _source;
    private readonly SqlDatasetMembers _members;
    private readonly IDatasetStore _datasets;
    private readonly IArtifactStore _artifacts;
    private readonly Redactor _redactor;
    private readonly DatasetOptions _options;
    private readonly TimeProvider _time;

    internal BuildDataset(
        SqlDatabase database,
        IDatasetStore datasets,
        IArtifactStore artifacts,
        Redactor redactor,
        DatasetOptions options,
        TimeProvider time
    )
    {
        options.Validate();
        (_source, _members) = (new SqlDatasetSource(database), new SqlDatasetMembers(database));
        (_datasets, _artifacts, _redactor, _options, _time) = (datasets, artifacts, redactor, options, time);
    }

    /// <summary>
    /// Makes and stores a data set. Asks for the role write. No qualifying episode, or fewer than asked for, is
    /// <see cref="ErrorKind.Conflict"/>, which says why the others do not qualify.
    /// </summary>
    public async Task<Dataset> ExecuteAsync(Scope scope, DatasetRequest request, CancellationToken cancellationToken)
    {
        scope.Require(Role.Write);
        return (await BuildAsync(Allowed(scope, request), cancellationToken).ConfigureAwait(false)).Dataset;
    }

    /// <summary>The same of what a door takes.</summary>
    public Task<BuiltDataset> ExecuteAsync(Scope scope, DatasetInput input, CancellationToken cancellationToken)
    {
        scope.Require(Role.Write);
        return BuildAsync(Allowed(scope, RequestOf(scope, input)), cancellationToken);
    }

    /// <summary>Tells what would be in a data set and what would not, and why. Asks for the role read; stores nothing.</summary>
    public async Task<DatasetPreview> PreviewAsync(Scope scope, DatasetInput input, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        var request = Allowed(scope, RequestOf(scope, input));
        var build = new DatasetBuild(_source, request);
        await build.RunAsync(null, cancellationToken).ConfigureAwait(false);
        return Summary(build, request);
    }

    private DatasetRequest RequestOf(Scope scope, DatasetInput input) =>
        input.ToRequest(scope.Agent(input.AgentId, Scope.DefaultAgent), _options, _time.GetUtcNow());

    /// <summary>The request as it may be stored, for agents that the scope is for.</summary>
    private DatasetRequest Allowed(Scope scope, DatasetRequest request)
    {
        Ids.Check(scope.Named(request.AgentId), "agent_id");
        foreach (var agent in request.Agents ?? [])
        {
            Ids.Check(scope.Named(agent), "agents");
        }

        request.Check();
        return request with
        {
            Name = DatasetNames.Check(_redactor, request.Name, request.AgentId),
            Description = DatasetNames.Text(_redactor, request.Description, request.AgentId),
            SystemPrompt = DatasetNames.Text(_redactor, request.SystemPrompt, request.AgentId),
        };
    }

    private async Task<BuiltDataset> BuildAsync(DatasetRequest request, CancellationToken cancellationToken)
    {
        var build = new DatasetBuild(_source, request);
        var artifact = await _artifacts
            .PutAsync(
                async target =>
                {
                    await build.RunAsync(target, cancellationToken).ConfigureAwait(false);
                    // Thrown in here, it leaves no content behind.
                    Check(build, request);
                },
                cancellationToken
            )
            .ConfigureAwait(false);
        var now = _time.GetUtcNow();
        var id = Ids.New(now);
        var summary = Summary(build, request);
        await _members.AddAsync(id, build.Members, cancellationToken).ConfigureAwait(false);
        var dataset = await _datasets
            .AddAsync(
                new Dataset(
                    id,
                    request.AgentId,
                    request.Name,
                    0,
                    summary.QueryFilter,
                    request.MinReward,
                    request.Seed,
                    build.Training,
                    build.Validation,
                    (int)build.Episodes,
                    artifact,
                    now.Rounded()
                )
                {
                    Kind = request.Kind,
                    Description = request.Description,
                    Selection = _redactor.Redact(
                        JsonSerializer.Serialize(new DatasetSelection(request, build.Seen, build.Excluded), LightningJson.Options),
                        request.AgentId
                    ),
                },
                cancellationToken
            )
            .ConfigureAwait(false);
        return new BuiltDataset(await MarkDeletedAsync(dataset, build, cancellationToken).ConfigureAwait(false), summary);
    }

    /// <summary>
    /// A deletion that ran meanwhile did not find the data set: what is gone by now is marked here. One that runs from here on finds it.
    /// </summary>
    private async Task<Dataset> MarkDeletedAsync(Dataset dataset, DatasetBuild build, CancellationToken cancellationToken)
    {
        var any = false;
        foreach (var ids in build.UsedEpisodes())
        {
            var missing = await _source.MissingAsync(ids, cancellationToken).ConfigureAwait(false);
            if (missing.Count > 0)
            {
                any = true;
                await _members.EraseAsync(missing, cancellationToken).ConfigureAwait(false);
            }
        }

        return any ? await _datasets.FindAsync(dataset.Id, cancellationToken).ConfigureAwait(false) ?? dataset : dataset;
    }

    private static void Check(DatasetBuild build, DatasetRequest request)
    {
        var why = build.Excluded.Count == 0 ? "" : $" Of {build.Seen} episodes are left out: {Exclusions.Describe(build.Excluded)}.";
        if (build.Episodes == 0)
        {
            throw LightningException.Conflict(
                $"No qualifying episodes found for dataset '{request.Name}' of agent '{request.AgentId}' ({request.Filter()}).{why} "
                    + (build.Seen == 0 ? "Capture episodes and give them rewards first." : "Give rewards, or ask for less.")
            );
        }

        if (build.Episodes < request.MinEpisodes)
        {
            throw LightningException.Conflict(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Only {build.Episodes} episodes qualify for dataset '{request.Name}' of agent '{request.AgentId}', and at least "
                        + $"{request.MinEpisodes} are asked for.{why}"
                )
            );
        }
    }

    private DatasetPreview Summary(DatasetBuild build, DatasetRequest request) =>
        new(
            request.AgentId,
            request.Kind,
            DatasetNames.Text(_redactor, request.Filter(), request.AgentId)!,
            build.Training,
            build.Validation,
            build.Episodes,
            build.Seen,
            build.Excluded
        );
}
