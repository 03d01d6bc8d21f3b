using System.Buffers;
using System.Text;

namespace AgentLightning.Models.ChatTemplates;

/// <summary>
/// Methods of texts, objects and lists, as in Python. Those that change their owner are missing on purpose: templates must not change
/// messages.
/// </summary>
internal static class Methods
{
    private static readonly SearchValues<char> s_lineEnds = SearchValues.Create("\n\r\v\f\u001C\u001D\u001E\u0085\u2028\u2029");
    private static readonly HashSet<string> s_changing =
    [
        "append",
        "extend",
        "insert",
        "remove",
        "clear",
        "sort",
        "reverse",
        "pop",
        "popitem",
        "update",
        "setdefault",
    ];

    /// <summary>A method bound to its owner, or null when there is none of that name.</summary>
    public static Function? Find(object? owner, string name)
    {
        Func<RenderContext, Arguments, object?>? call = owner switch
        {
            string text => OfText(text, name),
            Map map => OfMap(map, name),
            List<object?> list => OfList(list, name),
            _ => null,
        };
        if (
            call is null
            && owner is Map or List<object?>
            && s_changing.Contains(name)
            && !(owner is Map { Items: var items } && items.ContainsKey(name))
        )
        {
            return new Function(name, (context, _) =>
                throw context.Error(
                    $"'{name}' would change {Values.TypeName(owner)}, which templates cannot. Make a new value with '+', or keep it in a "
                        + $"namespace()."
                )
            );
        }

        return call is null ? null : new Function(name, (context, arguments) =>
            {
                var value = call(context, arguments);
                arguments.Done();
                return value;
            });
    }

    private static Func<RenderContext, Arguments, object?>? OfText(string text, string name) =>
        name switch
        {
            "strip" => (_, a) => Strip(text, a.Get(0, "chars") as string, true, true),
            "lstrip" => (_, a) => Strip(text, a.Get(0, "chars") as string, true, false),
            "rstrip" => (_, a) => Strip(text, a.Get(0, "chars") as string, false, true),
            "split" => (c, a) => Split(text, a, c, fromEnd: false),
            "rsplit" => (c, a) => Split(text, a, c, fromEnd: true),
            "splitlines" => (c, a) => Charged(c, text.Length, () => SplitLines(text, Values.IsTrue(a.Get(0, "keepends", false)))),
            "startswith" => (_, a) => Affixes(a).Exists(affix => text.StartsWith(affix, StringComparison.Ordinal)),
            "endswith" => (_, a) => Affixes(a).Exists(affix => text.EndsWith(affix, StringComparison.Ordinal)),
            "removeprefix" => (_, a) =>
                a.Text(0, "prefix") is var prefix && text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : text,
            "removesuffix" => (_, a) =>
                a.Text(0, "suffix") is var suffix && text.EndsWith(suffix, StringComparison.Ordinal) ? text[..^suffix.Length] : text,
            "upper" => (c, _) => Charged(c, text.Length, text.ToUpperInvariant),
            "lower" => (c, _) => Charged(c, text.Length, text.ToLowerInvariant),
            "title" => (c, _) => Charged(c, text.Length, () => Title(text)),
            "capitalize" => (c, _) => Charged(c, text.Length, () => Capitalize(text)),
            "replace" => (c, a) => Replace(text, a.Text(0, "old"), a.Text(1, "new"), a.Int(2, "count", -1), c),
            "find" => (_, a) => Position(text, text.IndexOf(a.Text(0, "sub"), StringComparison.Ordinal)),
            "rfind" => (_, a) => Position(text, text.LastIndexOf(a.Text(0, "sub"), StringComparison.Ordinal)),
            "count" => (c, a) =>
                a.Text(0, "sub") is { Length: > 0 } part
                    ? Charged(c, text.Length, () => (long)text.Split(part).Length - 1)
                    : Members.Length(text) + 1,
            "join" => (c, a) => Join(text, Members.Items(a.Need(0, "iterable"), c), c),
            "isdigit" => (_, _) => text.Length > 0 && text.All(char.IsDigit),
            "isalpha" => (_, _) => text.Length > 0 && text.All(char.IsLetter),
            "isalnum" => (_, _) => text.Length > 0 && text.All(char.IsLetterOrDigit),
            "isspace" => (_, _) => text.Length > 0 && text.All(char.IsWhiteSpace),
            "isupper" => (_, _) => text.Any(char.IsUpper) && !text.Any(char.IsLower),
            "islower" => (_, _) => text.Any(char.IsLower) && !text.Any(char.IsUpper),
            _ => null,
        };

    private static Func<RenderContext, Arguments, object?>? OfMap(Map map, string name) =>
        name switch
        {
            "get" => (_, a) =>
                (a.Need(0, "key"), a.Get(1, "default")) is (string key, var otherwise) && map.Items.TryGetValue(key, out var value)
                    ? value
                    : a.Get(1, "default"),
            "items" => (c, _) => Charged(c, map.Items.Count, () => Pairs(map)),
            "keys" => (c, _) => Charged(c, map.Items.Count, () => (List<object?>)[.. map.Items.Keys]),
            "values" => (c, _) => Charged(c, map.Items.Count, () => (List<object?>)[.. map.Items.Values]),
            "copy" => (_, _) => map,
            _ => null,
        };

