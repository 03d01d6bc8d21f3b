using System.Buffers;
using System.Collections.Frozen;

namespace AgentLightning.Governance;

/// <summary>
/// Names of JSON properties whose values are secret, however they are written: <c>api_key</c>, <c>X-Api-Key</c>, <c>apiKey</c>.
/// </summary>
internal static class SecretNames
{
    private const int LongestName = 64;

    private static readonly FrozenSet<string> s_whole = new[]
    {
        "pass",
        "pwd",
        "auth",
        "jwt",
        "bearer",
        "secrets",
        "credentials",
        "passwords",
        "sas",
        "cookie",
        "setcookie",
        "otp",
        "cvv",
        "cvc",
        "pin",
        "contraseña",
        "motdepasse",
        "senha",
        "密码",
        "пароль",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly string[] s_endings =
    [
        "password",
        "passwd",
        "passwort",
        "kennwort",
        "passphrase",
        "secret",
        "apikey",
        "accesskey",
        "secretkey",
        "privatekey",
        "signingkey",
        "encryptionkey",
        "masterkey",
        "token",
        "authorization",
        "credential",
        "connectionstring",
        "accountkey",
        "sharedaccesssignature",
        "sharedaccesskey",
        "accesskeyid",
        "secretvalue",
        "subscriptionkey",
    ];

    /// <summary>What a name of ASCII can hold.</summary>
    private static readonly string[] s_asciiWords =
    [
        "pass",
        "pwd",
        "auth",
        "jwt",
        "bearer",
        "secret",
        "credential",
        "kennwort",
        "key",
        "token",
        "connection",
        "signature",
        "sas",
        "cookie",
        "otp",
        "cvv",
        "cvc",
        "pin",
        "contrase",
        "mot",
        "senha",
    ];

    private static readonly SearchValues<string> s_within = SearchValues.Create(
        [.. s_asciiWords, "密码", "пароль"],
        StringComparison.OrdinalIgnoreCase
    );

    /// <summary>For names of ASCII; a search for others too is several times slower.</summary>
    private static readonly SearchValues<string> s_withinAscii = SearchValues.Create(s_asciiWords, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the value of this property must not be stored.</summary>
    public static bool IsSecret(ReadOnlySpan<char> name)
    {
        if (name.Length > LongestName || !name.ContainsAny(System.Text.Ascii.IsValid(name) ? s_withinAscii : s_within))
        {
            return false;
        }

        Span<char> small = stackalloc char[LongestName];
        var n = 0;
        foreach (var c in name)
        {
            if (char.IsLetterOrDigit(c))
            {
                small[n++] = char.ToLowerInvariant(c);
            }
        }

        var bare = small[..n];
        foreach (var ending in s_endings)
        {
            if (bare.EndsWith(ending))
            {
                return true;
            }
        }

        return s_whole.GetAlternateLookup<ReadOnlySpan<char>>().Contains(bare);
    }

    /// <summary>
    /// Names of which everything inside is secret, objects too. An object named <c>password</c> is more often a description of a field.
    /// </summary>
    public static bool IsCollection(ReadOnlySpan<char> name) =>
        name.EndsWith("secrets", StringComparison.OrdinalIgnoreCase)
        || name.EndsWith("credentials", StringComparison.OrdinalIgnoreCase)
        || name.EndsWith("passwords", StringComparison.OrdinalIgnoreCase);

    /// <summary>A number under such a name is a count or an id and no secret.</summary>
    public static bool CountsThings(ReadOnlySpan<char> name) =>
        name.EndsWith("token", StringComparison.OrdinalIgnoreCase) || name.Equals("auth", StringComparison.OrdinalIgnoreCase);
}
