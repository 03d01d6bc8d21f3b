using System.Text;

namespace AgentLightning.Models.ChatTemplates;

/// <summary>
/// JSON as Python writes it, which is what models were trained on: blanks after commas and colons, and characters as they are.
/// </summary>
internal static class JsonText
{
    public sealed record Style(int? Indent, bool Ascii, bool SortKeys, string Comma, string Colon);

    public static string Write(object? value, Style style)
    {
        var result = new StringBuilder();
        Write(value, style, 0, result);
        return result.ToString();
    }

    private static void Write(object? value, Style style, int depth, StringBuilder result)
    {
        switch (value)
        {
            case var _ when depth > Values.Deepest:
                throw new ChatTemplateException(0, $"The data are nested more than {Values.Deepest} deep.");
            case null:
                result.Append("null");
                break;
            case bool b:
                result.Append(b ? "true" : "false");
                break;
            case long n:
                result.Append(n);
                break;
            case double d:
                result.Append(
                    double.IsNaN(d) ? "NaN"
                    : double.IsInfinity(d) ? (d > 0 ? "Infinity" : "-Infinity")
                    : Values.Float(d)
                );
                break;
            case string s:
                WriteString(s, style, result);
                break;
            case List<object?> list:
                WriteItems('[', ']', list.Count, style, depth, result, i => Write(list[i], style, depth + 1, result));
                break;
            case Map map:
                var keys = style.SortKeys ? [.. map.Items.Keys.Order(StringComparer.Ordinal)] : map.Items.Keys.ToList();
                WriteItems('{', '}', keys.Count, style, depth, result, i =>
                {
                    WriteString(keys[i], style, result);
                    result.Append(style.Colon);
                    Write(map.Items[keys[i]], style, depth + 1, result);
                });
                break;
            default:
                throw new ChatTemplateException(0, $"{Values.TypeName(value)} cannot be written as JSON.");
        }
    }

    private static void WriteItems(char open, char close, int count, Style style, int depth, StringBuilder result, Action<int> write)
    {
        result.Append(open);
        for (var i = 0; i < count; i++)
        {
            result.Append(i > 0 ? style.Comma : "");
            NewLine(style, depth + 1, result);
            write(i);
        }

        if (count > 0)
        {
            NewLine(style, depth, result);
        }

        result.Append(close);
    }

    private static void NewLine(Style style, int depth, StringBuilder result)
    {
        if (style.Indent is { } indent)
        {
            result.Append('\n').Append(' ', indent * depth);
        }
    }

    private static void WriteString(string text, Style style, StringBuilder result)
    {
        result.Append('"');
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => result.Append("\\\""),
                '\\' => result.Append("\\\\"),
                '\n' => result.Append("\\n"),
                '\r' => result.Append("\\r"),
                '\t' => result.Append("\\t"),
                '\b' => result.Append("\\b"),
                '\f' => result.Append("\\f"),
                < ' ' => result.Append($"\\u{(int)c:x4}"),
                > '~' when style.Ascii && c != '\u007F' => result.Append($"\\u{(int)c:x4}"),
                _ => result.Append(c),
            };
        }

        result.Append('"');
    }
}
