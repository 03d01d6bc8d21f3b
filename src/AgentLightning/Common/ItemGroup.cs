using System.Threading.Channels;

namespace AgentLightning.Common;

/// <summary>The items that are done together. Whoever waits for one is told when the group is completed, or the item is dropped.</summary>
/// <param name="queue">Where the items come from; null for a group that is what it is.</param>
/// <param name="size">The weight from which on no more items join.</param>
/// <remarks>One thread at a time may call.</remarks>
internal sealed class ItemGroup<TItem, TResult>(IGroupWork<TItem, TResult> work, ChannelReader<QueuedItem<TItem, TResult>>? queue, int size)
{
    private readonly List<TItem> _items = [];
    private readonly List<TaskCompletionSource<TResult>?> _waiting = [];
    private readonly List<TaskCompletionSource> _marks = [];
    private int _weight;

    public int Count => _items.Count;

    /// <summary>In the order in which they came. Another group is in the list when this one is done.</summary>
    public IReadOnlyList<TItem> Items => _items;

    /// <summary>Bytes of what was taken from the queue for this group.</summary>
    public long Bytes { get; private set; }

    /// <summary>Whether whoever waits for its items was told.</summary>
    public bool IsCompleted { get; private set; }

    /// <summary>Lets join what has come, as long as there is room.</summary>
    public void Fill()
    {
        while (queue is not null && _weight < size && queue.TryRead(out var entry))
        {
            Bytes += entry.Bytes;
            if (entry.Mark is { } mark)
            {
                _marks.Add(mark);
                _weight++;
                continue;
            }

            try
            {
                Add(work.Prepare(entry.Item), entry.Done);
            }
            catch (Exception e)
            {
                Tell(entry.Done, e);
            }
        }
    }

    /// <summary>Tells each waiting caller its result, in the order of the items.</summary>
    public void Complete(IReadOnlyList<TResult> results)
    {
        if (results.Count != _items.Count)
        {
            throw new InvalidOperationException($"A group of {_items.Count} was done with {results.Count} results.");
        }

        IsCompleted = true;
        for (var i = 0; i < _items.Count; i++)
        {
            _waiting[i]?.TrySetResult(results[i]);
        }
    }

    /// <summary>Tells all the same.</summary>
    public void Complete(TResult result)
    {
        IsCompleted = true;
        foreach (var done in _waiting)
        {
            done?.TrySetResult(result);
        }
    }

    /// <summary>Leaves out at once the items that have a problem, and tells them of it.</summary>
    /// <param name="problem">Null for an item that stays.</param>
    public void Drop(Func<TItem, Exception?> problem)
    {
        var kept = 0;
        for (var i = 0; i < _items.Count; i++)
        {
            if (problem(_items[i]) is { } wrong)
            {
                _weight -= work.WeightOf(_items[i]);
                Tell(_waiting[i], wrong);
                continue;
            }

            (_items[kept], _waiting[kept]) = (_items[i], _waiting[i]);
            kept++;
        }

        _items.RemoveRange(kept, _items.Count - kept);
        _waiting.RemoveRange(kept, _waiting.Count - kept);
    }

    internal void Fail(Exception failure)
    {
        IsCompleted = true;
        foreach (var done in _waiting)
        {
            Tell(done, failure);
        }
    }

    /// <summary>Each item in a group of its own.</summary>
    internal IEnumerable<ItemGroup<TItem, TResult>> Divide()
    {
        for (var i = 0; i < _items.Count; i++)
        {
            var one = new ItemGroup<TItem, TResult>(work, null, size);
            one.Add(_items[i], _waiting[i]);
            yield return one;
        }
    }

    /// <summary>Makes room for the next group, and tells the marks that were reached.</summary>
    internal void Clear()
    {
        foreach (var mark in _marks)
        {
            mark.TrySetResult();
        }

        _items.Clear();
        _waiting.Clear();
        _marks.Clear();
        (_weight, Bytes, IsCompleted) = (0, 0, false);
    }

    private void Add(TItem item, TaskCompletionSource<TResult>? done)
    {
        _weight += work.WeightOf(item);
        _items.Add(item);
        _waiting.Add(done);
    }

    private static void Tell(TaskCompletionSource<TResult>? done, Exception failure)
    {
        if (failure is OperationCanceledException cancelled)
        {
            done?.TrySetCanceled(cancelled.CancellationToken);
        }
        else
        {
            done?.TrySetException(failure);
        }
    }
}
