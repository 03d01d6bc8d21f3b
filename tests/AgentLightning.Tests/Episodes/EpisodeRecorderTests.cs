using System.Data.Common;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Governance;
using AgentLightning.Tests.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace AgentLightning.Tests.Episodes;

public sealed class EpisodeRecorderTests
{
    private static readonly Redactor s_redactor = new(new RedactionOptions());

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_flushed_is_stored()
    {
        await using var product = await Product.OpenAsync();
        var recorder = product.Get<EpisodeRecorder>();

        await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(thread =>
                    Task.Run(async () =>
                    {
                        for (var i = 0; i < 500; i++)
                        {
                            Assert.True(await recorder.RecordAsync(NewEpisode($"{thread}-{i}"), Token));
                        }
                    })
                )
        );
        await recorder.FlushAsync(Token);

        Assert.Equal(4_000, await product.Get<IEpisodeStore>().CountAsync(null, Token));
        Assert.Equal((4_000, 0), (recorder.Recorded, recorder.Dropped));
    }

    [Fact]
    public async Task Disposal_writes_what_is_queued()
    {
        await using var product = await Product.OpenAsync();
        await using (
            var recorder = new EpisodeRecorder(
                product.Get<IEpisodeStore>(),
                s_redactor,
                new EpisodeRecorderOptions(),
                TimeProvider.System,
                NullLogger<EpisodeRecorder>.Instance
            )
        )
        {
            for (var i = 0; i < 100; i++)
            {
                await recorder.RecordAsync(NewEpisode($"e{i}"), Token);
            }
        }

        Assert.Equal(100, await product.Get<IEpisodeStore>().CountAsync(null, Token));
    }

    [Fact]
    public async Task One_bad_record_does_not_take_its_group_with_it()
    {
        await using var product = await Product.OpenAsync();
        var recorder = product.Get<EpisodeRecorder>();
        await recorder.RecordAsync(NewEpisode("good-1"), Token);
        await recorder.RecordAsync(NewEpisode("bad") with { AssistantOutput = null! }, Token);
        await recorder.RecordAsync(NewEpisode("good-2"), Token);

        await recorder.FlushAsync(Token);

        Assert.Equal(2, await product.Get<IEpisodeStore>().CountAsync(null, Token));
        Assert.Equal(1, recorder.Dropped);
    }

    [Fact]
    public async Task Each_of_many_callers_is_told_what_became_of_its_own_episode()
    {
        await using var product = await Product.OpenAsync();
        var recorder = product.Get<EpisodeRecorder>();

        var stored = await Task.WhenAll(
            Enumerable
                .Range(0, 300)
                .Select(i =>
                    recorder.RecordDurablyAsync(
                        i % 3 == 0 ? NewEpisode($"e{i}") with { AssistantOutput = null! } : NewEpisode($"e{i}"),
                        Token
                    )
                )
        );

        Assert.Equal(Enumerable.Range(0, 300).Select(i => i % 3 != 0), stored);
        Assert.Equal(200, await product.Get<IEpisodeStore>().CountAsync(null, Token));
    }

    [Fact]
    public async Task A_full_queue_with_the_store_stopped_drops_after_the_wait_and_counts()
    {
        var store = new StoppedStore();
        await using var recorder = new EpisodeRecorder(
            store,
            s_redactor,
            new EpisodeRecorderOptions
            {
                Capacity = 4,
                GroupSize = 1,
                FullWait = TimeSpan.Zero,
            },
            TimeProvider.System,
            NullLogger<EpisodeRecorder>.Instance
        );
        var taken = 0;
        for (var i = 0; i < 50; i++)
        {
            taken += await recorder.RecordAsync(NewEpisode($"e{i}"), Token) ? 1 : 0;
        }

        // One may be with the writer, four in the queue.
        Assert.InRange(taken, 4, 5);
        Assert.Equal(50 - taken, recorder.Dropped);
        store.Go.SetResult();
    }

    [Fact]
    public async Task A_queue_that_is_full_of_bytes_drops_after_the_wait_whatever_the_number_of_episodes()
    {
        var store = new StoppedStore();
        await using var recorder = new EpisodeRecorder(
            store,
            s_redactor,
            new EpisodeRecorderOptions
            {
                CapacityBytes = 1 << 20,
                GroupSize = 1,
                FullWait = TimeSpan.Zero,
            },
            TimeProvider.System,
            NullLogger<EpisodeRecorder>.Instance
        );
        var large = NewEpisode("large") with { UserInput = new string('x', 200_000) };

        var taken = new List<bool>();
        for (var i = 0; i < 4; i++)
        {
            taken.Add(await recorder.RecordAsync(large with { Id = $"e{i}" }, Token));
        }

        Assert.Equal([true, true, false, false], taken);
        Assert.InRange(recorder.QueuedBytes, 800_000, 1 << 20);
        store.Go.SetResult();
        await recorder.FlushAsync(Token);
        Assert.True(await recorder.RecordDurablyAsync(large with { Id = "later", UserInput = new string('x', 2_000_000) }, Token));
        await recorder.FlushAsync(Token);
        await recorder.FlushAsync(Token);
        Assert.Equal(0, recorder.QueuedBytes);
    }

    [Fact]
    public async Task A_store_that_fails_never_fails_the_capture_and_is_told_to_who_asks()
    {
        var store = new StoppedStore();
        store.Go.SetException(new IOException("the disk is gone"));
        await using var recorder = new EpisodeRecorder(
            store,
            s_redactor,
            new EpisodeRecorderOptions(),
            TimeProvider.System,
            NullLogger<EpisodeRecorder>.Instance
        );

        Assert.True(await recorder.RecordAsync(NewEpisode("e1"), Token));
        Assert.False(await recorder.RecordDurablyAsync(NewEpisode("e2"), Token));
        await recorder.FlushAsync(Token);

        Assert.Equal((0, 2), (recorder.Recorded, recorder.Dropped));
    }

    [Theory]
    [InlineData("54000", ErrorKind.Invalid)]
    [InlineData("22021", ErrorKind.Invalid)]
    [InlineData("23514", ErrorKind.Invalid)]
    [InlineData("53100", ErrorKind.Unavailable)]
    [InlineData("57P01", ErrorKind.Unavailable)]
    public async Task What_a_store_refuses_for_good_is_told_so_and_the_others_of_its_group_are_stored(string state, ErrorKind kind)
    {
        var store = new StoppedStore { Refuses = episode => episode.Id == "bad" ? Refusal(state) : null };
        store.Go.SetResult();
        await using var recorder = new EpisodeRecorder(
            store,
            s_redactor,
            new EpisodeRecorderOptions(),
            TimeProvider.System,
            NullLogger<EpisodeRecorder>.Instance
        );

        var one = await Assert.ThrowsAsync<LightningException>(() => recorder.StoreAsync(NewEpisode("bad"), Token));
        Assert.Equal(kind, one.Kind);
        Assert.Equal(
            kind == ErrorKind.Unavailable,
            one.Message.EndsWith("Nothing is lost when the same request is sent again later.", StringComparison.Ordinal)
        );

        var group = recorder.StoreGroupAsync([NewEpisode("e1"), NewEpisode("bad"), NewEpisode("e2")], Token);
        if (kind == ErrorKind.Unavailable)
        {
            Assert.Equal(kind, (await Assert.ThrowsAsync<LightningException>(() => group)).Kind);
            return;
        }

        var attempts = await group;
        Assert.Equal(["e1", null, "e2"], attempts.Select(attempt => attempt.Value?.Id));
        Assert.Equal(kind, attempts[1].Problem!.Kind);

        static LightningException Refusal(string state) => new(ErrorKind.Unavailable, "The database failed.", new StateException(state));
    }

    [Fact]
    public async Task After_disposal_an_episode_is_dropped_and_counted()
    {
        var store = new StoppedStore();
        store.Go.SetResult();
        var recorder = new EpisodeRecorder(
            store,
            s_redactor,
            new EpisodeRecorderOptions(),
            TimeProvider.System,
            NullLogger<EpisodeRecorder>.Instance
        );
        await recorder.DisposeAsync();

        Assert.False(await recorder.RecordDurablyAsync(NewEpisode("late"), Token));

        Assert.Equal(1, recorder.Dropped);
    }

    [Fact]
    public async Task Capture_on_the_callers_thread_allocates_little()
    {
        await using var product = await Product.OpenAsync();
        var recorder = product.Get<EpisodeRecorder>();
        var episode = NewEpisode("e");
        for (var i = 0; i < 100; i++)
        {
            await recorder.RecordAsync(episode, Token);
        }

        await recorder.FlushAsync(Token);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
        {
            await recorder.RecordAsync(episode, Token);
        }

        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 1_000, 0, 100);
    }

    [Fact]
    public void Options_out_of_range_are_refused_with_the_range()
    {
        var error = Assert.Throws<LightningException>(() =>
            new EpisodeRecorder(
                new StoppedStore(),
                s_redactor,
                new EpisodeRecorderOptions { Capacity = 0 },
                TimeProvider.System,
                NullLogger<EpisodeRecorder>.Instance
            )
        );

        Assert.Equal("Capacity of the episode recorder must be from 1 to 1000000, but it is 0.", error.Message);
    }

    private static Episode NewEpisode(string id) =>
        new()
        {
            Id = id,
            AgentId = "a",
            UserInput = "i",
            AssistantOutput = "o",
            CreatedAt = DateTimeOffset.UnixEpoch,
            RequestLatencyMs = 1,
        };

    /// <summary>A database that does not answer until it is told how.</summary>
    private sealed class StoppedStore : IEpisodeStore
    {
        public TaskCompletionSource Go { get; } = new();

        public Func<Episode, Exception?> Refuses { get; init; } = _ => null;

        public async Task<IReadOnlyList<AddedEpisode>> AddEachAsync(IReadOnlyList<Episode> episodes, CancellationToken cancellationToken)
        {
            await Go.Task;
            if (episodes.Select(Refuses).FirstOrDefault(refusal => refusal is not null) is { } refused)
            {
                throw refused;
            }

            return [.. episodes.Select(episode => new AddedEpisode(episode.Id, episode.AgentId, episode.CreatedAt, IsNew: true))];
        }

        public Task<int> UpdateReadAsync(IReadOnlyList<Episode> episodes, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<Episode?> FindAsync(string id, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<IReadOnlyList<EpisodeOrigin>> OriginsAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<IReadOnlyList<EpisodeSummary>> ListAsync(EpisodeQuery query, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<long> CountAsync(string? agentId, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<string?> FindBaseModelAsync(string agentId, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<IReadOnlyList<EpisodeOrigin>> FindByMessageAsync(
            string messageId,
            IReadOnlyList<string>? agents,
            CancellationToken cancellationToken
        ) => throw new NotSupportedException();

        public IAsyncEnumerable<Episode> ReadAsync(EpisodeQuery query, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<int> DeleteAsync(EpisodeSelection selection, int most, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<IReadOnlyList<string>> ChooseAsync(EpisodeSelection selection, int most, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<IReadOnlyList<string>> WithPayloadAsync(EpisodeSelection selection, int most, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<int> RemovePayloadsAsync(EpisodeSelection selection, int most, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }

    /// <summary>A failure of a database, of one of the standard's classes.</summary>
    private sealed class StateException(string state) : DbException("failed")
    {
        public override string SqlState => state;
    }
}
