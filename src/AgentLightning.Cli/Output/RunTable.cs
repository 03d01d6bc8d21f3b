using System.Globalization;
using AgentLightning.Common;
using AgentLightning.Server.Training;
using AgentLightning.Training;
using Spectre.Console;

namespace AgentLightning.Cli.Output;

/// <summary>Shows training runs.</summary>
internal static class RunTable
{
    public static void Write(TrainingRunListResponse list)
    {
        var table = new RecordTable(
            new("run", ColumnKind.Id),
            new("status", ColumnKind.Fixed),
            new("method", ColumnKind.Fixed, Spare: 2),
            new("step", ColumnKind.Fixed, Spare: 1),
            new("base model", Spare: 3),
            new("tuned model"),
            new("data set", ColumnKind.Id, Spare: 5),
            new("created", ColumnKind.Fixed, Spare: 4),
            new("error", Spare: 6)
        );
        foreach (var run in list.TrainingRuns)
        {
            table.Add(
                run.Id,
                EnumText.Of(run.Status),
                EnumText.Of(run.Method),
                Steps(run),
                run.BaseModel,
                run.TunedModelName,
                run.DatasetId,
                run.CreatedAt.ToString("u", CultureInfo.InvariantCulture),
                run.ErrorMessage
            );
        }

        table.Write();
    }

    /// <summary>One run, and what to do next.</summary>
    public static void Write(TrainingRunResponse run, IReadOnlyList<TrainingLogLine> log)
    {
        Terminal.Results.MarkupLineInterpolated($"[bold]{run.Id}[/] of agent {run.AgentId} {Describe(run)}");
        Terminal.Out.WriteLine($"  {EnumText.Of(run.Method)} of {run.BaseModel} on data set {run.DatasetId}");
        if (run.Metrics is { Count: > 0 } metrics)
        {
            Terminal.Out.WriteLine($"  {Metrics(metrics)}");
        }

        foreach (var line in log.Where(line => line.Message is not null).TakeLast(5))
        {
            Terminal.Out.WriteLine($"  {line.At.ToString("u", CultureInfo.InvariantCulture)} {Terminal.OneLine(line.Message!)}");
        }

        WriteNext(run);
    }

    public static void WriteNext(TrainingRunResponse run)
    {
        var next = run.Status switch
        {
            TrainingStatus.Succeeded => $"lightning evaluate --run-id {run.Id} --agent-id {run.AgentId}",
            TrainingStatus.Pending or TrainingStatus.Running => $"lightning status --run-id {run.Id}",
            _ => $"lightning train --dataset-id {run.DatasetId} --agent-id {run.AgentId} --base-model {run.BaseModel}",
        };
        Terminal.Out.WriteLine($"Next: {next}");
    }

    public static string Describe(TrainingRunResponse run) =>
        run.Status switch
        {
            TrainingStatus.Pending => "waits for a server that executes it",
            TrainingStatus.Running => $"is running{(Steps(run) is { Length: > 0 } steps ? $", step {steps}" : "")}"
                + $"{(run.CancelRequested ? ", and stops at its next step" : "")}",
            TrainingStatus.Succeeded => $"has succeeded: {run.TunedModelName}",
            TrainingStatus.Failed => $"has failed: {run.ErrorMessage}",
            _ => "was cancelled",
        };

    /// <summary>What people look at first.</summary>
    public static string Metrics(IReadOnlyDictionary<string, double> metrics) =>
        string.Join(
            "  ",
            metrics
                .Where(metric => metric.Key is "loss" or "reward" or "rewards/accuracies" or "rewards/margins" or "examples" or "steps")
                .Select(metric => string.Create(CultureInfo.InvariantCulture, $"{metric.Key} {metric.Value:0.####}"))
        );

    private static string Steps(TrainingRunResponse run) =>
        run.Step is { } step ? string.Create(CultureInfo.InvariantCulture, $"{step}/{run.Steps}") : "";
}
