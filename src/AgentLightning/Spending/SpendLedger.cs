using AgentLightning.Common;

namespace AgentLightning.Spending;

/// <summary>
/// What was spent this month, in memory, so that a call is charged and looked at without the store. <see cref="SyncAsync"/>, called once a
/// second, writes what is new and reads what other servers wrote: a limit can be passed by what is spent within that second.
/// </summary>
/// <remarks>Any thread may call.</remarks>
public sealed class SpendLedger(ISpendStore store, TimeProvider time) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _one = new(1);
    private Dictionary<(string Who, string Month), long> _new = [];

    /// <summary>What is on its way to the store, and counts until the store is read again.</summary>
    private Dictionary<(string Who, string Month), long> _written = [];

    private Dictionary<string, long> _stored = [];
    private string? _month;

    /// <summary>Adds an amount, in units of 1e-9 of the currency.</summary>
    public void Add(string who, long amount)
    {
        if (amount <= 0)
        {
            return;
        }

        lock (_lock)
        {
            var key = (who, Spend.MonthOf(time.GetUtcNow()));
            _new[key] = _new.GetValueOrDefault(key) + amount;
        }
    }

    /// <summary>What somebody has spent in this month. The first call reads the store.</summary>
    public async ValueTask<long> OfAsync(string who, CancellationToken cancellationToken)
    {
        var month = Spend.MonthOf(time.GetUtcNow());
        if (Volatile.Read(ref _month) != month)
        {
            await SyncAsync(cancellationToken).ConfigureAwait(false);
        }

        lock (_lock)
        {
            return (_month == month ? _stored.GetValueOrDefault(who) : 0)
                + _new.GetValueOrDefault((who, month))
                + _written.GetValueOrDefault((who, month));
        }
    }

    /// <summary>
    /// Writes what is new, and reads the month. What cannot be written is kept for the next time, and the failure is
    /// <see cref="LightningException"/>.
    /// </summary>
    public async Task SyncAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            lock (_lock)
            {
                (_written, _new) = (_new, []);
            }

            await WriteAsync(cancellationToken).ConfigureAwait(false);
            await ReadAsync(Spend.MonthOf(time.GetUtcNow()), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        if (_written.Count == 0)
        {
            return;
        }

        try
        {
            await store
                .AddAsync([.. _written.Select(one => new Spend(one.Key.Who, one.Key.Month, one.Value))], cancellationToken)
                .ConfigureAwait(false);
        }
        catch
        {
            lock (_lock)
            {
                foreach (var (key, amount) in _written)
                {
                    _new[key] = _new.GetValueOrDefault(key) + amount;
                }

                _written = [];
            }

            throw;
        }
    }

    private async Task ReadAsync(string month, CancellationToken cancellationToken)
    {
        try
        {
            var read = await store.ReadAsync(month, cancellationToken).ConfigureAwait(false);
            lock (_lock)
            {
                (_month, _written) = (month, []);
                _stored = read.ToDictionary(one => one.Who, one => one.Amount, StringComparer.Ordinal);
            }
        }
        catch
        {
            lock (_lock)
            {
                // It is on disk: it must not be written again, and still counts.
                foreach (var ((who, _), amount) in _written.Where(one => one.Key.Month == _month))
                {
                    _stored[who] = _stored.GetValueOrDefault(who) + amount;
                }

                _written = [];
            }

            throw;
        }
    }
}
