using AgentLightning.Models.Architectures;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>The weights of the best evaluation so far; of equals the first.</summary>
internal sealed class BestWeights(IReadOnlyList<Parameter> parameters)
{
    private float[][]? _weights;

    public double Accuracy { get; private set; } = double.NegativeInfinity;

    public int Step { get; private set; }

    /// <summary>Evaluations since then.</summary>
    public int Stale { get; private set; }

    public void Offer(double accuracy, int step)
    {
        if (accuracy <= Accuracy)
        {
            Stale++;
            return;
        }

        (Accuracy, Step, Stale) = (accuracy, step, 0);
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
        if (_weights is not null)
        {
            numbers["best"] = [(float)Step, Stale, .. Bits(Accuracy)];
            for (var i = 0; i < parameters.Count; i++)
            {
                numbers["best." + parameters[i].Name] = _weights[i];
            }
        }

        return new RunState(step, numbers);
    }

    public void Load(RunState state)
    {
        if (state.Numbers.TryGetValue("best", out var numbers))
        {
            (Step, Stale, Accuracy) = ((int)numbers[0], (int)numbers[1], Number(numbers[2], numbers[3]));
            _weights = [.. parameters.Select(parameter => state.Numbers["best." + parameter.Name])];
        }
    }

    // Two singles hold a double whole.
    private static float[] Bits(double value) =>
        [BitConverter.UInt32BitsToSingle((uint)(BitConverter.DoubleToUInt64Bits(value) >> 32)), BitConverter.UInt32BitsToSingle((uint)BitConverter.DoubleToUInt64Bits(value))];

    private static double Number(float high, float low) => BitConverter.UInt64BitsToDouble(((ulong)BitConverter.SingleToUInt32Bits(high) << 32) | BitConverter.SingleToUInt32Bits(low));
}
