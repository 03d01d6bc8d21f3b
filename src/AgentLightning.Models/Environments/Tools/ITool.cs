using System.Text.Json;

namespace AgentLightning.Models.Environments.Tools;

/// <summary>Something that a model can ask for by name while it works on a task.</summary>
public interface ITool
{
    /// <summary>What the model calls it: letters, digits, <c>_</c> and <c>-</c>.</summary>
    string Name { get; }

    /// <summary>What it does, for the model.</summary>
    string Description { get; }

    /// <summary>JSON schema of its arguments, an object. Arguments that do not fit never reach the tool.</summary>
    JsonElement Parameters { get; }

    /// <summary>
    /// Does it, and gives what the model is to read. Calls for different attempts come at once. An exception is a failure of the tool.
    /// </summary>
    /// <param name="task">What the model works on.</param>
    ValueTask<string> RunAsync(JsonElement arguments, RolloutTask task, CancellationToken cancellationToken);
}
