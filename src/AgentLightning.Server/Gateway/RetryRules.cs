using System.Globalization;
using System.Net.Http.Headers;

namespace AgentLightning.Server.Gateway;

/// <summary>When a call is tried again, and after which time.</summary>
internal static class RetryRules
{
    private static readonly TimeSpan s_shortest = TimeSpan.FromMilliseconds(250);

    /// <summary>408, 409, 429 and what servers answer when they are ill. 501 will be the same the next time.</summary>
    public static bool CanRetry(int status) => status is 408 or 409 or 429 or (>= 500 and not 501);

    /// <summary>Whether a status says that the server is ill.</summary>
    public static bool IsOfUpstream(int status) => status >= 500 && status != 501;

    /// <summary>
    /// How long to wait: what the upstream asks for, or else full jitter: evenly between 0 and a bound that doubles with each attempt.
    /// Null when it asks for more than the longest wait, and so is not asked again.
    /// </summary>
    /// <param name="retry">1 for the first attempt beyond the first.</param>
    public static TimeSpan? Wait(TimeSpan? retryAfter, int retry, TimeSpan longest, Random random)
    {
        if (retryAfter is { } asked)
        {
            return asked <= longest ? asked : null;
        }

        var bound = Math.Min(s_shortest.TotalMilliseconds * Math.Pow(2, retry - 1), longest.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(random.NextDouble() * bound);
    }

    /// <summary>What the headers of an answer ask for: <c>retry-after-ms</c>, or <c>Retry-After</c> as seconds or as a date.</summary>
    public static TimeSpan? RetryAfter(HttpResponseHeaders headers, DateTimeOffset now)
    {
        if (
            headers.TryGetValues("retry-after-ms", out var values)
            && double.TryParse(values.First(), NumberStyles.Float, CultureInfo.InvariantCulture, out var milliseconds)
            && milliseconds is >= 0 and < 86_400_000
        )
        {
            return TimeSpan.FromMilliseconds(milliseconds);
        }

        return headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date > now ? date - now : TimeSpan.Zero,
            _ => null,
        };
    }
}
