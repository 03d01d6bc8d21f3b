using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AgentLightning.Common;

namespace AgentLightning.Episodes;

/// <summary>
/// What an episode may hold, whatever door it came through. Where a person or a program asked, a record beyond it is refused; what is read
/// out of traces, whose sender is long gone, is fitted into it.
/// </summary>
public static class EpisodeBounds
{
    private const int Digits = 12;

    /// <summary>A clock may be a little fast; a later time would stand above all that is new.</summary>
    private static readonly TimeSpan s_skew = TimeSpan.FromMinutes(5);

    /// <summary>A time as a client told it: one in the future is now, with the time that was told in the metadata.</summary>
    public static DateTimeOffset Time(DateTimeOffset told, DateTimeOffset now, ref Dictionary<string, string>? metadata)
    {
        if (told <= now + s_skew)
        {
            return told < DateTimeOffset.UnixEpoch ? DateTimeOffset.UnixEpoch : told;
        }

        (metadata ??= [])["client_created_at"] = told.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);
        return now;
    }

    /// <summary>The episode with names that an index can hold, numbers that are possible, and a time that is not to come.</summary>
    public static Episode Fit(Episode episode, DateTimeOffset now)
    {
        var metadata = episode.Metadata is null ? null : new Dictionary<string, string>(episode.Metadata);
        var createdAt = Time(episode.CreatedAt, now, ref metadata);
        return episode with
        {
            AgentId = Fit(episode.AgentId)!,
            CreatedAt = createdAt,
            Metadata = metadata,
            ModelDeployment = Fit(episode.ModelDeployment),
            SessionId = Fit(episode.SessionId),
            UserId = Fit(episode.UserId),
            MessageId = Fit(episode.MessageId) is { } message && Ids.IsAddressable(message) ? message : null,
            CorrelationId = Fit(episode.CorrelationId),
            Intent = Fit(episode.Intent),
            Persona = Fit(episode.Persona),
            Action = Fit(episode.Action),
            InputKey = Fit(episode.InputKey),
            RequestLatencyMs = Number(episode.RequestLatencyMs) ?? 0,
            TimeToFirstTokenMs = Number(episode.TimeToFirstTokenMs),
            Tags = episode.Tags.Any(tag => Fit(tag) != tag) ? [.. episode.Tags.Select(tag => Fit(tag)!)] : episode.Tags,
        };
    }

    /// <summary>
    /// A name of at most <see cref="Ids.LongestName"/> characters without control characters. One that is cut ends with a hash of the
    /// whole: two that differ stay two.
    /// </summary>
    public static string? Fit(string? name)
    {
        if (name is null || (name.Length <= Ids.LongestName && !name.Any(char.IsControl)))
        {
            return name;
        }

        var clean = string.Concat(name.Select(c => char.IsControl(c) ? ' ' : c));
        if (clean.Length <= Ids.LongestName)
        {
            return clean;
        }

        var kept = Ids.LongestName - Digits - 1;
        // Half of a surrogate pair is no character.
        kept -= char.IsHighSurrogate(clean[kept - 1]) ? 1 : 0;
        return $"{clean[..kept]}~{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, Digits / 2))}";
    }

    private static double? Number(double? value) => value is null || (value >= 0 && double.IsFinite(value.Value)) ? value : null;
}
