using System.Net;

namespace AgentLightning.Models.Hub;

/// <summary>Reads from an answer what went wrong, in words for the person who asked.</summary>
internal static class HubErrors
{
    private static readonly TimeSpan s_longestWait = TimeSpan.FromMinutes(5);

    /// <summary>Whether the same request may succeed later.</summary>
    public static bool IsTransient(HttpStatusCode status) =>
        status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests || (int)status >= 500;

    /// <param name="what">A repository, or a file of it.</param>
    public static HubException Of(HttpResponseMessage response, string what, HubOptions options)
    {
        var host = options.Url.Authority;
        var code = response.Headers.TryGetValues("X-Error-Code", out var codes) ? codes.First() : null;
        return new HubException(
            (response.StatusCode, code) switch
            {
                (_, "GatedRepo") => $"{what} is gated: accept its terms on {host}, and give a token with access in HF_TOKEN.",
                (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden, _) when options.Token is null =>
                    $"{host} does not show {what} without a token: it does not exist, or it is private. Give a token with access in "
                        + $"HF_TOKEN.",
                (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden, _) =>
                    $"{host} refuses {what} to the token in HF_TOKEN ({(int)response.StatusCode}). Check that the token is valid and may "
                        + $"read it.",
                (HttpStatusCode.NotFound, _) => $"{what} was not found on {host}. Check the name and the revision.",
                _ => $"{host} answered {(int)response.StatusCode} for {what}.",
            }
        );
    }

    /// <summary>How long a server asks to wait, 5 minutes at most; null when it does not say.</summary>
    public static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider time)
    {
        var wait = response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - time.GetUtcNow(),
            _ => (TimeSpan?)null,
        };
        return wait is null ? null : TimeSpan.FromTicks(Math.Clamp(wait.Value.Ticks, 0, s_longestWait.Ticks));
    }
}
