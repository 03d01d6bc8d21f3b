using System.Collections.Concurrent;
using System.Security.Cryptography;
using AgentLightning.Common;
using AgentLightning.Storage;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Access;

/// <summary>
/// Tells whose key a text is. What the store says of a key is believed for less than a second, so that a revocation is in force everywhere
/// within one.
/// </summary>
/// <remarks>Any thread may call. Memory is bounded by the number of keys that exist.</remarks>
public sealed partial class ApiKeyVerifier(IApiKeyStore keys, TimeProvider time, ILogger<ApiKeyVerifier> logger)
{
    /// <summary>Leaves time within the promised second for the answer of the store.</summary>
    private static readonly TimeSpan s_believed = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan s_betweenTouches = TimeSpan.FromMinutes(1);

    /// <summary>Compared with when there is no such key, so that the time of an answer does not tell which ids exist.</summary>
    private static readonly byte[] s_none = new byte[SHA256.HashSizeInBytes];

    private readonly ConcurrentDictionary<string, Known> _known = new(StringComparer.Ordinal);
    private volatile Demand _demand = new(false, null);

    /// <summary>The key, when it is one, is not revoked and has not expired; otherwise null.</summary>
    public async ValueTask<ApiKey?> VerifyAsync(string text, CancellationToken cancellationToken)
    {
        if (ApiKeyText.IdOf(text) is not { } id)
        {
            return null;
        }

        var stored = await FindAsync(id, cancellationToken).ConfigureAwait(false);
        var same = CryptographicOperations.FixedTimeEquals(ApiKeyText.Hash(text), stored?.Hash ?? s_none);
        var now = time.GetUtcNow();
        if (stored is null || !same || !stored.Key.IsValid(now))
        {
            return null;
        }

        await TouchAsync(stored.Key, now, cancellationToken).ConfigureAwait(false);
        return stored.Key;
    }

    /// <summary>Whether the store has, or had, any key: then nobody comes in without one.</summary>
    public async ValueTask<bool> AnyKeysAsync(CancellationToken cancellationToken)
    {
        var demand = _demand;
        if (!demand.Keys && (demand.ReadAt is not { } readAt || time.GetElapsedTime(readAt) >= s_believed))
        {
            var asked = time.GetTimestamp();
            _demand = demand = new Demand(await keys.AnyAsync(cancellationToken).ConfigureAwait(false), asked);
        }

        return demand.Keys;
    }

    private async ValueTask<StoredApiKey?> FindAsync(string id, CancellationToken cancellationToken)
    {
        if (_known.TryGetValue(id, out var known) && time.GetElapsedTime(known.ReadAt) < s_believed)
        {
            return known.Stored;
        }

        var asked = time.GetTimestamp();
        var stored = await keys.FindAsync(id, cancellationToken).ConfigureAwait(false);
        // Ids that do not exist are not kept: anybody can invent them.
        if (stored is not null)
        {
            _known[id] = new Known(stored, asked, known?.TouchedAt ?? stored.Key.LastUsedAt);
        }

        return stored;
    }

    private async ValueTask TouchAsync(ApiKey key, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var known = _known[key.Id];
        if (known.TouchedAt is { } touched && now - touched < s_betweenTouches)
        {
            return;
        }

        // One of many requests at once writes it down.
        if (!_known.TryUpdate(key.Id, known with { TouchedAt = now }, known))
        {
            return;
        }

        try
        {
            await keys.TouchAsync(key.Id, now.Rounded(), cancellationToken).ConfigureAwait(false);
        }
        catch (LightningException e)
        {
            // A store that takes no writes is no reason to refuse a reader.
            LogUntouched(logger, key.Id, e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The use of key {Key} could not be noted: {Reason}")]
    private static partial void LogUntouched(ILogger logger, string key, string reason);

    private sealed record Known(StoredApiKey Stored, long ReadAt, DateTimeOffset? TouchedAt);

    private sealed record Demand(bool Keys, long? ReadAt);
}
