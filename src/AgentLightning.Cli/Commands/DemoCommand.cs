using System.CommandLine;
using AgentLightning.Cli.Demo;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Training;
using AgentLightning.Triage;
using Spectre.Console;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning demo</c>: the whole loop on bundled feedback, or on the user's own labelled file.</summary>
internal static class DemoCommand
{
    private const int BarColumns = 16;

    /// <summary>Of the bar, the percentage, the time and what is between them.</summary>
    private const int ColumnsBesideTitle = BarColumns + 20;

    private const int ShortestTitle = 20;

    public static Command Create()
    {
        var labelled = new LabelledFileOptions();
        var (seed, json) = (CommonOptions.Seed(), CommonOptions.Json());
        var learnFrom = new Option<string>("--learn-from")
        {
            Description = "'rewards': the policy is told only how good its answers were; 'labels': it is told the right ones.",
            DefaultValueFactory = _ => "rewards",
        };
        learnFrom.AcceptOnlyFromAmong("rewards", "labels");
        var output = new Option<DirectoryInfo>("--out")
        {
            Description = "Folder for store, artifacts and notes. A finished demo there is replaced, an unfinished one goes on.",
            DefaultValueFactory = _ => new DirectoryInfo("lightning-demo"),
        };
        var overwrite = new Option<bool>("--overwrite") { Description = "Replace the demo in the folder, whatever became of it." };
        var command = new Command(
            "demo",
            "Shows an agent getting better from feedback: captured, rewarded, trained, proved, released, rolled back. Example: lightning "
                + "demo --seed 7"
        );
        labelled.AddTo(command);
        foreach (var option in (Option[])[learnFrom, output, overwrite, seed, json])
        {
            command.Add(option);
        }

        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var file = labelled.Given(parsed) ? labelled.Read(parsed) : null;
                var items = Distinct(file?.Read() ?? BundledFeedback.Read());
                var labels = file is null ? FeedbackCategories.All : LabelledSet.LabelsOf(items);
                var method = parsed.GetValue(learnFrom) == "labels" ? TrainingMethod.Supervised : TrainingMethod.PolicyGradient;
                var path = Path.GetRelativePath(Environment.CurrentDirectory, parsed.GetValue(output)!.FullName);
                var options = new DemoOptions(path, parsed.GetValue(seed), method, file, parsed.GetValue(overwrite));

                var folder = new DemoFolder(path);
                var state = await folder.PrepareAsync(options, () => CountEpisodesAsync(folder.StorePath, cancellationToken));
                await using var workspace = await Workspace.MigrateAsync(
                    new LightningOptions { Store = folder.StorePath },
                    cancellationToken
                );
                var runner = new DemoRunner(workspace, folder, options, state, items, labels);
                if (parsed.GetValue(json))
                {
                    await runner.RunAsync(_ => ((_, _) => { }, () => { }), cancellationToken);
                    Terminal.WriteJson(runner.Result());
                }
                else
                {
                    await WithProgressAsync(runner, cancellationToken);
                    DemoReport.Write(runner.Result(), state, folder.StorePath);
                }

                return ExitCodes.Success;
            }
        );
        return command;
    }

    /// <summary>Items that say the same are one item; the first counts.</summary>
    private static List<LabelledItem> Distinct(IEnumerable<LabelledItem> items) => [.. items.DistinctBy(item => item.Task.Key)];

    private static async Task<long> CountEpisodesAsync(string store, CancellationToken cancellationToken)
    {
        await using var workspace = await Workspace.OpenAsync(new LightningOptions { Store = store }, cancellationToken);
        return await workspace.Get<IEpisodeStore>().CountAsync(TriageAgent.DefaultAgentId, cancellationToken);
    }

    private static Task WithProgressAsync(DemoRunner runner, CancellationToken cancellationToken)
    {
        var columns = Math.Max(Terminal.ProgressWidth - ColumnsBesideTitle, ShortestTitle);
        return Terminal
            .Progress.Progress()
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn { Width = BarColumns },
                new PercentageColumn(),
                new ElapsedTimeColumn()
            )
            .StartAsync(context => runner.RunAsync(title => Begin(context, title, columns), cancellationToken));
    }

    private static (ReportStep Report, Action Done) Begin(ProgressContext context, string title, int columns)
    {
        var task = context.AddTask(Markup.Escape(Terminal.Cut(title, columns)), maxValue: 1);
        return (Report, Done);

        void Report(double share, string text)
        {
            // A task that is full would count as done; the step says itself when it is.
            task.Value = Math.Min(share, 0.99);
            task.Description = Markup.Escape(Terminal.Cut(text.Length == 0 ? title : $"{title}: {text}", columns));
        }

        void Done()
        {
            task.Description = Markup.Escape(Terminal.Cut(title, columns));
            task.Value = 1;
            task.StopTask();
        }
    }
}
