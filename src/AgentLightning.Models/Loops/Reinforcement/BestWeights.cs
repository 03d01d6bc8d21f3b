namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>Which evaluation was the best so far; of equals the first. Its weights are kept where the model is.</summary>
internal sealed class BestWeights(RunWeights weights)
{
    public double Accuracy { get; private set; } = double.NegativeInfinity;

    public int Step { get; private set; }

    /// <summary>Evaluations since then.</summary>
    public int Stale { get; private set; }

    public Task OfferAsync(double accuracy, int step, bool keep, CancellationToken cancellationToken) =>
        Improves(accuracy, step) && keep ? weights.KeepBestAsync(step, cancellationToken) : Task.CompletedTask;

    /// <summary>Goes on after the evaluations before a checkpoint.</summary>
    public void Load(IEnumerable<ReinforcementEvent> journal)
    {
        foreach (var line in journal)
        {
            if (line.Find(ReinforcementEvent.Accuracy) is { } accuracy)
            {
                Improves(accuracy, line.Step);
            }
        }
    }

    private bool Improves(double accuracy, int step)
    {
        var improves = accuracy > Accuracy;
        (Accuracy, Step, Stale) = improves ? (accuracy, step, 0) : (Accuracy, Step, Stale + 1);
        return improves;
    }
}
