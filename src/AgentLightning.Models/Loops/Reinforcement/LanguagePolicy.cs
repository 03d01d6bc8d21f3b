using AgentLightning.Models.Adapters;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tensors;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>A language model that learns: all of its weights, or an adapter on it. None of it is disposed with it.</summary>
/// <param name="Adapter">Attached and trained; null when the model itself is trained.</param>
/// <param name="Tokenizer">For texts and stop strings; null when tasks are judged by token ids.</param>
/// <param name="Reference">The policy not to be left behind, where the model itself is trained. With an adapter it is the model without it,
/// and this is null.</param>
public sealed record LanguagePolicy(
    Transformer Model,
    Compute Compute,
    Adapter? Adapter = null,
    Tokenizer? Tokenizer = null,
    Transformer? Reference = null
)
{
    /// <summary>What is trained.</summary>
    public IReadOnlyList<Parameter> Parameters => Adapter?.Parameters ?? Model.Parameters;

    /// <summary>Runs something with the reference: the other model, or this one without its adapter.</summary>
    /// <exception cref="ArgumentException">There is no reference.</exception>
    internal void WithReference(Action<Transformer> use)
    {
        if (Reference is not null)
        {
            use(Reference);
            return;
        }

        if (Adapter is null)
        {
            throw new ArgumentException(
                "Staying near a reference needs one: train an adapter, or give the policy a reference model, or set β to 0."
            );
        }

        Adapter.Detach();
        try
        {
            use(Model);
        }
        finally
        {
            Adapter.Attach();
        }
    }
}
