using System.CommandLine;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Common;
using AgentLightning.Server.Triage;
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
        var records = new RecordsOptions();
        var (agentId, json) = (CommonOptions.AgentId(), CommonOptions.Json());
        var command = new Command(
            "run",
            "Analyses one text: by rules, by a model's folder, or by the active release of a store or a server, which captures it. "
                + "Example: lightning triage run \"The docs link returns 404\""
        )
        {
            text,
            title,
            type,
            rating,
            page,
            model,
            agentId,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var comment = parsed.GetValue(text) is "-" ? await Console.In.ReadToEndAsync(cancellationToken) : parsed.GetValue(text)!;
                var feedback = new TriageRequest(
                    comment,
                    null,
                    parsed.GetValue(title),
                    parsed.GetValue(type),
                    parsed.GetValue(rating),
                    parsed.GetValue(page),
                    null,
                    parsed.GetValue(agentId),
                    null,
                    null
                );
                if (records.AreGiven(parsed) && parsed.GetValue(model) is not null)
                {
                    throw LightningException.Invalid("--model, --store and --server say who answers; give one of them.");
                }

                TriageResponse answer;
                if (records.AreGiven(parsed))
                {
                    await using var opened = await records.OpenAsync(parsed, cancellationToken);
                    answer = await opened.Triage.AnalyseAsync(feedback, cancellationToken);
                }
                else
                {
                    answer = Answer(
                        feedback.ToTask().Checked(),
                        parsed.GetValue(model) is { } folder
                            ? await ModelFolder.ReadAsync(folder.FullName, cancellationToken)
                            : new RuleTriagePolicy()
                    );
                }

                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(answer);
                }
                else
                {
                    Write(answer);
                }

                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static TriageResponse Answer(FeedbackTask task, ITriagePolicy policy)
    {
        var scores = new float[policy.Categories.Count];
        var choice = policy.Score(task, scores);
        return TriageResponse.Of(
            AnalysisWriter.Write(task, policy.Categories[choice], Math.Exp(scores[choice]), policy.Explain(task, choice)),
            policy.Name
        );
    }

    private static void Write(TriageResponse analysis)
    {
        var grid = new Grid().AddColumn().AddColumn();
        grid.AddRow("category", $"[bold]{Markup.Escape(analysis.Category)}[/] ({analysis.Confidence * 100:0} %)");
        grid.AddRow("severity", $"{EnumText.Of(analysis.Severity)}, priority {analysis.Priority}");
        grid.AddRow("action", Markup.Escape(analysis.Action));
        grid.AddRow("reasoning", Markup.Escape(analysis.Reasoning));
        grid.AddRow("policy", Markup.Escape(analysis.Model) + (analysis.NeedsHuman ? ", to be answered by a person" : ""));
        Terminal.Results.Write(grid);
    }
}
