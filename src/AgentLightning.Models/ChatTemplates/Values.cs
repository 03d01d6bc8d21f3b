using System.Collections;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AgentLightning.Models.ChatTemplates;

/// <summary>A name or key that nothing stands for.</summary>
internal sealed record Undefined(string Name);

/// <summary>An object with keys in order.</summary>
internal sealed class Map
{
    public OrderedDictionary<string, object?> Items { get; } = new(StringComparer.Ordinal);
}

/// <summary>Variables that keep what is set inside loops, as made by <c>namespace()</c>.</summary>
internal sealed class Namespace
{
    public Dictionary<string, object?> Items { get; } = new(StringComparer.Ordinal);
}

/// <summary>A list that Python calls a tuple: it is written with round brackets, and equals no list.</summary>
internal sealed class TupleList : List<object?>
{
    public TupleList(IEnumerable<object?> items)
        : base(items) { }
}

/// <summary>Something that can be called with values in order and by name.</summary>
internal sealed record Function(string Name, Func<RenderContext, Arguments, object?> Call);

/// <summary>
/// What template values are: null, bool, long, double, string, <see cref="List{T}"/> of values, <see cref="Map"/>, <see cref="Namespace"/>,
/// <see cref="Function"/>, <see cref="Undefined"/>; and how Python sees them.
/// </summary>
internal static class Values
{
    /// <summary>Deeper data is a mistake or an attack; the stack is finite.</summary>
    public const int Deepest = 100;

    /// <summary>Takes a value in from outside: JSON, dictionaries with text keys, lists, texts, numbers.</summary>
    public static object? From(object? value, int depth = 0) =>
        depth > Deepest
            ? throw new ChatTemplateException(0, $"The data are nested more than {Deepest} deep.")
            : value switch
            {
                null or bool or long or double or string or Undefined => value,
                int or short or byte or uint => Convert.ToInt64(value, CultureInfo.InvariantCulture),
                float or decimal => Convert.ToDouble(value, CultureInfo.InvariantCulture),
                JsonElement element => FromJson(element, depth),
                JsonNode node => FromJson(JsonSerializer.SerializeToElement(node), depth),
                IEnumerable<KeyValuePair<string, object?>> pairs => FromPairs(pairs, depth),
                IEnumerable<KeyValuePair<string, string>> pairs => FromPairs(
                    pairs.Select(pair => KeyValuePair.Create(pair.Key, (object?)pair.Value)),
                    depth
                ),
                IEnumerable items => FromItems(items.Cast<object?>(), depth),
                _ => throw new ChatTemplateException(
                    0,
                    $"A value of type {value.GetType().Name} cannot be given to a template. Give JSON, dictionaries with text keys, "
                        + $"lists, texts or numbers."
                ),
            };

    public static bool IsTrue(object? value) =>
        value switch
        {
            null or Undefined => false,
            bool b => b,
            long n => n != 0,
            double d => d != 0,
            string s => s.Length > 0,
            List<object?> list => list.Count > 0,
            Map map => map.Items.Count > 0,
            _ => true,
        };

    public static bool AreEqual(object? a, object? b, int depth = 0)
    {
        if (depth > Deepest)
        {
            throw new ChatTemplateException(0, $"The data are nested more than {Deepest} deep.");
        }

        return (a, b) switch
        {
            (null, null) or (Undefined, Undefined) => true,
            (string x, string y) => x == y,
            (List<object?> x, List<object?> y) => x.GetType() == y.GetType()
                && x.Count == y.Count
                && x.Zip(y).All(pair => AreEqual(pair.First, pair.Second, depth + 1)),
            (Map x, Map y) => x.Items.Count == y.Items.Count
                && x.Items.All(pair => y.Items.TryGetValue(pair.Key, out var other) && AreEqual(pair.Value, other, depth + 1)),
            _ when Number(a) is { } x && Number(b) is { } y => a is double || b is double
                ? Convert.ToDouble(x, CultureInfo.InvariantCulture) == Convert.ToDouble(y, CultureInfo.InvariantCulture)
                : (long)x == (long)y,
            _ => ReferenceEquals(a, b),
        };
    }

    /// <summary>A long or a double, truth values counting as 1 and 0; null for what is no number.</summary>
    public static object? Number(object? value) =>
        value switch
        {
            bool b => b ? 1L : 0L,
            long or double => value,
            _ => null,
        };

    public static string TypeName(object? value) =>
        value switch
        {
            null => "none",
            bool => "a truth value",
            long or double => "a number",
            string => "a text",
            List<object?> => "a list",
            Map => "an object",
            Namespace => "a namespace",
            Function function => $"the function '{function.Name}'",
            Undefined undefined => $"'{undefined.Name}', which is not defined",
            _ => value.GetType().Name,
        };

