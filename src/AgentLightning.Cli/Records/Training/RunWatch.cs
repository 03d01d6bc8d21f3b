using AgentLightning.Server.Training;
using AgentLightning.Training;

namespace AgentLightning.Cli.Records.Training;

/// <summary>Looks at a run that somebody else executes until it has come to its end.</summary>
internal static class RunWatch
{
    private const int LinesAtOnce = 1_000;
    private static readonly TimeSpan s_between = TimeSpan.FromMilliseconds(500);

    public static async Task<TrainingRunResponse> WaitAsync(
        ITrainingRecords records,
        string id,
        TellRun tell,
        CancellationToken cancellationToken
    )
    {
        long known = 0;
        while (true)
        {
            // First the run: what it said before its end is read after that.
            var run = await records.GetAsync(id, cancellationToken);
            var log = await records.LogAsync(new TrainingLogQuery(id, known, LinesAtOnce), cancellationToken);
            known = log.Lines.Count > 0 ? log.Lines[^1].Number : known;
            var metrics = log.Lines.LastOrDefault(line => line.Metrics is not null)?.Metrics;
            tell(run.Step, run.Steps, metrics, [.. log.Lines.Select(line => line.Message).OfType<string>()]);
            if (run.IsOver)
            {
                return run;
            }

            await Task.Delay(s_between, cancellationToken);
        }
    }
}