    private static Func<RenderContext, Arguments, object?>? OfList(List<object?> list, string name) =>
        name switch
        {
            "index" => (c, a) =>
                list.FindIndex(item => Values.AreEqual(item, a.Need(0, "value"))) is var at and >= 0
                    ? (long)at
                    : throw c.Error("The list has no such item."),
            "count" => (c, a) => Charged(c, list.Count, () => (long)list.Count(item => Values.AreEqual(item, a.Need(0, "value")))),
            "copy" => (_, _) => list,
            _ => null,
        };

    public static List<object?> Pairs(Map map) => [.. map.Items.Select(pair => (object?)new TupleList([pair.Key, pair.Value]))];

    public static string Strip(string text, string? characters, bool left, bool right)
    {
        var set = characters?.ToCharArray();
        text = left ? text.TrimStart(set) : text;
        return right ? text.TrimEnd(set) : text;
    }

    public static string Replace(string text, string old, string with, long count, RenderContext context)
    {
        if (old.Length == 0)
        {
            throw context.Error("'replace' needs a text to look for.");
        }

        var result = new StringBuilder();
        var from = 0;
        for (
            var at = text.IndexOf(old, StringComparison.Ordinal);
            at >= 0 && count != 0;
            at = text.IndexOf(old, from, StringComparison.Ordinal), count--
        )
        {
            context.Charge(at - from + with.Length);
            result.Append(text, from, at - from).Append(with);
            from = at + old.Length;
        }

        context.Charge(text.Length - from);
        return result.Append(text, from, text.Length - from).ToString();
    }

    public static string Join(string separator, List<object?> items, RenderContext context)
    {
        var result = new StringBuilder();
        for (var i = 0; i < items.Count; i++)
        {
            var text = Values.Text(items[i]);
            context.Charge(separator.Length + text.Length);
            result.Append(i > 0 ? separator : "").Append(text);
        }

        return result.ToString();
    }

    public static string Capitalize(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant();

    public static string Title(string text)
    {
        var result = new StringBuilder(text.Length);
        var inside = false;
        foreach (var c in text)
        {
            result.Append(inside ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c));
            inside = char.IsLetter(c);
        }

        return result.ToString();
    }

    private static T Charged<T>(RenderContext context, long length, Func<T> make)
    {
        context.Charge(length);
        return make();
    }

    private static long Position(string text, int at) => at < 0 ? -1 : Members.Length(text[..at]);

    private static List<string> Affixes(Arguments arguments) =>
        arguments.Need(0, "prefix") switch
        {
            string text => [text],
            List<object?> list => [.. list.OfType<string>()],
            var other => throw arguments.Context.Error($"{arguments.Callee} needs a text or several, not {Values.TypeName(other)}."),
        };

    private static List<object?> SplitLines(string text, bool keep)
    {
        var lines = new List<object?>();
        for (var from = 0; from < text.Length; )
        {
            var at = text.AsSpan(from).IndexOfAny(s_lineEnds);
            var end = at < 0 ? text.Length : from + at;
            var next = at < 0 ? end : end + (text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n' ? 2 : 1);
            lines.Add(text[from..(keep ? next : end)]);
            from = next;
        }

        return lines;
    }

    private static List<object?> Split(string text, Arguments arguments, RenderContext context, bool fromEnd)
    {
        context.Charge(text.Length);
        var separator = arguments.Get(0, "sep") as string;
        var most = arguments.Int(1, "maxsplit", -1);
        most = most < 0 ? long.MaxValue : most;
        if (separator is { Length: 0 })
        {
            throw context.Error("'split' needs a separator that is not empty.");
        }

        if (separator is not null)
        {
            var all = text.Split(separator);
            if (all.Length - 1 <= most)
            {
                return [.. all];
            }

            var parts = (int)most;
            return fromEnd
                ? [string.Join(separator, all[..^parts]), .. all[^parts..]]
                : [.. all[..parts], string.Join(separator, all[parts..])];
        }

        if (most == long.MaxValue)
        {
            return [.. text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)];
        }

        return fromEnd
            ? throw context.Error("'rsplit' at white space with a limit is not implemented. Give a separator.")
            : SplitWords(text, most);
    }

    private static List<object?> SplitWords(string text, long most)
    {
        var words = new List<object?>();
        var rest = text.TrimStart();
        while (rest.Length > 0 && words.Count < most)
        {
            var end = 0;
            while (end < rest.Length && !char.IsWhiteSpace(rest[end]))
            {
                end++;
            }

            words.Add(rest[..end]);
            rest = rest[end..].TrimStart();
        }

        if (rest.Length > 0)
        {
            words.Add(rest);
        }

        return words;
    }
}
