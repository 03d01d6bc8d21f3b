using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using AgentLightning.Client.Export;
using AgentLightning.Client.Tests.Support;
using AgentLightning.Governance;
using AgentLightning.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;

namespace AgentLightning.Client.Tests;

[Collection(nameof(EmitTests))]
public sealed class DeliveryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(429)]
    [InlineData(503)]
    [InlineData(500)]
    [InlineData(401)]
    public async Task A_server_that_does_not_take_records_now_gets_them_later_in_order_and_once(int status)
    {
        await using var server = await Receiver.StartAsync();
        server.Answer = (number, _) => Task.FromResult(number <= 4 ? status : 200);
        await using var lightning = new LightningClient(Quick.Options(server.Url, _folder.Path));

        for (var i = 0; i < 20; i++)
        {
            lightning.Track(Quick.Episode($"{i}"));
            await lightning.FlushAsync();
        }

        await lightning.DrainAsync(Limit());
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"{i}"), server.Taken);
        var statistics = lightning.Statistics;
        Assert.Equal((20, 20, 0), (statistics.Captured, statistics.Sent, statistics.Dropped));
        Assert.True(statistics is { Retried: >= 3, Spooled: >= 1 }, $"{statistics}");
    }

    [Fact]
    public async Task Without_a_folder_records_wait_in_memory_until_the_server_takes_them()
    {
        await using var server = await Receiver.StartAsync();
        server.Answer = (number, _) => Task.FromResult(number <= 3 ? 503 : 200);
        await using var lightning = new LightningClient(Quick.Options(server.Url));

        lightning.Track(Quick.Episode("a"));
        lightning.Track(Quick.Episode("b"));
        await lightning.FlushAsync();

        Assert.Equal(["a", "b"], server.Taken);
        Assert.Equal((3, 0, 0), (lightning.Statistics.Retried, lightning.Statistics.Spooled, lightning.Statistics.Dropped));
    }

    [Theory]
    [InlineData(400, 1)]
    [InlineData(413, 1)]
    [InlineData(500, 8)]
    public async Task A_batch_that_a_server_will_never_take_is_dropped_and_does_not_hold_up_the_next(int status, int requests)
    {
        await using var server = await Receiver.StartAsync();
        server.Answer = async (_, context) =>
            await Task.FromResult(server.Requests.Last().Body.Contains("poison", StringComparison.Ordinal) ? status : 200);
        await using var lightning = new LightningClient(Quick.Options(server.Url));

        lightning.Track(Quick.Episode("poison"));
        await lightning.FlushAsync();
        lightning.Track(Quick.Episode("good"));
        await lightning.FlushAsync();

        Assert.Equal(["good"], server.Taken);
        Assert.Equal((1, 1, 1), (lightning.Statistics.Sent, lightning.Statistics.Dropped, lightning.Statistics.DroppedBy["refused"]));
        Assert.Equal(requests + 1, server.Requests.Count);
    }

    [Fact]
    public async Task Lines_that_a_server_refuses_are_counted_as_dropped()
    {
        await using var server = await Receiver.StartAsync();
        server.Answer = async (_, context) =>
        {
            await context.Response.WriteAsync("""{"accepted":1,"duplicates":0,"rejected":[{"line":2,"id":"x","error":"wrong"}]}""");
            return 200;
        };
        var options = Quick.Options(server.Url);
        options.BatchDelay = TimeSpan.FromSeconds(10);
        await using var lightning = new LightningClient(options);

        lightning.Track(Quick.Episode("a"));
        lightning.Track(Quick.Episode("b"));
        await lightning.FlushAsync();

        Assert.Equal((1, 1), (lightning.Statistics.Sent, lightning.Statistics.DroppedBy["refused"]));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_server_that_is_away_gets_everything_when_it_is_back()
    {
        var url = Receiver.Nowhere();
        await using var lightning = new LightningClient(Quick.Options(url, _folder.Path));
        for (var i = 0; i < 300; i++)
        {
            lightning.Track(Quick.Episode($"{i}"));
        }

        await lightning.FlushAsync();
        Assert.Equal((300, 0), (lightning.Statistics.Spooled, lightning.Statistics.Sent));

        await using var server = await Receiver.StartAsync(url.AbsoluteUri.TrimEnd('/'));
        lightning.Track(Quick.Episode("300"));
        await lightning.FlushAsync();
        await lightning.DrainAsync(Limit());

        Assert.Equal(Enumerable.Range(0, 301).Select(i => $"{i}"), server.Taken);
        Assert.Empty(Segments());
        Assert.Equal(0, lightning.Statistics.SpoolBytes);
    }

    [Fact]
    public async Task Records_on_disk_survive_the_application_and_go_first_when_it_starts_again()
    {
        var url = Receiver.Nowhere();
        await using (var lightning = new LightningClient(Quick.Options(url, _folder.Path)))
        {
            lightning.Track(Quick.Episode("before"));
        }

        Assert.Single(Segments());
        await using var server = await Receiver.StartAsync();
        await using (var again = new LightningClient(Quick.Options(server.Url, _folder.Path)))
        {
            again.Track(Quick.Episode("after"));
        }

        Assert.Equal(["before", "after"], server.Taken);
        Assert.Empty(Segments());
    }

    [Fact]
    public async Task A_damaged_or_cut_file_is_skipped_and_counted_and_what_lies_before_is_sent()
    {
        var options = Quick.Options(Receiver.Nowhere(), _folder.Path);
        await using (var lightning = new LightningClient(options))
        {
            foreach (var text in (string[])["kept", "damaged", "behind"])
            {
                lightning.Track(Quick.Episode(text));
                await lightning.FlushAsync();
            }
        }

        var segment = Segments().Single();
        var bytes = await File.ReadAllBytesAsync(segment);
        bytes[bytes.AsSpan().IndexOf("damaged"u8)] ^= 1;
        await File.WriteAllBytesAsync(segment, bytes);
        await File.WriteAllBytesAsync(Path.Combine(Path.GetDirectoryName(segment)!, "000000000009.segment"), bytes[..10]);

        await using var server = await Receiver.StartAsync();
        await using var again = new LightningClient(Quick.Options(server.Url, _folder.Path));
        await server.ArrivedAsync();
        again.Track(Quick.Episode("new"));
        await again.FlushAsync();
        await again.DrainAsync(Limit());

        Assert.Equal(["kept", "new"], server.Taken);
        Assert.Equal(2, again.Statistics.SpoolDamaged);
        Assert.Empty(Segments());
    }

    [Fact]
    public async Task A_full_disk_budget_drops_and_counts_and_takes_no_more()
    {
        var options = Quick.Options(Receiver.Nowhere(), _folder.Path);
        options.SpoolBytes = 2_000;
        await using var lightning = new LightningClient(options);

        for (var i = 0; i < 20; i++)
        {
            lightning.Track(Quick.Episode($"{i}"));
            await lightning.FlushAsync();
        }

        Assert.InRange(Segments().Sum(file => new FileInfo(file).Length), 1, 2_000);
        Assert.Equal(20, lightning.Statistics.Spooled + lightning.Statistics.DroppedBy["spool_full"]);
        Assert.True(lightning.Statistics.DroppedBy["spool_full"] > 0);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_made_does_not_stop_capture()
    {
        var file = _folder.File("file");
        await File.WriteAllTextAsync(file, "");
        await using var server = await Receiver.StartAsync();
        server.Answer = (number, _) => Task.FromResult(number == 1 ? 503 : 200);
        await using var lightning = new LightningClient(Quick.Options(server.Url, Path.Combine(file, "below")));

        lightning.Track(Quick.Episode("a"));
        await lightning.FlushAsync();

        Assert.Equal(["a"], server.Taken);
    }

    [Fact]
    public async Task Two_clients_with_one_folder_do_not_disturb_each_other()
    {
        var url = Receiver.Nowhere();
        await using (var one = new LightningClient(Quick.Options(url, _folder.Path)))
        await using (var two = new LightningClient(Quick.Options(url, _folder.Path)))
        {
            one.Track(Quick.Episode("one"));
            await one.FlushAsync();
            two.Track(Quick.Episode("two"));
            await two.FlushAsync();
            Assert.Equal(["spool-1", "spool-2"], Segments().Select(file => Path.GetFileName(Path.GetDirectoryName(file))).Order());
        }
    }

    [Fact]
    public async Task Disposal_ends_within_its_limit_while_the_server_hangs_and_loses_nothing()
    {
        await using var server = await Receiver.StartAsync();
        using var hangs = new SemaphoreSlim(0);
        server.Answer = async (_, _) =>
        {
            await hangs.WaitAsync();
            return 200;
        };
        var options = Quick.Options(server.Url, _folder.Path);
        (options.FlushTimeout, options.RequestTimeout) = (TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(600));
        var lightning = new LightningClient(options);
        lightning.Track(Quick.Episode("a"));

        // The server never answers before: only the limit ends it.
        await lightning.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(1));

        Assert.Equal((1, 0, 0), (lightning.Statistics.Spooled, lightning.Statistics.Sent, lightning.Statistics.Dropped));
        Assert.False(lightning.Track(Quick.Episode("late")));
        Assert.Equal(1, lightning.Statistics.DroppedBy["closed"]);
        hangs.Release(100);
    }

    [Fact]
    public async Task A_full_queue_never_blocks_the_caller_and_counts_what_it_drops()
    {
        await using var server = await Receiver.StartAsync();
        using var hangs = new SemaphoreSlim(0);
        server.Answer = async (_, _) =>
        {
            await hangs.WaitAsync();
            return 200;
        };
        var options = Quick.Options(server.Url);
        (options.QueueCapacity, options.FlushTimeout) = (10, TimeSpan.Zero);
        await using var lightning = new LightningClient(options);

        // The server answers only when this loop is over.
        await Parallel.ForAsync(0, 1_000, (i, _) =>
        {
            lightning.Track(Quick.Episode($"{i}"));
            return ValueTask.CompletedTask;
        });

        var statistics = lightning.Statistics;
        Assert.Equal(1_000, statistics.Captured + statistics.DroppedBy["queue_full"]);
        Assert.True(statistics.DroppedBy["queue_full"] > 0);
        Assert.InRange(statistics.Queued, 0, 10);
        hangs.Release(10_000);
        await lightning.FlushAsync();
        Assert.Equal(statistics.Captured, server.Taken.Count);
    }

    [Fact]
    public async Task A_queue_is_also_bounded_by_bytes()
    {
        await using var server = await Receiver.StartAsync();
        using var hangs = new SemaphoreSlim(0);
        server.Answer = async (_, _) =>
        {
            await hangs.WaitAsync();
            return 200;
        };
        var options = Quick.Options(server.Url);
        (options.QueueBytes, options.FlushTimeout) = (100_000, TimeSpan.Zero);
        await using var lightning = new LightningClient(options);

        Assert.True(lightning.Track(Quick.Episode(new string('x', 40_000))));
        Assert.False(lightning.Track(Quick.Episode(new string('x', 60_000))));
        hangs.Release(100);
    }

    [Fact]
    public async Task Many_callers_at_once_lose_and_double_nothing()
    {
        await using var server = await Receiver.StartAsync();
        server.Answer = (number, _) => Task.FromResult(number % 3 == 0 ? 503 : 200);
        await using var lightning = new LightningClient(Quick.Options(server.Url, _folder.Path));

        await Parallel.ForAsync(0, 4_000, new ParallelOptions { MaxDegreeOfParallelism = 16 }, (i, _) =>
        {
            lightning.Track(Quick.Episode($"{i}"));
            return ValueTask.CompletedTask;
        });
        await lightning.FlushAsync();
        await lightning.DrainAsync(Limit());

        Assert.Equal(Enumerable.Range(0, 4_000), server.Taken.Select(int.Parse).Order());
        Assert.Equal((4_000, 0), (lightning.Statistics.Sent, lightning.Statistics.Dropped));
    }

    [Fact]
    public async Task What_a_process_beside_others_left_is_sent_by_one_that_is_alone()
    {
        // Two at once: the second has a folder of its own. Both end while the server is away.
        using (var first = Spool.Open(_folder.Path, 1_000_000))
        using (var second = Spool.Open(_folder.Path, 1_000_000))
        {
            Assert.True(first.TryAppend(Record("of the first")));
            Assert.True(second.TryAppend(Record("of the second")));
            Assert.Equal(2, Segments().Length);
        }

        await using var server = await Receiver.StartAsync();
        await using var lightning = new LightningClient(Quick.Options(server.Url, _folder.Path));
        lightning.Track(Quick.Episode("new"));
        await lightning.FlushAsync();
        await lightning.DrainAsync(Limit());

        Assert.Equal(["new", "of the first", "of the second"], server.Taken.Order(StringComparer.Ordinal));
        Assert.Empty(Segments());
        Assert.Equal(0, lightning.Statistics.Dropped);

        static Payload Record(string input) =>
            new(PayloadKind.Records, Encoding.UTF8.GetBytes($$"""{"type":"episode","user_input":"{{input}}"}""" + "\n"), 1);
    }

    [Fact]
    public void A_folder_that_a_running_process_has_is_left_to_it()
    {
        using var running = Spool.Open(_folder.Path, 1_000_000);
        Assert.True(running.TryAppend(new Payload(PayloadKind.Records, "{}"u8.ToArray(), 1)));

        Assert.Null(Spool.TryAdopt(_folder.Path));
    }

    [Fact]
    public async Task Names_are_checked_as_the_settings_of_their_agent_say()
    {
        await using var server = await Receiver.StartAsync();
        var options = Quick.Options(server.Url);
        options.Redaction = new RedactionOptions
        {
            Secrets = false,
            Agents = new Dictionary<string, AgentRedaction> { ["careful"] = new(Secrets: true, Pii: false) },
        };
        await using var lightning = new LightningClient(options);
        var model = $"ghp_{new string('A', 30)}7";

        lightning.Track(Quick.Episode("open") with { AgentId = "other", ModelDeployment = model });
        lightning.Track(Quick.Episode("closed") with { AgentId = "careful", ModelDeployment = model });
        await lightning.FlushAsync();

        Assert.Equal(["open"], server.Taken);
        Assert.Equal(1, lightning.Statistics.DroppedBy["unwritable"]);
    }

    [Fact]
    public async Task Nothing_that_was_planted_is_on_the_wire_or_on_disk()
    {
        const string Key = "ghp_FAKE0000EXAMPLE0000FAKE0000EXAMPLE00";
        await using var server = await Receiver.StartAsync();
        server.Answer = (_, _) => Task.FromResult(503);
        var options = Quick.Options(server.Url, _folder.Path);
        options.FlushTimeout = TimeSpan.Zero;
        await using var lightning = new LightningClient(options);

        var model = new Model(
            (_, _) =>
                Task.FromResult(
                    new ChatResponse([
                        new(
                            ChatRole.Assistant,
                            [
                                new FunctionCallContent(
                                    "t",
                                    "find",
                                    new Dictionary<string, object?> { ["password"] = "planted-0001", ["q"] = Key }
                                ),
                            ]
                        ),
                        new(ChatRole.Tool, [new FunctionResultContent("t", new { token = "planted-0002", mail = "planted@example.com" })]),
                    ])
                )
        );
        await model.UseLightning(lightning).GetResponseAsync([new(ChatRole.User, $"my secret: planted-0003 and {Key}")]);
        lightning.Reward(
            new CapturedReward("e", 1, Feedback: "call +1 555-555-0123", Correction: "password=planted-0004", Rubric: $"{Key}")
        );
        LightningEmitter.EmitMessage($"mail planted@example.com {Key}", [new("api_key", "planted-0005")]);
        LightningEmitter.EmitObject(new { password = "planted-0006" });
        LightningEmitter.EmitException(new InvalidOperationException("password=planted-0007"));
        lightning.Track(Quick.Episode("x") with { AgentId = Key });
        await lightning.FlushAsync();

        var sent = string.Join('\n', server.Requests.Select(request => request.Body));
        var spooled = string.Join('\n', Segments().Select(file => File.ReadAllText(file, Encoding.Latin1)));
        foreach (var text in (string[])[sent, spooled])
        {
            Assert.Contains("[REDACTED]", text, StringComparison.Ordinal);
            Assert.DoesNotContain("planted", text, StringComparison.Ordinal);
            Assert.DoesNotContain("FAKE0000", text, StringComparison.Ordinal);
            Assert.DoesNotContain("555-0123", text, StringComparison.Ordinal);
        }

        Assert.Contains("resourceSpans", spooled, StringComparison.Ordinal);
        // An id cannot be changed: the record is lost rather than the secret kept.
        Assert.Equal(1, lightning.Statistics.DroppedBy["unwritable"]);
    }

    [Fact]
    public async Task The_key_is_sent_and_the_server_may_name_its_wait()
    {
        await using var server = await Receiver.StartAsync();
        server.Answer = (number, context) =>
        {
            context.Response.Headers.RetryAfter = number == 1 ? "1" : default;
            return Task.FromResult(number == 1 ? 429 : 200);
        };
        var options = Quick.Options(server.Url);
        options.ApiKey = "lk_test";
        var time = new WatchedTime();
        await using var lightning = new LightningClient(options, time);

        lightning.Track(Quick.Episode("a"));
        var flushed = lightning.FlushAsync();
        await foreach (var wait in time.Waits.ReadAllAsync(Limit()))
        {
            if (wait >= TimeSpan.FromSeconds(1) && wait < TimeSpan.FromSeconds(2))
            {
                time.Advance(wait);
                break;
            }
        }

        await flushed;

        Assert.All(server.Requests, request => Assert.Equal("Bearer lk_test", request.Authorization));
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public void Waits_grow_with_attempts_are_random_and_respect_what_was_asked()
    {
        var (first, longest) = (TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));

        Assert.Equal(
            [0.5, 1, 2, 4, 8, 15, 15],
            Enumerable.Range(1, 7).Select(attempt => Backoff.Of(attempt, first, longest, null, 0.5).TotalSeconds)
        );
        Assert.Equal(TimeSpan.Zero, Backoff.Of(5, first, longest, null, 0));
        Assert.Equal(60.5, Backoff.Of(1, first, longest, TimeSpan.FromMinutes(1), 0.5).TotalSeconds);
        Assert.Equal(600, Backoff.Of(1, first, longest, TimeSpan.FromDays(365), 0).TotalSeconds);
        Assert.True(Backoff.Of(int.MaxValue, first, longest, null, 1) == longest);
    }

    private string[] Segments() =>
        Directory.Exists(_folder.Path) ? Directory.GetFiles(_folder.Path, "*.segment", SearchOption.AllDirectories) : [];

    private static CancellationToken Limit() => new CancellationTokenSource(TimeSpan.FromMinutes(1)).Token;

    /// <summary>Tells what is waited for.</summary>
    private sealed class WatchedTime : FakeTimeProvider
    {
        private readonly Channel<TimeSpan> _waits = Channel.CreateUnbounded<TimeSpan>();

        public ChannelReader<TimeSpan> Waits => _waits.Reader;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            _waits.Writer.TryWrite(dueTime);
            return timer;
        }
    }
}
