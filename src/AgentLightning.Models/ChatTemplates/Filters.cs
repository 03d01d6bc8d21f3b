using System.Globalization;

namespace AgentLightning.Models.ChatTemplates;

/// <summary>What can stand after "|".</summary>
internal static class Filters
{
    private static readonly Dictionary<string, Func<object?, Arguments, object?>> s_filters = new(StringComparer.Ordinal)
    {
        ["tojson"] = Json,
        ["string"] = (value, _) => Values.Text(value),
        ["safe"] = (value, _) => value,
        ["trim"] = (value, a) => Methods.Strip(Text(value, a), a.Get(0, "chars") as string, true, true),
        ["upper"] = (value, a) => Text(value, a).ToUpperInvariant(),
        ["lower"] = (value, a) => Text(value, a).ToLowerInvariant(),
        ["title"] = (value, a) => Methods.Title(Text(value, a)),
        ["capitalize"] = (value, a) => Methods.Capitalize(Text(value, a)),
        ["replace"] = (value, a) => Methods.Replace(Text(value, a), a.Text(0, "old"), a.Text(1, "new"), a.Int(2, "count", -1), a.Context),
        ["indent"] = Indent,
        ["length"] = Length,
        ["count"] = Length,
        ["default"] = Default,
        ["d"] = Default,
        ["first"] = (value, a) =>
            Members.Items(value, a.Context) is { Count: > 0 } items ? items[0] : new Undefined("the first of nothing"),
        ["last"] = (value, a) => Members.Items(value, a.Context) is { Count: > 0 } items ? items[^1] : new Undefined("the last of nothing"),
        ["list"] = (value, a) => (List<object?>)[.. Members.Items(value, a.Context)],
        ["items"] = (value, a) =>
            value is Undefined ? new List<object?>()
            : value is Map map ? Methods.Pairs(map)
            : throw Wrong(value, a),
        ["dictsort"] = (value, a) =>
            value is Map map
                ? Methods.Pairs(map).OrderBy(pair => ((List<object?>)pair!)[0] as string, StringComparer.OrdinalIgnoreCase).ToList()
                : throw Wrong(value, a),
        ["join"] = Join,
        ["reverse"] = (value, a) => Members.Slice(value, null, null, -1, a.Context),
        ["sort"] = Sort,
        ["unique"] = Unique,
        ["map"] = Each,
        ["select"] = (value, a) => Select(value, a, attribute: false, keep: true),
        ["reject"] = (value, a) => Select(value, a, attribute: false, keep: false),
        ["selectattr"] = (value, a) => Select(value, a, attribute: true, keep: true),
        ["rejectattr"] = (value, a) => Select(value, a, attribute: true, keep: false),
        ["sum"] = (value, a) =>
            Members
                .Items(value, a.Context)
                .Aggregate((object?)0L, (total, item) =>
                    Operators.Calculate("+", total, Attribute(item, a.Get(0, "attribute"), a.Context), a.Context)
                ),
        ["min"] = (value, a) => Sorted(value, a).FirstOrDefault(new Undefined("the least of nothing")),
        ["max"] = (value, a) => Sorted(value, a).LastOrDefault(new Undefined("the greatest of nothing")),
        ["abs"] = (value, a) =>
            Values.Number(value) switch
            {
                long n => (object)Math.Abs(n),
                double d => Math.Abs(d),
                _ => throw Wrong(value, a),
            },
        ["int"] = (value, a) => ToInt(value) ?? a.Get(0, "default", 0L),
        ["float"] = (value, a) => ToFloat(value) ?? a.Get(0, "default", 0.0),
        ["round"] = Round,
    };

    public static string Known => string.Join(", ", s_filters.Keys);

    public static Func<object?, Arguments, object?>? Find(string name)
    {
        if (!s_filters.TryGetValue(name, out var filter))
        {
            return null;
        }

        return (value, arguments) =>
        {
            if (value is string text)
            {
                arguments.Context.Charge(text.Length);
            }

            var result = filter(value, arguments);
            // These hand their values on to another filter or test, which asks for them.
            if (name is not ("map" or "select" or "reject" or "selectattr" or "rejectattr"))
            {
                arguments.Done();
            }

            return result;
        };
    }

