namespace AgentLightning.ModelServer;

/// <summary>Something to be computed, and what promises its result.</summary>
/// <param name="Together">What can be computed at once has the same; null for what stands alone.</param>
/// <param name="Weight">How much of what can be computed at once it takes.</param>
internal record Work(string Promise, Func<CancellationToken, Task<object>> Run, object? Together = null, int Weight = 1);

/// <summary>
/// What waits to be computed, in the order in which it came. There is one model, so one thing, or what goes together, is computed at a
/// time.
/// </summary>
internal sealed class WorkQueue : IDisposable
{
    private const int Most = 8192,
        MostTogether = 512;
    private readonly LinkedList<Work> _waiting = new();
    private readonly SemaphoreSlim _arrived = new(0);

    public void Add(Work work)
    {
        lock (_waiting)
        {
            if (_waiting.Count >= Most)
            {
                throw TinkerRefusal.Busy($"{Most} requests are waiting. Send it again later.");
            }

            _waiting.AddLast(work);
        }

        _arrived.Release();
    }

    public void Dispose() => _arrived.Dispose();

    /// <summary>What comes next, with all that waits and can be computed with it.</summary>
    public async Task<IReadOnlyList<Work>> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await _arrived.WaitAsync(cancellationToken);
            lock (_waiting)
            {
                // What was taken along with others has left its sign.
                if (_waiting.First is not { Value: var first })
                {
                    continue;
                }

                _waiting.RemoveFirst();
                var together = new List<Work> { first };
                var room = MostTogether - first.Weight;
                for (var node = _waiting.First; node is not null && first.Together is not null; )
                {
                    var next = node.Next;
                    if (Equals(node.Value.Together, first.Together) && node.Value.Weight <= room)
                    {
                        room -= node.Value.Weight;
                        together.Add(node.Value);
                        _waiting.Remove(node);
                    }

                    node = next;
                }

                return together;
            }
        }
    }
}
