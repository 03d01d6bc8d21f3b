namespace AgentLightning.Models.Ports.Tinker;

/// <summary>Tells a server from time to time that its client is still there.</summary>
internal sealed class SessionPulse : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly Task _beating;

    public SessionPulse(TinkerConnection connection, string session, TimeSpan every, TimeProvider clock) =>
        _beating = BeatAsync(connection, session, every, clock);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _beating.ConfigureAwait(false);
        _end.Dispose();
    }

    private async Task BeatAsync(TinkerConnection connection, string session, TimeSpan every, TimeProvider clock)
    {
        using var timer = new PeriodicTimer(every, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(_end.Token).ConfigureAwait(false))
            {
                try
                {
                    await connection.PostAsync<SessionBeat>("session_heartbeat", new Heartbeat(session), _end.Token).ConfigureAwait(false);
                }
                catch (TinkerException)
                {
                    // Whatever is wrong, the next request of the loop meets it too, and says so.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The end that was asked for.
        }
    }

    private sealed record SessionBeat(string? Type = null);
}
