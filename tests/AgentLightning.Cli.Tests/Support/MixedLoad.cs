using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests.Support;

/// <summary>
/// Senders of episodes, rewards and spans, each on a connection of its own. A sender sends a request, with the same ids, until it is
/// acknowledged, and only then the next; what it remembers outlives the server. Every id is made here, so that the store can be compared
/// with what was sent.
/// </summary>
public sealed class MixedLoad
{
    private readonly Sender[] _senders;
    private readonly ConcurrentDictionary<string, int> _refusals = new();
    private readonly ConcurrentDictionary<string, string> _reasons = new();
    private readonly ConcurrentQueue<string> _wrong = new();
    private readonly Lock _gate = new();
    private readonly List<(Func<bool> IsTrue, TaskCompletionSource Happened)> _waiting = [];
    private string[] _rewardable = [];
    private int _acknowledged;

    public MixedLoad() =>
        _senders = [new(this, CaptureOf), new(this, CaptureOf), new(this, RewardOf), new(this, TracesOf), new(this, TracesOf)];

    /// <summary>Requests that were answered with 200.</summary>
    public int Acknowledged => Volatile.Read(ref _acknowledged);

    /// <summary>The 503 of each route: what they said last.</summary>
    public IReadOnlyDictionary<string, string> Reasons => _reasons;

    /// <summary>Answers that no sender may get, as they came.</summary>
    public IReadOnlyCollection<string> Wrong => _wrong;

    /// <summary>Whether each of the routes answered with 503 so many times.</summary>
    public bool IsRefused(int times) => _refusals.Count == 3 && _refusals.Values.All(count => count >= times);

    /// <summary>Sends until the connection breaks or <paramref name="end"/> comes.</summary>
    public Task RunAsync(Uri server, CancellationToken end) =>
        Task.WhenAll(_senders.Select(sender => Task.Run(() => sender.RunAsync(server, end), CancellationToken.None)));

    /// <summary>Completes when enough happened.</summary>
    public async Task WhenAsync(Func<bool> isTrue)
    {
        TaskCompletionSource happened = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (isTrue())
            {
                return;
            }

            _waiting.Add((isTrue, happened));
        }

