using System.Globalization;
using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Datasets;

/// <summary>What a data set is to be made of.</summary>
/// <param name="Seed">Decides, with each input's key, whether the input is held out. One seed gives one split for ever: an input never
/// changes sides.</param>
/// <param name="HeldOutShare">Share of inputs held out, 0.05…0.5; 0.25 by default.</param>
/// <param name="MinReward">Leaves out answers below it; null keeps all, since learning from rewards needs the bad ones too.</param>
public sealed record DatasetRequest(string AgentId, string Name, long Seed, double HeldOutShare = 0.25, double? MinReward = null);

/// <summary>
/// Makes data sets of rewarded episodes: grouped by input, so that no input is on both sides, and stored as one JSON line per input.
/// </summary>
public sealed class BuildDataset(IDatasetStore datasets, IArtifactStore artifacts, TimeProvider time) : IOperation
{
    /// <summary>
    /// Makes and stores a data set of an agent's episodes. Asks for the role write. No qualifying episode is
    /// <see cref="ErrorKind.Conflict"/>.
    /// </summary>
    public async Task<Dataset> ExecuteAsync(Scope scope, DatasetRequest request, CancellationToken cancellationToken)
    {
        scope.Require(Role.Write);
        scope.Named(request.AgentId);
        if (request.HeldOutShare is not (>= 0.05 and <= 0.5))
        {
            throw LightningException.Invalid($"The held-out share must be from 0.05 to 0.5, but it is {request.HeldOutShare}.");
        }

        var rows = await datasets.RewardedEpisodesAsync(Ids.Check(request.AgentId, "agent_id"), cancellationToken).ConfigureAwait(false);
        var examples = rows.Where(row => request.MinReward is null || row.Reward >= request.MinReward)
            .GroupBy(row => row.InputKey)
            .Select(group => ToExample(group.Key, [.. group], request))
            .ToList();
        if (examples.Count == 0)
        {
            throw LightningException.Conflict(
                $"No qualifying episodes found for data set '{request.Name}' of agent '{request.AgentId}'. Capture episodes and give them "
                    + $"rewards first."
            );
        }

        var artifact = await artifacts
            .PutAsync(stream => WriteAsync(stream, examples, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        var now = time.GetUtcNow();
        return await datasets
            .AddAsync(
                new Dataset(
                    Ids.New(now),
                    request.AgentId,
                    request.Name,
                    0,
                    request.MinReward is null
                        ? "rewarded"
                        : string.Create(CultureInfo.InvariantCulture, $"min_reward >= {request.MinReward}"),
                    request.MinReward,
                    request.Seed,
                    examples.Count(example => example.Side == DatasetSide.Train),
                    examples.Count(example => example.Side == DatasetSide.Validation),
                    examples.Sum(example => example.Answers.Count),
                    artifact,
                    now.Rounded()
                ),
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    private static DatasetExample ToExample(string key, IReadOnlyList<RewardedEpisode> rows, DatasetRequest request) =>
        new(
            key,
            DatasetReader.SideOf(key, request.Seed, request.HeldOutShare),
            rows[0].UserInput,
            rows.Select(row => row.Correction).LastOrDefault(correction => correction is not null),
            [.. rows.Select(row => new DatasetAnswer(row.EpisodeId, row.Action, row.LogProbability ?? 0, row.Reward))]
        );

    private static async Task WriteAsync(Stream stream, IReadOnlyList<DatasetExample> examples, CancellationToken cancellationToken)
    {
        foreach (var example in examples)
        {
            await JsonSerializer.SerializeAsync(stream, example, LightningJson.Options, cancellationToken).ConfigureAwait(false);
            stream.WriteByte((byte)'\n');
        }
    }
}
