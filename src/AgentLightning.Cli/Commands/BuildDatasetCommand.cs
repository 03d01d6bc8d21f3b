using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Server.Datasets;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning build-dataset</c>: makes a data set of rewarded episodes, or tells what would be in it.</summary>
internal sealed class BuildDatasetCommand
{
    private readonly RecordsOptions _records = new();
    private readonly Option<bool> _json = CommonOptions.Json();
    private readonly Option<string> _agentId = CommonOptions.AgentId();
    private readonly Option<string?> _name = new("--name") { Description = "Its name; dataset- and the time by default." };
    private readonly Option<string?> _description = new("--description") { Description = "What it is for." };
    private readonly Option<string?> _kind = new("--kind")
    {
        Description = "What its rows are: chat (the default), preference, prompts or classification.",
    };

    private readonly Option<double?> _minReward = new("--min-reward", "--reward-threshold")
    {
        Description = "Leave out answers below it, -1 to 1; of conversations 0 by default.",
    };

    private readonly Option<string[]> _sources = List(
        "--sources",
        "Only rewards of these sources count, such as human_approval,eval_score."
    );
    private readonly Option<string?> _aggregation = new("--aggregation")
    {
        Description = "How rewards become one: quality_and_penalties (the default) or mean.",
    };

    private readonly Option<DateTimeOffset?> _start = CommonOptions.Start("Only episodes from here on, such as 2026-01-31.");
    private readonly Option<DateTimeOffset?> _end = CommonOptions.End("Only episodes up to here.");
    private readonly Option<string[]> _tags = List("--tags", "Only episodes with one of these tags.");
    private readonly Option<string[]> _agents = List("--agents", "Episodes of these agents instead of those of --agent-id.");
    private readonly Option<string[]> _models = List("--models", "Only answers of these models.");
    private readonly Option<string[]> _releases = List("--releases", "Only answers of these releases.");
    private readonly Option<int?> _minEpisodes = new("--min-episodes")
    {
        Description = "With fewer qualifying episodes make nothing, and exit with 1.",
    };

    private readonly Option<int?> _maxExamples = new("--max-examples")
    {
        Description = "Most rows, the most rewarded first; 10000 by default.",
    };

    private readonly Option<double?> _trainSplit = new("--train-split")
    {
        Description = "Share to learn from, 0.5 to 0.95; 0.8 by default. The rest is held out.",
    };

    private readonly Option<long> _seed = CommonOptions.Seed();
    private readonly Option<string?> _systemPrompt = new("--system-prompt")
    {
        Description = "Put before conversations that have no system message.",
    };

    private readonly Option<bool> _noTools = new("--no-tools") { Description = "Leave calls of tools and their results out." };
    private readonly Option<bool> _preview = new("--preview")
    {
        Description = "Make nothing; tell what would be in it, and how many episodes would not and why.",
    };

    public static Command Create() => new BuildDatasetCommand().Command();

    /// <summary>What was left out, for people, or nothing.</summary>
    public static void WriteExcluded(IReadOnlyList<DatasetExclusion> excluded)
    {
        if (excluded.Count == 0)
        {
            return;
        }

        var table = new RecordTable(new("left out because", ColumnKind.Fixed), new("episodes", ColumnKind.Fixed));
        foreach (var (reason, count) in excluded)
        {
            table.Add(EnumText.Of(reason), count.ToString(CultureInfo.InvariantCulture));
        }

        table.Write();
    }

    private Command Command()
    {
        var command = new Command(
            "build-dataset",
            "Makes a data set of rewarded episodes. Example: lightning build-dataset --agent-id shop --name week-9 --min-reward 0.5 "
                + "--preview"
        )
        {
            _agentId,
            _name,
            _description,
            _kind,
            _minReward,
            _sources,
            _aggregation,
            _start,
            _end,
            _tags,
            _agents,
            _models,
            _releases,
            _minEpisodes,
            _maxExamples,
            _trainSplit,
            _seed,
            _systemPrompt,
            _noTools,
            _preview,
        };
        _records.AddTo(command);
        command.Add(_json);
        command.SetAction(RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var body = BodyOf(parsed);
        await using var opened = await _records.OpenAsync(parsed, cancellationToken);
        if (parsed.GetValue(_preview))
        {
            Write(parsed, await opened.Datasets.PreviewAsync(body, cancellationToken));
        }
        else
        {
            Write(parsed, await opened.Datasets.BuildAsync(body, cancellationToken));
        }

        return ExitCodes.Success;
    }

    private void Write(ParseResult parsed, DatasetPreview preview)
    {
        if (parsed.GetValue(_json))
        {
            Terminal.WriteJson(preview);
            return;
        }

        Terminal.Out.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{preview.EpisodeCount} of {preview.EpisodesSeen} episodes of {preview.AgentId} would be in it ({preview.QueryFilter}): "
                    + $"{preview.TrainingCount} rows to learn from, {preview.ValidationCount} held out. Nothing was made."
            )
        );
        WriteExcluded(preview.Excluded);
        Terminal.Out.WriteLine(
            preview.EpisodeCount == 0
                ? "Next: lightning label-episode --episode-id ID --reward 0.8"
                : "Next: the same command without --preview"
        );
    }

    private void Write(ParseResult parsed, BuiltDatasetResponse built)
    {
        if (parsed.GetValue(_json))
        {
            Terminal.WriteJson(built);
            return;
        }

        Terminal.Out.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"Data set {built.DatasetId} ({built.Name}, version {built.Version}, {EnumText.Of(built.Kind)}) holds "
                    + $"{built.EpisodeCount} of {built.EpisodesSeen} episodes: {built.TrainingCount} rows to learn from, "
                    + $"{built.ValidationCount} held out"
            )
        );
        WriteExcluded(built.Excluded);
        Terminal.Out.WriteLine($"Next: lightning train --dataset-id {built.DatasetId} --agent-id {built.AgentId}");
    }

    private DatasetBody BodyOf(ParseResult parsed) =>
        new(
            parsed.GetValue(_agentId),
            parsed.GetValue(_name),
            parsed.GetValue(_description),
            parsed.GetValue(_kind),
            parsed.GetValue(_minReward),
            null,
            Words(parsed, _sources),
            parsed.GetValue(_aggregation),
            Time(parsed.GetValue(_start)),
            Time(parsed.GetValue(_end)),
            Words(parsed, _tags),
            Words(parsed, _agents),
            Words(parsed, _models),
            Words(parsed, _releases),
            parsed.GetValue(_seed),
            parsed.GetValue(_trainSplit),
            parsed.GetValue(_maxExamples),
            parsed.GetValue(_minEpisodes),
            parsed.GetValue(_systemPrompt),
            parsed.GetValue(_noTools) ? false : null
        );

    private static string? Time(DateTimeOffset? time) => time?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    private static Option<string[]> List(string name, string description) =>
        new(name) { Description = description + " Separated by commas.", AllowMultipleArgumentsPerToken = true };

    private static string[]? Words(ParseResult parsed, Option<string[]> option) =>
        parsed.GetValue(option) is { Length: > 0 } words
            ? [.. words.SelectMany(word => word.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))]
            : null;
}
