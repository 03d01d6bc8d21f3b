using System.Security.Cryptography;

namespace AgentLightning.ModelServer;

/// <summary>Requests by the numbers that their client gave them, so that one that comes twice is done once.</summary>
/// <param name="ordered">Whether numbers rise.</param>
internal sealed class SeenRequests(bool ordered)
{
    private const int Most = 8192;
    private readonly Dictionary<long, (byte[] Hash, string Id)> _seen = [];
    private readonly Queue<long> _order = new();
    private long _last = -1;

    /// <summary>The promise that the same request was given before, or a new one, which <paramref name="begin"/> makes.</summary>
    public string Take(long? number, ReadOnlySpan<byte> body, Func<string, bool> isKept, Func<string> begin)
    {
        if (number is not { } given)
        {
            return begin();
        }

        if (given < 0)
        {
            throw TinkerRefusal.Invalid($"'seq_id' must be 0 or more, but it is {given}.");
        }

        var hash = SHA256.HashData(body);
        if (_seen.TryGetValue(given, out var seen))
        {
            if (!seen.Hash.AsSpan().SequenceEqual(hash))
            {
                throw TinkerRefusal.Conflict($"'seq_id' {given} was another request before. Each needs a number of its own.");
            }

            if (isKept(seen.Id))
            {
                return seen.Id;
            }
        }

        if (ordered && given <= _last)
        {
            throw TinkerRefusal.Conflict(
                $"'seq_id' {given} comes after {_last}. Numbers must rise; what was done before is not done again."
            );
        }

        var id = begin();
        _last = Math.Max(_last, given);
        if (!_seen.ContainsKey(given))
        {
            _order.Enqueue(given);
        }

        _seen[given] = (hash, id);
        if (_order.Count > Most)
        {
            _seen.Remove(_order.Dequeue());
        }

        return id;
    }
}
