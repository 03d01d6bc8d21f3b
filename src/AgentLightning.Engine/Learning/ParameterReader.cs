using System.Globalization;
using AgentLightning.Common;

namespace AgentLightning.Engine.Learning;

/// <summary>Reads hyper-parameters by their names, and gathers everything that is wrong with them.</summary>
internal sealed class ParameterReader(IReadOnlyDictionary<string, string> given)
{
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly List<string> _mistakes = [];

    public bool Has(string name)
    {
        _known.Add(name);
        return given.ContainsKey(name);
    }

    public int Whole(string name, int otherwise, int least, int most)
    {
        if (!Has(name))
        {
            return otherwise;
        }

        if (
            int.TryParse(given[name], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            && value >= least
            && value <= most
        )
        {
            return value;
        }

        Wrong(name, $"a whole number from {Text(least)} to {Text(most)}");
        return otherwise;
    }

    public long Seed()
    {
        if (!Has("seed"))
        {
            return 1;
        }

        if (long.TryParse(given["seed"], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value))
        {
            return value;
        }

        Wrong("seed", "a whole number");
        return 1;
    }

    /// <param name="least">Where <paramref name="above"/>, it must be above that.</param>
    public double Number(string name, double otherwise, double least, double most, bool above = false)
    {
        if (!Has(name))
        {
            return otherwise;
        }

        if (
            double.TryParse(given[name], NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            && value <= most
            && (above ? value > least : value >= least)
        )
        {
            return value;
        }

        Wrong(name, above ? $"a number above {Text(least)} and at most {Text(most)}" : $"a number from {Text(least)} to {Text(most)}");
        return otherwise;
    }

    public bool Flag(string name)
    {
        if (!Has(name))
        {
            return false;
        }

        if (given[name] is "true" or "false")
        {
            return given[name] == "true";
        }

        Wrong(name, "true or false");
        return false;
    }

    public string Word(string name, string otherwise, IReadOnlyCollection<string> words)
    {
        if (!Has(name))
        {
            return otherwise;
        }

        if (words.Contains(given[name]))
        {
            return given[name];
        }

        Wrong(name, $"one of {string.Join(", ", words)}");
        return otherwise;
    }

    /// <summary>A text that is read elsewhere; null where it is not given.</summary>
    public string? Given(string name) => Has(name) ? given[name] : null;

    public void Add(string mistake) => _mistakes.Add(mistake);

    /// <summary>Everything that is wrong; what nobody asked for is too.</summary>
    /// <param name="method">As the messages name it.</param>
    public IReadOnlyList<string> Mistakes(string method) =>
        [
            .. _mistakes,
            .. given
                .Keys.Where(name => !_known.Contains(name))
                .Order(StringComparer.Ordinal)
                .Select(name =>
                    $"There is no hyper-parameter '{name}' for {method}.{NearNames.Hint(name, _known)} There are: "
                    + $"{string.Join(", ", _known.Order(StringComparer.Ordinal))}."
                ),
        ];

    private void Wrong(string name, string rule)
    {
        var seen = given[name].Length > 60 ? given[name][..60] + "…" : given[name];
        _mistakes.Add($"The hyper-parameter '{name}' must be {rule}, but it is '{seen}'.");
    }

    private static string Text(double value) => value.ToString("0.######", CultureInfo.InvariantCulture);
}
