using System.Globalization;

namespace AgentLightning.Cli.Output;

/// <summary>Counts what long work has done, on one line of a terminal; nothing where there is no terminal.</summary>
internal sealed class ProgressLine(string what) : IProgress<long>, IDisposable
{
    private readonly LiveLine _line = new();

    public void Report(long value) => _line.Show(() => string.Create(CultureInfo.InvariantCulture, $"{value:N0} {what}"));

    public void Dispose() => _line.Dispose();
}
