using System.Net;
using AgentLightning.Common;

namespace AgentLightning.Access;

/// <summary>The addresses to listen on, and whether others can reach them.</summary>
public static class ListenAddresses
{
    /// <summary>Where the server listens unless told otherwise.</summary>
    public const string DefaultUrl = "http://127.0.0.1:4747";

    /// <summary>Whether only this machine reaches all of the addresses.</summary>
    /// <param name="urls">One or more, split by ';'.</param>
    public static bool AreLoopback(string urls) =>
        Split(urls).All(url => Uri.TryCreate(url, UriKind.Absolute, out var uri) && IsLoopback(url, uri));

    /// <summary>The ports of the addresses that can be read.</summary>
    public static IReadOnlySet<int> Ports(string urls) =>
        Split(urls).Select(url => Uri.TryCreate(url, UriKind.Absolute, out var uri) ? uri.Port : 0).ToHashSet();

    /// <summary>What is wrong with the addresses, one message for each.</summary>
    /// <param name="name">The setting that holds them.</param>
    public static IEnumerable<string> Mistakes(string urls, string name = "--urls")
    {
        var addresses = Split(urls);
        if (addresses.Length == 0)
        {
            yield return $"{name} must hold at least one address such as {DefaultUrl}, but it is '{urls}'.";
        }

        foreach (var url in addresses)
        {
            if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme != "http" || uri.PathAndQuery != "/")
            {
                yield return $"{name} must be addresses such as {DefaultUrl}, without https and path, but it holds " + $"'{url}'.";
            }
            else if (!IsLoopback(url, uri) && !IPAddress.TryParse(uri.Host.Trim('[', ']'), out _))
            {
                // The web server takes any name for all addresses of the machine.
                yield return $"{name} must name addresses by number, or 'localhost', but it holds '{url}'. Use "
                    + $"{DefaultUrl}, or http://0.0.0.0:4747 for all addresses of the machine.";
            }
        }
    }

    /// <summary>Why a store without keys is not served on these addresses; at least one of them must be reachable by others.</summary>
    public static LightningException Refusal(string urls) =>
        LightningException.Invalid(
            $"--urls holds '{Split(urls).First(url => !AreLoopback(url))}', which others can reach, and the store has no API key, so "
                + $"anybody could read and change everything. "
                + "Make a key with 'lightning keys create --name NAME --role admin --store STORE' (where there is no store yet, after "
                + "'lightning db migrate --store STORE'), or listen on "
                + DefaultUrl
                + ", or say --allow-anonymous if the network keeps everybody else out."
        );

    private static string[] Split(string urls) => urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>Uri writes some other names as 'localhost', which the web server takes for all addresses.</summary>
    private static bool IsLoopback(string url, Uri uri) =>
        url.Contains(uri.Host, StringComparison.OrdinalIgnoreCase)
        && (uri.Host == "localhost" || (IPAddress.TryParse(uri.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address)));
}
