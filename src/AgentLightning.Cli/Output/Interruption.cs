using System.Runtime.InteropServices;

namespace AgentLightning.Cli.Output;

/// <summary>
/// Ctrl+C and SIGTERM while a command runs: the first asks it to end where it can be gone on from, which may take as long as a step of
/// training; the second ends the process at once, with the exit code of its signal.
/// </summary>
internal sealed class Interruption : IDisposable
{
    /// <summary>What shells add to the number of a signal.</summary>
    private const int ExitCodeBase = 128;

    private readonly CancellationTokenSource _asked = new();
    private readonly PosixSignalRegistration[] _registrations;
    private readonly Action<int> _exit;
    private int _count;

    /// <param name="exit">Ends the process; <see cref="Environment.Exit"/> but in tests.</param>
    public Interruption(Action<int>? exit = null)
    {
        _exit = exit ?? Environment.Exit;
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => Interrupt(signal, 2)),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => Interrupt(signal, 15)),
        ];
    }

    public CancellationToken Token => _asked.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _asked.Dispose();
    }

    private void Interrupt(PosixSignalContext signal, int number)
    {
        signal.Cancel = true;
        Interrupt(number);
    }

    /// <summary>A signal of that number came. Any thread may call, also while another call is under way.</summary>
    internal void Interrupt(int number)
    {
        if (Interlocked.Increment(ref _count) > 1)
        {
            _exit(ExitCodeBase + number);
            return;
        }

        try
        {
            _asked.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The command ended just now.
        }
    }
}
