using System.Threading.Channels;
using AgentLightning.Common;

namespace AgentLightning.Rewards;

/// <summary>Stores rewards that come one by one: those that come while a group is on its way to the disk are the next group.</summary>
/// <remarks>Any thread may call.</remarks>
public sealed class RewardWriter : IAsyncDisposable
{
    private const int MostTogether = 128;

    private readonly IRewardStore _store;
    private readonly Channel<Waiting> _waiting = Channel.CreateUnbounded<Waiting>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _loop;

    public RewardWriter(IRewardStore store)
    {
        _store = store;
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Completes when the reward is on disk: true when it was new. Errors are those of <see cref="IRewardStore.AddEachAsync"/>, for this reward alone.</summary>
    public async Task<bool> AddAsync(Reward reward, CancellationToken cancellationToken)
    {
        var entry = new Waiting(reward, new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously));
        ObjectDisposedException.ThrowIf(!_waiting.Writer.TryWrite(entry), this);
        return await entry.Stored.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

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

            await StoreAsync(group).ConfigureAwait(false);
            group.Clear();
        }
    }

    /// <summary>A group that is refused is stored one by one, so that one reward does not take the others with it.</summary>
    private async Task StoreAsync(List<Waiting> group)
    {
        try
        {
            var added = await _store.AddEachAsync([.. group.Select(entry => entry.Reward)], CancellationToken.None).ConfigureAwait(false);
            for (var i = 0; i < group.Count; i++)
            {
                group[i].Stored.TrySetResult(added[i]);
            }
        }
        catch (LightningException e) when (group.Count > 1 && e.Kind != ErrorKind.Unavailable)
        {
            foreach (var entry in group)
            {
                await StoreAsync([entry]).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            group.ForEach(entry => entry.Stored.TrySetException(e));
        }
    }

    private sealed record Waiting(Reward Reward, TaskCompletionSource<bool> Stored);
}
