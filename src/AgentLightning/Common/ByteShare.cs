namespace AgentLightning.Common;

/// <summary>What one request holds of the <see cref="ByteBudget"/>. One at a time may take.</summary>
public sealed class ByteShare : IDisposable
{
    private readonly ByteBudget _budget;
    private bool _closed;

    internal ByteShare(ByteBudget budget, ByteBudget.Holder key, ByteBudget.Holder connection) =>
        (_budget, Key, Connection) = (budget, key, connection);

    internal ByteBudget.Holder Key { get; }

    internal ByteBudget.Holder Connection { get; }

    /// <summary>Bytes held; belongs to the lock of the budget.</summary>
    internal long Held { get; set; }

    /// <summary>Takes bytes, and waits for them up to the limit of the budget; false when there was no room in time.</summary>
    public ValueTask<bool> TryTakeAsync(long bytes, CancellationToken cancellationToken) =>
        _budget.TakeAsync(this, bytes, cancellationToken);

    /// <summary>The same; without room in time <see cref="ErrorKind.Unavailable"/>.</summary>
    public async ValueTask TakeAsync(long bytes, CancellationToken cancellationToken)
    {
        if (!await TryTakeAsync(bytes, cancellationToken).ConfigureAwait(false))
        {
            throw new LightningException(
                ErrorKind.Unavailable,
                "More is on its way than there is room for, in all or of this client. Send the request again, or send less at once."
            );
        }
    }

    /// <summary>Gives some of it back.</summary>
    public void Give(long bytes) => _budget.Give(this, bytes);

    /// <summary>Gives all of it back.</summary>
    public void Dispose()
    {
        if (!_closed)
        {
            _closed = true;
            _budget.Close(this);
        }
    }
}
