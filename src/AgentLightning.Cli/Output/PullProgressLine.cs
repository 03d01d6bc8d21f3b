using System.Diagnostics;
using System.Globalization;
using AgentLightning.Models.Hub;

namespace AgentLightning.Cli.Output;

/// <summary>Tells how far a pull is, on one line of a terminal that is written over; nothing where there is no terminal.</summary>
internal sealed class PullProgressLine : IProgress<PullProgress>, IDisposable
{
    private static readonly TimeSpan s_between = TimeSpan.FromMilliseconds(100);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private long? _first;
    private TimeSpan _next;
    private int _width;

    public void Report(PullProgress value)
    {
        // What was there before this pull does not count into its speed.
        _first ??= value.Bytes;
        if (Console.IsErrorRedirected || (_clock.Elapsed < _next && value.Bytes < value.TotalBytes))
        {
            return;
        }

        _next = _clock.Elapsed + s_between;
        var speed = (value.Bytes - _first.Value) / _clock.Elapsed.TotalSeconds;
        var line = string.Create(
            CultureInfo.InvariantCulture,
            $"{value.Bytes / 1e6:N1} of {value.TotalBytes / 1e6:N1} MB, {speed / 1e6:N1} MB/s, {value.File}"
        );
        Console.Error.Write("\r" + line.PadRight(_width));
        _width = line.Length;
    }

    public void Dispose()
    {
        if (_width > 0)
        {
            Console.Error.WriteLine();
        }
    }
}
