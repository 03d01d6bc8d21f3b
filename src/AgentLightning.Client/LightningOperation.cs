using System.Diagnostics;
using System.Text.Json;
using AgentLightning.Client.Telemetry;

namespace AgentLightning.Client;

/// <summary>An operation of the application, such as one answer with all that it took. Ends when it is disposed.</summary>
public sealed class LightningOperation : IDisposable
{
    private readonly Activity? _span;

    internal LightningOperation(Activity? span) => _span = span;

    /// <summary>The trace that everything below the operation belongs to; null when nobody listens.</summary>
    public string? TraceId => _span?.TraceId.ToHexString();

    /// <summary>What the operation was given: values without names.</summary>
    public void SetInput(params object?[] arguments) =>
        Set(
            "agentlightning.operation.input.args",
            arguments.Select((value, i) => (i.ToString(System.Globalization.CultureInfo.InvariantCulture), value))
        );

    /// <summary>What the operation was given: values by name.</summary>
    public void SetInput(IEnumerable<KeyValuePair<string, object?>> arguments) =>
        Set("agentlightning.operation.input", arguments.Select(argument => (argument.Key, argument.Value)));

    /// <summary>What it gave.</summary>
    public void SetOutput(object? value) => Set("agentlightning.operation", [("output", value)]);

    /// <summary>What failed it.</summary>
    public void SetException(Exception exception)
    {
        if (_span is not null)
        {
            LightningEmitter.Describe(_span, exception);
            _span.SetStatus(ActivityStatusCode.Error, exception.Message);
        }
    }

    public void Dispose() => _span?.Dispose();

    private void Set(string prefix, IEnumerable<(string Name, object? Value)> values)
    {
        try
        {
            foreach (var (name, value) in _span is null ? [] : values)
            {
                LightningEmitter.Add(_span!, Flattening.Of($"{prefix}.{name}", value));
            }
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException)
        {
            _span!.SetTag($"{prefix}.error", e.GetType().Name);
        }
    }
}
