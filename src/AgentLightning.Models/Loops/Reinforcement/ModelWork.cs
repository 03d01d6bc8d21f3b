using AgentLightning.Models.Architectures;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>
/// Operations that a model asks for on the way forward: 2 per weight of a block and token, 2 per weight of the output layer and token asked
/// about, and those of attention. The way back is twice as much, or once where weights are not trained. What memory is saved by, computing
/// things again, is not counted.
/// </summary>
internal sealed class ModelWork(Transformer model)
{
    private readonly double _blocks = model.Linears.Sum(linear => (double)linear.Weight.Count),
        _head = model.Output.Weight.Count;
    private readonly double _attention = 2.0 * model.Config.Layers * model.Config.Heads * model.Config.HeadWidth;

    /// <summary>Passes that learning takes, forward as 1.</summary>
    public int LearningPasses => model.Output.IsTrained || model.Linears.Any(linear => linear.Weight.IsTrained) ? 3 : 2;

    /// <param name="before">Tokens that were read already, which the new ones see.</param>
    /// <param name="tokens">New tokens.</param>
    /// <param name="asked">Tokens that logits are made for.</param>
    public double Forward(double before, double tokens, double asked) =>
        (2 * _blocks * tokens) + (2 * _head * asked) + (_attention * tokens * (tokens + (2 * before)));
}
