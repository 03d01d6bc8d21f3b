using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Datasets.Building;
using AgentLightning.Governance;
using AgentLightning.Storage;

namespace AgentLightning.Datasets;

/// <summary>How a data set of a golden file is to be made.</summary>
/// <param name="AgentId">The agent; the usual one of the key by default.</param>
/// <param name="Name">Up to 200 characters; <c>golden-</c> and the time by default.</param>
/// <param name="Seed">Decides what is held out; 1 by default.</param>
/// <param name="TrainSplit">Share to learn from, 0.5…0.95.</param>
public sealed record GoldenInput(
    string? AgentId = null,
    string? Name = null,
    string? Description = null,
    long? Seed = null,
    double? TrainSplit = null
);

/// <summary>A line that is no conversation.</summary>
/// <param name="Line">From 1 on.</param>
public sealed record SkippedLine(int Line, string Reason);

/// <summary>A data set of a golden file.</summary>
/// <param name="SkippedCount">Lines that are no conversation.</param>
/// <param name="Skipped">The first 20 of them.</param>
public sealed record GoldenDataset(Dataset Dataset, int SkippedCount, IReadOnlyList<SkippedLine> Skipped);

/// <summary>Makes data sets of conversations that people wrote or chose: lines of <c>{"messages":[…]}</c> in OpenAI's form.</summary>
public sealed class BuildGolden(
    IDatasetStore datasets,
    IArtifactStore artifacts,
    Redactor redactor,
    DatasetOptions options,
    TimeProvider time
) : IOperation
{
    /// <summary>
    /// Makes and stores a data set of kind chat; role write. Lines that are no conversation are left out and told; a file without any is
    /// <see cref="ErrorKind.Conflict"/>. Texts are redacted as those of episodes are.
    /// </summary>
    public async Task<GoldenDataset> ExecuteAsync(Scope scope, GoldenInput input, Stream lines, CancellationToken cancellationToken)
    {
        scope.Require(Role.Write);
        var now = time.GetUtcNow();
        var agent = Ids.Check(scope.Agent(input.AgentId, Scope.DefaultAgent), "agent_id");
        var request = new DatasetRequest(
            agent,
            DatasetNames.Check(
                redactor,
                input.Name is null or "" ? DatasetInput.NameOf(now).Replace("dataset", "golden", StringComparison.Ordinal) : input.Name,
                agent
            ),
            input.Seed ?? 1,
            1 - (input.TrainSplit ?? options.TrainSplit)
        )
        {
            Kind = DatasetKind.Chat,
            Description = DatasetNames.Text(redactor, input.Description, agent),
        };
        request.Check();

        var source = new GoldenLines(redactor, agent);
        await using (source.ConfigureAwait(false))
        {
            await source.ReadAsync(lines, cancellationToken).ConfigureAwait(false);
            var build = new DatasetBuild(source, request);
            var artifact = await artifacts
                .PutAsync(
                    async target =>
                    {
                        await build.RunAsync(target, cancellationToken).ConfigureAwait(false);
                        Check(build, source, request);
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);
            var dataset = new Dataset(
                Ids.New(now),
                agent,
                request.Name,
                0,
                "golden_conversations",
                null,
                request.Seed,
                build.Training,
                build.Validation,
                (int)build.Episodes,
                artifact,
                now.Rounded()
            )
            {
                Kind = DatasetKind.Chat,
                Description = request.Description,
                Selection = JsonSerializer.Serialize(
                    new DatasetSelection(request, build.Seen + source.SkippedCount, build.Excluded),
                    LightningJson.Options
                ),
            };
            return new GoldenDataset(
                await datasets.AddAsync(dataset, cancellationToken).ConfigureAwait(false),
                source.SkippedCount,
                source.Skipped
            );
        }
    }

    private static void Check(DatasetBuild build, GoldenLines source, DatasetRequest request)
    {
        if (build.Episodes == 0)
        {
            throw LightningException.Conflict(
                $"No conversations found for dataset '{request.Name}': {source.SkippedCount} lines are none"
                    + (source.Skipped is [var first, ..] ? $"; line {first.Line}: {first.Reason}" : ".")
                    + " Each line must be {\"messages\":[…]} whose last message is of role assistant."
            );
        }
    }
}
