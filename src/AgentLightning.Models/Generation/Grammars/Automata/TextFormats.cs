namespace AgentLightning.Models.Generation.Grammars.Automata;

/// <summary>
/// The formats of texts that can be kept to, as patterns. Each allows less than the standard where that says what every reader takes, such
/// as no 29th of February.
/// </summary>
internal static class TextFormats
{
    private const string Date =
        @"(000[1-9]|00[1-9]\d|0[1-9]\d\d|[1-9]\d\d\d)-"
        + @"((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8]))";
    private const string Time = @"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1[0-3]):[0-5]\d)";
    private const string Byte = @"(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])";

    private static readonly Dictionary<string, string> s_patterns = new(StringComparer.Ordinal)
    {
        ["date"] = $"^{Date}$",
        ["time"] = $"^{Time}$",
        ["date-time"] = $"^{Date}T{Time}$",
        ["uuid"] = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        ["ipv4"] = $@"^({Byte}\.){{3}}{Byte}$",
        ["email"] = @"^[A-Za-z0-9_+-]{1,32}(\.[A-Za-z0-9_+-]{1,32})?@[a-z0-9]{1,32}(-[a-z0-9]{1,30})?(\.[a-z]{2,24}){1,3}$",
    };

    public static string Known { get; } = string.Join(", ", s_patterns.Keys);

    public static string? PatternOf(string format) => s_patterns.GetValueOrDefault(format);
}
