using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace AgentLightning.Cli.Input;

/// <summary>
/// Makes every number of a command line be read in one form, whatever the machine's language: digits with a point, nothing between
/// thousands. A comma is an error and never guessed at: one reads 0,1 as a tenth, another as a thousands separator and so as 1.
/// </summary>
internal static partial class InvariantNumbers
{
    /// <summary>Gives the numeric options of a command, and of all below it, this form.</summary>
    public static void Apply(Command command)
    {
        foreach (var option in command.Options)
        {
            Apply(option);
        }

        foreach (var child in command.Subcommands)
        {
            Apply(child);
        }
    }

    private static void Apply(Option option)
    {
        switch (option)
        {
            case Option<int> number:
                number.CustomParser = Required<int>;
                break;
            case Option<int?> number:
                number.CustomParser = Optional<int>;
                break;
            case Option<long> number:
                number.CustomParser = Required<long>;
                break;
            case Option<long?> number:
                number.CustomParser = Optional<long>;
                break;
            case Option<float> number:
                number.CustomParser = Required<float>;
                break;
            case Option<float?> number:
                number.CustomParser = Optional<float>;
                break;
            case Option<double> number:
                number.CustomParser = Required<double>;
                break;
            case Option<double?> number:
                number.CustomParser = Optional<double>;
                break;
            case Option<double[]> numbers:
                numbers.CustomParser = Each<double>;
                break;
        }
    }

    private static T Required<T>(ArgumentResult result)
        where T : struct, INumber<T>, IMinMaxValue<T> => Optional<T>(result).GetValueOrDefault();

    private static T? Optional<T>(ArgumentResult result)
        where T : struct, INumber<T>, IMinMaxValue<T> => result.Tokens is [{ Value: var text }] ? Read<T>(result, text) : null;

    private static T[] Each<T>(ArgumentResult result)
        where T : struct, INumber<T>, IMinMaxValue<T> =>
        [.. result.Tokens.Select(token => Read<T>(result, token.Value).GetValueOrDefault())];

    private static T? Read<T>(ArgumentResult result, string text)
        where T : struct, INumber<T>, IMinMaxValue<T>
    {
        if (T.TryParse(text, StyleOf<T>(), CultureInfo.InvariantCulture, out var value) && T.IsFinite(value))
        {
            return value;
        }

        var name = (result.Parent as OptionResult)?.Option.Name ?? result.Argument.Name;
        result.AddError($"{name} must be {Expected<T>()}, but it is '{text}'{Advice<T>(text)}.");
        return null;
    }

    private static bool IsWhole<T>()
        where T : struct, INumber<T> => T.One / (T.One + T.One) == T.Zero;

    private static NumberStyles StyleOf<T>()
        where T : struct, INumber<T> =>
        IsWhole<T>()
            ? NumberStyles.AllowLeadingSign
            : NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    private static string Expected<T>()
        where T : struct, INumber<T>, IMinMaxValue<T> =>
        IsWhole<T>()
            ? string.Create(CultureInfo.InvariantCulture, $"a whole number from {T.MinValue} to {T.MaxValue}")
            : "a number such as 0.1";

    /// <summary>How to write what was probably meant; empty where that cannot be told.</summary>
    private static string Advice<T>(string text)
        where T : struct, INumber<T>
    {
        var (point, joined) = (text.Replace(',', '.'), text.Replace(",", "", StringComparison.Ordinal));
        var thousands = Thousands().IsMatch(text) && T.TryParse(joined, StyleOf<T>(), CultureInfo.InvariantCulture, out _);
        var part = !IsWhole<T>() && Part().IsMatch(text) && T.TryParse(point, StyleOf<T>(), CultureInfo.InvariantCulture, out _);
        return (part, thousands) switch
        {
            (true, true) => $": write {point} where the comma is a decimal point, {joined} where it stands between thousands",
            (true, false) => $": write {point}, with a point",
            (false, true) => $": write {joined}, without a comma",
            _ => "",
        };
    }

    [GeneratedRegex(@"^[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?$")]
    private static partial Regex Thousands();

    [GeneratedRegex("^[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?$")]
    private static partial Regex Part();
}
