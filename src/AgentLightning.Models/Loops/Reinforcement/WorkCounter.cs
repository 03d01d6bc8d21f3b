using AgentLightning.Models.Environments;
using AgentLightning.Models.Ports;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>
/// Tokens drawn, and the operations that the model asked for; a prompt that attempts share counts once in drawing, and in learning as often
/// as it was computed.
/// </summary>
/// <param name="port">Null where the model is elsewhere: then only tokens are counted.</param>
internal sealed class WorkCounter(LocalModelPort? port)
{
    private readonly ModelWork? _work = port is null ? null : new(port.Policy.Model);
    private double _learned;

    public long Drawn { get; private set; }

    public double Flops { get; private set; }

    /// <summary>Counts attempts that were made, and returns their operations.</summary>
    public double Draw(IReadOnlyList<Attempt> attempts)
    {
        Drawn += attempts.Sum(attempt => (long)attempt.Drawn.Count);
        if (_work is null)
        {
            return 0;
        }

        double flops = 0;
        foreach (var group in attempts.GroupBy(attempt => attempt.Group))
        {
            double prompt = group.First().Task.Prompt.Length;
            // The first token is drawn from the prompt, and the last one is not read.
            flops +=
                _work.Forward(0, prompt, 1)
                + group.Sum(attempt =>
                    _work.Forward(prompt, Math.Max(0, attempt.Tokens.Count - prompt - 1), Math.Max(0, attempt.Drawn.Count - 1))
                );
        }

        Flops += flops;
        return flops;
    }

    /// <summary>Counts what learning has asked for since the last time, and returns it.</summary>
    public double Learn()
    {
        var flops = (port?.Flops ?? 0) - _learned;
        (_learned, Flops) = (_learned + flops, Flops + flops);
        return flops;
    }
}
