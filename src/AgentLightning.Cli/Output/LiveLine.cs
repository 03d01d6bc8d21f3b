using System.Diagnostics;

namespace AgentLightning.Cli.Output;

/// <summary>
/// Tells on standard error how far long work is: on a terminal in one line that is written over and is gone in the end, elsewhere in lines
/// now and then, if at all.
/// </summary>
/// <param name="between">Least time between two plain lines where there is no terminal; null writes none.</param>
internal sealed class LiveLine(TimeSpan? between = null) : IDisposable
{
    /// <summary>How often work of minutes writes a plain line.</summary>
    public static readonly TimeSpan Plain = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan s_redraw = TimeSpan.FromMilliseconds(100);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private TimeSpan _next = Console.IsErrorRedirected ? between ?? TimeSpan.MaxValue : TimeSpan.Zero;
    private bool _shown;

    /// <summary>Shows how far it is. Asked for too soon after the last, <paramref name="text"/> is not even made.</summary>
    public void Show(Func<string> text)
    {
        if (_clock.Elapsed < _next)
        {
            return;
        }

        if (Console.IsErrorRedirected)
        {
            _next = _clock.Elapsed + between!.Value;
            Console.Error.WriteLine(text());
            return;
        }

        _next = _clock.Elapsed + s_redraw;
        _shown = true;
        Console.Error.Write($"\r{Terminal.Cut(text(), Terminal.ProgressWidth)}\u001b[K");
    }

    /// <summary>Writes a line that stays, above the one that is written over; without a terminal only if lines are written.</summary>
    public void Keep(string line)
    {
        if (Console.IsErrorRedirected && between is null)
        {
            return;
        }

        Clear();
        Console.Error.WriteLine(line);
    }

    public void Dispose() => Clear();

    private void Clear()
    {
        if (_shown)
        {
            Console.Error.Write("\r\u001b[K");
            _shown = false;
        }
    }
}
