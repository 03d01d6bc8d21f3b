using System.Globalization;
using System.Numerics;
using System.Text.Json;
using AgentLightning.Models.Generation.Grammars.Automata;

namespace AgentLightning.Models.Generation.Grammars;

/// <summary>The parts of a schema that become patterns: texts of a form, and numbers between bounds.</summary>
internal static class SchemaPatterns
{
    public static GrammarNode Text(JsonElement schema, string path)
    {
        string[] keys = [.. ((string[])["pattern", "format", "minLength", "maxLength"]).Where(key => schema.TryGetProperty(key, out _))];
        if (keys.Length > 1)
        {
            throw SchemaReader.Wrong(path, $"'{keys[0]}' beside '{keys[1]}' is not supported; put all of it into one 'pattern'");
        }

        var value = schema.GetProperty(keys[0]);
        var pattern =
            value.ValueKind != JsonValueKind.String
                ? throw SchemaReader.Wrong(path, $"'{keys[0]}' must be a text, but it is {value.GetRawText()}")
            : keys[0] == "pattern" ? value.GetString()!
            : TextFormats.PatternOf(value.GetString()!)
                ?? throw SchemaReader.Wrong(path, $"the format '{value.GetString()}' is not supported; there are {TextFormats.Known}");
        try
        {
            return Node(PatternParser.Parse(pattern), quoted: true, path, $"no text fits the {keys[0]} '{value.GetString()}'");
        }
        catch (FormatException e)
        {
            throw SchemaReader.Wrong(path, $"the {keys[0]} '{value.GetString()}' {e.Message}");
        }
    }

    public static GrammarNode Number(JsonElement schema, bool whole, string path)
    {
        var (low, high) = (
            Tighter(Of("minimum", false), Of("exclusiveMinimum", true), 1),
            Tighter(Of("maximum", false), Of("exclusiveMaximum", true), -1)
        );
        var piece = whole ? NumberPatterns.Whole(Ceiling(low), Floor(high)) : NumberPatterns.Decimal(low, high);
        return Node(piece, quoted: false, path, $"no number is from {Show(low)} to {Show(high)}");

        Bound? Of(string key, bool excluded) =>
            !schema.TryGetProperty(key, out var value) ? null
            : value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number) && Math.Abs(number) < 1_000_000_000_000_000m
                ? new Bound(number, excluded)
            : throw SchemaReader.Wrong(
                path,
                $"'{key}' must be a number of at most 15 digits before the point, but it is {value.GetRawText()}"
            );
    }

    private static GrammarNode Node(Piece piece, bool quoted, string path, string empty) =>
        Automaton.Of(new ByteGraph(piece, quoted)) is { } automaton ? new AutomatonNode(automaton) : throw SchemaReader.Wrong(path, empty);

    private static Bound? Tighter(Bound? one, Bound? excluded, int sign) =>
        one is { } a && excluded is { } b
            ? (b.Value - a.Value) * sign >= 0
                ? b
                : a
            : one ?? excluded;

    private static BigInteger? Ceiling(Bound? low) =>
        low is { } bound ? new BigInteger(decimal.Ceiling(bound.Value)) + (bound.Excluded && decimal.IsInteger(bound.Value) ? 1 : 0) : null;

    private static BigInteger? Floor(Bound? high) =>
        high is { } bound ? new BigInteger(decimal.Floor(bound.Value)) - (bound.Excluded && decimal.IsInteger(bound.Value) ? 1 : 0) : null;

    private static string Show(Bound? bound) =>
        bound is { } given ? string.Create(CultureInfo.InvariantCulture, $"{given.Value}{(given.Excluded ? " (without it)" : "")}") : "any";
}
