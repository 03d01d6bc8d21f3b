using System.Security.Cryptography;
using System.Text;

namespace AgentLightning.Episodes;

/// <summary>Keys of inputs that say the same: letters and digits only, lower case, single blanks; 128 bits of SHA-256 in hex.</summary>
public static class InputKeys
{
    public static string Of(params ReadOnlySpan<string?> parts)
    {
        var text = new StringBuilder();
        foreach (var part in parts)
        {
            foreach (var c in part ?? "")
            {
                if (char.IsLetterOrDigit(c) || char.IsSurrogate(c))
                {
                    text.Append(char.ToLowerInvariant(c));
                }
                else if (text.Length > 0 && text[^1] != ' ')
                {
                    text.Append(' ');
                }
            }

            text.Append('\n');
        }

        if (text.Length == parts.Length)
        {
            // Nothing but signs: then the signs are what it says.
            text.Append(string.Concat(parts));
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString().Trim())).AsSpan(0, 16));
    }
}
