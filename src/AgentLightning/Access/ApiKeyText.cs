using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace AgentLightning.Access;

/// <summary>
/// The text of a key: <c>lk_</c>, the id of 16 hexadecimal digits, <c>_</c>, and 32 random bytes in hexadecimal. The id finds the row; the
/// whole text is hashed.
/// </summary>
internal static partial class ApiKeyText
{
    /// <summary>256 random bits need no slow hash: there is nothing to guess.</summary>
    public static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    public static (string Id, string Text) New()
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        return (id, $"lk_{id}_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))}");
    }

    /// <summary>The id in a text that has the shape of a key, or null.</summary>
    public static string? IdOf(string text) => Shape().Match(text) is { Success: true } match ? match.Groups[1].Value : null;

    [GeneratedRegex(@"\Alk_([0-9a-f]{16})_[0-9a-f]{64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Shape();
}
