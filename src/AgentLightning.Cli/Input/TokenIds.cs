using System.Globalization;
using AgentLightning.Common;

namespace AgentLightning.Cli.Input;

/// <summary>Token ids on the command line: whole numbers between commas.</summary>
internal static class TokenIds
{
    public static int[] Parse(string option, string text)
    {
        var parts = text.Split(',', StringSplitOptions.TrimEntries);
        var ids = new int[parts.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out ids[i]))
            {
                throw LightningException.Invalid(
                    $"{option} must be whole numbers between commas, such as 1,2,3, but '{parts[i]}' is not one."
                );
            }
        }

        return ids;
    }
}
