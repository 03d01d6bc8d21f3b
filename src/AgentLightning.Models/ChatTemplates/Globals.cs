using System.Globalization;
using System.Text;

namespace AgentLightning.Models.ChatTemplates;

/// <summary>The functions that every template can call.</summary>
internal static class Globals
{
    private const long LongestRange = 100_000;

    public static IReadOnlyList<Function> All { get; } =
    [
        new("raise_exception", (context, a) => throw new ChatTemplateException(context.Line, a.Text(0, "message"), refused: true)),
        new("strftime_now", (context, a) => Date(context.Clock.GetLocalNow(), a.Text(0, "format"), context)),
        new("namespace", (_, a) => Fill(new Namespace(), a, (space, name, value) => space.Items[name] = value)),
        new("dict", (_, a) => Fill(new Map(), a, (map, name, value) => map.Items[name] = value)),
        new("range", Range),
    ];

    private static T Fill<T>(T target, Arguments arguments, Action<T, string, object?> set)
    {
        foreach (var value in arguments.Values)
        {
            if (value is not Map map)
            {
                throw arguments.Context.Error($"{arguments.Callee} takes values by name, or an object.");
            }

            foreach (var (name, item) in map.Items)
            {
                set(target, name, item);
            }
        }

        foreach (var (name, value) in arguments.Named)
        {
            set(target, name, value);
        }

        return target;
    }

    private static object? Range(RenderContext context, Arguments arguments)
    {
        var first = arguments.Int(0, "start");
        long start = 0,
            stop = first,
            step = 1;
        if (arguments.Values.Count > 1)
        {
            (start, stop, step) = (first, arguments.Int(1, "stop"), arguments.Int(2, "step", 1));
        }

        arguments.Done();
        var count =
            step == 0 ? throw context.Error("'range' cannot have steps of 0.") : ((Int128)stop - start + step - Math.Sign(step)) / step;
        if (count > LongestRange)
        {
            throw context.Error($"'range' has {count} numbers; templates may have {LongestRange}.");
        }

        var numbers = new List<object?>();
        for (var i = 0; i < (int)Int128.Max(count, 0); i++)
        {
            numbers.Add(start + (i * step));
        }

        context.Charge(numbers.Count);
        return numbers;
    }

    private static string Date(DateTimeOffset now, string format, RenderContext context)
    {
        var result = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                result.Append(format[i]);
                continue;
            }

            var bare = format[i + 1] == '-' && i + 2 < format.Length;
            i += bare ? 2 : 1;
            var text = format[i] switch
            {
                'd' => now.ToString("dd", CultureInfo.InvariantCulture),
                'e' => now.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
                'm' => now.ToString("MM", CultureInfo.InvariantCulture),
                'Y' => now.ToString("yyyy", CultureInfo.InvariantCulture),
                'y' => now.ToString("yy", CultureInfo.InvariantCulture),
                'B' => now.ToString("MMMM", CultureInfo.InvariantCulture),
                'b' or 'h' => now.ToString("MMM", CultureInfo.InvariantCulture),
                'A' => now.ToString("dddd", CultureInfo.InvariantCulture),
                'a' => now.ToString("ddd", CultureInfo.InvariantCulture),
                'H' => now.ToString("HH", CultureInfo.InvariantCulture),
                'I' => now.ToString("hh", CultureInfo.InvariantCulture),
                'M' => now.ToString("mm", CultureInfo.InvariantCulture),
                'S' => now.ToString("ss", CultureInfo.InvariantCulture),
                'f' => now.ToString("ffffff", CultureInfo.InvariantCulture),
                'p' => now.ToString("tt", CultureInfo.InvariantCulture),
                'j' => now.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
                'F' => now.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                'T' => now.ToString("HH:mm:ss", CultureInfo.InvariantCulture),
                'D' => now.ToString("MM/dd/yy", CultureInfo.InvariantCulture),
                'n' => "\n",
                't' => "\t",
                '%' => "%",
                _ => throw context.Error($"'strftime_now' does not know '%{format[i]}'."),
            };
            result.Append(
                bare
                    ? text.TrimStart('0', ' ') is { Length: > 0 } trimmed
                        ? trimmed
                        : "0"
                    : text
            );
        }

        return result.ToString();
    }
}
