using System.Globalization;
using AgentLightning.Common;

namespace AgentLightning.Storage;

/// <summary>Does work under leases, and renews them while the work goes on.</summary>
public sealed class Leases(ILeaseStore store, TimeProvider time)
{
    /// <summary>How long a holder that says nothing more keeps its leases; it renews them three times as often.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(30);

    /// <summary>Of this process, told apart from another of the same machine.</summary>
    private readonly string _owner = string.Create(
        CultureInfo.InvariantCulture,
        $"{Environment.MachineName}/{Environment.ProcessId}/{Guid.NewGuid().ToString("N")[..8]}"
    );

    /// <summary>Takes a lease; null while somebody has it. <see cref="Held.DisposeAsync"/> lets it go.</summary>
    public async Task<Held?> TryHoldAsync(string name, CancellationToken cancellationToken) =>
        await store.TryAcquireAsync(name, _owner, Duration, cancellationToken).ConfigureAwait(false) is { } lease
            ? new Held(store, lease, time)
            : null;

    /// <summary>A lease that is renewed until it is let go.</summary>
    public sealed class Held : IAsyncDisposable
    {
        private readonly ILeaseStore _store;
        private readonly TimeProvider _time;
        private readonly CancellationTokenSource _lost = new();
        private readonly CancellationTokenSource _over = new();
        private readonly Task _renewing;

        internal Held(ILeaseStore store, Lease lease, TimeProvider time)
        {
            (_store, Lease, _time) = (store, lease, time);
            _renewing = RenewAsync();
        }

        public Lease Lease { get; }

        /// <summary>Is cancelled when the lease was lost: another does the work from now on.</summary>
        public CancellationToken Lost => _lost.Token;

        public async ValueTask DisposeAsync()
        {
            await _over.CancelAsync().ConfigureAwait(false);
            await _renewing.ConfigureAwait(false);
            if (!_lost.IsCancellationRequested)
            {
                try
                {
                    await _store.ReleaseAsync(Lease, CancellationToken.None).ConfigureAwait(false);
                }
                catch (LightningException)
                {
                    // It runs out by itself.
                }
            }

            _lost.Dispose();
            _over.Dispose();
        }

        private async Task RenewAsync()
        {
            using var timer = new PeriodicTimer(Duration / 3, _time);
            var until = Lease.ExpiresAt;
            try
            {
                while (await timer.WaitForNextTickAsync(_over.Token).ConfigureAwait(false))
                {
                    try
                    {
                        if (await _store.TryRenewAsync(Lease, Duration, _over.Token).ConfigureAwait(false) is not { } renewed)
                        {
                            break;
                        }

                        until = renewed.ExpiresAt;
                    }
                    catch (LightningException) when (_time.GetUtcNow() < until)
                    {
                        // A store that is away for a moment gives the lease to nobody else either.
                    }
                    catch (LightningException)
                    {
                        break;
                    }
                }

                await _lost.CancelAsync().ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // Let go.
            }
        }
    }
}
