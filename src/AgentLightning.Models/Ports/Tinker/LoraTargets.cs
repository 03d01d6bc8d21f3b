using AgentLightning.Models.Adapters;
using AgentLightning.Models.Architectures;

namespace AgentLightning.Models.Ports.Tinker;

/// <summary>The layers that an adapter is asked for on.</summary>
public static class LoraTargets
{
    /// <summary>The adapter as this engine names it. The output layer never has one, whatever the request says.</summary>
    /// <exception cref="ArgumentException">There would be no layer, or rank or alpha is out of range.</exception>
    public static AdapterOptions Of(Transformer model, LoraConfig config)
    {
        if (!config.TrainAttn && !config.TrainMlp)
        {
            throw new ArgumentException(
                "An adapter must be on the attention or the feed-forward layers, but 'train_attn' and 'train_mlp' are false."
            );
        }

        // GPT-2 has a c_proj in both: the name of the block it is in tells them apart.
        string[]? targets =
            config.TrainAttn && config.TrainMlp
                ? null
                :
                [
                    .. model
                        .Linears.Select(layer => string.Join('.', layer.Name.Split('.').TakeLast(2)))
                        .Distinct()
                        .Where(name => name.StartsWith("mlp.", StringComparison.Ordinal) == config.TrainMlp),
                ];
        var options = new AdapterOptions
        {
            Rank = config.Rank,
            Alpha = config.Alpha ?? 32,
            Targets = targets,
        };
        options.Validate();
        return options;
    }
}
