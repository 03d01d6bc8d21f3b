using System.CommandLine;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Common;
using AgentLightning.Triage;
using Spectre.Console;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning triage run</c>: one text, by the rules, a model folder, or the active release of a store.</summary>
internal static class TriageRunCommand
{
    public static Command Create()
    {
        var text = new Argument<string>("text") { Description = "The feedback; '-' reads it from standard input." };
        CommonOptions.RefuseOptions(text, "To analyse a text that begins with two dashes, give '-' and the text on standard input.");
        var title = new Option<string?>("--title") { Description = "A line above the text." };
        var type = new Option<string?>("--type")
        {
            Description = "What was chosen in the form: bug, technical_question, feature, general, research or commercial.",
        };
        var rating = new Option<int?>("--rating") { Description = "1 to 5." };
        var page = new Option<string?>("--page") { Description = "Path of the page that it was sent from." };
        var model = new Option<DirectoryInfo?>("--model") { Description = "Folder of a model that 'triage train' made." };
        var store = new Option<string?>("--store")
        {
            Description = "Answer with the active release of this store, and capture the call there.",
        };
        var (agentId, json) = (CommonOptions.AgentId(), CommonOptions.Json());
        var command = new Command(
            "run",
            "Analyses one text, by rules unless a model or a store is named. Example: lightning triage run \"The docs link returns 404\""
        )
        {
            text,
            title,
            type,
            rating,
            page,
            model,
            store,
            agentId,
            json,
        };
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var comment = parsed.GetValue(text) is "-" ? await Console.In.ReadToEndAsync(cancellationToken) : parsed.GetValue(text)!;
                var task = new FeedbackTask(
                    comment,
                    parsed.GetValue(title),
                    parsed.GetValue(type),
                    parsed.GetValue(rating),
                    parsed.GetValue(page)
                ).Checked();
                if (parsed.GetValue(store) is not null && parsed.GetValue(model) is not null)
                {
                    throw LightningException.Invalid("--model and --store both say who answers; give one of them.");
                }

                var (analysis, by, episodeId) = parsed.GetValue(store) is { } path
                    ? await AnswerAndCaptureAsync(task, path, parsed.GetValue(agentId)!, cancellationToken)
                    : Answer(
                        task,
                        parsed.GetValue(model) is { } folder
                            ? await ModelFolder.ReadAsync(folder.FullName, cancellationToken)
                            : new RuleTriagePolicy()
                    );
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(
                        new
                        {
                            analysis.Category,
                            analysis.Severity,
                            analysis.Action,
                            analysis.Priority,
                            analysis.Confidence,
                            analysis.Reasoning,
                            analysis.NeedsHuman,
                            model = by,
                            episode_id = episodeId,
                        }
                    );
                }
                else
                {
                    Write(analysis, by);
                }

                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static (FeedbackAnalysis Analysis, string By, string? EpisodeId) Answer(FeedbackTask task, ITriagePolicy policy)
    {
        var scores = new float[policy.Categories.Count];
        var choice = policy.Score(task, scores);
        return (
            AnalysisWriter.Write(task, policy.Categories[choice], Math.Exp(scores[choice]), policy.Explain(task, choice)),
            policy.Name,
            null
        );
    }

    private static async Task<(FeedbackAnalysis Analysis, string By, string? EpisodeId)> AnswerAndCaptureAsync(
        FeedbackTask task,
        string store,
        string agentId,
        CancellationToken cancellationToken
    )
    {
        await using var workspace = await Workspace.OpenAsync(new LightningOptions { Store = store }, create: false, cancellationToken);
        var result = await workspace
            .Get<TriageAgent>()
            .AnalyzeAsync(task, new TriageCall(agentId, Durable: true), Random.Shared, cancellationToken);
        return (result.Analysis, result.Episode.ModelDeployment!, result.Captured ? result.EpisodeId : null);
    }

    private static void Write(FeedbackAnalysis analysis, string by)
    {
        var grid = new Grid().AddColumn().AddColumn();
        grid.AddRow("category", $"[bold]{Markup.Escape(analysis.Category)}[/] ({analysis.Confidence * 100:0} %)");
        grid.AddRow("severity", $"{EnumText.Of(analysis.Severity)}, priority {analysis.Priority}");
        grid.AddRow("action", Markup.Escape(analysis.Action));
        grid.AddRow("reasoning", Markup.Escape(analysis.Reasoning));
        grid.AddRow("policy", Markup.Escape(by) + (analysis.NeedsHuman ? ", to be answered by a person" : ""));
        Terminal.Results.Write(grid);
    }
}
