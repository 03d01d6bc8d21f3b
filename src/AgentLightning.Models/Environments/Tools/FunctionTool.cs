using System.Text.Json;

namespace AgentLightning.Models.Environments.Tools;

/// <summary>What a tool does: from arguments and the task to what the model is to read.</summary>
public delegate ValueTask<string> ToolFunction(JsonElement arguments, RolloutTask task, CancellationToken cancellationToken);

/// <summary>A function of this program as a tool.</summary>
/// <param name="parameters">JSON schema of its arguments.</param>
public sealed class FunctionTool(string name, string description, JsonElement parameters, ToolFunction function) : ITool
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public string Description => description;

    /// <inheritdoc/>
    public JsonElement Parameters => parameters;

    /// <inheritdoc/>
    public ValueTask<string> RunAsync(JsonElement arguments, RolloutTask task, CancellationToken cancellationToken) =>
        function(arguments, task, cancellationToken);
}
