using AgentLightning.Models.Environments.Graders;

namespace AgentLightning.Models.Environments.Tools;

/// <summary>
/// Several turns with tools: while the model calls some, they run, and it reads what they give; the turn in which it calls none, or the
/// last there may be, is judged by another environment. A call that cannot be read, names no tool, or has arguments that do not fit is told
/// to the model, which can learn from it.
/// </summary>
public sealed class ToolEnvironment : IEnvironment
{
    private static readonly ToolUse s_none = new(0, 0);
    private readonly Dictionary<string, ITool> _tools = new(StringComparer.Ordinal);
    private readonly ToolConversation _conversation;
    private readonly IEnvironment _judge;
    private readonly ToolOptions _options;
    private readonly TimeProvider _clock;

    /// <param name="judge">Is given the turn that ends an attempt.</param>
    /// <exception cref="ArgumentException">Two tools have one name, a name or a schema cannot be used, or options are wrong.</exception>
    public ToolEnvironment(
        IReadOnlyList<ITool> tools,
        ToolConversation conversation,
        IEnvironment judge,
        ToolOptions options,
        TimeProvider clock
    )
    {
        options.Validate();
        (_conversation, _judge, _options, _clock) = (conversation, judge, options, clock);
        foreach (var tool in tools)
        {
            if (
                tool.Name.Length == 0
                || !tool.Name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-')
                || !_tools.TryAdd(tool.Name, tool)
            )
            {
                throw new ArgumentException(
                    $"The name of a tool must be of letters, digits, '_' and '-', and of no other tool, but one is '{tool.Name}'."
                );
            }

            JsonSchemaCheck.Require(tool.Parameters, tool.Name);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<Turn> StepAsync(Attempt attempt, CancellationToken cancellationToken)
    {
        // A call that was cut off is none, and after the last turn nobody would read what a tool gives.
        var calls = attempt.IsTruncated || attempt.Turns >= _options.MaxTurns ? [] : _conversation.CallsOf(attempt);
        if (calls.Count == 0)
        {
            return await _judge.StepAsync(attempt, cancellationToken).ConfigureAwait(false) with { Tools = s_none };
        }

        var results = new List<(ToolCall Call, string Result)>();
        var failures = 0;
        foreach (var call in calls)
        {
            var (result, failed) = await RunAsync(call, results.Count, attempt.Task, cancellationToken).ConfigureAwait(false);
            results.Add((call, _conversation.Limit(result, _options.MaxResultTokens)));
            failures += failed ? 1 : 0;
        }

        return new Turn(failures > 0 ? _options.FailureReward : _options.CallReward, _conversation.Observation(results, attempt.Tokens[^1]))
        {
            Tools = new ToolUse(calls.Count, failures),
        };
    }

    private async Task<(string Result, bool Failed)> RunAsync(
        ToolCall call,
        int index,
        RolloutTask task,
        CancellationToken cancellationToken
    )
    {
        if (Refusal(call, index) is { } refusal)
        {
            return ($"Error: {refusal}.", true);
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            // In a task of its own: a tool that blocks is waited for no longer than one that awaits.
            var running = Task.Run(() => _tools[call.Name].RunAsync(call.Arguments, task, limit.Token).AsTask(), limit.Token);
            return (await running.WaitAsync(_options.Timeout, _clock, cancellationToken).ConfigureAwait(false), false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e) when (!_options.FailuresEndAttempt)
        {
            return (
                e is TimeoutException
                    ? $"Error: {call.Name} took longer than {_options.Timeout.TotalSeconds} seconds."
                    : $"Error: {call.Name} failed: {e.Message}",
                true
            );
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(
                $"The tool '{call.Name}' failed: "
                    + (e is TimeoutException ? $"it took longer than {_options.Timeout.TotalSeconds} seconds" : e.Message),
                e
            );
        }
        finally
        {
            // What still runs is not wanted any more.
            await limit.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>What is wrong with a call by the model's own doing; null when nothing is.</summary>
    private string? Refusal(ToolCall call, int index) =>
        index >= _options.MaxCalls ? $"at most {_options.MaxCalls} calls are answered in a turn"
        : call.Name.Length > 0 && !_tools.ContainsKey(call.Name)
            ? $"there is no tool '{call.Name}'; there are {string.Join(", ", _tools.Keys)}"
        : call.Error
            ?? (
                JsonSchemaCheck.Fits(_tools[call.Name].Parameters, call.Arguments)
                    ? null
                    : $"the arguments of {call.Name} do not fit {_tools[call.Name].Parameters.GetRawText()}"
            );
}
