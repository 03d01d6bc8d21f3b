using System.Globalization;
using AgentLightning.Common;
using AgentLightning.Experiments;
using AgentLightning.Server.Experiments;

namespace AgentLightning.Cli.Output;

/// <summary>Shows experiments.</summary>
internal static class ExperimentTable
{
    /// <summary>One that was started, changed or ended.</summary>
    public static void Write(Experiment experiment, bool json)
    {
        if (json)
        {
            Terminal.WriteJson(experiment);
            return;
        }

        var shares = string.Join(", ", experiment.Variants.Select(variant => $"{variant.Name} {Percent(variant.Share)}"));
        Terminal.Out.WriteLine(
            experiment.Status == ExperimentStatus.Running
                ? $"Experiment {experiment.Id} of agent {experiment.AgentId} splits its sessions: {shares}"
                : $"Experiment {experiment.Id} of agent {experiment.AgentId} is {EnumText.Of(experiment.Status)}: {experiment.Reason}"
        );
        Next(experiment);
    }

    /// <summary>One with its figures.</summary>
    public static void Write(ExperimentResponse status, bool json)
    {
        if (json)
        {
            Terminal.WriteJson(status);
            return;
        }

        var experiment = status.Experiment;
        Terminal.Out.WriteLine(
            $"Experiment {experiment.Id} of agent {experiment.AgentId}, slot {experiment.Slot}, is {EnumText.Of(experiment.Status)}"
                + (experiment.Reason is { } reason ? $": {reason}" : $", phase {experiment.Phase}")
        );
        var table = new RecordTable(
            new("variant", ColumnKind.Fixed),
            new("share", ColumnKind.Fixed),
            new("sessions", ColumnKind.Fixed, Spare: 3),
            new("episodes", ColumnKind.Fixed),
            new(EnumText.Of(experiment.Rules.Metric), ColumnKind.Fixed),
            new("difference", ColumnKind.Fixed),
            new("errors", ColumnKind.Fixed, Spare: 1),
            new("p95 ms", ColumnKind.Fixed, Spare: 2),
            new("cost", ColumnKind.Fixed, Spare: 4),
            new("guards", Spare: 5)
        );
        for (var i = 0; i < status.Variants.Count; i++)
        {
            var variant = status.Variants[i];
            var comparison = i == 0 ? null : status.Comparisons[i - 1];
            table.Add(
                variant.Name,
                Percent(variant.Share),
                Number(variant.Sessions, "0"),
                Number(variant.Episodes, "0"),
                $"{Number(variant.MetricMean, "0.000")} ({Number(variant.MetricCount, "0")})",
                comparison switch
                {
                    null => "",
                    { Low: { } low, High: { } high } =>
                        $"{Number(comparison.Difference, "+0.000;-0.000;0.000")} [{Number(low, "+0.000;-0.000;0.000")}, "
                            + $"{Number(high, "+0.000;-0.000;0.000")}]",
                    _ => "no figures yet",
                },
                Number(variant.ErrorRate, "0.000"),
                Number(variant.P95LatencyMs, "0"),
                Number(variant.CostPerEpisode, "0.####"),
                comparison is null ? ""
                    : comparison.Guards.Any(guard => guard.Tripped)
                        ? string.Join(", ", comparison.Guards.Where(guard => guard.Tripped).Select(guard => guard.Name))
                    : "hold"
            );
        }

        table.Write();
        if (status.SampleRatio.Mismatch)
        {
            Terminal.Out.WriteLine(
                $"The sessions did not come as the shares say (p = {Number(status.SampleRatio.PValue, "0.#####")}): no figure here can "
                    + "be trusted."
            );
        }

        if (experiment.Status == ExperimentStatus.Running)
        {
            Terminal.Out.WriteLine($"{EnumText.Of(status.Decision.Action)}: {status.Decision.Reason}");
        }

        Next(experiment);
    }

    private static void Next(Experiment experiment) =>
        Terminal.Next(
            experiment.Status switch
            {
                ExperimentStatus.Running => $"lightning experiment status --id {experiment.Id}; a server on the store decides by itself",
                ExperimentStatus.Promoted => $"lightning lineage --agent-id {experiment.AgentId}",
                _ => "lightning evaluate --run-id ID, of a better run",
            }
        );

    private static string Percent(double share) => Number(100 * share, "0.#") + " %";

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
