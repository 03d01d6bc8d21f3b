using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AgentLightning.Server.Configuration;

/// <summary>
/// Writes a <c>lightning.json</c> to begin with: every setting with what it does, its range and its default, as a comment, and those that
/// are given as settings. <see cref="SettingsReader"/> reads it as it stands.
/// </summary>
public static class SettingsTemplate
{
    /// <param name="values">What is set, by key; a value of a named section too, such as <c>gateway.agents.shop.base_model</c>.</param>
    public static string Of(IReadOnlyDictionary<string, string> values)
    {
        var text = new StringBuilder();
        text.Append("// Settings of 'lightning serve'. What is commented out has the value that stands there.\n");
        text.Append("// The command line counts more than the environment, and the environment more than this file.\n");
        text.Append("{\n");
        Section(text, "", 1, values);
        text.Append("}\n");
        return text.ToString();
    }

    private static void Section(StringBuilder text, string prefix, int depth, IReadOnlyDictionary<string, string> values)
    {
        var written = new HashSet<string>(StringComparer.Ordinal);
        foreach (var setting in SettingTable.All.Where(setting => setting.Key.StartsWith(prefix, StringComparison.Ordinal)))
        {
            var rest = setting.Key[prefix.Length..];
            if (rest.IndexOf('.') is >= 0 and var dot)
            {
                if (written.Add(rest[..dot]))
                {
                    Nested(text, prefix + rest[..dot] + ".", rest[..dot], depth, values);
                }

                continue;
            }

            Line(text, depth, $"// {setting.Description} {char.ToUpperInvariant(setting.Range[0])}{setting.Range[1..]}.");
            if (setting.IsSecret)
            {
                Line(text, depth, $"// A secret: set the variable {setting.Variable} instead.");
            }
            else
            {
                Value(text, depth, setting, rest, values);
            }

            written.Add(rest);
        }

        // What the operator names stands in no table.
        foreach (
            var name in values
                .Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal))
                .Select(key => key[prefix.Length..].Split('.')[0])
                .Where(written.Add)
                .ToList()
        )
        {
            if (values.TryGetValue(prefix + name, out var value))
            {
                Line(text, depth, $"{Quoted(name)}: {Quoted(value)},");
            }
            else
            {
                Nested(text, prefix + name + ".", name, depth, values);
            }
        }
    }

    private static void Nested(StringBuilder text, string prefix, string name, int depth, IReadOnlyDictionary<string, string> values)
    {
        Line(text, depth, $"{Quoted(name)}: {{");
        Section(text, prefix, depth + 1, values);
        Line(text, depth, "},");
    }

    private static void Value(StringBuilder text, int depth, ServerSetting setting, string name, IReadOnlyDictionary<string, string> values)
    {
        var given = values.TryGetValue(setting.Key, out var value);
        value ??= setting.Default == "none" ? "" : setting.Default;
        var json = setting.Type == typeof(string) ? Quoted(value) : value;
        Line(text, depth, $"{(given ? "" : "// ")}{Quoted(name)}: {json},");
    }

    private static string Quoted(string value) => JsonSerializer.Serialize(value, JsonSerializerOptions.Default);

    private static void Line(StringBuilder text, int depth, string line) =>
        text.Append(CultureInfo.InvariantCulture, $"{new string(' ', 2 * depth)}{line}\n");
}
