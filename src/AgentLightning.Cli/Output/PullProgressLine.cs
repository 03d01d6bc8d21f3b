using System.Diagnostics;
using System.Globalization;
using AgentLightning.Models.Hub;

namespace AgentLightning.Cli.Output;

/// <summary>Tells how far a pull is, on one line of a terminal; nothing where there is no terminal.</summary>
internal sealed class PullProgressLine : IProgress<PullProgress>, IDisposable
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly LiveLine _line = new();
    private long? _first;

    public void Report(PullProgress value)
    {
        // What was there before this pull does not count into its speed.
        _first ??= value.Bytes;
        _line.Show(() =>
            string.Create(
                CultureInfo.InvariantCulture,
                $"{value.Bytes / 1e6:N1} of {value.TotalBytes / 1e6:N1} MB, "
                    + $"{(value.Bytes - _first.Value) / _clock.Elapsed.TotalSeconds / 1e6:N1} MB/s, {value.File}"
            )
        );
    }

    public void Dispose() => _line.Dispose();
}
