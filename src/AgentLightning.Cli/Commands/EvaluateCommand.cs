using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Evaluation;
using AgentLightning.Lookup;
using AgentLightning.Server.Evaluation;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning evaluate</c>: proves the model of a run against what serves now.</summary>
internal static class EvaluateCommand
{
    public static Command Create()
    {
        var (records, agentId, json) = (new RecordsOptions(), CommonOptions.AgentId(), CommonOptions.Json());
        var runId = new Option<string>("--run-id") { Description = "The training run whose model is to be proven.", Required = true };
        var metric = new Option<string?>("--metric")
        {
            Description =
                "How answers are scored: macro_f1, accuracy, exact_match, normalised_match or token_f1; by default macro_f1 for "
                + "labels and token_f1 for answers.",
        };
        var grader = new Option<string?>("--grader") { Description = "A file with a grader as JSON, instead of --metric." };
        var slot = CommonOptions.Slot();
        var command = new Command(
            "evaluate",
            "Compares the model of a training run with what serves now, on the held-out rows of its data set. "
                + "Example: lightning evaluate --run-id ID"
        )
        {
            runId,
            metric,
            grader,
            agentId,
            slot,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var read = parsed.GetValue(grader) is { } file ? await ReadGraderAsync(file, cancellationToken) : (JsonElement?)null;
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var evaluation = await opened.Evaluations.EvaluateAsync(
                    new EvaluateBody(
                        parsed.GetValue(agentId),
                        await opened.Ids.WholeAsync(RecordKind.TrainingRun, parsed.GetValue(runId)!, cancellationToken),
                        parsed.GetValue(metric),
                        read,
                        parsed.GetValue(slot)
                    ),
                    cancellationToken
                );
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(evaluation);
                }
                else
                {
                    Write(evaluation, parsed.GetValue(slot)!);
                }

                return evaluation.Verdict.Passed ? ExitCodes.Success : ExitCodes.Failure;
            }
        );
        return command;
    }

    private static async Task<JsonElement> ReadGraderAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            return JsonSerializer.Deserialize<JsonElement>(await File.ReadAllTextAsync(file, cancellationToken));
        }
        catch (JsonException e)
        {
            throw LightningException.Invalid($"--grader '{file}': {LightningJson.Describe(e, withLine: true)}");
        }
    }

    private static void Write(EvaluationRecord evaluation, string slot)
    {
        var table = new RecordTable(
            new("", ColumnKind.Text),
            new("model"),
            new("score", ColumnKind.Fixed),
            new("interval", ColumnKind.Fixed)
        );
        table.Add(
            "serves now",
            evaluation.BaselineModel,
            Number(evaluation.Comparison.Baseline.Value),
            Interval(evaluation.Comparison.Baseline)
        );
        table.Add(
            "candidate",
            evaluation.CandidateModel,
            Number(evaluation.Comparison.Candidate.Value),
            Interval(evaluation.Comparison.Candidate)
        );
        table.Add("difference", "", Signed(evaluation.Comparison.Difference.Value), Interval(evaluation.Comparison.Difference));
        table.Write();
        var detail = evaluation.Detail!;
        Terminal.Out.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{detail.Metric} on {evaluation.Comparison.Difference.N} held-out items: better on {detail.BetterCount}, worse on "
                    + $"{detail.WorseCount}, p {evaluation.Comparison.PValue:0.####}"
            )
        );
        if (detail.Slices.Count > 0)
        {
            var slices = new RecordTable(
                new("slice"),
                new("items", ColumnKind.Fixed),
                new("serves now", ColumnKind.Fixed),
                new("candidate", ColumnKind.Fixed)
            );
            foreach (var slice in detail.Slices)
            {
                slices.Add(slice.Name, slice.Count.ToString(CultureInfo.InvariantCulture), Number(slice.Baseline), Number(slice.Candidate));
            }

            slices.Write();
        }

        var errors = evaluation.Verdict.Errors!;
        Terminal.Out.WriteLine($"{EnumText.Of(evaluation.Verdict.Outcome)}: {evaluation.Verdict.Reason}");
        Terminal.Out.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"look {errors.Look} at this held-out set: a candidate worse by {errors.Margin:0.###} passes in "
                    + $"{errors.FalsePass:0.0%}, one worse by twice that in {errors.FalsePassAtTwice:0.0%}; differences of "
                    + $"{errors.Detectable:0.000} and more are seen"
            )
        );
        var named = slot == Deployment.DefaultSlot ? "" : $" --deployment-name {slot}";
        Terminal.Next(
            evaluation.Verdict.Outcome switch
            {
                GateOutcome.Passed =>
                    $"lightning experiment start --run-id {evaluation.TrainingRunId}{named}, or at once lightning promote "
                        + $"--run-id {evaluation.TrainingRunId}{named}",
                GateOutcome.TooSmall => "capture and reward more episodes, then lightning build-dataset and lightning train",
                _ => "lightning train with other data or settings; what serves stays",
            }
        );

        static string Interval(Measurement m) =>
            string.Create(CultureInfo.InvariantCulture, $"[{m.Low:0.000;-0.000}, {m.High:0.000;-0.000}]");

        static string Number(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

        static string Signed(double value) => value.ToString("+0.000;-0.000;0.000", CultureInfo.InvariantCulture);
    }
}
