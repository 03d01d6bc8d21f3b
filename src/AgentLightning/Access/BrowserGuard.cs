using System.Net;

namespace AgentLightning.Access;

/// <summary>What of a request tells whether a page in a browser sent it, and of which site.</summary>
/// <param name="Host">The header, with its port; empty when there is none, which no browser does.</param>
/// <param name="Origin">The header <c>Origin</c>; empty when there is none.</param>
/// <param name="FetchSite">The header <c>Sec-Fetch-Site</c>, which no page can set; empty when there is none.</param>
/// <param name="ContentType">The header <c>Content-Type</c>; empty when there is none.</param>
/// <param name="BodyExpected">Whether a body comes along, or what is called takes one.</param>
public readonly record struct RequestSource(
    string Method,
    string Host,
    string Origin,
    string FetchSite,
    string ContentType,
    bool BodyExpected
);

/// <summary>Why a request is not served.</summary>
/// <param name="Status">421, 403 or 415.</param>
public sealed record SourceRefusal(int Status, string Message);

/// <summary>
/// Keeps pages of other sites, in a browser on a machine that reaches a server, from acting in the name of its user. A page can send
/// requests without reading the answers, in the forms of HTML without asking first; and with a name that it lets point at this machine it
/// can read them too. What it cannot do is to name itself otherwise than the browser does.
/// </summary>
public static class BrowserGuard
{
    private const string Form = "application/x-www-form-urlencoded";

    /// <summary>The types that a page may send to another site without being asked for leave.</summary>
    private static readonly string[] s_unasked = [Form, "multipart/form-data", "text/plain"];

    /// <summary>
    /// Refuses a request that changes something (every method but GET, HEAD and OPTIONS) when a page of another site sent it, or when its
    /// body is of a type that such a page can send unasked, or of none where one is expected.
    /// </summary>
    /// <param name="allowedHosts">Names of this server that its clients know and it does not, behind a proxy for example.</param>
    public static SourceRefusal? CheckChange(RequestSource request, IReadOnlyList<string> allowedHosts)
    {
        if (request.Method is "GET" or "HEAD" or "OPTIONS")
        {
            return null;
        }

        if (IsForeign(request, allowedHosts))
        {
            return new SourceRefusal(
                403,
                "A page of another site may not change anything here. Send the request from a program, or from a page of this server; a "
                    + "proxy must pass the header Host on, or its name must be in allowed_hosts."
            );
        }

        var type = request.ContentType.Split(';')[0].Trim();
        return s_unasked.Contains(type, StringComparer.OrdinalIgnoreCase) || (type.Length == 0 && request.BodyExpected)
            ? new SourceRefusal(415, "The body must be JSON, sent with 'content-type: application/json'; forms and plain text are refused.")
            : null;
    }

    /// <summary>
    /// Refuses a name that is not one of this server: a page can let a name of its own point here, and then read everything. Only for a
    /// server that asks for no key, which no page has.
    /// </summary>
    /// <param name="onlyThisMachine">
    /// Whether only this machine reaches the server. Otherwise every number passes, and every name without a dot, which no page can have.
    /// </param>
    public static SourceRefusal? CheckHost(string host, bool onlyThisMachine, IReadOnlyList<string> allowedHosts)
    {
        var name = NameOf(host);
        var isNumber = IPAddress.TryParse(name, out var address);
        return
            name.Length == 0
            || name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (isNumber && (!onlyThisMachine || IPAddress.IsLoopback(address!)))
            || (!onlyThisMachine && !isNumber && !name.Contains('.', StringComparison.Ordinal))
            || allowedHosts.Contains(name, StringComparer.OrdinalIgnoreCase)
            ? null
            : new SourceRefusal(
                421,
                "A server without keys is reached by the name of its machine only, such as localhost or 127.0.0.1. Make a key, or add the "
                    + "name to allowed_hosts."
            );
    }

    private static bool IsForeign(RequestSource request, IReadOnlyList<string> allowedHosts)
    {
        if (request.FetchSite is "same-origin" or "none")
        {
            return false;
        }

        if (request.Origin.Length == 0)
        {
            return request.FetchSite.Length > 0;
        }

        var authority = request.Origin[(request.Origin.IndexOf("://", StringComparison.Ordinal) is >= 0 and var at ? at + 3 : 0)..];
        var isSame = request.FetchSite.Length == 0 && authority.Equals(request.Host, StringComparison.OrdinalIgnoreCase);
        return !isSame && !allowedHosts.Contains(NameOf(authority), StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Without the port, and an address of IPv6 without its brackets.</summary>
    private static string NameOf(string host) =>
        host.StartsWith('[') ? host[1..].Split(']')[0]
        : host.IndexOf(':', StringComparison.Ordinal) is >= 0 and var colon ? host[..colon]
        : host;
}
