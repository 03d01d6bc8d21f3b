using System.Security.Cryptography;
using System.Text;

namespace AgentLightning.Governance;

/// <summary>Names for values that only the holder of the key can find again, by trying: the first 32 bits of HMAC-SHA-256 in hex.</summary>
internal sealed class Pseudonyms(string key)
{
    private readonly byte[] _key = Encoding.UTF8.GetBytes(key);

    public string Of(FindingKind kind, ReadOnlySpan<char> value) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(Normalise(kind, value))).AsSpan(0, 4));

    /// <summary>The same value, however it was written: numbers without signs between them, addresses in small letters.</summary>
    private static string Normalise(FindingKind kind, ReadOnlySpan<char> value) =>
        kind switch
        {
            FindingKind.Email => value.ToString().Replace("%40", "@", StringComparison.Ordinal).ToLowerInvariant(),
            FindingKind.Ip => value.ToString().ToLowerInvariant(),
            FindingKind.Phone or FindingKind.Card or FindingKind.Ssn or FindingKind.Ird or FindingKind.Iban => string.Concat(
                    value.ToString().Where(char.IsAsciiLetterOrDigit)
                )
                .ToUpperInvariant(),
            _ => value.ToString(),
        };
}
