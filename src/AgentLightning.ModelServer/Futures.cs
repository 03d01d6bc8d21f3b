using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using AgentLightning.Models.Ports.Tinker;

namespace AgentLightning.ModelServer;

/// <summary>What came of a request: an answer, or why there is none.</summary>
/// <param name="Content">JSON.</param>
internal sealed record Outcome(int Status, byte[] Content);

/// <summary>
/// Results that were promised. They are kept until there are too many: then those go first that have been there the longest.
/// </summary>
internal sealed class Futures(long mostBytes = 256 << 20)
{
    private const int Most = 20_000;
    private readonly string _instance = RandomNumberGenerator.GetHexString(8, lowercase: true);
    private readonly ConcurrentDictionary<string, TaskCompletionSource<Outcome>> _promised = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<(string Id, int Bytes)> _kept = new();
    private long _last,
        _bytes;

    public string Promise()
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"{_instance}-{Interlocked.Increment(ref _last)}");
        _promised[id] = new TaskCompletionSource<Outcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        return id;
    }

    public bool IsKept(string id) => _promised.ContainsKey(id);

    public void Keep(string id, object answer) =>
        Keep(id, new Outcome(200, JsonSerializer.SerializeToUtf8Bytes(answer, TinkerJson.Options)));

    /// <summary>
    /// Keeps the outcome of what was promised. The first one stays: what comes after it, of work that then failed, is not told.
    /// </summary>
    public void Keep(string id, Outcome outcome)
    {
        if (!_promised.TryGetValue(id, out var promise) || !promise.TrySetResult(outcome))
        {
            return;
        }

        _kept.Enqueue((id, outcome.Content.Length));
        Interlocked.Add(ref _bytes, outcome.Content.Length);
        while ((_bytes > mostBytes || _kept.Count > Most) && _kept.Count > 1 && _kept.TryDequeue(out var old))
        {
            Interlocked.Add(ref _bytes, -old.Bytes);
            _promised.TryRemove(old.Id, out _);
        }
    }

    /// <summary>The outcome, or null when it is not there in time.</summary>
    public async Task<Outcome?> WaitAsync(string id, TimeSpan longest, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (!_promised.TryGetValue(id, out var promise))
        {
            var parts = id.Split('-');
            var was =
                parts.Length == 2
                && parts[0] == _instance
                && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && number >= 1
                && number <= Interlocked.Read(ref _last);
            throw was
                ? new TinkerRefusal(410, "The result is no longer kept. Send the request again.")
                : TinkerRefusal.NotFound("There is no such request.");
        }

        try
        {
            return await promise.Task.WaitAsync(longest, clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }
}