        try
        {
            await happened.Task.WaitAsync(TimeSpan.FromMinutes(1));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException(
                $"{Acknowledged} acknowledged, refused {string.Join(", ", _refusals)}, {_wrong.Count} wrong: "
                    + $"{string.Join('\n', _wrong.Take(3))}",
                e
            );
        }
    }

    /// <summary>
    /// Compares what the store holds with what was sent: everything acknowledged is there, and nothing is there that nobody sent.
    /// </summary>
    /// <param name="query">The rows of a statement, one column each.</param>
    /// <param name="other">An agent whose records are somebody else's.</param>
    public void AssertStored(Func<string, IEnumerable<string>> query, string other = "")
    {
        // A trace is an episode too, once it was read.
        Compare("episodes", $"SELECT id FROM episodes WHERE agent_id <> '{other}'", "e-", optional: "0");
        Compare(
            "payloads of episodes",
            $"SELECT p.episode_id FROM episode_payloads p JOIN episodes e ON e.id = p.episode_id WHERE e.agent_id <> '{other}'",
            "e-",
            optional: "0"
        );
        Compare("rewards", $"SELECT id FROM rewards WHERE agent_id <> '{other}'", "r-");
        Compare("spans", "SELECT trace_id || '/' || span_id FROM spans", "0");
        Compare("bodies of spans", "SELECT trace_id || '/' || span_id FROM spans WHERE body IS NOT NULL", "0");

        void Compare(string what, string sql, string prefix, string? optional = null)
        {
            var stored = query(sql).Where(id => optional is null || !id.StartsWith(optional, StringComparison.Ordinal)).ToList();
            var sent = _senders
                .SelectMany(sender => sender.Sent())
                .Where(id => id.StartsWith(prefix, StringComparison.Ordinal))
                .ToHashSet(StringComparer.Ordinal);
            var acknowledged = _senders
                .SelectMany(sender => sender.Kept())
                .Where(id => id.StartsWith(prefix, StringComparison.Ordinal))
                .ToList();
            Assert.True(stored.Count == stored.Distinct(StringComparer.Ordinal).Count(), $"some {what} are there twice");
            Assert.Empty(acknowledged.Except(stored, StringComparer.Ordinal));
            Assert.All(stored, id => Assert.Contains(id, sent));
        }
    }

    private static Request CaptureOf(MixedLoad load, int sender, int number)
    {
        string[] ids = [.. Enumerable.Range(0, 5).Select(i => $"e-{sender}-{number}-{i}")];
        var lines = string.Join(
            '\n',
            ids.Select(id =>
                JsonSerializer.Serialize(
                    new
                    {
                        type = "episode",
                        id,
                        agent_id = "loaded",
                        user_input = $"in {id}",
                        assistant_output = "out",
                        request_latency_ms = 1,
                    }
                )
            )
        );
        return new Request("/api/lightning/capture", "application/x-ndjson", Encoding.UTF8.GetBytes(lines), ids);
    }

    /// <summary>
    /// For one of the episodes acknowledged last, so that a reward follows on the heels of its episode. Where there is none yet, more of
    /// them.
    /// </summary>
    private static Request RewardOf(MixedLoad load, int sender, int number)
    {
        var episodes = Volatile.Read(ref load._rewardable);
        if (episodes.Length == 0)
        {
            return CaptureOf(load, sender, number);
        }

        var reward = new
        {
            episode_id = episodes[number % episodes.Length],
            reward = (number % 21 / 10.0) - 1,
            reward_id = $"r-{sender}-{number}",
            source = "test_result",
            evaluator = $"{number}",
        };
        return new Request(
            "/api/lightning/rewards",
            "application/json",
            JsonSerializer.SerializeToUtf8Bytes(reward),
            [$"r-{sender}-{number}"]
        );
    }

    private static Request TracesOf(MixedLoad load, int sender, int number)
    {
        var trace = $"{(sender * 1_000_000) + number + 1:x32}";
        var spans = Enumerable
            .Range(1, 10)
            .Select(i =>
                OtlpBytes.Span(
                    trace,
                    $"{i:x16}",
                    i == 1 ? null : $"{1:x16}",
                    "chat",
                    1_772_625_600_000,
                    5,
                    [("gen_ai.operation.name", "chat"), ("gen_ai.request.model", "m")]
                )
            );
        return new Request(
            "/v1/traces",
            "application/x-protobuf",
            OtlpBytes.Request("loaded", "s", spans),
            [.. Enumerable.Range(1, 10).Select(i => $"{trace}/{i:x16}")]
        );
    }

    private void Note(Request request, HttpStatusCode status, bool hasRetryAfter, string body)
    {
        if (status is HttpStatusCode.OK or HttpStatusCode.Created)
        {
            Interlocked.Increment(ref _acknowledged);
            if (request.Path.EndsWith("/capture", StringComparison.Ordinal))
            {
                Volatile.Write(ref _rewardable, request.Ids);
            }
        }
        else if (status == HttpStatusCode.ServiceUnavailable && hasRetryAfter)
        {
            _refusals.AddOrUpdate(request.Path, 1, (_, count) => count + 1);
            _reasons[request.Path] = body;
        }
        else
        {
            _wrong.Enqueue($"{request.Path} {(int)status} Retry-After: {hasRetryAfter} {body}");
        }

        lock (_gate)
        {
            foreach (var waiting in _waiting.Where(waiting => waiting.IsTrue()))
            {
                waiting.Happened.TrySetResult();
            }
        }
    }

    private sealed record Request(string Path, string ContentType, byte[] Body, string[] Ids);

    private sealed class Sender(MixedLoad load, Func<MixedLoad, int, int, Request> make)
    {
        private static int s_number;
        private readonly int _name = Interlocked.Increment(ref s_number);
        private readonly ConcurrentQueue<string> _sent = new(),
            _kept = new();
        private Request? _pending;
        private int _next;

        public IEnumerable<string> Sent() => _sent;

        public IEnumerable<string> Kept() => _kept;

        public async Task RunAsync(Uri server, CancellationToken end)
        {
            using var http = new HttpClient { BaseAddress = server };
            try
            {
                while (!end.IsCancellationRequested)
                {
                    if (_pending is null)
                    {
                        _pending = make(load, _name, _next++);
                        Array.ForEach(_pending.Ids, _sent.Enqueue);
                    }

                    using var content = new ByteArrayContent(_pending.Body);
                    content.Headers.ContentType = new MediaTypeHeaderValue(_pending.ContentType);
                    // Not with the token of the end: what is on its way is awaited.
                    using var response = await http.PostAsync(_pending.Path, content, CancellationToken.None);
                    var (status, answer) = (response.StatusCode, await response.Content.ReadAsStringAsync(CancellationToken.None));
                    // A part that was refused is told in the answer: of a batch in a list, of spans in a message that is empty otherwise.
                    var isGood = status is HttpStatusCode.OK or HttpStatusCode.Created;
                    var isTaken =
                        isGood
                        && (
                            _pending.Path == "/v1/traces"
                                ? answer.Length == 0
                                : !answer.Contains("\"rejected\":[{", StringComparison.Ordinal)
                        );
                    if (isTaken)
                    {
                        Array.ForEach(_pending.Ids, _kept.Enqueue);
                    }

                    load.Note(
                        _pending,
                        isTaken || !isGood ? status : HttpStatusCode.PartialContent,
                        response.Headers.RetryAfter is not null,
                        answer
                    );
                    _pending = status == HttpStatusCode.ServiceUnavailable ? _pending : null;
                }
            }
            catch (HttpRequestException)
            {
                // The server is gone: what was on its way is sent again to the next one.
            }
        }
    }
}
