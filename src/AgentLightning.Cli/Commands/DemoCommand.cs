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
    public static Command Create()
    {
        var (data, text, label, slice, skipEmpty) = (
            CommonOptions.Data(),
            CommonOptions.TextColumn(),
            CommonOptions.LabelColumn(),
            CommonOptions.SliceColumn(),
            CommonOptions.SkipEmpty()
        );
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
        )
        {
            data,
            text,
            label,
            slice,
            skipEmpty,
            learnFrom,
            output,
            overwrite,
            seed,
            json,
        };
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var csv = parsed.GetValue(data) is null ? null : CommonOptions.Csv(parsed, data, text, label, slice, skipEmpty);
                var items = Distinct(csv?.Read() ?? BundledFeedback.Read());
                var labels = csv is null ? FeedbackCategories.All : LabelledSet.LabelsOf(items);
                var method = parsed.GetValue(learnFrom) == "labels" ? TrainingMethod.Supervised : TrainingMethod.PolicyGradient;
                var path = Path.GetRelativePath(Environment.CurrentDirectory, parsed.GetValue(output)!.FullName);
                var options = new DemoOptions(path, parsed.GetValue(seed), method, csv, parsed.GetValue(overwrite));

                var folder = new DemoFolder(path);
                var state = await folder.PrepareAsync(options, () => CountEpisodesAsync(folder.StorePath, cancellationToken));
                await using var workspace = await Workspace.MigrateAsync(
                    new LightningOptions { Store = folder.StorePath },
                    cancellationToken
                );
                var runner = new DemoRunner(workspace, folder, options, state, items, labels);
                if (parsed.GetValue(json))
                {
                    await runner.RunAsync((_, _) => (_, _) => { }, cancellationToken);
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

    private static Task WithProgressAsync(DemoRunner runner, CancellationToken cancellationToken) =>
        Terminal
            .Progress.Progress()
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn(),
                new PercentageColumn(),
                new ElapsedTimeColumn()
            )
            .StartAsync(context =>
                runner.RunAsync(
                    (_, title) =>
                    {
                        var task = context.AddTask(Markup.Escape(title), maxValue: 1);
                        return (share, text) =>
                        {
                            task.Value = share;
                            task.Description =
                                text.Length == 0 ? Markup.Escape(title) : $"{Markup.Escape(title)} [grey]{Markup.Escape(text)}[/]";
                        };
                    },
                    cancellationToken
                )
            );
}
