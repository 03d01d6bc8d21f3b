using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Common;
using AgentLightning.Datasets;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning build-golden</c>: makes a data set of conversations that people wrote.</summary>
internal static class BuildGoldenCommand
{
    public static Command Create()
    {
        var (records, agentId, json) = (new RecordsOptions(), CommonOptions.AgentId(), CommonOptions.Json());
        var name = new Option<string?>("--name") { Description = "Its name; golden- and the time by default." };
        var file = new Option<string>("--golden-file")
        {
            Description = "The file, one {\"messages\":[…]} a line; - is standard input.",
            Required = true,
        };
        var description = new Option<string?>("--description") { Description = "What it is for." };
        var (seed, split) = (CommonOptions.Seed(), new Option<double?>("--train-split") { Description = "Share to learn from; 0.8." });
        var command = new Command(
            "build-golden",
            "Makes a data set of conversations that people wrote. Example: lightning build-golden --agent-id shop --golden-file good.jsonl"
        )
        {
            agentId,
            name,
            file,
            description,
            seed,
            split,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var path = parsed.GetValue(file)!;
                if (path != "-" && !File.Exists(path))
                {
                    throw LightningException.Invalid($"There is no file '{path}'.");
                }

                await using var lines = path == "-" ? Console.OpenStandardInput() : File.OpenRead(path);
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var built = await opened.Datasets.BuildGoldenAsync(
                    new GoldenInput(
                        parsed.GetValue(agentId),
                        parsed.GetValue(name),
                        parsed.GetValue(description),
                        parsed.GetValue(seed),
                        parsed.GetValue(split)
                    ),
                    lines,
                    cancellationToken
                );
                foreach (var (line, reason) in built.Skipped)
                {
                    await Terminal.Error.WriteLineAsync($"warning: line {line} is left out: {reason}");
                }

                if (built.SkippedCount > built.Skipped.Count)
                {
                    await Terminal.Error.WriteLineAsync($"warning: and {built.SkippedCount - built.Skipped.Count} lines more");
                }

                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(built);
                    return ExitCodes.Success;
                }

                Terminal.Out.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"Data set {built.DatasetId} ({built.Name}, version {built.Version}) holds {built.TrainingCount} conversations "
                            + $"to learn from, {built.ValidationCount} held out"
                    )
                );
                Terminal.Out.WriteLine($"Next: lightning train --dataset-id {built.DatasetId} --agent-id {built.AgentId}");
                return ExitCodes.Success;
            }
        );
        return command;
    }
}
