using AgentLightning.Models.Architectures;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>The weights of the best evaluation so far; of equals the first.</summary>
internal sealed class BestWeights(IReadOnlyList<Parameter> parameters)
{
    private const string Prefix = "best.";
    private float[][]? _weights;

    public double Accuracy { get; private set; } = double.NegativeInfinity;

    public int Step { get; private set; }

    /// <summary>Evaluations since then.</summary>
    public int Stale { get; private set; }

    public void Offer(double accuracy, int step)
    {
        if (!Improves(accuracy, step))
        {
            return;
        }

        _weights = [.. parameters.Select(parameter =>
        {
            var values = new float[parameter.Count];
            parameter.Read(0, values);
            return values;
        })];
    }

    /// <summary>Brings the weights back. Returns whether there are any.</summary>
    public bool Restore()
    {
        for (var i = 0; i < parameters.Count && _weights is not null; i++)
        {
            parameters[i].Write(0, _weights[i]);
        }

        return _weights is not null;
    }

    public RunState State(int step)
    {
        var numbers = new Dictionary<string, float[]>(StringComparer.Ordinal);
        for (var i = 0; i < parameters.Count && _weights is not null; i++)
        {
            numbers[Prefix + parameters[i].Name] = _weights[i];
        }

        return new RunState(step, numbers);
    }

    /// <summary>Goes on from a checkpoint and the evaluations before it.</summary>
    public void Load(RunState state, IEnumerable<ReinforcementEvent> journal)
    {
        foreach (var line in journal)
        {
            if (line.Find(ReinforcementEvent.Accuracy) is { } accuracy && Improves(accuracy, line.Step))
            {
                _weights = [.. parameters.Select(parameter => state.Numbers[Prefix + parameter.Name])];
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