    /// <summary>A value as text, as Python's <c>str</c> gives it.</summary>
    public static string Text(object? value)
    {
        if (value is string text)
        {
            return text;
        }

        var result = new StringBuilder();
        Write(value, result, 0);
        return result.ToString();
    }

    public static string Float(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "nan"
                : value > 0 ? "inf"
                : "-inf";
        }

        var text = value.ToString("E16", CultureInfo.InvariantCulture);
        var exponent = int.Parse(
            text.AsSpan(text.IndexOf('E', StringComparison.Ordinal) + 1),
            NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture
        );
        var shortest = value.ToString("R", CultureInfo.InvariantCulture);
        if (value != 0 && exponent is < -4 or >= 16)
        {
            var mantissa = shortest.Contains('E', StringComparison.Ordinal)
                ? shortest[..shortest.IndexOf('E', StringComparison.Ordinal)]
                : Mantissa(shortest);
            return $"{mantissa}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }

        if (shortest.Contains('E', StringComparison.Ordinal))
        {
            shortest = ((decimal)value).ToString(CultureInfo.InvariantCulture);
        }

        return shortest.Contains('.', StringComparison.Ordinal) ? shortest : shortest + ".0";
    }

    private static string Mantissa(string digits)
    {
        var sign = digits.StartsWith('-') ? "-" : "";
        var plain = digits.TrimStart('-').Replace(".", "", StringComparison.Ordinal).TrimStart('0').TrimEnd('0');
        return sign + plain[0] + (plain.Length > 1 ? "." + plain[1..] : "");
    }

    private static void Write(object? value, StringBuilder result, int depth)
    {
        switch (value)
        {
            case var _ when depth > Deepest:
                throw new ChatTemplateException(0, $"The data are nested more than {Deepest} deep.");
            case null:
                result.Append("None");
                break;
            case bool b:
                result.Append(b ? "True" : "False");
                break;
            case long n:
                result.Append(n);
                break;
            case double d:
                result.Append(Float(d));
                break;
            case Undefined:
                break;
            case string s:
                result.Append(depth == 0 ? s : Quote(s));
                break;
            case List<object?> list:
                result.Append(list is TupleList ? '(' : '[');
                for (var i = 0; i < list.Count; i++)
                {
                    result.Append(i > 0 ? ", " : "");
                    Write(list[i], result, depth + 1);
                }

                result.Append(
                    list is not TupleList ? "]"
                    : list.Count == 1 ? ",)"
                    : ")"
                );
                break;
            case Map map:
                result.Append('{');
                var first = true;
                foreach (var (key, item) in map.Items)
                {
                    result.Append(first ? "" : ", ").Append(Quote(key)).Append(": ");
                    first = false;
                    Write(item, result, depth + 1);
                }

                result.Append('}');
                break;
            default:
                throw new ChatTemplateException(0, $"{TypeName(value)} cannot be written as text.");
        }
    }

    private static string Quote(string text)
    {
        var quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        var result = new StringBuilder(text.Length + 2).Append(quote);
        foreach (var c in text)
        {
            _ = c switch
            {
                '\\' => result.Append("\\\\"),
                '\n' => result.Append("\\n"),
                '\r' => result.Append("\\r"),
                '\t' => result.Append("\\t"),
                _ when c == quote => result.Append('\\').Append(c),
                < ' ' or '\u007F' or (>= '\u0080' and <= '\u00A0') or '\u00AD' => result.Append($"\\x{(int)c:x2}"),
                _ => result.Append(c),
            };
        }

        return result.Append(quote).ToString();
    }

    private static object? FromJson(JsonElement element, int depth) =>
        element.ValueKind switch
        {
            JsonValueKind.Object => FromPairs(
                element.EnumerateObject().Select(property => KeyValuePair.Create(property.Name, (object?)property.Value)),
                depth
            ),
            JsonValueKind.Array => FromItems(element.EnumerateArray().Select(item => (object?)item), depth),
            JsonValueKind.String => element.GetString(),
            JsonValueKind.Number => element.TryGetInt64(out var whole) ? whole : (object)element.GetDouble(),
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => null,
        };

    private static Map FromPairs(IEnumerable<KeyValuePair<string, object?>> pairs, int depth)
    {
        var map = new Map();
        foreach (var (key, value) in pairs)
        {
            map.Items[key] = From(value, depth + 1);
        }

        return map;
    }

    private static List<object?> FromItems(IEnumerable<object?> items, int depth) => [.. items.Select(item => From(item, depth + 1))];
}