    private static string Json(object? value, Arguments arguments)
    {
        var indent = arguments.Get(1, "indent") ?? (arguments.Values.Count > 0 ? arguments.Values[0] : null);
        var separators = arguments.Get(2, "separators") as List<object?>;
        var style = new JsonText.Style(
            indent is long width ? (int)Math.Clamp(width, 0, 16) : null,
            Values.IsTrue(arguments.Get(3, "ensure_ascii", false)),
            Values.IsTrue(arguments.Get(4, "sort_keys", false)),
            separators is [string comma, string] ? comma
                : indent is long ? ","
                : ", ",
            separators is [string, string colon] ? colon : ": "
        );
        var json = value is Undefined undefined
            ? throw arguments.Context.Error($"'{undefined.Name}' is not defined, and cannot be written as JSON.")
            : JsonText.Write(value, style);
        arguments.Context.Charge(json.Length);
        return json;
    }

    private static string Indent(object? value, Arguments arguments)
    {
        var prefix = arguments.Get(0, "width", 4L) switch
        {
            long width => new string(' ', (int)Math.Clamp(width, 0, 1_000)),
            string given => given,
            _ => throw Wrong(value, arguments),
        };
        bool first = Values.IsTrue(arguments.Get(1, "first", false)),
            blank = Values.IsTrue(arguments.Get(2, "blank", false));
        var lines = Text(value, arguments).Split('\n');
        arguments.Context.Charge((long)lines.Length * prefix.Length);
        return string.Join('\n', lines.Select((line, i) => (i == 0 ? first : blank || line.Length > 0) ? prefix + line : line));
    }

    private static object? Length(object? value, Arguments arguments) =>
        value switch
        {
            string text => Members.Length(text),
            List<object?> list => (long)list.Count,
            Map map => (long)map.Items.Count,
            Undefined => 0L,
            _ => throw Wrong(value, arguments),
        };

    private static object? Default(object? value, Arguments arguments)
    {
        var otherwise = arguments.Get(0, "default_value", "");
        return value is Undefined || (Values.IsTrue(arguments.Get(1, "boolean", false)) && !Values.IsTrue(value)) ? otherwise : value;
    }

    private static string Join(object? value, Arguments arguments)
    {
        var separator = Values.Text(arguments.Get(0, "d", ""));
        var attribute = arguments.Get(1, "attribute");
        return Methods.Join(
            separator,
            Members.Items(value, arguments.Context).ConvertAll(item => Attribute(item, attribute, arguments.Context)),
            arguments.Context
        );
    }

    private static List<object?> Sort(object? value, Arguments arguments)
    {
        var reverse = Values.IsTrue(arguments.Get(0, "reverse", false));
        var cased = Values.IsTrue(arguments.Get(1, "case_sensitive", false));
        var attribute = arguments.Get(2, "attribute");
        return Sorted(value, arguments, attribute, cased, reverse);
    }

    private static List<object?> Sorted(object? value, Arguments arguments) =>
        Sorted(value, arguments, arguments.Get(1, "attribute"), Values.IsTrue(arguments.Get(0, "case_sensitive", false)), reverse: false);

    private static List<object?> Sorted(object? value, Arguments arguments, object? attribute, bool cased, bool reverse)
    {
        var items = Members.Items(value, arguments.Context);
        arguments.Context.Step(items.Count * 16);
        object? Key(object? item) =>
            Attribute(item, attribute, arguments.Context) is string text && !cased
                ? text.ToLowerInvariant()
                : Attribute(item, attribute, arguments.Context);
        var order = Comparer<object?>.Create(
            (a, b) =>
                Values.AreEqual(a, b) ? 0
                : Operators.Compare("<", a, b, arguments.Context) ? -1
                : 1
        );
        return [.. reverse ? items.OrderByDescending(Key, order) : items.OrderBy(Key, order)];
    }

    private static List<object?> Unique(object? value, Arguments arguments)
    {
        var cased = Values.IsTrue(arguments.Get(0, "case_sensitive", false));
        var attribute = arguments.Get(1, "attribute");
        var kept = new List<object?>();
        var keys = new List<object?>();
        foreach (var item in Members.Items(value, arguments.Context))
        {
            var key = Attribute(item, attribute, arguments.Context);
            key = key is string text && !cased ? text.ToLowerInvariant() : key;
            arguments.Context.Step(keys.Count);
            if (!keys.Exists(one => Values.AreEqual(one, key)))
            {
                keys.Add(key);
                kept.Add(item);
            }
        }

        return kept;
    }

