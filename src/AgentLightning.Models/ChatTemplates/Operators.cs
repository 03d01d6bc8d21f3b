using System.Globalization;
using System.Text;

namespace AgentLightning.Models.ChatTemplates;

/// <summary>What operators do, as in Python.</summary>
internal static class Operators
{
    public static bool Compare(string op, object? left, object? right, RenderContext context)
    {
        switch (op)
        {
            case "==":
                return Values.AreEqual(left, right);
            case "!=":
                return !Values.AreEqual(left, right);
            case "in":
                return Contains(right, left, context);
            case "not in":
                return !Contains(right, left, context);
        }

        var order = (left, right) switch
        {
            (string x, string y) => string.CompareOrdinal(x, y),
            _ when Values.Number(left) is { } x && Values.Number(right) is { } y => x is long m && y is long n
                ? m.CompareTo(n)
                : Double(x).CompareTo(Double(y)),
            _ => throw context.Error($"{Values.TypeName(left)} and {Values.TypeName(right)} cannot be compared by '{op}'."),
        };
        return op switch
        {
            "<" => order < 0,
            "<=" => order <= 0,
            ">" => order > 0,
            _ => order >= 0,
        };
    }

    public static bool Contains(object? container, object? item, RenderContext context)
    {
        context.Step(container is List<object?> { Count: var count } ? count : 1);
        return container switch
        {
            string text => item is string part
                ? text.Contains(part, StringComparison.Ordinal)
                : throw context.Error($"A text cannot contain {Values.TypeName(item)}."),
            List<object?> list => list.Exists(one => Values.AreEqual(one, item)),
            Map map => item is string key && map.Items.ContainsKey(key),
            Namespace space => item is string key && space.Items.ContainsKey(key),
            Undefined => false,
            _ => throw context.Error($"'in' cannot look into {Values.TypeName(container)}."),
        };
    }

    public static object? Calculate(string op, object? left, object? right, RenderContext context)
    {
        if (op == "~")
        {
            return Join(Values.Text(left), Values.Text(right), context);
        }

        if (op == "%" && left is string)
        {
            throw context.Error("Formatting text by '%' is not implemented. Join the parts by '~'.");
        }

        switch (op, left, right)
        {
            case ("+", string x, string y):
                return Join(x, y, context);
            case ("+", List<object?> x, List<object?> y) when x.GetType() == y.GetType():
                context.Charge(x.Count + y.Count);
                return x is TupleList ? new TupleList([.. x, .. y]) : (List<object?>)[.. x, .. y];
            case ("*", string text, long times):
                return Repeat(text, times, context);
            case ("*", long times, string text):
                return Repeat(text, times, context);
        }

        if (Values.Number(left) is not { } a || Values.Number(right) is not { } b)
        {
            throw context.Error($"'{op}' cannot be used on {Values.TypeName(left)} and {Values.TypeName(right)}.");
        }

        try
        {
            return a is long m && b is long n && op != "/" && (op != "**" || n >= 0)
                ? Whole(op, m, n)
                : Fraction(op, Double(a), Double(b), context);
        }
        catch (Exception e) when (e is OverflowException or DivideByZeroException)
        {
            throw context.Error($"{Values.Text(left)} {op} {Values.Text(right)} has no result that can be held.");
        }
    }

    private static object? Whole(string op, long a, long b) =>
        op switch
        {
            "+" => checked(a + b),
            "-" => checked(a - b),
            "*" => checked(a * b),
            "//" => checked(a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0)),
            "%" => b is -1 ? 0L : (a % b) + (a % b != 0 && (a < 0) != (b < 0) ? b : 0),
            _ => Power(a, b),
        };

    private static long Power(long a, long b)
    {
        long result = 1;
        for (var i = 0L; i < b && a is not (0 or 1); i++)
        {
            result = a == -1 ? (b % 2 == 0 ? 1 : -1) : checked(result * a);
            if (a == -1)
            {
                return result;
            }
        }

        return b == 0 ? 1
            : a is 0 or 1 ? a
            : result;
    }

    private static object? Fraction(string op, double a, double b, RenderContext context) =>
        op switch
        {
            "+" => a + b,
            "-" => a - b,
            "*" => a * b,
            "**" => Math.Pow(a, b),
            _ when b == 0 => throw context.Error($"{Values.Float(a)} {op} 0 has no result."),
            "/" => a / b,
            "//" => Math.Floor(a / b),
            _ => a - (b * Math.Floor(a / b)),
        };

    private static string Join(string a, string b, RenderContext context)
    {
        context.Charge(a.Length + b.Length);
        return a + b;
    }

    private static string Repeat(string text, long times, RenderContext context)
    {
        if (times <= 0 || text.Length == 0)
        {
            return "";
        }

        context.Charge(times > RenderContext.MostCharacters ? RenderContext.MostCharacters + 1L : times * text.Length);
        return new StringBuilder().Insert(0, text, (int)times).ToString();
    }

    private static double Double(object number) => Convert.ToDouble(number, CultureInfo.InvariantCulture);
}
