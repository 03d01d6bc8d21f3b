using AgentLightning.Common;
using Microsoft.Extensions.Time.Testing;

namespace AgentLightning.Tests.Common;

public sealed class GroupQueueTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly Doubling _work = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_comes_while_a_group_is_under_way_is_the_next_group_and_each_is_told_its_own_result()
    {
        await using var queue = Queue();
        var first = queue.DoAsync(1, Token);
        await _work.Begun;
        var others = Enumerable.Range(2, 5).Select(item => queue.DoAsync(item, Token)).ToList();

        _work.Go();

        var one = await first;
        Assert.Equal(2, one);
        int[] told = await Task.WhenAll(others);
        Assert.Equal([4, 6, 8, 10, 12], told);
        Assert.Equal(
            [
                [1],
                [2, 3, 4, 5, 6],
            ],
            _work.Groups
        );
    }

    [Fact]
    public async Task A_group_ends_at_its_size_by_the_weights_of_its_items()
    {
        _work.Weight = item => item;
        await using var queue = Queue(new GroupQueueOptions { GroupSize = 10 });
        var first = queue.DoAsync(1, Token);
        await _work.Begun;
        var others = new[] { 6, 50, 3, 3, 3, 3, 3 }.Select(item => queue.DoAsync(item, Token)).ToList();

        _work.Go();

        await Task.WhenAll([first, .. others]);
        Assert.Equal(
            [
                [1],
                [6, 50],
                [3, 3, 3, 3],
                [3],
            ],
            _work.Groups
        );
    }

    [Fact]
    public async Task One_that_is_refused_does_not_take_its_group_with_it()
    {
        _work.Refuses = item => item == 3 ? LightningException.Conflict("no threes") : null;
        await using var queue = Queue();
        var first = queue.DoAsync(1, Token);
        await _work.Begun;
        var (good, bad, last) = (queue.DoAsync(2, Token), queue.DoAsync(3, Token), queue.DoAsync(4, Token));

        _work.Go();

        int[] told = await Task.WhenAll(first, good, last);
        Assert.Equal([2, 4, 8], told);
        Assert.Equal("no threes", (await Assert.ThrowsAsync<LightningException>(() => bad)).Message);
        Assert.Equal([3], _work.Divisions);
        Assert.Equal(1, _work.Lost);
    }

    [Fact]
    public async Task What_is_away_fails_the_group_at_once_and_the_next_is_tried_again()
    {
        _work.Refuses = item => item > 1 ? new LightningException(ErrorKind.Unavailable, "away") : null;
        await using var queue = Queue();
        var first = queue.DoAsync(1, Token);
        await _work.Begun;
        var lost = new[] { queue.DoAsync(2, Token), queue.DoAsync(3, Token) };

        _work.Go();

        await first;
        foreach (var one in lost)
        {
            Assert.Equal("away", (await Assert.ThrowsAsync<LightningException>(() => one)).Message);
        }

        _work.Refuses = _ => null;
        Assert.Equal(8, await queue.DoAsync(4, Token));
        Assert.Equal(
            [
                [1],
                [2, 3],
                [4],
            ],
            _work.Groups
        );
        Assert.Equal(2, _work.Lost);
    }

    [Fact]
    public async Task Work_that_fails_or_forgets_to_tell_still_tells_whoever_waits()
    {
        _work.Go();
        await using var queue = Queue();
        _work.Refuses = _ => new InvalidDataException("broken");
        await Assert.ThrowsAsync<InvalidDataException>(() => queue.DoAsync(1, Token));

        _work.Refuses = _ => null;
        _work.Forgets = true;
        await Assert.ThrowsAsync<InvalidOperationException>(() => queue.DoAsync(2, Token));

        _work.Forgets = false;
        Assert.Equal(6, await queue.DoAsync(3, Token));
    }

    [Fact]
    public async Task One_that_cannot_be_prepared_is_told_so_and_is_in_no_group()
    {
        _work.Go();
        _work.Prepares = item => item == 2 ? throw LightningException.Invalid("no twos") : item + 100;
        await using var queue = Queue();

        var bad = queue.DoAsync(2, Token);
        Assert.Equal(202, await queue.DoAsync(1, Token));

        Assert.Equal("no twos", (await Assert.ThrowsAsync<LightningException>(() => bad)).Message);
        Assert.DoesNotContain(102, _work.Groups.SelectMany(group => group));
        await queue.FlushAsync(Token);
        Assert.Equal(0, queue.Bytes);
    }

    [Fact]
    public async Task A_queue_full_of_items_takes_no_more_after_the_wait()
    {
        await using var queue = Queue(
            new GroupQueueOptions
            {
                Capacity = 2,
                GroupSize = 1,
                FullWait = TimeSpan.FromSeconds(2),
            }
        );
        Assert.True(await queue.AddAsync(1, 0, null, Token));
        await _work.Begun;
        Assert.True(await queue.AddAsync(2, 0, null, Token));
        Assert.True(await queue.AddAsync(3, 0, null, Token));
        Assert.Equal(2, queue.Count);

        var waiting = queue.AddAsync(4, 0, null, Token).AsTask();
        Assert.False(waiting.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(await waiting);

        var patient = queue.AddAsync(5, 0, null, Token).AsTask();
        _work.Go();
        Assert.True(await patient);
        await queue.FlushAsync(Token);
        Assert.Equal(
            [
                [1],
                [2],
                [3],
                [5],
            ],
            _work.Groups
        );
    }

    [Fact]
    public async Task A_queue_full_of_bytes_takes_no_more_until_a_group_is_done_but_one_that_is_alone_whatever_its_size()
    {
        await using var queue = Queue(new GroupQueueOptions { CapacityBytes = 100, FullWait = TimeSpan.FromSeconds(2) });
        Assert.True(await queue.AddAsync(1, 1_000, null, Token));
        await _work.Begun;
        var late = queue.AddAsync(2, 10, null, Token).AsTask();
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(await late);
        Assert.Equal(1_000, queue.Bytes);

        var waiting = queue.AddAsync(3, 60, null, Token).AsTask();
        Assert.False(waiting.IsCompleted);
        _work.Go();
        Assert.True(await waiting);
        await queue.FlushAsync(Token);
        await queue.FlushAsync(Token);
        Assert.Equal(0, queue.Bytes);
    }

    [Fact]
    public async Task Who_gives_up_waiting_for_room_takes_none()
    {
        await using var queue = Queue(new GroupQueueOptions { CapacityBytes = 100, FullWait = TimeSpan.FromSeconds(2) });
        await queue.AddAsync(1, 100, null, Token);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);

        var waiting = queue.AddAsync(2, 100, null, patience.Token).AsTask();
        await patience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Equal(100, queue.Bytes);
        _work.Go();
    }

    [Fact]
    public async Task Disposal_does_what_is_queued_and_nothing_is_taken_after_it()
    {
        var queue = Queue();
        var first = queue.DoAsync(1, Token);
        await _work.Begun;
        var second = queue.DoAsync(2, Token);

        var disposal = queue.DisposeAsync().AsTask();
        Assert.False(disposal.IsCompleted);
        _work.Go();
        await disposal;

        int[] told = await Task.WhenAll(first, second);
        Assert.Equal([2, 4], told);
        Assert.True(queue.IsClosed);
        Assert.False(await queue.AddAsync(3, 0, null, Token));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => queue.DoAsync(3, Token));
        await queue.FlushAsync(Token);
    }

    [Fact]
    public async Task A_flush_completes_when_what_came_before_it_is_done()
    {
        await using var queue = Queue();
        await queue.AddAsync(1, 0, null, Token);
        await _work.Begun;
        await queue.AddAsync(2, 0, null, Token);
        var flush = queue.FlushAsync(Token);
        Assert.False(flush.IsCompleted);

        _work.Go();

        await flush;
        Assert.Equal(
            [
                [1],
                [2],
            ],
            _work.Groups
        );
    }

    [Fact]
    public async Task What_is_dropped_from_a_group_is_told_at_once_and_its_place_is_filled()
    {
        _work.Drops = item => item == 2 ? new TimeoutException("too late") : null;
        await using var queue = Queue(new GroupQueueOptions { GroupSize = 2 });
        var first = queue.DoAsync(1, Token);
        await _work.Begun;
        var (late, others) = (queue.DoAsync(2, Token), new[] { queue.DoAsync(3, Token), queue.DoAsync(4, Token) });

        _work.Go();

        await Assert.ThrowsAsync<TimeoutException>(() => late);
        int[] told = await Task.WhenAll([first, .. others]);
        Assert.Equal([2, 6, 8], told);
        Assert.Equal(
            [
                [1],
                [3, 4],
            ],
            _work.Groups
        );
    }

    [Fact]
    public async Task Every_one_of_many_callers_is_told()
    {
        _work.Go();
        _work.Refuses = item => item % 7 == 0 ? LightningException.Invalid("no") : null;
        await using var queue = Queue(new GroupQueueOptions { GroupSize = 16 });

        var told = await Task.WhenAll(
            Enumerable
                .Range(1, 2_000)
                .Select(item =>
                    Task.Run(async () =>
                    {
                        try
                        {
                            return await queue.DoAsync(item, Token);
                        }
                        catch (LightningException)
                        {
                            return -1;
                        }
                    })
                )
        );

        Assert.Equal(Enumerable.Range(1, 2_000).Select(item => item % 7 == 0 ? -1 : 2 * item), told);
    }

    private GroupQueue<int, int> Queue(GroupQueueOptions? options = null) => new(_work, options ?? new GroupQueueOptions(), _time);

    /// <summary>Doubles numbers, when it is let go.</summary>
    private sealed class Doubling : IGroupWork<int, int>
    {
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _go = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Completes when the first group is under way.</summary>
        public Task Begun => _begun.Task;

        public List<int[]> Groups { get; } = [];

        public List<int> Divisions { get; } = [];

        public int Lost { get; private set; }

        public bool Forgets { get; set; }

        public Func<int, int> Weight { get; set; } = _ => 1;

        public Func<int, int> Prepares { get; set; } = item => item;

        public Func<int, Exception?> Refuses { get; set; } = _ => null;

        public Func<int, Exception?> Drops { get; set; } = _ => null;

        public void Go() => _go.SetResult();

        public int WeightOf(int item) => Weight(item);

        public int Prepare(int item) => Prepares(item);

        public async Task RunAsync(ItemGroup<int, int> group)
        {
            _begun.TrySetResult();
            await _go.Task;
            group.Drop(Drops);
            if (Groups.Count > 0)
            {
                group.Fill();
            }

            Groups.Add([.. group.Items]);
            if (group.Items.Select(Refuses).FirstOrDefault(refusal => refusal is not null) is { } refusal)
            {
                throw refusal;
            }

            if (!Forgets)
            {
                group.Complete([.. group.Items.Select(item => 2 * item)]);
            }
        }

        public void Divided(Exception failure, int count) => Divisions.Add(count);

        Exception IGroupWork<int, int>.Lost(Exception failure, int count)
        {
            Lost += count;
            return failure;
        }
    }
}
