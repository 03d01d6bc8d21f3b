using System.Globalization;

namespace AgentLightning.Models.ChatTemplates;

/// <summary>Keys, items and slices of values.</summary>
internal static class Members
{
    public static object? Get(object? owner, object? key, bool dotted, RenderContext context)
    {
        if (owner is Undefined undefined)
        {
            throw context.Error(
                $"'{undefined.Name}' is not defined, so that it has no '{Values.Text(key)}'. Test it with 'is defined' first."
            );
        }

        if (key is long index && owner is string or List<object?>)
        {
            return At(owner, index, context);
        }

        var name =
            key as string
            ?? (
                key is long number
                    ? number.ToString(CultureInfo.InvariantCulture)
                    : throw context.Error($"{Values.TypeName(owner)} has no key that is {Values.TypeName(key)}.")
            );
        if (dotted && Methods.Find(owner, name) is { } method)
        {
            return method;
        }

        var found = owner switch
        {
            Map map => map.Items.TryGetValue(name, out var value) ? value : new Undefined(name),
            Namespace space => space.Items.TryGetValue(name, out var value) ? value : new Undefined(name),
            _ => new Undefined(name),
        };
        return found is Undefined && !dotted && Methods.Find(owner, name) is { } late ? late : found;
    }

    /// <summary>What a loop goes through: items, keys of an object, characters of a text.</summary>
    public static List<object?> Items(object? value, RenderContext context)
    {
        List<object?> items = value switch
        {
            List<object?> list => list,
            Map map => [.. map.Items.Keys],
            string text => [.. Characters(text)],
            Undefined => [],
            _ => throw context.Error($"{Values.TypeName(value)} cannot be gone through item by item."),
        };
        context.Charge(items.Count);
        return items;
    }

    public static object? Slice(object? owner, long? start, long? stop, long step, RenderContext context)
    {
        if (step == 0)
        {
            throw context.Error("A slice cannot have steps of 0.");
        }

        if (owner is not (string or List<object?> or Undefined))
        {
            throw context.Error($"{Values.TypeName(owner)} has no slices.");
        }

        var items = Items(owner, context);
        long count = items.Count;
        var from = Clamp(start ?? (step > 0 ? 0 : long.MaxValue), count, step);
        var to = stop is null && step < 0 ? -1 : Clamp(stop ?? long.MaxValue, count, step);
        var result = new List<object?>();
        for (var i = from; step > 0 ? i < to : i > to; i += step)
        {
            result.Add(items[(int)i]);
            if (step > 0 ? step >= to - i : step <= to - i)
            {
                break;
            }
        }

        return owner is string ? string.Concat(result.Select(item => (string)item!))
            : owner is TupleList ? new TupleList(result)
            : result;
    }

    /// <summary>Characters as Python counts them: by code point.</summary>
    public static IEnumerable<string> Characters(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var size = char.IsSurrogatePair(text, i) ? 2 : 1;
            yield return text.Substring(i, size);
            i += size - 1;
        }
    }

    public static long Length(string text)
    {
        long count = text.Length;
        for (var i = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDBFF'); i >= 0 && i + 1 < text.Length; i++)
        {
            count -= char.IsSurrogatePair(text[i], text[i + 1]) ? 1 : 0;
        }

        return count;
    }

    private static long Clamp(long bound, long count, long step)
    {
        var at = bound < 0 ? bound + count : bound;
        return step > 0 ? Math.Clamp(at, 0, count) : Math.Clamp(at, -1, count - 1);
    }

    private static object? At(object? owner, long index, RenderContext context)
    {
        var items = Items(owner, context);
        var at = index < 0 ? index + items.Count : index;
        return at >= 0 && at < items.Count ? items[(int)at] : new Undefined($"item {index}");
    }
}
