using System.Buffers;

namespace AgentLightning.Governance;

/// <summary>Characters that keys are made of.</summary>
internal static class Alphabet
{
    private const string Digits = "0123456789",
        Small = "abcdefghijklmnopqrstuvwxyz",
        Capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    /// <summary>0–9 a–f A–F.</summary>
    public static SearchValues<char> Hex { get; } = SearchValues.Create(Digits + "abcdefABCDEF");

    /// <summary>Hexadecimal digits and hyphens, as in a UUID.</summary>
    public static SearchValues<char> Uuid { get; } = SearchValues.Create(Digits + "abcdefABCDEF-");

    /// <summary>0–9 a–z.</summary>
    public static SearchValues<char> Lower { get; } = SearchValues.Create(Digits + Small);

    /// <summary>0–9 A–Z.</summary>
    public static SearchValues<char> Upper { get; } = SearchValues.Create(Digits + Capitals);

    /// <summary>0–9 A–Z and hyphens.</summary>
    public static SearchValues<char> Groups { get; } = SearchValues.Create(Digits + Capitals + "-");

    /// <summary>Letters and digits.</summary>
    public static SearchValues<char> Alnum { get; } = SearchValues.Create(Digits + Small + Capitals);

    /// <summary>Letters, digits and _.</summary>
    public static SearchValues<char> Word { get; } = SearchValues.Create(Digits + Small + Capitals + "_");

    /// <summary>Letters, digits, _ and -: Base64 for addresses.</summary>
    public static SearchValues<char> Url { get; } = SearchValues.Create(Digits + Small + Capitals + "_-");

    /// <summary>Those, = and dots between parts.</summary>
    public static SearchValues<char> Dotted { get; } = SearchValues.Create(Digits + Small + Capitals + "_-=.");

    /// <summary>Base64 in either form.</summary>
    public static SearchValues<char> Base64 { get; } = SearchValues.Create(Digits + Small + Capitals + "+/=_-");

    /// <summary>The rest of an address.</summary>
    public static SearchValues<char> Path { get; } = SearchValues.Create(Digits + Small + Capitals + "_-/@");

    /// <summary>Letters, digits and $ between parts.</summary>
    public static SearchValues<char> Dollars { get; } = SearchValues.Create(Digits + Small + Capitals + "$");
}
