using System.Globalization;

namespace AgentLightning.Cli.Records;

/// <summary>The query part of a server's addresses.</summary>
internal static class ServerQuery
{
    /// <summary>Names and escaped values; a part without a value is left out.</summary>
    public static string Of(params ReadOnlySpan<(string Name, string? Value)> parts)
    {
        var given = new List<string>(parts.Length);
        foreach (var (name, value) in parts)
        {
            if (value is not null)
            {
                given.Add($"{name}={Uri.EscapeDataString(value)}");
            }
        }

        return string.Join('&', given);
    }

    /// <summary>A time in UTC as servers read it; null for no time.</summary>
    public static string? Text(DateTimeOffset? time) => time?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);
}
