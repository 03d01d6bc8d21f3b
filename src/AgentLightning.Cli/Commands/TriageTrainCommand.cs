using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Common;
using AgentLightning.Engine;
using Spectre.Console;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning triage train</c>: a policy from a labelled file, and, if asked, its score by cross-validation.</summary>
internal static class TriageTrainCommand
{
    public static Command Create()
    {
        var labelled = new LabelledFileOptions();
        var (seed, json) = (CommonOptions.Seed(), CommonOptions.Json());
        var output = new Option<DirectoryInfo?>("--out")
        {
            Description = "Folder for the model; new, empty, or with a model that is replaced. Required to train.",
        };
        var mode = new Option<string>("--mode")
        {
            Description = "train, or setup: checks with a few examples of its own that everything is in place, and trains nothing.",
            DefaultValueFactory = _ => "train",
        };
        var folds = new Option<int>("--folds")
        {
            Description = "Also score the method on this file by cross-validation, 2 to 20 folds; 0 leaves it out.",
            DefaultValueFactory = _ => 0,
        };
        var command = new Command(
            "train",
            "Trains a policy from labels. Example: lightning triage train --data issues.csv --text-column title,body --label-column label "
                + "--out model"
        );
        labelled.AddTo(command);
        foreach (var option in (Option[])[mode, output, folds, seed, json])
        {
            command.Add(option);
        }

        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                switch (parsed.GetValue(mode))
                {
                    case "setup":
                        return TriageSetup.Run(Terminal.Out);
                    case "train":
                        break;
                    case var other:
                        throw LightningException.Invalid(
                            $"--mode must be train or setup, but it is '{other}'. 'lightning triage eval' scores a model."
                        );
                }

                var foldCount = parsed.GetValue(folds);
                if (foldCount is not (0 or (>= 2 and <= 20)))
                {
                    throw LightningException.Invalid($"--folds must be 0 or from 2 to 20, but it is {foldCount}.");
                }

                var folder = (
                    parsed.GetValue(output)
                    ?? throw LightningException.Invalid("--out is required: the folder for the model. See 'lightning triage train --help'.")
                ).FullName;
                ModelFolder.CheckWritable(folder);
                var items = labelled.Read(parsed).Read().ToList();
                var labels = LabelledSet.LabelsOf(items);
                var validation = foldCount == 0 ? null : CrossValidate(items, labels, foldCount, parsed.GetValue(seed), cancellationToken);

                var clock = Stopwatch.StartNew();
                var trained = Train(items, labels, parsed.GetValue(seed), cancellationToken);
                var seconds = clock.Elapsed.TotalSeconds;
                var card = await ModelFolder.WriteAsync(folder, trained.Model, items.Count, parsed.GetValue(seed), cancellationToken);
                var result = new TrainResult(
                    folder,
                    card.Labels,
                    card.Examples,
                    card.Parameters,
                    card.Seed,
                    card.Sha256,
                    trained.Metrics["loss"],
                    seconds,
                    validation
                );
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(result);
                }
                else
                {
                    Terminal.Results.MarkupLineInterpolated(
                        CultureInfo.InvariantCulture,
                        $"Trained on [bold]{items.Count}[/] texts with {labels.Count} labels in {seconds:0.0} s: {folder}"
                    );
                    if (validation is not null)
                    {
                        ScoreTable.Write(validation);
                    }
                }

                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static TrainedClassifier Train(
        IReadOnlyList<LabelledItem> items,
        IReadOnlyList<string> labels,
        long seed,
        CancellationToken cancellationToken
    ) =>
        PolicyTrainer.FromLabels(
            [.. items.Select(item => item.Task)],
            [.. items.Select(item => item.Label)],
            labels,
            seed,
            null,
            cancellationToken
        );

    private static ScoreResult CrossValidate(
        IReadOnlyList<LabelledItem> items,
        IReadOnlyList<string> labels,
        int folds,
        long seed,
        CancellationToken cancellationToken
    )
    {
        var order = LabelledSet.Shuffled(items, seed);
        var scored = new List<ScoredItem>();
        var clock = new Stopwatch();
        for (var fold = 0; fold < folds; fold++)
        {
            var model = Train([.. order.Where((_, i) => i % folds != fold)], labels, seed, cancellationToken);
            var policy = new TrainedTriagePolicy("fold", model.Model);
            clock.Start();
            scored.AddRange(order.Where((_, i) => i % folds == fold).Select(item => ScoredItem.Of(policy, item)));
            clock.Stop();
        }

        return ScoreResult.Of(scored, clock.Elapsed);
    }

    private sealed record TrainResult(
        string Model,
        IReadOnlyList<string> Labels,
        int Examples,
        long Parameters,
        long Seed,
        string Sha256,
        double Loss,
        double Seconds,
        ScoreResult? CrossValidation
    );
}
