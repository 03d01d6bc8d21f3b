using System.Threading.Channels;

namespace AgentLightning.Common;

/// <summary>Does together what is asked for one by one: what comes while a group is under way is the next group.</summary>
/// <remarks>Any thread may call.</remarks>
internal sealed class GroupQueue<TItem, TResult> : IAsyncDisposable
{
    private const int MostTogether = 128;

    private readonly Func<IReadOnlyList<TItem>, Task<IReadOnlyList<TResult>>> _work;
    private readonly Channel<Waiting> _waiting = Channel.CreateUnbounded<Waiting>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _loop;

    /// <param name="work">Gives a result for each item, in their order.</param>
    public GroupQueue(Func<IReadOnlyList<TItem>, Task<IReadOnlyList<TResult>>> work)
    {
        _work = work;
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Completes when the group of the item is done. Errors are those of this item alone.</summary>
    public async Task<TResult> AddAsync(TItem item, CancellationToken cancellationToken)
    {
        var entry = new Waiting(item, new TaskCompletionSource<TResult>(TaskCreationOptions.RunContinuationsAsynchronously));
        ObjectDisposedException.ThrowIf(!_waiting.Writer.TryWrite(entry), this);
        return await entry.Done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits for what was added.</summary>
    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        var group = new List<Waiting>(MostTogether);
        while (await _waiting.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            while (group.Count < MostTogether && _waiting.Reader.TryRead(out var entry))
            {
                group.Add(entry);
            }

            await RunAsync(group).ConfigureAwait(false);
            group.Clear();
        }
    }

    /// <summary>A group that is refused is done one by one, so that one item does not take the others with it.</summary>
    private async Task RunAsync(List<Waiting> group)
    {
        try
        {
            var results = await _work([.. group.Select(entry => entry.Item)]).ConfigureAwait(false);
            for (var i = 0; i < group.Count; i++)
            {
                group[i].Done.TrySetResult(results[i]);
            }
        }
        catch (LightningException e) when (group.Count > 1 && e.Kind != ErrorKind.Unavailable)
        {
            foreach (var entry in group)
            {
                await RunAsync([entry]).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            group.ForEach(entry => entry.Done.TrySetException(e));
        }
    }

    private sealed record Waiting(TItem Item, TaskCompletionSource<TResult> Done);
}
