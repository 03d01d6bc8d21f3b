using System.Globalization;
using AgentLightning.Common;
using AgentLightning.Deployments;

namespace AgentLightning.Cli.Output;

/// <summary>Shows which data sets and models learned from something.</summary>
internal static class DataUseTable
{
    public static void Write(IReadOnlyList<UsedDataset> datasets, IReadOnlyList<UsedRun> runs, IReadOnlyList<UsedRelease> releases)
    {
        var table = new RecordTable(
            new("what", ColumnKind.Fixed),
            new("id", ColumnKind.Id),
            new("agent", Spare: 2),
            new("name"),
            new("when", ColumnKind.Fixed, Spare: 3),
            new("how", Spare: 1)
        );
        foreach (var dataset in datasets)
        {
            table.Add(
                "data set",
                dataset.DatasetId,
                dataset.AgentId,
                $"{dataset.Name} v{dataset.Version}",
                Time(dataset.CreatedAt),
                $"holds {dataset.Episodes} of it; {dataset.ErasedCount} of its episodes are deleted"
            );
        }

        foreach (var run in runs)
        {
            table.Add(
                "run",
                run.TrainingRunId,
                run.AgentId,
                run.TunedModelName ?? EnumText.Of(run.Status),
                Time(run.CreatedAt),
                $"from {run.BaseModel} on {run.DatasetId}"
            );
        }

        foreach (var release in releases)
        {
            table.Add(
                "release",
                release.DeploymentId,
                release.AgentId,
                release.TunedModelName,
                Time(release.PromotedAt),
                release.IsActive ? $"serves {release.Slot} now" : $"served {release.Slot}"
            );
        }

        table.Write();
    }

    private static string Time(DateTimeOffset time) => time.ToString("u", CultureInfo.InvariantCulture);
}
