using System.Globalization;

namespace AgentLightning.Models.Environments.Graders;

/// <summary>
/// Arithmetic over named numbers: <c>+ - * / ^</c>, brackets, <c>min max abs floor ceil exp sqrt log</c>. A power binds tighter than a sign
/// before it and groups to the right. It is read once, and then has no errors but results that are not finite.
/// </summary>
internal sealed class Formula
{
    private const int MostDepth = 64;
    private static readonly Dictionary<string, Func<double, double>> s_functions = new(StringComparer.Ordinal)
    {
        ["abs"] = Math.Abs,
        ["floor"] = Math.Floor,
        ["ceil"] = Math.Ceiling,
        ["exp"] = Math.Exp,
        ["sqrt"] = Math.Sqrt,
        ["log"] = Math.Log,
    };

    private readonly string _text;
    private readonly HashSet<string> _names;
    private readonly Func<IReadOnlyDictionary<string, double>, double> _evaluate;
    private int _at,
        _depth;

    /// <exception cref="ArgumentException">It is not a formula over these names; the message has the place.</exception>
    public Formula(string text, IEnumerable<string> names)
    {
        (_text, _names) = (text, new HashSet<string>(names, StringComparer.Ordinal));
        _evaluate = Sum();
        if (Peek() != '\0')
        {
            throw Error("the end");
        }
    }

    public double Evaluate(IReadOnlyDictionary<string, double> values) => _evaluate(values);

    private Func<IReadOnlyDictionary<string, double>, double> Sum()
    {
        var left = Product();
        while (Peek() is '+' or '-')
        {
            var (before, plus) = (left, _text[_at++] == '+');
            var right = Product();
            left = plus ? values => before(values) + right(values) : values => before(values) - right(values);
        }

        return left;
    }

    private Func<IReadOnlyDictionary<string, double>, double> Product()
    {
        var left = Signed();
        while (Peek() is '*' or '/')
        {
            var (before, times) = (left, _text[_at++] == '*');
            var right = Signed();
            left = times ? values => before(values) * right(values) : values => before(values) / right(values);
        }

        return left;
    }

    private Func<IReadOnlyDictionary<string, double>, double> Signed()
    {
        if (++_depth > MostDepth)
        {
            throw Error($"at most {MostDepth} levels");
        }

        Func<IReadOnlyDictionary<string, double>, double> result;
        if (Take('-'))
        {
            var inner = Signed();
            result = values => -inner(values);
        }
        else
        {
            result = Power();
        }

        _depth--;
        return result;
    }

    private Func<IReadOnlyDictionary<string, double>, double> Power()
    {
        var @base = Atom();
        if (!Take('^'))
        {
            return @base;
        }

        var exponent = Signed();
        return values => Math.Pow(@base(values), exponent(values));
    }

    private Func<IReadOnlyDictionary<string, double>, double> Atom()
    {
        if (Take('('))
        {
            var inner = Sum();
            Expect(')');
            return inner;
        }

        var start = SkipSpaces();
        while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] is '_' or '.'))
        {
            _at++;
        }

        var word = _text[start.._at];
        if (
            double.TryParse(word, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var number)
            && char.IsAsciiDigit(word.Replace(".", "", StringComparison.Ordinal)[0])
        )
        {
            return _ => number;
        }

        if (word is "min" or "max" && Peek() == '(')
        {
            return Extreme(word == "max");
        }

        if (s_functions.TryGetValue(word, out var function) && Take('('))
        {
            var inner = Sum();
            Expect(')');
            return values => function(inner(values));
        }

        return _names.Contains(word)
            ? values => values[word]
            : throw Error($"a number, a bracket, or one of {string.Join(", ", _names)}", start);
    }

    private Func<IReadOnlyDictionary<string, double>, double> Extreme(bool largest)
    {
        Expect('(');
        var parts = new List<Func<IReadOnlyDictionary<string, double>, double>> { Sum() };
        while (Take(','))
        {
            parts.Add(Sum());
        }

        Expect(')');
        return largest ? values => parts.Max(part => part(values)) : values => parts.Min(part => part(values));
    }

    private char Peek() => SkipSpaces() < _text.Length ? _text[_at] : '\0';

    private bool Take(char sign)
    {
        if (Peek() != sign)
        {
            return false;
        }

        _at++;
        return true;
    }

    private void Expect(char sign)
    {
        if (!Take(sign))
        {
            throw Error($"'{sign}'");
        }
    }

    private int SkipSpaces()
    {
        while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
        {
            _at++;
        }

        return _at;
    }

    private ArgumentException Error(string expected, int? at = null) =>
        new($"The formula '{_text}' should have {expected} at character {(at ?? _at) + 1}.");
}
