namespace AgentLightning.Models.Adapters;

/// <summary>How PEFT calls things.</summary>
internal static class PeftNames
{
    public const string Prefix = "base_model.model.",
        ConfigFile = "adapter_config.json",
        WeightsFile = "adapter_model.safetensors";

    /// <summary>A target is the whole name of a layer, or its end from a dot on.</summary>
    public static bool IsTarget(string layer, string target) =>
        layer == target
        || (layer.Length > target.Length && layer.EndsWith(target, StringComparison.Ordinal) && layer[^(target.Length + 1)] == '.');

    public static string Last(string layer) => layer[(layer.LastIndexOf('.') + 1)..];
}
