using System.Text.Json;
using AgentLightning.Models.Environments.Commands;

namespace AgentLightning.Models.Environments.Tools;

/// <summary>
/// A command as a tool: it reads the arguments as JSON on standard input, and what it writes on standard output is the result. It runs as a
/// <see cref="CommandSandbox"/> runs it.
/// </summary>
internal sealed class CommandTool(string name, string description, JsonElement parameters, CommandSandbox sandbox) : ITool
{
    private const int MostError = 500;

    public string Name => name;

    public string Description => description;

    public JsonElement Parameters => parameters;

    public async ValueTask<string> RunAsync(JsonElement arguments, RolloutTask task, CancellationToken cancellationToken)
    {
        var outcome = await sandbox.RunAsync(null, arguments.GetRawText(), cancellationToken).ConfigureAwait(false);
        return outcome.ExitCode switch
        {
            0 => outcome.Output.TrimEnd(),
            null => throw new InvalidOperationException($"it took more than {sandbox.Timeout.TotalSeconds} seconds, or wrote too much"),
            var code => throw new InvalidOperationException(
                $"it ended with {code}: {outcome.Error.Trim()[..Math.Min(outcome.Error.Trim().Length, MostError)]}"
            ),
        };
    }
}