    private static List<object?> Each(object? value, Arguments arguments)
    {
        var items = Members.Items(value, arguments.Context);
        arguments.Context.Step(items.Count);
        if (arguments.Named.TryGetValue("attribute", out var attribute))
        {
            return items.ConvertAll(item =>
                Attribute(item, attribute, arguments.Context) is var found
                && found is Undefined
                && arguments.Named.TryGetValue("default", out var otherwise)
                    ? otherwise
                    : found
            );
        }

        var name = arguments.Text(0, "filter");
        var filter = Find(name) ?? throw arguments.Context.Error($"The filter '{name}' is not implemented. Implemented are: {Known}.");
        return items.ConvertAll(item => filter(item, Rest(arguments, 1)));
    }

    private static List<object?> Select(object? value, Arguments arguments, bool attribute, bool keep)
    {
        var items = Members.Items(value, arguments.Context);
        arguments.Context.Step(items.Count);
        var at = attribute ? 1 : 0;
        var key = attribute ? arguments.Need(0, "attribute") : null;
        var name = arguments.Values.Count > at ? arguments.Text(at, "test") : null;
        var test = name is null
            ? (item, _) => Values.IsTrue(item)
            : Tests.Find(name) ?? throw arguments.Context.Error($"The test '{name}' is not implemented. Implemented are: {Tests.Known}.");
        return items.FindAll(item => test(Attribute(item, key, arguments.Context), Rest(arguments, at + 1)) == keep);
    }

    private static Arguments Rest(Arguments arguments, int from) =>
        new(arguments.Callee, [.. arguments.Values.Skip(from)], arguments.Named.ToDictionary(StringComparer.Ordinal), arguments.Context);

    private static object? Attribute(object? item, object? attribute, RenderContext context)
    {
        if (attribute is string path)
        {
            foreach (var part in path.Split('.'))
            {
                item =
                    item is Undefined
                        ? item
                        : Members.Get(
                            item,
                            long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : part,
                            dotted: false,
                            context
                        );
            }

            return item;
        }

        return attribute is null ? item : Members.Get(item, attribute, dotted: false, context);
    }

    private static object? ToInt(object? value) =>
        value switch
        {
            string text when long.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) =>
                whole,
            string text when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => Whole(number),
            _ => Values.Number(value) switch
            {
                long n => n,
                double d => Whole(d),
                _ => null,
            },
        };

    private static object? Whole(double number) => Math.Abs(number) < 9e18 ? (long)number : null;

    private static object? ToFloat(object? value) =>
        value switch
        {
            string text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null,
            _ => Values.Number(value) switch
            {
                long n => (double)n,
                double d => d,
                _ => null,
            },
        };

    private static object? Round(object? value, Arguments arguments)
    {
        var digits = (int)Math.Clamp(arguments.Int(0, "precision", 0), -15, 15);
        var method = arguments.Text(1, "method", "common");
        var number = ToFloat(Values.Number(value) is null ? throw Wrong(value, arguments) : value) is double d ? d : 0;
        var scale = Math.Pow(10, digits);
        return method switch
        {
            "common" => digits >= 0
                ? Math.Round(number, digits, MidpointRounding.ToEven)
                : Math.Round(number * scale, MidpointRounding.ToEven) / scale,
            "ceil" => Math.Ceiling(number * scale) / scale,
            "floor" => Math.Floor(number * scale) / scale,
            _ => throw arguments.Context.Error($"'round' knows common, ceil and floor, not '{method}'."),
        };
    }

    private static string Text(object? value, Arguments arguments) =>
        value switch
        {
            string text => text,
            List<object?> or Map or Function or Namespace => throw Wrong(value, arguments),
            _ => Values.Text(value),
        };

    private static ChatTemplateException Wrong(object? value, Arguments arguments) =>
        arguments.Context.Error($"{arguments.Callee} cannot be used on {Values.TypeName(value)}.");
}
